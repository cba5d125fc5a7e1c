"""Labels of one's own for the codes of an atlas, from a table in CSV: one row a code, or a column `id` that says which code each row is of.

Commas, semicolons or tabs between columns; the first row may name them. An empty cell is a code without that label. A column of many
different numbers becomes two classes, below and above its middle.
"""

import csv
import io
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np

from explorer.core.errors import DataError

__all__ = ["Column", "read"]

IDS = ("id", "row")
MOST_COLUMNS = 40
MOST_CLASSES = 60
LONGEST = 60  # letters of a name or a class
NONE = -1


@dataclass(frozen=True, eq=False)
class Column:
    """One label: its name, the names of its classes, and which class each code has, `(N,)` int16, -1 for none."""

    name: str
    classes: tuple[str, ...]
    values: np.ndarray

    @property
    def counts(self) -> list[int]:
        """How many codes each class has."""
        return np.bincount(self.values[self.values >= 0], minlength=len(self.classes)).tolist()


def read(content: bytes, codes: int, *, name: str) -> list[Column]:
    """The labels in a table for an atlas of so many codes; `name` is what the file is called.

    Raises:
        DataError: no table in UTF-8, another number of rows than codes, an id twice or of no code, a cell that is no number where the others are
            ("nan"), a column with one class, or with too many.
    """
    head, rows = _table(content, codes, name)
    which = _which(head, rows, codes, name)
    columns = [k for k, title in enumerate(head) if title.lower() not in IDS]
    if not 1 <= len(columns) <= MOST_COLUMNS:
        raise DataError(f"'{name}' has {len(columns)} columns of labels, expected 1 to {MOST_COLUMNS}.")
    return [_column(head[k], [row[k] for row in rows], which, codes, name) for k in columns]


def _table(content: bytes, codes: int, name: str) -> tuple[list[str], list[list[str]]]:
    """The names of the columns, and the rows, all of that length."""
    try:
        text = content.decode("utf-8-sig")
        between = max(",;\t", key=text.split("\n", 1)[0].count)
        table = [[_clean(cell) for cell in row] or [""] for row in csv.reader(io.StringIO(text, newline=""), delimiter=between)]
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"'{name}' cannot be read as a table in UTF-8: {error}.") from error
    table = [row for row in table if len(table[0]) == 1 or any(row)]  # in a single column an empty line is a code without label
    if not any(any(row) for row in table):
        raise DataError(f"'{name}' is empty, expected a row for each of the {codes:,} codes of the atlas.")
    named = len(table) == codes + 1 or any(cell.lower() in IDS for cell in table[0])
    head, rows = (table[0], table[1:]) if named else ([f"label {k + 1}" if k else "label" for k in range(len(table[0]))], table)
    if doubled := [title for k, title in enumerate(head) if title in head[:k]]:
        raise DataError(f"'{name}' has the column '{doubled[0]}' twice.")
    if ragged := [i for i, row in enumerate(rows) if len(row) != len(head)]:
        raise DataError(f"Row {ragged[0] + 1} of '{name}' has {len(rows[ragged[0]])} cells, expected {len(head)} as in the first row.")
    return head, rows


def _which(head: Sequence[str], rows: Sequence[Sequence[str]], codes: int, name: str) -> list[int]:
    """Which code each row is of."""
    column = next((k for k, title in enumerate(head) if title.lower() in IDS), None)
    if column is None:
        if len(rows) != codes:
            raise DataError(
                f"'{name}' has {len(rows):,} rows, expected {codes:,}, one for each code of the atlas (and perhaps one that names the columns), "
                "or a column 'id' that says which code each is of."
            )
        return list(range(codes))
    found: list[int] = []
    for i, row in enumerate(rows):
        if not row[column].isdecimal() or int(row[column]) >= codes:
            raise DataError(f"Row {i + 1} of '{name}' is of '{row[column]}', expected the number of a code, 0 to {codes - 1}.")
        found.append(int(row[column]))
    code, times = Counter(found).most_common(1)[0] if found else (0, 0)
    if times > 1:
        raise DataError(f"'{name}' names code {code} {times} times.")
    return found


def _column(title: str, cells: Sequence[str], which: Sequence[int], codes: int, name: str) -> Column:
    """One column as classes of codes."""
    for i, cell in enumerate(cells):
        if cell and (number := _number(cell)) is not None and not math.isfinite(number):
            raise DataError(f"Row {i + 1} of '{name}' has '{cell}' as '{title}', which is no label. Leave a cell empty where there is none.")
    known = sorted({cell for cell in cells if cell}, key=lambda cell: (_number(cell) is None, _number(cell) or 0.0, cell))
    if len(known) > MOST_CLASSES and all(_number(cell) is not None for cell in known):
        middle = median(float(cell) for cell in cells if cell)
        known = [f"up to {middle:g}", f"above {middle:g}"]
        cells = ["" if not cell else known[float(cell) > middle] for cell in cells]
    if len(known) < 2:
        raise DataError(
            f"'{title}' in '{name}' has {'one class only' if known else 'no label at all'}: two groups are needed to go from one to the other."
        )
    if len(known) > MOST_CLASSES:
        raise DataError(f"'{title}' in '{name}' has {len(known)} different classes, expected at most {MOST_CLASSES}.")
    values = np.full(codes, NONE, np.int16)
    for code, cell in zip(which, cells):
        values[code] = known.index(cell) if cell else NONE
    return Column(title or "label", tuple(known), values)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _clean(text: str) -> str:
    """Without what cannot be shown, and no longer than fits."""
    return "".join(letter for letter in text if letter.isprintable()).strip()[:LONGEST]
