"""Curves through a latent space: a time in [0, 1] to a code."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from explorer.core.errors import SpaceError

__all__ = ["KINDS", "Arc", "Chord", "Path", "between"]


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
    """The path from `start` to `end` whose direction follows the great circle and whose length changes evenly.

    Half-way between two independent Gaussian codes a chord has dipped to about 0.7 of their length, where the prior has almost
    no mass and pictures go bland. The arc does not dip. For ends of unequal length the direction turns at constant angular
    speed while the length is interpolated linearly.

    References: Shoemake, Animating Rotation with Quaternion Curves (1985).
    """

    start: Tensor
    end: Tensor

    def __call__(self, t: Tensor) -> Tensor:
        t = t[:, None]
        long, short = self.start.norm(), self.end.norm()
        angle = torch.acos(F.cosine_similarity(self.start.double(), self.end.double(), dim=0).clamp(-1, 1)).to(self.start.dtype)
        if angle.sin() < 1e-4 or min(long, short) < 1e-6:  # (anti)parallel codes have no single arc, the centre no direction
            return Chord(self.start, self.end)(t[:, 0])
        turned = (((1 - t) * angle).sin() * self.start / long + (t * angle).sin() * self.end / short) / angle.sin()
        return turned * ((1 - t) * long + t * short)


KINDS: dict[str, type[Chord] | type[Arc]] = {"chord": Chord, "arc": Arc}


def between(start: Tensor, end: Tensor, kind: str) -> Path:
    """The path of that kind between two codes `(D,)`. Raises SpaceError for unequal shapes or an unknown kind."""
    if kind not in KINDS:
        raise SpaceError(f"No path of kind '{kind}'. Known: {', '.join(KINDS)}.")
    if start.shape != end.shape or start.ndim != 1:
        raise SpaceError(f"A path needs two flat codes of one space, got shapes {tuple(start.shape)} and {tuple(end.shape)}.")
    return KINDS[kind](start, end)
