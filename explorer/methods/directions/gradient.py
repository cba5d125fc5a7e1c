"""Gradient walks (GradCtrl): up the slope of a classifier of codes, recomputed at every step, away from what must stay.

    g = slope of the target's log-odds,   z <- z + step * P(g) / |P(g)|

P protects other attributes b in one of three ways. *Masking* (the published one) zeroes the coordinates on which the slopes of the
protected attributes are largest, a share q_b of all each, together at most 60 %; it depends on the basis, and means something
where coordinates do. *Projection* takes away the part of g in the span of the protected slopes, in any basis. Where less than a
tenth of g is left, masking gives way to projection, and where that leaves as little the code stays. *Soft* protection bends g as
far as the classifiers of the others care here,

    P(g) = (I + F(z) / l)^-1 g,   F the sum over b of the Fisher information E_c[(grad log p_c)(grad log p_c)^T] of b's classes at z,

which leaves directions alone to which an attribute is insensitive at z, as most are far from its boundaries; projection gives up as
many dimensions as there are attributes everywhere.

References: Chen et al., Exploring Gradient-based Multi-directional Controls in GANs (2022, arXiv 2209.00698); soft protection is ours.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import torch
from torch import Tensor

from explorer.core.direction import Field, normalised
from explorer.core.errors import DataError
from explorer.methods.directions.heads import Head, Panel

__all__ = ["MODES", "GradientField", "Mode", "masked", "projected"]

Mode = Literal["none", "mask", "project", "soft"]
MODES: tuple[Mode, ...] = ("soft", "project", "mask", "none")
MOST_MASKED = 0.6
LEAST_KEPT = 0.1


@dataclass(frozen=True, eq=False)
class GradientField(Field):
    """Towards class `goal` of `head` (from class `source`, if given, rather than from all others).

    Args:
        guards: heads of attributes that must stay.
        quotas: for masking, the share of coordinates that each guard takes away, in [0, 1].
        stride: latent length of a step.
        softness: for soft protection, l, in log-odds squared over latent length squared; smaller protects more.
    """

    head: Head
    goal: int
    source: int | None = None
    guards: Mapping[str, Head] = field(default_factory=dict)
    mode: Mode = "project"
    quotas: Mapping[str, float] = field(default_factory=dict)
    stride: float = 0.2
    sign: float = 1.0
    softness: float = 0.1

    def __post_init__(self):
        if not self.softness > 0:
            raise DataError(f"The softness of a protection must be above 0, got {self.softness:g}.")
        for name, head in self.guards.items():
            if head.size != self.head.size:
                raise DataError(f"The protected attribute '{name}' is known for codes of {head.size} numbers, the target for {self.head.size}.")
        for name, quota in self.quotas.items():
            if name not in self.guards or not 0 <= quota < 1:
                raise DataError(f"The quota of '{name}' must belong to a protected attribute and lie in [0, 1), got {quota}.")

    @property
    def size(self) -> int:
        return self.head.size

    def velocity(self, z: Tensor, t: int) -> Tensor:
        wish = self.wish(z)
        if self.mode == "none" or not self.guards:
            return self.sign * wish
        if self.mode == "soft":
            return self.sign * self._bent(wish, z)
        slopes = {name: head.slope(z, head.named(z)) for name, head in self.guards.items()}
        left = projected(wish, list(slopes.values()))
        if self.mode == "mask":
            cut = masked(wish, {name: (slope, self.quotas.get(name, 0.2)) for name, slope in slopes.items()})
            left = torch.where(_kept(cut, wish) >= LEAST_KEPT, cut, left)
        return self.sign * torch.where(_kept(left, wish) >= LEAST_KEPT, left, torch.zeros_like(left))

    @cached_property
    def _panel(self) -> Panel:
        return Panel(tuple(self.guards.values()))

    def _bent(self, wish: Tensor, z: Tensor) -> Tensor:
        """The slope `(B, D)` bent away from what the guards are sensitive to."""
        eye = torch.eye(self.size, device=z.device, dtype=z.dtype)
        return torch.linalg.solve(eye + self._panel.information(z) / self.softness, wish[..., None])[..., 0]

    def wish(self, z: Tensor) -> Tensor:
        """The unprotected slope `(B, D)`."""
        if self.source is None:
            return self.head.slope(z, self.goal)
        f = torch.zeros(len(self.head.classes))
        f[self.goal], f[self.source] = 1.0, -1.0
        return self.head.gradient(z, f)

    def kept(self, z: Tensor) -> Tensor:
        """The share `(B,)` of the slope's length that protection leaves."""
        return _kept(self.velocity(z, 0), self.wish(z))[:, 0]


def _kept(left: Tensor, wish: Tensor) -> Tensor:
    return left.norm(dim=1, keepdim=True) / wish.norm(dim=1, keepdim=True).clamp_min(1e-12)


def projected(wish: Tensor, slopes: list[Tensor]) -> Tensor:
    """`wish` `(B, D)` without its part in the span of the slopes, each `(B, D)`."""
    span = torch.stack([normalised(slope) for slope in slopes], dim=2)
    return wish - (span @ (torch.linalg.pinv(span) @ wish[..., None]))[..., 0]


def masked(wish: Tensor, guards: Mapping[str, tuple[Tensor, float]]) -> Tensor:
    """`wish` `(B, D)` with the coordinates zeroed that matter most to the guards: slope `(B, D)` and share of coordinates each."""
    size = wish.shape[1]
    rank = torch.stack(
        [_places(slope.abs()) / max(1.0, quota * size) for slope, quota in guards.values() if quota > 0] or [torch.full_like(wish, 2.0)]
    )
    first = rank.amin(dim=0)  # below 1: within the quota of some guard
    taken = first < 1
    over = _places(-first) < MOST_MASKED * size  # only those nearest to the top of some guard's list, once the union is too large
    return torch.where(taken & over, torch.zeros_like(wish), wish)


def _places(values: Tensor) -> Tensor:
    """The place of each entry of a row when sorted downwards, from 0."""
    return values.argsort(dim=1, descending=True).argsort(dim=1).to(values)
