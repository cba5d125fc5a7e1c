"""Walks of a generator towards a prototype of a classifier, and the smallest change that turns the classifier's answer.

    z <- held(z + h g / |g|),   g = d s_j(resize(G(z))) / dz

What is climbed is the similarity around the cell that the prototype comes from, where that is known: the best cell of the whole picture
is, at first, some place that happens to look a little like it, and hardly gets any better. What is reported is the best of all cells.

The gradient goes through classifier and decoder. `held` keeps codes as long as draws of the prior are (their lengths between the 2.5 and
97.5 % quantiles), so that a walk stays among ordinary pictures. Beside every walk goes one of the same length in a random direction.

The smallest change is looked for as by DeepFool (Moosavi-Dezfooli et al. 2016): downhill until the answer turns, back along the chord to
where it does, and then straight towards the boundary as it is there, until that gets no shorter. It is the smallest that was found.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import torch
import torch.nn.functional as F
from torch import Tensor

from explorer.core.direction import Field, normalised
from explorer.core.errors import CapabilityError, ModelError
from explorer.core.model import Model, differentiable
from explorer.core.prototypes import PrototypeClassifier, matches
from explorer.core.space import Code, LatentSpace

__all__ = ["Counterfactual", "Towards", "Walk", "best", "counterfactual", "held", "reach", "seen_by", "walk"]

STRIDE = 0.1
AROUND = 1  # cells on each side of the source's
TAIL = 0.025
TOGETHER = 32


def seen_by(generator: Model, prototypes: PrototypeClassifier) -> Callable[[Tensor], Tensor]:
    """From codes `(B, *shape)` of the generator's sampling space to pictures of the classifier's shape.

    Raises:
        CapabilityError: no generator, one that gradients do not flow through, or other channels.
    """
    decoder, space = generator.need("generator"), generator.space
    if not differentiable(decoder):
        raise CapabilityError(f"'{generator.card.name}' cannot be walked by gradients: it runs outside torch.")
    if decoder.picture_shape[0] != prototypes.picture_shape[0]:
        raise CapabilityError(
            f"'{generator.card.name}' draws pictures of {decoder.picture_shape[0]} channels, the classifier looks at {prototypes.picture_shape[0]}."
        )
    size = tuple(prototypes.picture_shape[1:])

    def pictures(values: Tensor) -> Tensor:
        x = decoder.decode(Code(values, space))
        return x if tuple(x.shape[2:]) == size else F.interpolate(x, size, mode="bilinear", align_corners=False, antialias=True)

    return pictures


def held(values: Tensor, space: LatentSpace) -> Tensor:
    """Codes `(B, *shape)` moved, by their lengths alone, to where draws of the prior lie; of a uniform prior, cut to the cube."""
    if space.prior == "uniform":
        return values.clamp(-1, 1)
    flat = values.flatten(1)
    length = flat.norm(dim=1, keepdim=True).clamp_min(1e-12)
    low, high = _lengths(space)
    return (flat * (length.clamp(low, high) / length)).view_as(values)


def _lengths(space: LatentSpace) -> tuple[float, float]:
    """The 2.5 and 97.5 % quantiles of the length of a draw."""
    if space.prior == "sphere":
        return (math.sqrt(space.size),) * 2
    if space.prior == "radial":
        quantiles = torch.tensor(space.lengths)
        low, high = (float(q) * math.sqrt(space.size) for q in (quantiles.quantile(TAIL), quantiles.quantile(1 - TAIL)))
        return low, high
    half = torch.tensor(space.size / 2.0, dtype=torch.float64)

    def quantile(share: float) -> float:
        low, high = 0.0, 10.0 * space.size + 100.0
        for _ in range(80):
            middle = (low + high) / 2
            low, high = (
                (middle, high) if float(torch.special.gammainc(half, torch.tensor(middle / 2, dtype=torch.float64))) < share else (low, middle)
            )
        return math.sqrt(high)

    return quantile(TAIL), quantile(1 - TAIL)


@dataclass(frozen=True, eq=False)
class Towards(Field):
    """The way to more similarity with a prototype, through a generator.

    Args:
        pictures: from codes `(B, *shape)` to pictures for the classifier.
        prototypes, index: the classifier and which of its prototypes.
        space: of the codes.
    """

    pictures: Callable[[Tensor], Tensor]
    prototypes: PrototypeClassifier
    index: int
    space: LatentSpace
    stride: float = STRIDE

    @property
    def size(self) -> int:
        return self.space.size

    def scores(self, values: Tensor) -> Tensor:
        """The similarities `(B,)` of the pictures of codes `(B, *shape)`."""
        described = self.prototypes.described(self.pictures(values))
        return self.prototypes.similarities(described, torch.tensor([self.index])).amax(dim=(1, 2, 3))

    def climbed(self, values: Tensor) -> Tensor:
        """What the walk makes grow, `(B,)`: the similarity around the source's cell, or of the best one."""
        maps = self.prototypes.similarities(self.prototypes.described(self.pictures(values)), torch.tensor([self.index]))[:, 0]
        source = self.prototypes.prototypes[self.index].source
        if source is None or not (source.row < maps.shape[1] and source.column < maps.shape[2]):
            return maps.amax(dim=(1, 2))
        row, column = max(0, source.row - AROUND), max(0, source.column - AROUND)
        return maps[:, row : source.row + AROUND + 1, column : source.column + AROUND + 1].amax(dim=(1, 2))

    def velocity(self, z: Tensor, t: int) -> Tensor:
        with torch.inference_mode(False), torch.enable_grad():
            moved = z.detach().clone().requires_grad_()
            (gradient,) = torch.autograd.grad(self.climbed(moved.view(-1, *self.space.shape)).sum(), moved)
        return gradient

    def displacement(self, z: Tensor, t: int) -> Tensor:
        return held(z + super().displacement(z, t), self.space) - z


