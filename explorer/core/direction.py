"""Directions: named ways of moving codes, whether along a vector or along a field.

A PCA axis, the normal of a boundary, an RBF path, a gradient walk and a potential flow are the same noun: a `Field` says where
a code goes next, a `Direction` gives it a name, a unit and what was measured of it. Amounts are in units; one unit is a length
in the latent space, `length`, and `unit` says in words what it was chosen to mean.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from explorer.core.errors import DataError, SpaceError
from explorer.core.space import LatentSpace

__all__ = ["Composed", "Direction", "Field", "Guarded", "Straight", "composed", "normalised", "similarity"]

MOST_STEPS = 256
SLOWEST = 4  # times as many steps as a walk at full pace would take are waited for
SHORTEST = 1e-8  # a velocity below this length has no direction: the walk stays where it is
REST = 1e-4  # of a stride: a walk whose steps are all shorter has come to rest


def normalised(vectors: Tensor) -> Tensor:
    """Vectors `(…, D)` at length 1; those without a direction become zero."""
    length = vectors.norm(dim=-1, keepdim=True)
    return torch.where(length > SHORTEST, vectors / length.clamp_min(SHORTEST), torch.zeros_like(vectors))


class Field(ABC):
    """Where a code goes next.

    Attributes:
        size: D, the number of coordinates of a flat code.
        stride: the latent length of one step of a walk.
    """

    size: int
    stride: float

    @abstractmethod
    def velocity(self, z: Tensor, t: int) -> Tensor:
        """The way to go `(B, D)` from flat codes `(B, D)` at step `t` of a walk; its length counts only where `displacement` says so."""

    def displacement(self, z: Tensor, t: int) -> Tensor:
        """One step `(B, D)`: of length `stride` unless a field has a pace of its own."""
        return self.stride * normalised(self.velocity(z, t))

    def walk(self, z: Tensor, steps: int, sign: float = 1.0) -> Tensor:
        """The states `(steps + 1, B, D)` of an Euler walk from `z` `(B, D)`, its first."""
        states = [z]
        for t in range(steps):
            states.append(states[-1] + sign * self.displacement(states[-1], t))
        return torch.stack(states)

    def curve(self, z: Tensor, lengths: Tensor) -> Tensor:
        """The codes `(T, B, D)` at latent lengths `(T,)` along the walks from `z`, negative ones on the other side.

        A walk that comes to rest, or is longer than 256 steps or four times as many as at full pace, stays at its end.
        """
        return self.followed(z, lengths)[0]

    def followed(self, z: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """The codes of `curve`, and after how many steps the walks are there, fractions included, `(T, B)`."""
        sides = [self._side(z, lengths.mul(sign).clamp_min(0), sign) for sign in (1.0, -1.0)]
        ahead = lengths >= 0
        codes, times = zip(*sides)
        return torch.where(ahead.view(-1, 1, 1), *codes), torch.where(ahead.cpu()[:, None], *times)

    def _side(self, z: Tensor, lengths: Tensor, sign: float) -> tuple[Tensor, Tensor]:
        reach = float(lengths.max())
        if reach == 0:
            return z.expand(len(lengths), *z.shape), torch.zeros(len(lengths), len(z))
        return _interpolated(*self._trodden(z, reach, sign), lengths)

    def _trodden(self, z: Tensor, reach: float, sign: float) -> tuple[Tensor, Tensor]:
        """The states `(S, B, D)` of walks until all have come as far as `reach`, or no farther, and the lengths covered `(S, B)`."""
        states, covered = [z], [torch.zeros(len(z))]
        for t in range(min(MOST_STEPS, SLOWEST * (math.ceil(reach / self.stride) + 1))):
            states.append(states[-1] + sign * self.displacement(states[-1], t))
            step = (states[-1] - states[-2]).norm(dim=1).cpu()
            covered.append(covered[-1] + step)
            moves = float(step.max()) > REST * self.stride  # what is no longer a number does not, either
            if float(covered[-1].min()) >= reach or (t and not moves):
                break
        return torch.stack(states), torch.stack(covered)


def _interpolated(states: Tensor, covered: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
    """Points `(T, B, D)` of the polylines `states` `(S, B, D)` at `lengths` `(T,)`, given the lengths `covered` `(S, B)` at their corners, and the corners passed `(T, B)`."""
    wanted = lengths.cpu()[:, None].expand(-1, covered.shape[1])
    after = torch.searchsorted(covered.T.contiguous(), wanted.T.contiguous()).T.clamp(1, len(states) - 1)  # (T, B)
    start, end = covered.gather(0, after - 1), covered.gather(0, after)
    share = ((wanted - start) / (end - start).clamp_min(1e-12)).clamp(0, 1)
    batch = torch.arange(states.shape[1]).expand_as(after)
    return torch.lerp(states[after - 1, batch], states[after, batch], share[..., None].to(states)), after - 1 + share


@dataclass(frozen=True, eq=False)
class Straight(Field):
    """The same unit vector `(D,)` everywhere."""

    vector: Tensor
    stride: float = 1.0

    def __post_init__(self):
        if self.vector.ndim != 1 or not torch.isfinite(self.vector).all() or not abs(float(self.vector.norm()) - 1) < 1e-3:
            raise SpaceError(f"A straight direction needs one finite vector of length 1, got shape {tuple(self.vector.shape)}.")

    @property
    def size(self) -> int:
        return len(self.vector)

    def velocity(self, z: Tensor, t: int) -> Tensor:
        return self.vector.to(z).expand_as(z)

    def followed(self, z: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        return z + lengths.to(z).view(-1, 1, 1) * self.vector.to(z), (lengths.cpu().abs() / self.stride)[:, None].expand(-1, len(z))


@dataclass(frozen=True, eq=False)
class Guarded(Field):
    """A field that does not move along others: at every step what it shares with their span is taken away.

    Where less than a tenth of a step is left, the code stays where it is: the protected fields then hold nearly all of this one.
    """

    inner: Field
    others: tuple[Field, ...]

    @property
    def size(self) -> int:
        return self.inner.size

    @property
    def stride(self) -> float:
        return self.inner.stride

    def velocity(self, z: Tensor, t: int) -> Tensor:
        wish = self.inner.velocity(z, t)
        kept = wish - self._shared(wish, z, t)
        return torch.where((kept.norm(dim=1) >= 0.1 * wish.norm(dim=1))[:, None], kept, torch.zeros_like(kept))

    def displacement(self, z: Tensor, t: int) -> Tensor:
        return self.inner.displacement(z, t).norm(dim=1, keepdim=True) * normalised(self.velocity(z, t))

    def kept(self, z: Tensor, t: int = 0) -> Tensor:
        """The share `(B,)` of the step's length that protection leaves, in [0, 1]."""
        wish = self.inner.velocity(z, t)
        return (wish - self._shared(wish, z, t)).norm(dim=1) / wish.norm(dim=1).clamp_min(SHORTEST)

    def _shared(self, wish: Tensor, z: Tensor, t: int) -> Tensor:
        """The part of `wish` `(B, D)` in the span of the protected fields at `z`, by least squares."""
        span = torch.stack([normalised(other.velocity(z, t)) for other in self.others], dim=2)  # (B, D, P)
        return (span @ (torch.linalg.pinv(span) @ wish[..., None]))[..., 0]


