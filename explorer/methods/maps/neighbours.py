"""Exact nearest neighbours and ranks, in blocks, with ties settled by index.

A map is fitted to, and judged by, the same neighbours; so they are exact. Distances are computed pair by pair in float64:
the usual form through a matrix product makes equal points unequal, and then a tie is settled by rounding.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from explorer.core.errors import SpaceError

__all__ = ["METRICS", "Neighbours", "blocks", "distances", "measured", "nearest", "neighbours", "rank_of", "ranks"]

METRICS = ("euclidean", "cosine")
BLOCK_BYTES = 1 << 27  # of one block of distances


@dataclass(frozen=True, eq=False)
class Neighbours:
    """The `k` nearest other points of some points: `rows` `(M, k)` int64, nearest first, and `distances` `(M, k)` float64."""

    rows: Tensor
    distances: Tensor

    @property
    def k(self) -> int:
        """How many neighbours each point has."""
        return self.rows.shape[1]

    def first(self, k: int) -> "Neighbours":
        """Only the `k` nearest. Raises SpaceError when there are fewer."""
        if k > self.k:
            raise SpaceError(f"Asked for {k} neighbours, but only {self.k} were computed.")
        return Neighbours(self.rows[:, :k], self.distances[:, :k])


def neighbours(points: Tensor, k: int, *, rows: Tensor | None = None, metric: str = "euclidean") -> Neighbours:
    """The `k` nearest other points of each of the points `(N, D)`, or of those of the given `rows` `(M,)` only.

    A point is never its own neighbour, but a duplicate of it is. Among equally distant points the lower index is nearer.

    Raises:
        SpaceError: for fewer than one neighbour or more than there are other points, or an unknown metric.
    """
    if not 1 <= k < len(points):
        raise SpaceError(f"Among {len(points)} points there are 1 to {len(points) - 1} neighbours, got k = {k}.")
    points = measured(points, metric)
    rows = torch.arange(len(points)) if rows is None else rows
    parts = [nearest(distances(points, some), k) for some in blocks(rows, len(points))]
    return Neighbours(torch.cat([near for near, _ in parts]), torch.cat([distance for _, distance in parts]))


def measured(points: Tensor, metric: str) -> Tensor:
    """Points `(N, D)` in float64 such that their Euclidean distances have the order of the metric's.

    Cosine distance grows with the Euclidean distance of unit vectors; a zero vector stays where it is.
    """
    if metric not in METRICS:
        raise SpaceError(f"No metric '{metric}'. Known: {', '.join(METRICS)}.")
    return F.normalize(points.double(), dim=1) if metric == "cosine" else points.double()


def distances(points: Tensor, rows: Tensor) -> Tensor:
    """Distances `(M, N)` from the points of some rows to all; infinite to themselves, so that they come last."""
    distance = torch.cdist(points[rows], points, compute_mode="donot_use_mm_for_euclid_dist")
    distance[torch.arange(len(rows)), rows] = torch.inf
    return distance


def nearest(distance: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """The rows `(M, k)` of the nearest points, by distance and then index, and their distances, from distances `(M, N)`."""
    edge = distance.topk(k + 1, dim=1, largest=False) if k + 1 < distance.shape[1] else distance.topk(k, dim=1, largest=False)
    near = edge.indices[:, :k].sort(dim=1).values
    near = near.gather(1, distance.gather(1, near).sort(dim=1, stable=True).indices)
    tied = edge.values[:, k - 1] == edge.values[:, -1] if edge.values.shape[1] > k else torch.zeros(len(near), dtype=torch.bool)
    near[tied] = distance[tied].sort(dim=1, stable=True).indices[:, :k]  # topk may have kept the wrong one of two
    return near, distance.gather(1, near)


def ranks(distance: Tensor) -> Tensor:
    """The rank `(M, N)` of each point, 1 for the nearest, from distances `(M, N)`; a point's own rank is N."""
    order = distance.sort(dim=1, stable=True).indices
    counted = torch.arange(1, distance.shape[1] + 1).expand_as(order)
    return torch.empty_like(order).scatter_(1, order, counted)


def rank_of(distance: Tensor, rows: Tensor) -> Tensor:
    """The ranks `(M, k)` of some points `(M, k)` only: cheaper than all, since values are sorted (by numpy, fast) and not their indices."""
    ordered, own = torch.from_numpy(np.sort(distance.numpy(), axis=1)), distance.gather(1, rows)
    nearer, not_farther = torch.searchsorted(ordered, own), torch.searchsorted(ordered, own, right=True)
    for i, j in (not_farther - nearer > 1).nonzero().tolist():
        nearer[i, j] += (distance[i, : rows[i, j]] == own[i, j]).sum()
    return nearer + 1


def blocks(rows: Tensor, n: int) -> Iterator[Tensor]:
    """The rows, so many at a time that a block of distances to `n` points stays small."""
    yield from rows.split(max(1, BLOCK_BYTES // (8 * n)))
