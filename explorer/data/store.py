"""Rendered pictures kept on disk, so that a training that is resumed does not draw them again."""

import os

import numpy as np

from explorer.data.cache import cache_folder
from explorer.data.catalogue import dataset
from explorer.data.dataset import Dataset, Part

__all__ = ["pictures"]


def pictures(name: str | Dataset, part: Part) -> tuple[np.ndarray, np.ndarray]:
    """The rows and pictures of one part of a dataset: `(n, K or more)` int64 and `(n, H, W, C)` uint8.

    A dataset of the catalogue, by its name, is rendered once, kept and memory-mapped; one that is handed in itself is asked each time.
    """
    chosen = dataset(name)
    rows = chosen.split(part)
    if not isinstance(name, str):
        return rows, chosen.render(rows)
    file = cache_folder() / f"{name}-v{chosen.VERSION}-{part}.npy"
    if not file.exists():
        partial = file.with_suffix(".partial.npy")
        np.save(partial, chosen.render(rows, workers=os.cpu_count() or 1))
        partial.replace(file)
    return rows, np.load(file, mmap_mode="r")
