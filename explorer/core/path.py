"""Curves through a latent space: a time in [0, 1] to a code."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from explorer.core.errors import SpaceError

__all__ = ["KINDS", "Arc", "Chord", "Path", "between"]

SPIRAL = 1025  # points at which the length of a spiral is measured


class Path(ABC):
    """A curve `t -> z`, at constant speed in latent distance."""

    @abstractmethod
    def __call__(self, t: Tensor) -> Tensor:
        """The codes `(T, D)` at times `(T,)` in [0, 1]."""


@dataclass(frozen=True, eq=False)
class Chord(Path):
    """The straight path from `start` to `end`, both `(D,)`."""

    start: Tensor
    end: Tensor

    def __call__(self, t: Tensor) -> Tensor:
        t = t[:, None]
        return (1 - t) * self.start + t * self.end


@dataclass(frozen=True, eq=False)
class Arc(Path):
    """The path from `start` to `end`, both `(D,)`, whose direction follows the great circle and whose length changes evenly.

    Half-way between two independent Gaussian codes a chord has dipped to about 0.7 of their length, where the prior has almost
    no mass and pictures go bland. The arc does not dip. Between ends of unequal length it is a piece of a spiral; times are
    spread so that the speed is constant on that too. Opposite codes have no single arc, and the centre no direction: there it
    is the chord.

    References: Shoemake, Animating Rotation with Quaternion Curves (1985).
    """

    start: Tensor
    end: Tensor

    def __call__(self, t: Tensor) -> Tensor:
        start, end = self.start.double(), self.end.double()
        lengths = start.norm(), end.norm()
        angle = torch.acos(F.cosine_similarity(start, end, dim=0).clamp(-1, 1))
        if angle.sin() < 1e-4 or min(lengths) < 1e-6:
            return Chord(self.start, self.end)(t)
        t = _evenly(t.double(), angle, *lengths)[:, None]
        turned = (((1 - t) * angle).sin() * start / lengths[0] + (t * angle).sin() * end / lengths[1]) / angle.sin()
        return (turned * torch.lerp(*lengths, t)).to(self.start.dtype)


def _evenly(t: Tensor, angle: Tensor, first: Tensor, last: Tensor) -> Tensor:
    """The shares `(T,)` of the angle at which a spiral from radius `first` to `last` has covered the shares `t` of its length."""
    share = torch.linspace(0, 1, SPIRAL, dtype=torch.float64)
    speed = torch.hypot(last - first, angle * torch.lerp(first, last, share))
    covered = torch.cat([torch.zeros(1, dtype=torch.float64), torch.cumulative_trapezoid(speed, share)])
    covered = covered / covered[-1]
    after = torch.searchsorted(covered, t.contiguous()).clamp(1, SPIRAL - 1)
    within = (t - covered[after - 1]) / (covered[after] - covered[after - 1])
    return torch.lerp(share[after - 1], share[after], within)


KINDS: dict[str, type[Chord] | type[Arc]] = {"chord": Chord, "arc": Arc}


def between(start: Tensor, end: Tensor, kind: str) -> Path:
    """The path of that kind between two codes `(D,)`. Raises SpaceError for unequal shapes or an unknown kind."""
    if kind not in KINDS:
        raise SpaceError(f"No path of kind '{kind}'. Known: {', '.join(KINDS)}.")
    if start.shape != end.shape or start.ndim != 1:
        raise SpaceError(f"A path needs two flat codes of one space, got shapes {tuple(start.shape)} and {tuple(end.shape)}.")
    return KINDS[kind](start, end)
