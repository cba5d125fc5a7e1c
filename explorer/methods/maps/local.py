"""How far each place of a map can be trusted: what every single point keeps of its neighbourhood.

With U_k(i) the k nearest points of i in the latent space and V_k(i) those on the map,

    kept(i) = |U_k(i) n V_k(i)| / k,

the summand of Q_NX in `quality.py`. It is exact for every point of a map of up to 20,000. On a larger one it is measured for
some points, the anchors, each against *all* others; what a point in between keeps is the mean of the eight anchors nearest
to it on the map, and the map says how many were measured.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from explorer.core.errors import SpaceError
from explorer.methods.maps.neighbours import blocks, distances, nearest, neighbours
from explorer.methods.maps.quality import NEIGHBOURS, anchors

__all__ = ["FULL", "Measured", "fraction", "kept", "spread", "width"]

FULL = 255  # what a share of one is stored as: 17 a neighbour, when there are 15
EXACT = 20_000  # points, up to which all are measured
PAIRS = 1_000_000_000  # distances that may be computed for a larger map
MOST_ANCHORS = 20_000
NARROW = 12  # coordinates, up to which a tree finds neighbours faster than trying all
AROUND = 8  # anchors that say what holds between them

Report = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class Measured:
    """A measure of every point of a map: `share` `(N,)` uint8 in 255ths, of `k` neighbours, measured itself at `anchors` points."""

    share: Tensor
    k: int
    anchors: int


def width(n: int) -> int:
    """How many neighbours are asked after among `n` points: 15, or a third of the others; 0 where nothing can be said."""
    return max(0, min(NEIGHBOURS, (n - 1) // 3))


def fraction(share: Tensor) -> Tensor:
    """Shares in [0, 1], float64, from 255ths."""
    return share.double() / FULL


def kept(codes: Tensor, xy: Tensor, *, report: Report = lambda step, steps: None) -> Measured:
    """What every point of a map `(N, 2)` keeps of its nearest codes `(N, D)`.

    Args:
        report: told how many points of how many are done; may raise to stop.

    Raises:
        SpaceError: for unequal numbers of codes and places, or fewer than four of them.
    """
    n, k = len(codes), width(len(codes))
    if n != len(xy):
        raise SpaceError(f"A map needs one place for each code, got {n} codes and {len(xy)} places.")
    if not k:
        raise SpaceError(f"What a map keeps of a neighbourhood can be said for four points or more, got {n}.")
    rows = anchors(n, _affordable(n, codes.shape[1]))
    near, shown = (_finder(points, k) for points in (codes, xy))
    common = torch.empty(len(rows), dtype=torch.float64)
    for part in torch.arange(len(rows)).split(1_000):
        report(int(part[0]), len(rows))
        common[part] = (near(rows[part])[:, :, None] == shown(rows[part])[:, None, :]).sum(dim=(1, 2)).double()
    report(len(rows), len(rows))
    return Measured(spread(common / k, rows, xy), k, len(rows))


def spread(shares: Tensor, rows: Tensor, xy: Tensor) -> Tensor:
    """Shares `(M,)` in [0, 1] at some rows of a map `(N, 2)` as 255ths of all its points, uint8 `(N,)`.

    Rows with a share keep it; others get the mean of the eight nearest on the map that have one.
    """
    from scipy.spatial import cKDTree  # slow to import

    every = torch.full((len(xy),), torch.nan, dtype=torch.float64)
    every[rows] = shares.double()
    open_ = every.isnan()
    if open_.any():
        found = cKDTree(xy[rows].numpy()).query(xy[open_].numpy(), k=min(AROUND, len(rows)), workers=-1)[1]
        every[open_] = shares.double()[torch.from_numpy(np.asarray(found).reshape(int(open_.sum()), -1))].mean(dim=1)
    return (every * FULL).round().to(torch.uint8)


def _affordable(n: int, size: int) -> int:
    if n <= EXACT:
        return n
    return MOST_ANCHORS if size <= NARROW else max(1, min(MOST_ANCHORS, PAIRS // n))


def _finder(points: Tensor, k: int) -> Callable[[Tensor], Tensor]:
    """What gives the `k` nearest other points `(M, k)` of some rows `(M,)`.

    Exact in any case. On a large narrow cloud a tree finds them, and ties are settled as they come instead of by index.
    """
    if len(points) <= EXACT:
        return lambda rows: neighbours(points, k, rows=rows).rows
    if points.shape[1] > NARROW:
        wide = points.double()
        return lambda rows: torch.cat([nearest(distances(wide, some), k)[0] for some in blocks(rows, len(points))])
    return _Tree(points, k)


class _Tree:
    """Neighbours of rows of a narrow cloud, by a k-d tree."""

    def __init__(self, points: Tensor, k: int):
        from scipy.spatial import cKDTree

        self._points, self._k = points.double().numpy(), k
        self._tree = cKDTree(self._points)

    def __call__(self, rows: Tensor) -> Tensor:
        found = torch.from_numpy(self._tree.query(self._points[rows.numpy()], k=self._k + 1, workers=-1)[1])
        own = found == rows[:, None]
        own[:, -1] |= ~own.any(dim=1)  # among many equal points its own row may not be there: the last one makes room
        return found[~own].view(len(rows), self._k)
