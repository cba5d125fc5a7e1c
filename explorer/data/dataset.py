"""What a dataset offers: pictures whose ground truth is known.

A dataset is a module; `DATASETS` lists them. A picture is described by a row of whole numbers. Its first columns are class
indices, one a factor; further columns tell pictures with the same classes apart (the examples of a handwritten seven).
"""

from typing import Literal, Protocol

import numpy as np

from explorer.data.factors import Factor

__all__ = ["Captioned", "Dataset", "Grid", "Part"]

Part = Literal["train", "held-out"]


class Dataset(Protocol):
    """A module with these names; `n` pictures, `K` factors, rows of `K` or more columns."""

    FACTORS: tuple[Factor, ...]
    SHAPE: tuple[int, int, int]  # (C, H, W) of a picture
    VERSION: int  # raised when a picture changes: caches and cards name it
    LICENCE: str
    CREDITS: str

    def split(self, part: Part) -> np.ndarray:
        """The rows of one part; no picture is in both."""

    def sample(self, n: int, seed: int) -> np.ndarray:
        """Draws `n` rows, the same ones for the same seed."""

    def render(self, rows: np.ndarray, *, workers: int = 1) -> np.ndarray:
        """The pictures of `rows`, uint8 `(n, H, W, C)`; the same row always gives the same pixels."""

    def visible(self, rows: np.ndarray) -> np.ndarray:
        """Which classes of `rows` can be seen in their pictures, bool `(n, K)`. What cannot be seen is never scored."""

    def captions(self, rows: np.ndarray, seed: int) -> list[str]:
        """One sentence a picture, true of it."""


class Grid(Dataset, Protocol):
    """A dataset that holds a picture for every combination of a few factors: what measures of disentanglement ask for."""

    GRID: tuple[Factor, ...]  # finer than FACTORS, perhaps

    def exact(self, rows: np.ndarray) -> np.ndarray:
        """The values of `GRID`'s factors, `(n, len(GRID))`; `sample` draws them evenly and independently."""


class Captioned(Dataset, Protocol):
    """A dataset whose captions are known to name some attributes and to leave out others."""

    def told(self, rows: np.ndarray, seed: int) -> np.ndarray:
        """Which classes of `rows` the captions of the same seed name, bool `(n, K)`."""