@dataclass(frozen=True, eq=False)
class Walk:
    """A walk and what was seen on it; T + 1 places.

    Args:
        codes: `(T + 1, *shape)`.
        scores: similarities with the prototype, `(T + 1,)`.
        totals: of every class, `(T + 1, C)`.
        typicality: of the codes, `(T + 1,)`.
        beside: similarities along a random direction of the same lengths, `(T + 1,)`.
    """

    codes: Tensor
    scores: Tensor
    totals: Tensor
    typicality: Tensor
    beside: Tensor

    @cached_property
    def gained(self) -> float:
        """By how much the similarity grew."""
        return float(self.scores[-1] - self.scores[0])


def walk(
    generator: Model, prototypes: PrototypeClassifier, index: int, start: Tensor, *, steps: int = 40, stride: float = STRIDE, away: bool = False,
    seed: int = 0, watch: Callable[[int, int], bool] = lambda step, steps: True,
) -> Walk:  # fmt: skip
    """Walks from a code `(*shape)` towards a prototype, or away from it. `watch` hears of each step, and ends the walk by False.

    Raises:
        CapabilityError: see `seen_by`.
        ModelError: no such prototype.
    """
    if not 0 <= index < len(prototypes.prototypes):
        raise ModelError(f"There are {len(prototypes.prototypes)} prototypes, got number {index}.")
    pictures, space = seen_by(generator, prototypes), generator.space
    field = Towards(pictures, prototypes, index, space, stride)
    z = space.check(start[None]).flatten(1)
    states = [z]
    for step in range(steps):
        if not watch(step, steps):
            break
        signed = -1.0 if away else 1.0
        states.append(held(states[-1] + signed * stride * normalised(field.velocity(states[-1], step)), space))
    codes = torch.cat(states).view(-1, *space.shape)
    return _told(pictures, prototypes, index, codes, space, seed)


