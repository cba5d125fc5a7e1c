"""Where in a picture a class can be seen: what changes when the same picture is drawn with another class instead.

Only datasets that draw have this; of handwriting nobody knows.
"""

import numpy as np

from explorer.core.errors import DataError
from explorer.data.dataset import Dataset

__all__ = ["column_of", "location"]

TOLERANCE = 24  # grey levels; less is the edge of something that was drawn a little differently


def column_of(data: Dataset, question: str) -> int:
    """The column of the factor of that name. Raises DataError naming the ones there are."""
    names = [factor.name for factor in data.FACTORS]
    if question not in names:
        raise DataError(f"There is no factor '{question}'. Known: {', '.join(names)}.")
    return names.index(question)


def location(data: Dataset, rows: np.ndarray, question: str, *, tolerance: int = TOLERANCE) -> np.ndarray:
    """The pixels that tell the class of `question` in the pictures of `rows`, bool `(n, H, W)`.

    They are those that change by more than `tolerance` grey levels in any channel for any of the other classes: the mouth, whichever
    it is; for glasses also the place where there could be some.

    Raises:
        DataError: rows with columns beyond the factors, whose pictures are examples and cannot be drawn with another class.
    """
    column = column_of(data, question)
    if rows.shape[1] != len(data.FACTORS):
        raise DataError(f"Pictures with {rows.shape[1]} columns for {len(data.FACTORS)} factors are examples: none can be drawn with another class.")
    own = data.render(rows).astype(np.int16)
    found = np.zeros(own.shape[:3], bool)
    classes = len(data.FACTORS[column].classes)
    for step in range(1, classes):
        other = rows.copy()
        other[:, column] = (rows[:, column] + step) % classes
        found |= np.abs(data.render(other).astype(np.int16) - own).max(axis=3) > tolerance
    return found
