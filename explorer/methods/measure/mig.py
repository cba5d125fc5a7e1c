"""The mutual information gap: whether each factor of the data is told by one coordinate of the code alone.

    MIG = mean over factors k of  ( I(z_(1); v_k) - I(z_(2); v_k) ) / H(v_k)

with z_(1) and z_(2) the two coordinates that tell most of v_k. The information is that of a table of counts, in nats: a coordinate is cut
into 20 equally wide bins between its least and its greatest value, a factor keeps its values. This is the estimator of
Locatello et al., and figures made with another (Monte Carlo over q(z|x) in the first paper) are other figures.

What has to be known beside the value:

- **The ceiling is not 1.** Twenty bins cannot tell 32 values apart: a code that *is* the factors gets 0.85 there, and 0.902
  on the grid of dSprites (`ceiling`).
- **Chance is not quite 0.** Counts of few pictures see dependence where there is none; `chance` is what shuffled factors get.
- Two coordinates that tell the same, as copies do, leave no gap, though nothing is mixed up.

References: Chen et al. 2018 (arXiv 1802.04942); Locatello et al. 2019 (arXiv 1811.12359).
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from explorer.core.errors import DataError

__all__ = ["BINS", "Gap", "ceiling", "gap", "information"]

BINS = 20
HALVES, SHUFFLES = 200, 20


@dataclass(frozen=True)
class Gap:
    """A measured mutual information gap.

    Args:
        value, ceiling: MIG, and what a code gets that is the factors themselves.
        low, high: 95 % interval, from the spread over halves of the pictures.
        chance: the highest of 20 values with the factors shuffled.
        gaps, told: for each factor, its gap, and the share of it that the best coordinate tells.
        best: for each factor, the index of that coordinate.
        n, coordinates, constant: pictures, coordinates, and how many of these do not vary.
    """

    value: float
    ceiling: float
    low: float
    high: float
    chance: float
    gaps: dict[str, float]
    told: dict[str, float]
    best: dict[str, int]
    n: int
    coordinates: int
    constant: int

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return asdict(self)


def gap(codes: Tensor, values: np.ndarray, *, sizes: dict[str, int], bins: int = BINS, seed: int = 0) -> Gap:
    """Measures codes `(N, D)` of pictures whose factors have `values` `(N, K)`.

    Args:
        values: whole numbers from 0, drawn evenly and independently.
        sizes: for each factor by name, in the order of the columns, how many values it has.

    Raises:
        DataError: shapes that do not fit, codes that are not finite numbers, fewer than two coordinates, a factor with one value,
            or values outside of what a factor has.
    """
    _check(codes, values, sizes)
    cells, counts = _cells(codes, bins), list(sizes.values())
    shares = _shares(cells, values, counts, bins)
    generator = np.random.default_rng(seed)
    halves = [_half(cells, values, counts, bins, generator) for _ in range(HALVES)]
    shuffled = [float(_gaps(_shares(cells, generator.permuted(values, axis=0), counts, bins)).mean()) for _ in range(SHUFFLES)]
    value, spread = float(_gaps(shares).mean()), np.quantile(halves, [0.025, 0.975]) - np.mean(halves)
    return Gap(
        value=value, ceiling=ceiling(counts, bins=bins), low=float(value + spread[0]), high=float(value + spread[1]), chance=max(shuffled),
        gaps=dict(zip(sizes, _gaps(shares).tolist())), told=dict(zip(sizes, shares.max(axis=0).tolist())),
        best=dict(zip(sizes, shares.argmax(axis=0).tolist())),
        n=len(values), coordinates=cells.shape[1], constant=int((cells == cells[0]).all(axis=0).sum()),
    )  # fmt: skip


def ceiling(sizes: Sequence[int], *, bins: int = BINS) -> float:
    """The MIG of a code whose coordinates are the factors, each with that many equally frequent values."""
    shares = []
    for size in sizes:
        every = torch.arange(size, dtype=torch.float64)[:, None]
        shares.append(information(_cells(every, bins)[:, 0], np.arange(size), bins, size) / np.log(size))
    return float(np.mean(shares))


def information(first: np.ndarray, second: np.ndarray, many: int, much: int) -> float:
    """The mutual information in nats of two columns of whole numbers, the first below `many`, the second below `much`."""
    joint = np.bincount(first * much + second, minlength=many * much).reshape(many, much) / len(first)
    return max(0.0, _entropy(joint.sum(axis=1)) + _entropy(joint.sum(axis=0)) - _entropy(joint.ravel()))


def _entropy(shares: np.ndarray) -> float:
    seen = shares[shares > 0]
    return float(-(seen * np.log(seen)).sum())


def _cells(codes: Tensor, bins: int) -> np.ndarray:
    """The bin of each coordinate of codes `(N, D)`, int64 from 0 to bins - 1; the greatest value belongs to the last."""
    values = codes.detach().cpu().double().numpy()
    cells = np.empty(values.shape, np.int64)
    for j, column in enumerate(values.T):
        edges = np.histogram_bin_edges(column, bins)
        cells[:, j] = np.digitize(column, edges[:-1]) - 1
    return cells


def _shares(cells: np.ndarray, values: np.ndarray, counts: list[int], bins: int) -> np.ndarray:
    """What share of each factor each coordinate tells, `(D, K)`."""
    shares = np.empty((cells.shape[1], len(counts)))
    for k, size in enumerate(counts):
        whole = _entropy(np.bincount(values[:, k], minlength=size) / len(values)) or 1.0  # a half may hold one value only
        for j in range(cells.shape[1]):
            shares[j, k] = information(cells[:, j], values[:, k], bins, size) / whole
    return shares


def _gaps(shares: np.ndarray) -> np.ndarray:
    """Between the best and the second best coordinate, `(K,)`."""
    second, first = np.sort(shares, axis=0)[-2:]
    return first - second


def _half(cells: np.ndarray, values: np.ndarray, counts: list[int], bins: int, generator: np.random.Generator) -> float:
    """MIG on a random half: halves vary among each other as much as samples of the whole size do (a jackknife that deletes half)."""
    rows = generator.permutation(len(values))[: len(values) // 2]
    return float(_gaps(_shares(cells[rows], values[rows], counts, bins)).mean())


def _check(codes: Tensor, values: np.ndarray, sizes: dict[str, int]) -> None:
    if codes.ndim != 2 or codes.shape[1] < 2 or values.shape != (len(codes), len(sizes)) or len(codes) < 2:
        raise DataError(
            f"The gap needs codes (N, D) of at least two coordinates, and values (N, {len(sizes)}) of as many pictures; "
            f"got {tuple(codes.shape)} and {values.shape}."
        )
    if not torch.isfinite(codes).all():
        raise DataError("The gap needs codes that are finite numbers.")
    for column, (name, size) in zip(values.T, sizes.items()):
        if column.min() < 0 or column.max() >= size or len(np.unique(column)) < 2:
            raise DataError(f"Factor '{name}' should have two or more different values from 0 to {size - 1}, got {column.min()} to {column.max()}.")