@torch.no_grad()
def _told(pictures: Callable[[Tensor], Tensor], prototypes: PrototypeClassifier, index: int, codes: Tensor, space: LatentSpace, seed: int) -> Walk:
    """What is seen along codes `(T + 1, *shape)`, and along a random direction of the same lengths."""
    flat = codes.flatten(1)
    random = normalised(torch.randn(1, space.size, generator=torch.Generator().manual_seed(seed)))
    lengths = (flat - flat[:1]).norm(dim=1, keepdim=True)
    beside = (flat[:1] + lengths * random).view(-1, *space.shape)
    scores, totals = _seen(pictures, prototypes, codes)
    others, _ = _seen(pictures, prototypes, beside)
    return Walk(codes, scores[:, index], totals, space.typicality(codes), others[:, index])


def _seen(pictures: Callable[[Tensor], Tensor], prototypes: PrototypeClassifier, codes: Tensor) -> tuple[Tensor, Tensor]:
    """Scores `(N, P)` and totals `(N, C)` of the pictures of codes."""
    scores = torch.cat([matches(prototypes.similarities(prototypes.described(pictures(piece)))).scores for piece in codes.split(TOGETHER)])
    return scores, prototypes.head.totals(scores)


def best(
    generator: Model, prototypes: PrototypeClassifier, index: int, *, draws: int = 128, starts: int = 4, steps: int = 40, seed: int = 0,
    stride: float = STRIDE,
) -> Walk:  # fmt: skip
    """The generated picture that is most like a prototype: of many draws the few best walk on, and the best walk is returned."""
    pictures, space = seen_by(generator, prototypes), generator.space
    drawn = held(space.sample(draws, seed).values, space)
    with torch.inference_mode():
        scores, _ = _seen(pictures, prototypes, drawn)
    chosen = drawn[scores[:, index].topk(min(starts, draws)).indices]
    walks = [walk(generator, prototypes, index, start, steps=steps, stride=stride, seed=seed) for start in chosen]
    return max(walks, key=lambda w: float(w.scores.max()))


def reach(
    generator: Model, prototypes: PrototypeClassifier, index: int, start: Tensor, *, draws: int = 128, starts: int = 2, steps: int = 30,
    frames: int = 17, kept: float = 0.9, seed: int = 0,
) -> Walk:  # fmt: skip
    """A way from a code `(*shape)` to a picture like a prototype, where the slope alone does not lead there.

    From the picture found by `best`, back towards the start as far as at least `kept` of the gain stays, climbing again where it falls
    below; the way is the chord to there, held.
    """
    there = best(generator, prototypes, index, draws=draws, starts=starts, steps=steps, seed=seed)
    pictures, space = seen_by(generator, prototypes), generator.space
    field = Towards(pictures, prototypes, index, space)
    z, at = space.check(start[None]).flatten(1), there.codes[there.scores.argmax()].flatten()[None]
    with torch.no_grad():
        begun, most = float(field.scores(z.view(1, *space.shape))), float(there.scores.max())
    floor = begun + kept * (most - begun)
    stride = 2 * STRIDE
    while stride > STRIDE / 8 and float((z - at).norm()) > stride:
        tried = held(at + stride * normalised(z - at), space)
        for _ in range(3):
            with torch.no_grad():
                enough = float(field.scores(tried.view(1, *space.shape))) >= floor
            if enough:
                break
            tried = tried + field.displacement(tried, 0) / 2
        if enough and float((z - tried).norm()) < float((z - at).norm()) - stride / 10:
            at = tried
        else:
            stride /= 2
    return _chord(generator, prototypes, index, z, at, frames, seed)


def _chord(generator: Model, prototypes: PrototypeClassifier, index: int, z: Tensor, end: Tensor, frames: int, seed: int) -> Walk:
    pictures, space = seen_by(generator, prototypes), generator.space
    t = torch.linspace(0, 1, frames)[:, None]
    codes = torch.cat([z, held(torch.lerp(z, end, t[1:]), space)]).view(-1, *space.shape)
    return _told(pictures, prototypes, index, codes, space, seed)


