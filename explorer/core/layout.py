"""A fitted 2-D map of a latent space, with both ways across: code to place, and place to code.

Both ways are interpolations between the atlas codes and say so in the product. `place` needs no optimisation and does not
depend on what else is placed: the same code always lands on the same spot.
"""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from explorer.core.errors import SpaceError

__all__ = ["Layout"]

NEIGHBOURS_LIFT = 8
NEIGHBOURS_PLACE = 15
LATTICE = 96  # nodes a side of the lattice of lifted places that `place` also knows
TORN = 0.08  # of the diameter: neighbours in code space that the map put farther away than this do not share a place
STRETCH = 2.0  # the most that `lift` lengthens an averaged code


@dataclass(frozen=True, eq=False)
class Layout:
    """A map of `N` codes.

    Args:
        name: "pca", "umap", …
        xy: places `(N, 2)`, float32.
        codes: the flat codes they stand for, `(N, D)`, float32.
        axes, centre: for a linear map, its two orthonormal axes `(2, D)` and the code of its origin `(D,)`.
        honesty: how far the map can be trusted, by measure.
    """

    name: str
    xy: Tensor
    codes: Tensor
    axes: Tensor | None = None
    centre: Tensor | None = None
    honesty: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self):
        if self.xy.ndim != 2 or self.xy.shape[1] != 2 or self.codes.ndim != 2 or len(self.xy) != len(self.codes):
            raise SpaceError(f"Map '{self.name}' needs a place (N, 2) for each code (N, D), got {tuple(self.xy.shape)} and {tuple(self.codes.shape)}.")
        if not torch.isfinite(self.xy).all():
            raise SpaceError(f"Map '{self.name}' has places that are not finite numbers.")

    @cached_property
    def bounds(self) -> tuple[Tensor, Tensor]:
        """The lowest and the highest place, each `(2,)`; a map without points spans the unit square."""
        if not len(self.xy):
            return torch.zeros(2), torch.ones(2)
        return self.xy.amin(dim=0), self.xy.amax(dim=0)

    @cached_property
    def diameter(self) -> float:
        """The diagonal of the map."""
        low, high = self.bounds
        return max(float((high - low).norm()), 1e-6)

    def lift(self, places: Tensor) -> Tensor:
        """Codes `(B, D)` for places `(B, 2)`, empty ones included: an interpolation between the atlas codes around.

        The nearest codes are averaged with weights that reach one at a point of the map and zero where a new neighbour enters,
        so that the result is continuous and gives every atlas point its own code. An average of codes is too short to be
        typical; it is given back the length its neighbours have. On a linear map the in-plane part is then exact.

        Raises:
            SpaceError: for a map without points.
        """
        if not len(self.xy):
            raise SpaceError(f"Map '{self.name}' has no points, so there is nothing to interpolate between.")
        near, weights = _nearest(places, self.xy, NEIGHBOURS_LIFT)
        around = self.codes[near]  # (B, k, D)
        mean = (weights[..., None] * around).sum(dim=1)
        length = (weights * around.norm(dim=2)).sum(dim=1)
        z = mean * (length / mean.norm(dim=1).clamp_min(1e-6)).clamp(max=STRETCH)[:, None]
        return z if self.axes is None else z + (places - self._project(z)) @ self.axes

    def place(self, codes: Tensor) -> Tensor:
        """Places `(B, 2)` for flat codes `(B, D)`.

        A linear map projects. Otherwise a code goes to the weighted mean of the places of its nearest neighbours among the
        atlas codes and among the lifted codes of a lattice laid over the map, leaving out neighbours that the map tore away
        from the nearest one.
        """
        if self.axes is not None:
            return self._project(codes)
        known_xy, known_codes = self._known
        near, weights = _nearest(codes, known_codes, NEIGHBOURS_PLACE)
        spots = known_xy[near]  # (B, k, 2)
        together = (spots - spots[:, :1]).norm(dim=2) <= TORN * self.diameter
        weights = weights * together
        return (weights[..., None] * spots).sum(dim=1) / weights.sum(dim=1, keepdim=True)

    def nearest(self, codes: Tensor) -> tuple[Tensor, Tensor]:
        """For flat codes `(B, D)`, the row of the nearest atlas code and the distance to it, each `(B,)`."""
        if not len(self.codes):
            raise SpaceError(f"Map '{self.name}' has no points, so there is no nearest one.")
        distance, row = torch.cdist(codes, self.codes).min(dim=1)
        return row, distance

    def _project(self, codes: Tensor) -> Tensor:
        return (codes - self.centre) @ self.axes.T

    @cached_property
    def _known(self) -> tuple[Tensor, Tensor]:
        """The places and codes that `place` interpolates between: the atlas, then the lattice."""
        if not len(self.xy):
            raise SpaceError(f"Map '{self.name}' has no points, so no code has a place on it.")
        low, high = self.bounds
        steps = torch.linspace(0, 1, LATTICE)
        lattice = low + torch.cartesian_prod(steps, steps) * (high - low)
        return torch.cat([self.xy, lattice]), torch.cat([self.codes, self.lift(lattice)])


def _nearest(queries: Tensor, known: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """The rows `(B, k)` of the nearest known points, nearest first, and weights that sum to one.

    Weights are ((R - d) / (R d))^2, R the distance of the neighbour after the last (Franke & Little's form of Shepard's
    interpolation, 1980): continuous in the query, and all on one point where the query meets it.
    """
    k = min(k, len(known))
    far = min(k + 1, len(known))
    distance, rows = torch.cdist(queries, known).topk(far, dim=1, largest=False)
    reach = distance[:, -1:].clamp_min(1e-9) * (1 + 1e-6)
    distance, rows = distance[:, :k], rows[:, :k]
    weights = ((reach - distance).clamp_min(0) / (reach * distance.clamp_min(1e-6 * reach))).square() + 1e-12
    return rows, weights / weights.sum(dim=1, keepdim=True)