@dataclass(frozen=True, eq=False)
class Composed(Field):
    """Several fields at once: every step goes the way of their sum, each weighted by the latent length that it takes of the whole."""

    parts: tuple[Field, ...]
    lengths: tuple[float, ...]

    @property
    def size(self) -> int:
        return self.parts[0].size

    @property
    def stride(self) -> float:
        return min(part.stride for part in self.parts)

    def velocity(self, z: Tensor, t: int) -> Tensor:
        whole = sum(abs(length) for length in self.lengths)
        ways = (
            length * normalised(part.velocity(z, int(t * self.stride * abs(length) / whole / part.stride)))
            for part, length in zip(self.parts, self.lengths)
        )
        return torch.stack(list(ways)).sum(dim=0)


@dataclass(frozen=True, eq=False)
class Direction:
    """A named way of moving codes of one model.

    Args:
        name: for people and for files; unique among a model's directions.
        method: how it was found, one word, as in "pca".
        space: whose flat codes it moves.
        field: where codes go.
        length: the latent length of one unit.
        unit: in words, what one unit was chosen to mean.
        target: what it is meant to change, as in "mouth: smile", or "".
        model, weights: name and SHA-256 of the model it was found for.
        settings: what it was found with: seed, data, numbers.
        evidence: what was measured of it (`methods/measure/evidence.py`), ready for JSON; empty when nothing was.
    """

    name: str
    method: str
    space: LatentSpace
    field: Field
    length: float = 1.0
    unit: str = "one latent length"
    target: str = ""
    model: str = ""
    weights: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    evidence: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self):
        if self.field.size != self.space.size:
            raise SpaceError(f"Direction '{self.name}' moves codes of {self.field.size} numbers; space '{self.space.name}' has {self.space.size}.")
        if not (math.isfinite(self.length) and self.length > 0):
            raise SpaceError(f"One unit of direction '{self.name}' must be a positive latent length, got {self.length}.")

    def step(self, z: Tensor, amount: float) -> Tensor:
        """Flat codes `(B, D)` moved by `amount` units."""
        return self.along(z, (amount,))[0]

    def along(self, z: Tensor, amounts: Sequence[float]) -> Tensor:
        """Flat codes `(B, D)` moved by each of the amounts, all from the same start: `(T, B, D)`."""
        if z.ndim != 2 or z.shape[1] != self.space.size:
            raise SpaceError(f"Direction '{self.name}' moves flat codes of {self.space.size} numbers, got shape {tuple(z.shape)}.")
        return self.field.curve(z, torch.tensor([float(a) for a in amounts]) * self.length)

    def tangent(self, z: Tensor) -> Tensor:
        """The unit vectors `(B, D)` from codes to where one unit takes them."""
        return normalised(self.step(z, 1.0) - z)

    def guarded(self, *others: "Direction") -> "Direction":
        """The same direction without what it shares with others. Raises SpaceError for directions of another space."""
        for other in others:
            if other.space != self.space:
                raise SpaceError(f"'{other.name}' is a direction of space '{other.space.name}', '{self.name}' one of '{self.space.name}'.")
        return replace(self, field=Guarded(self.field, tuple(other.field for other in others))) if others else self

    def but(self, **changes: Any) -> "Direction":
        """The same direction with some fields replaced."""
        return replace(self, **changes)