@dataclass(frozen=True, eq=False)
class Counterfactual:
    """The smallest change that was found to turn the answer.

    Args:
        start, end: codes `(*shape)`.
        distance: between them.
        totals: before and after, `(2, C)`.
        typicality: of both, `(2,)`.
        random: of 16 random directions of the same length the share that turns the answer as well.
    """

    start: Tensor
    end: Tensor
    distance: float
    totals: Tensor
    typicality: Tensor
    random: float


def counterfactual(
    generator: Model,
    prototypes: PrototypeClassifier,
    start: Tensor,
    wanted: int,
    *,
    stride: float = STRIDE,
    steps: int = 200,
    rounds: int = 20,
    seed: int = 0,
) -> Counterfactual:
    """The smallest change of a code `(*shape)` after which the classifier says class `wanted`.

    Raises:
        ModelError: no such class, it is the answer already, or no way to it was found.
    """
    classes = prototypes.classes
    if not 0 <= wanted < len(classes):
        raise ModelError(f"There are {len(classes)} classes, got number {wanted}.")
    pictures, space = seen_by(generator, prototypes), generator.space
    z = space.check(start[None]).flatten(1)

    def ahead(values: Tensor) -> Tensor:
        """By how much the wanted class is ahead of all others, `(B,)`."""
        _, totals = _seen(pictures, prototypes, values.view(-1, *space.shape))
        others = totals.scatter(1, torch.full((len(totals), 1), wanted), -torch.inf).amax(dim=1)
        return totals[:, wanted] - others

    def slope(values: Tensor) -> tuple[Tensor, Tensor]:
        with torch.inference_mode(False), torch.enable_grad():
            moved = values.detach().clone().requires_grad_()
            value = ahead(moved)
            (gradient,) = torch.autograd.grad(value.sum(), moved)
        return value.detach(), gradient

    if float(ahead(z)) > 0:
        raise ModelError(f"The answer is '{classes[wanted]}' already.")
    at = z
    for _ in range(steps):
        value, gradient = slope(at)
        if float(value) > 0:
            break
        at = at + stride * normalised(gradient)
    else:
        raise ModelError(f"No way to '{classes[wanted]}' was found in {steps} steps of {stride:g}.")
    found = _boundary(ahead, z, at)
    for _ in range(rounds):
        _, gradient = slope(found)
        along = normalised(gradient)
        shorter = z + ((found - z) * along).sum() * along
        turned = _onward(ahead, z, shorter, float((found - z).norm()))
        if turned is None:
            shorter = found - 0.5 * ((found - z) - ((found - z) * along).sum() * along)  # half-way to there
            turned = _onward(ahead, z, shorter, float((found - z).norm()))
        if turned is None or float((turned - z).norm()) > float((found - z).norm()) * (1 - 1e-4):
            break
        found = turned
    length = float((found - z).norm())
    random = normalised(torch.randn(16, space.size, generator=torch.Generator().manual_seed(seed)))
    with torch.inference_mode():
        both = torch.cat([z, found]).view(-1, *space.shape)
        _, totals = _seen(pictures, prototypes, both)
        share = float((ahead(z + length * random) > 0).float().mean())
    return Counterfactual(start, found.view(space.shape), length, totals, space.typicality(both), share)


@torch.no_grad()
def _boundary(ahead: Callable[[Tensor], Tensor], start: Tensor, end: Tensor) -> Tensor:
    """The point of the chord, to one part in 2^20, just after the answer turned."""
    low, high = 0.0, 1.0
    for _ in range(20):
        middle = (low + high) / 2
        low, high = (low, middle) if float(ahead(torch.lerp(start, end, middle))) > 0 else (middle, high)
    return torch.lerp(start, end, high)


@torch.no_grad()
def _onward(ahead: Callable[[Tensor], Tensor], start: Tensor, through: Tensor, most: float) -> Tensor | None:
    """Where the answer turns on the ray through a point, if it does before length `most`."""
    ray = normalised(through - start)
    end = start + most * ray
    return _boundary(ahead, start, end) if float(ahead(end)) > 0 else None
