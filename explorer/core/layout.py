"""A fitted 2-D map of a latent space, with both ways across: code to place, and place to code.

Both ways are interpolations between the atlas codes and say so in the product. Neither needs optimisation, and neither depends
on what else is asked: the same code always lands on the same spot, the same spot always gives the same code.

From place to code (`lift`). Near atlas points the eight nearest on the map are averaged with Franke and Little's weights

    w_i = (1/d_i - 1/R)^2,   R the distance of the ninth,

which are all on one point where the place meets it, and zero where a neighbour comes or goes. In empty places that rule alone
is poor: the eight nearest all sit on one shore, and the picture flips half-way across. So with growing distance to the nearest
point the average fades into one over the whole map, with weights 1/d^3 (Shepard's interpolation, 1968), which morphs from shore
to shore. An average of codes is shorter than they are, hence bland; it gets back the mean length of what went into it.

From code to place (`place`). On a linear map a projection. On any other, the codes that `lift` gives form a *sheet* in the
latent space, a surface with known places. A code that lies on the sheet is put where the sheet has it, which is what makes
`place` undo `lift` in empty places too. A code off the sheet goes to its nearest atlas codes, with the weights above, but only
to those of them that lie together on the map: UMAP tears neighbourhoods, and the middle of two halves is neither. In between,
the two answers are blended. `lift` is continuous; `place` cannot be wherever the map is torn.

References: Franke and Nielson, Smooth interpolation of large sets of scattered data (1980); Shepard, A two-dimensional
interpolation function for irregularly-spaced data (1968).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from explorer.core.cells import Cells
from explorer.core.errors import SpaceError

__all__ = ["Layout"]

NEIGHBOURS_LIFT = 8
NEIGHBOURS_PLACE = 15
SHORE, SEA = 0.005, 0.03  # of the diameter: gaps up to the first are dense, beyond the second empty
GATHERED = 32  # cells a side in which atlas codes are gathered for the average over the whole map
STRETCH = 4.0  # the most that `lift` lengthens an averaged code
SHEET = 64  # nodes a side of the sheet
ON, OFF = 0.25, 0.75  # of the distance to the nearest atlas code: nearer to the sheet is on it, farther is off it
TORN = 0.05  # of the diameter: places farther apart than this do not lie together
OWN = 2_000  # the most atlas codes whose nearest neighbours say what distance is ordinary
OWN_PAIRS = 200_000_000  # distances that may be computed to find that out
BLOCK = 256  # queries at a time, so that a million of them fit into memory,
PAIRS = 1 << 24  # and fewer where each is compared with so many that they do not
LARGE = 20_000  # places, above which an index finds the nearest


@dataclass(frozen=True, eq=False)
class Layout:
    """A map of `N` codes.

    Args:
        name: "pca", "umap", …
        xy: places `(N, 2)`, float32.
        codes: the flat codes they stand for, `(N, D)`, float32.
        axes, centre: for a linear map, its two orthonormal axes `(2, D)` and the code of its origin `(D,)`.
        honesty: how far the map can be trusted, by measure; plain values, ready for JSON.
        local: what was measured of every single place, by measure ("kept", "stays"): shares `(N,)`, uint8, in 255ths.
    """

    name: str
    xy: Tensor
    codes: Tensor
    axes: Tensor | None = None
    centre: Tensor | None = None
    honesty: dict[str, Any] = field(default_factory=dict)
    local: Mapping[str, Tensor] = field(default_factory=dict)

    def __post_init__(self):
        if self.xy.ndim != 2 or self.xy.shape[1] != 2 or self.codes.ndim != 2 or len(self.xy) != len(self.codes):
            shapes = f"{tuple(self.xy.shape)} and {tuple(self.codes.shape)}"
            raise SpaceError(f"Map '{self.name}' needs a place (N, 2) for each code (N, D), got {shapes}.")
        if not torch.isfinite(self.xy).all():
            raise SpaceError(f"Map '{self.name}' has places that are not finite numbers.")
        if (self.axes is None) != (self.centre is None):
            raise SpaceError(f"Map '{self.name}' is linear only with both axes and a centre, got one alone.")
        for name, shares in self.local.items():
            if shares.dtype != torch.uint8 or shares.shape != (len(self.xy),):
                got = f"{tuple(shares.shape)} of {shares.dtype}"
                raise SpaceError(f"'{name}' of map '{self.name}' must be one byte for each of {len(self.xy)} places, got {got}.")

    @cached_property
    def bounds(self) -> tuple[Tensor, Tensor]:
        """The lowest and the highest place, each `(2,)`; a side without extent is one wide, a map without points the unit square."""
        if not len(self.xy):
            return torch.zeros(2), torch.ones(2)
        low, high = self.xy.amin(dim=0), self.xy.amax(dim=0)
        flat = (high - low) <= 1e-6 * (1 + high.abs())
        return low - 0.5 * flat, high + 0.5 * flat

    @cached_property
    def diameter(self) -> float:
        """The diagonal of the map."""
        low, high = self.bounds
        return float((high - low).norm())

    def lift(self, places: Tensor) -> Tensor:
        """Codes `(B, D)` for places `(B, 2)`, empty ones included: an interpolation between the atlas codes around.

        Continuous, gives every atlas point its own code, and on a linear map has the place as its exact projection.

        Raises:
            SpaceError: for a map without points, or places that are not `(B, 2)` finite numbers.
        """
        self._check(places, 2, "places")
        return _in_blocks(self._lift, places, len(self.xy) if self._cells is None else 1)

    def place(self, codes: Tensor) -> Tensor:
        """Places `(B, 2)` for flat codes `(B, D)`; how, the module says.

        Raises:
            SpaceError: for a map without points, or codes that are not `(B, D)` finite numbers.
        """
        self._check(codes, self.codes.shape[1], "codes")
        return _in_blocks(self._place, codes, len(self.xy)) if self.axes is None else _in_blocks(self._project, codes, 1)

    def nearest(self, codes: Tensor) -> tuple[Tensor, Tensor]:
        """For flat codes `(B, D)`, the row of the nearest atlas code and the distance to it, each `(B,)`."""
        self._check(codes, self.codes.shape[1], "codes")
        pairs = [_distances(block, self.codes).min(dim=1) for block in codes.split(_block(len(self.codes)))]
        return torch.cat([row for _, row in pairs]), torch.cat([distance for distance, _ in pairs])

    def strangeness(self, codes: Tensor) -> Tensor:
        """How far flat codes `(B, D)` are from the atlas, `(B,)` in [0, 1]: above 0.99 a code is outside of what the map shows.

        The share of atlas codes (of 2,000 of them, if there are more; of fewer, if there are more than 100,000) that are nearer to
        their nearest neighbour than this code is to its own. An atlas code itself has 0.
        """
        return self.standing(self.nearest(codes)[1])

    def standing(self, distances: Tensor) -> Tensor:
        """The share `(B,)` of atlas codes that are nearer to their nearest neighbour than distances `(B,)`; see `strangeness`."""
        return torch.searchsorted(self._ordinary, distances.contiguous()) / len(self._ordinary)

    @property
    def usual(self) -> tuple[float, float]:
        """How far atlas codes are from their nearest neighbour: the median, and what 99 % of them stay below."""
        return tuple(self._ordinary.quantile(torch.tensor([0.5, 0.99])).tolist())

    def warm(self) -> None:
        """Does now what `lift`, `place` and `strangeness` would do at their first call, which takes up to a second, and some for a million codes."""
        if len(self.xy):
            self.lift(self.xy[:1])
            self.place(self.codes[:1])
            self.strangeness(self.codes[:1])

    def _check(self, values: Tensor, size: int, what: str) -> None:
        if not len(self.xy):
            raise SpaceError(f"Map '{self.name}' has no points, so there is nothing to interpolate between.")
        if values.ndim != 2 or values.shape[1] != size:
            raise SpaceError(f"Map '{self.name}' needs {what} of shape (B, {size}), got {tuple(values.shape)}.")
        if not torch.isfinite(values).all():
            raise SpaceError(f"Map '{self.name}' needs {what} that are finite numbers.")

    def _project(self, codes: Tensor) -> Tensor:
        shifted = (codes.double() - self.centre)[:, None, :]
        return (shifted * self.axes).sum(dim=2).float()

    def _lift(self, places: Tensor) -> Tensor:
        gap, rows, weights = self._beside(places)
        near = _average(weights, self.codes[rows], self.codes[rows].norm(dim=2))
        empty = _smoothstep((gap / self.diameter - SHORE) / (SEA - SHORE))
        mean, length = (a + empty[:, None] * (b - a) for a, b in zip(near, self._over_all(places), strict=True))
        z = (mean * (length / mean.norm(dim=1, keepdim=True).clamp_min(1e-12)).clamp(max=STRETCH)).float()
        return z if self.axes is None else z + ((places.double() - self._project(z)) @ self.axes.double()).float()

    def _beside(self, places: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The distance to the nearest point of the map, the rows of the nearest, and their weights."""
        if self._cells is None:
            return _nearest(places, self.xy, NEIGHBOURS_LIFT)
        return _weighted(*self._cells.nearest(places, NEIGHBOURS_LIFT + 1), NEIGHBOURS_LIFT, len(self.xy))

    @cached_property
    def _cells(self) -> Cells | None:
        """An index of the places of a large map."""
        return Cells(self.xy) if len(self.xy) > LARGE else None

    def _over_all(self, places: Tensor) -> tuple[Tensor, Tensor]:
        """Mean code `(B, D)` and mean length `(B, 1)` over the whole map, with weights 1/d^3 to its gathered points."""
        xy, codes, lengths = self._gathered
        distance = _distances(places, xy).double().clamp_min(1e-6 * self.diameter)
        weights = (distance.amin(dim=1, keepdim=True) / distance) ** 3
        weights = weights / weights.sum(dim=1, keepdim=True)
        return weights @ codes, weights @ lengths[:, None]

    @cached_property
    def _gathered(self) -> tuple[Tensor, Tensor, Tensor]:
        """The atlas gathered in at most 32 x 32 cells of the map: mean places, mean codes, mean lengths of codes."""
        low, high = self.bounds
        cell = ((self.xy - low) / (high - low) * GATHERED).long().clamp(0, GATHERED - 1)
        group = (cell[:, 0] * GATHERED + cell[:, 1]).unique(return_inverse=True)[1]
        columns = torch.cat([self.xy, self.codes, self.codes.norm(dim=1, keepdim=True)], dim=1).double()
        count = torch.bincount(group)[:, None]
        means = torch.zeros(len(count), columns.shape[1], dtype=torch.float64).index_add(0, group, columns) / count
        return means[:, :2].float(), means[:, 2:-1], means[:, -1]

    def _place(self, codes: Tensor) -> Tensor:
        distance, rows, weights = _nearest(codes, self.codes, NEIGHBOURS_PLACE)
        beside = self._together(self.xy[rows].double(), weights)
        spots, off = self._sheet.closest(codes)
        ratio = off / distance.clamp_min(1e-12)
        on = ((OFF - ratio) / (OFF - ON)).clamp(0, 1) * (distance > 1e-6)  # an atlas code is at its own place
        return (beside + on[:, None] * (spots - beside)).float()

    def _together(self, spots: Tensor, weights: Tensor) -> Tensor:
        """The weighted mean `(B, 2)` of those of the places `(B, k, 2)` that lie around the one with the most weight around it."""
        apart = (spots[:, :, None] - spots[:, None, :]).norm(dim=3) / (TORN * self.diameter)
        together = (1 - apart.square()).clamp_min(0)  # (B, k, k)
        middle = (together * weights[:, None, :]).sum(dim=2).argmax(dim=1)
        weights = weights * together[torch.arange(len(spots)), middle]
        return (weights[..., None] * spots).sum(dim=1) / weights.sum(dim=1, keepdim=True)

    @cached_property
    def _sheet(self) -> "Sheet":
        low, high = self.bounds
        steps = torch.linspace(0, 1, SHEET)
        places = low + torch.cartesian_prod(steps, steps) * (high - low)
        return Sheet.through(places, self.lift(places), (high - low) / (SHEET - 1))

    @cached_property
    def _ordinary(self) -> Tensor:
        """The distances from atlas codes to their nearest other one, sorted; evenly chosen codes of a large atlas."""
        count = min(OWN, len(self.codes), max(100, OWN_PAIRS // len(self.codes)))
        rows = torch.linspace(0, len(self.codes) - 1, count).long()
        return torch.cat([self._to_others(some) for some in rows.split(_block(len(self.codes)))]).sort().values

    def _to_others(self, rows: Tensor) -> Tensor:
        distance = _distances(self.codes[rows], self.codes)
        if len(self.codes) > 1:
            distance[torch.arange(len(rows)), rows] = torch.inf
        return distance.amin(dim=1)


@dataclass(frozen=True, eq=False)
class Sheet:
    """The surface of lifted codes over a square lattice of `M` nodes.

    Args:
        places: of the nodes, `(M, 2)`, and their `codes` `(M, D)`.
        slopes: the change of the code a cell to the right, and a cell up, `(M, 2, D)`.
        inverses: from a change of the code to cells, `(M, 2, D)`: the pseudo-inverse of the slopes.
        cell: width and height of a cell, `(2,)`.
    """

    places: Tensor
    codes: Tensor
    slopes: Tensor
    inverses: Tensor
    cell: Tensor

    @classmethod
    def through(cls, places: Tensor, codes: Tensor, cell: Tensor) -> "Sheet":
        """The sheet through codes `(M, D)` of a lattice whose last coordinate runs fastest."""
        slopes = torch.stack(torch.gradient(codes.view(SHEET, SHEET, -1).double(), dim=(0, 1)), dim=2).flatten(0, 1)
        gram = slopes @ slopes.mT
        damped = gram + (1e-6 * gram.diagonal(dim1=1, dim2=2).sum(dim=1) + 1e-12)[:, None, None] * torch.eye(2, dtype=torch.float64)
        return cls(places, codes, slopes, torch.linalg.solve(damped, slopes), cell)

    def closest(self, codes: Tensor) -> tuple[Tensor, Tensor]:
        """For codes `(B, D)`, the place `(B, 2)` of the closest point of the sheet, and the distance to it `(B,)`.

        The closest node, and from there one Gauss-Newton step within the cells around it.
        """
        distance, node = _distances(codes, self.codes).min(dim=1)
        rest = codes.double() - self.codes[node]
        step = (self.inverses[node] * rest[:, None, :]).sum(dim=2).clamp(-1, 1)  # (B, 2), in cells
        left = (rest - (step[..., None] * self.slopes[node]).sum(dim=1)).norm(dim=1)
        step = step * (left < distance)[:, None]
        return self.places[node] + step * self.cell, torch.minimum(left, distance.double())


def _in_blocks(function: Callable[[Tensor], Tensor], values: Tensor, compared: int) -> Tensor:
    """Applies a function of `(B, ·)` to a few rows at a time, fewer where each is compared with very many."""
    return torch.cat([function(block) for block in values.split(_block(compared))])


def _block(compared: int) -> int:
    return max(1, min(BLOCK, PAIRS // max(compared, 1)))


def _distances(queries: Tensor, known: Tensor) -> Tensor:
    """Euclidean distances `(B, N)`, pair by pair: exact for equal points, and the same alone as in a batch.

    The usual form through a matrix product is neither.
    """
    return torch.cdist(queries.to(known), known, compute_mode="donot_use_mm_for_euclid_dist")


def _nearest(queries: Tensor, known: Tensor, k: int) -> tuple[Tensor, Tensor, Tensor]:
    """The distance `(B,)` to the nearest known point, the rows `(B, k)` of the nearest, and weights (see the module) that sum to one.

    Where there are no more than `k` points, R is infinite: the weights become 1/d^2.
    """
    distance, rows = _distances(queries, known).topk(min(k + 1, len(known)), dim=1, largest=False)
    return _weighted(distance.double(), rows, k, len(known))


def _weighted(distance: Tensor, rows: Tensor, k: int, known: int) -> tuple[Tensor, Tensor, Tensor]:
    """The same from the distances to the k + 1 nearest of `known` points, and their rows, `(B, k + 1)`; or to all, if they are fewer."""
    k = min(k, known)
    reach = distance[:, -1:] if known > k else torch.full_like(distance[:, :1], torch.inf)
    floor = (1e-6 * distance[:, -1:]).clamp_min(1e-12)
    first = torch.maximum(distance[:, :1], floor)
    share = first / torch.maximum(distance[:, :k], floor)
    weights = (share - first / reach).clamp_min(0).square() + 1e-9  # equally far from all: a plain mean
    return distance[:, 0], rows[:, :k], weights / weights.sum(dim=1, keepdim=True)


def _average(weights: Tensor, codes: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
    """Mean code `(B, D)` and mean length `(B, 1)` of the codes `(B, k, D)` of lengths `(B, k)`."""
    return (weights[..., None] * codes).sum(dim=1), (weights * lengths).sum(dim=1, keepdim=True)


def _smoothstep(t: Tensor) -> Tensor:
    t = t.clamp(0, 1)
    return t * t * (3 - 2 * t)