def similarity(first: Direction, second: Direction, z: Tensor) -> float:
    """How alike two directions are at codes `z` `(B, D)`: the mean cosine of their tangents, in [-1, 1]; for vectors the plain cosine."""
    return float((first.tangent(z) * second.tangent(z)).sum(dim=1).mean())


def composed(parts: Sequence[tuple[Direction, float]], *, name: str) -> Direction:
    """One direction that goes along several at once, as far along each as its amount says; vectors add up to a vector.

    Raises:
        DataError: the parts cancel each other.
        SpaceError: they are of different spaces.
    """
    first = parts[0][0]
    for part, _ in parts:
        if part.space != first.space:
            raise SpaceError(f"'{part.name}' is a direction of space '{part.space.name}', '{first.name}' one of '{first.space.name}'.")
    fields, lengths = tuple(part.field for part, _ in parts), tuple(part.length * amount for part, amount in parts)
    made: Field = Composed(fields, lengths)
    length = sum(abs(each) for each in lengths)
    if all(isinstance(each, Straight) for each in fields):
        vector = torch.stack([each.vector * length for each, length in zip(fields, lengths)]).sum(dim=0)
        if float(vector.norm()) < 1e-3 * length:
            raise DataError("These edits cancel each other: together they lead nowhere.")
        made, length = Straight(normalised(vector)), float(vector.norm())
    of = [[part.name, round(amount, 4)] for part, amount in parts]
    return Direction(name, "composed", first.space, made, length=length, model=first.model, weights=first.weights, settings={"of": of})
