"""Points of the plane sorted into square cells, so that the nearest of a million are found without looking at all of them."""

import numpy as np
import torch
from torch import Tensor

__all__ = ["Cells"]

A_CELL = 8  # points in one, on average


class Cells:
    """An index of places `(N, 2)`, at least one, for exact nearest neighbours; among equally distant ones any may come first."""

    def __init__(self, xy: Tensor):
        columns = xy.double().T.contiguous().numpy()
        self._low, high = columns.min(axis=1), columns.max(axis=1)
        width, height = high - self._low
        count = max(1.0, len(xy) / A_CELL)
        self._size = max(float(np.sqrt(width * height / count)), float(max(width, height)) / min(count, 4096)) or 1.0
        column, line = (((values - low) / self._size).astype(np.int64) for values, low in zip(columns, self._low, strict=True))
        self._shape = np.array([column.max(), line.max()]) + 1
        home, order = torch.from_numpy(line * self._shape[0] + column).int().sort(stable=True)
        self._order = order.numpy()
        self._starts = np.searchsorted(home.numpy(), np.arange(self._shape[0] * self._shape[1] + 1, dtype=np.int32))
        self._points = columns[:, self._order].T.copy()
        self._reach = float(np.hypot(width, height))

    def nearest(self, queries: Tensor, k: int) -> tuple[Tensor, Tensor]:
        """The distances to the `k` nearest places of each of the queries `(B, 2)`, float64, ascending, and their rows, each `(B, k)`."""
        found = [self._around(query, min(k, len(self._order))) for query in queries.double().numpy()]
        return tuple(torch.from_numpy(np.stack(part)) for part in zip(*found, strict=True))

    def _around(self, query: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """The nearest of one query: all within a square that grows until it holds enough, then within the one that must hold the k nearest."""
        outside = float(np.abs(query - np.clip(query, self._low, self._low + self._shape * self._size)).max())
        reach, whole = outside + self._size, outside + self._reach + self._size
        while True:
            places = self._within(query, reach)
            if len(places) >= k:
                apart = np.hypot(*(self._points[places] - query).T)
                if reach >= whole or (edge := np.partition(apart, k - 1)[k - 1]) <= reach:
                    first = np.argpartition(apart, k - 1)[:k]
                    first = first[np.argsort(apart[first], kind="stable")]
                    return apart[first], self._order[places[first]]
                reach = float(edge) * (1 + 1e-12)
            else:
                reach = min(1.6 * reach, whole)

    def _within(self, query: np.ndarray, reach: float) -> np.ndarray:
        """The sorted positions of at least all points of the square around a query."""
        (left, bottom), (right, top) = (
            np.clip(np.floor((query + step - self._low) / self._size), 0, self._shape - 1).astype(int) for step in (-reach, reach)
        )
        lines = np.arange(bottom, top + 1) * self._shape[0]
        return np.concatenate([np.arange(self._starts[line + left], self._starts[line + right + 1]) for line in lines])
