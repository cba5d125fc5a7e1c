"""A model made of raw functions: `decode(z)` to some picture, `encode(x)` to some code, whoever wrote them."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from explorer.core.errors import ExplorerError, ModelError
from explorer.core.model import Card, Decoder, Model, Posterior
from explorer.core.space import Code, LatentSpace
from explorer.models.adapters.pictures import Pictures, guessed, understood

__all__ = ["Units", "assemble", "guarded"]

PROBES = (0, 0, 1, 2)  # seeds of the codes that are drawn to see what a network does
MOST_PIXELS = 1 << 20  # drawn in one call; what a network needs besides its weights grows with them


@dataclass(frozen=True, eq=False)
class Units:
    """From a network's own codes h to the explorer's: z = (h - shift) * scale, so that z has about unit variance.

    Numbers, or tensors that broadcast over codes.
    """

    scale: Tensor | float = 1.0
    shift: Tensor | float = 0.0

    def own(self, z: Tensor) -> Tensor:
        """The network's code for ours."""
        return z / self.scale + self.shift

    def ours(self, h: Tensor) -> Tensor:
        """Our code for the network's."""
        return (h - self.shift) * self.scale


@dataclass(frozen=True, eq=False)
class OutsideEncoder:
    """A stranger's encoder as the explorer sees it. One that gives a single code is taken to be sure of it: its variance is zero."""

    name: str
    function: Callable[[Tensor], Any]
    space: LatentSpace
    pictures: Pictures
    units: Units
    differentiable: bool = True

    def encode(self, x: Tensor) -> Code:
        return Code(self.posterior(x).mean, self.space)

    def posterior(self, x: Tensor) -> Posterior:
        mean, variance = gaussian(self.name, self.function(self.pictures.taken(x)))
        if mean[0].numel() != self.space.size or len(mean) != len(x):
            raise ModelError(f"The encoder of '{self.name}' should give codes of {list(self.space.shape)}, got {list(mean.shape[1:])}.")
        shape = (len(x), *self.space.shape)
        ours = self.units.ours(mean.reshape(shape))
        spread = torch.zeros_like(ours) if variance is None else variance.reshape(shape) * self.units.scale**2
        return Posterior(ours, spread, self.space)


def gaussian(name: str, result: Any) -> tuple[Tensor, Tensor | None]:
    """Mean and variance in what an encoder returned: a code, a pair of mean and log-variance, a distribution, or a record that holds one.

    Raises:
        ModelError: for anything else.
    """
    for key in ("latent_dist", "latents", "latent"):  # what diffusers returns
        result = getattr(result, key, result)
    if isinstance(result, Tensor):
        return result, None
    if isinstance(result, (tuple, list)) and len(result) == 1:
        return gaussian(name, result[0])
    if isinstance(result, (tuple, list)) and all(isinstance(v, Tensor) for v in result[:2]):
        mean, log_variance = result[:2]
        return (mean, log_variance.exp()) if mean.shape == log_variance.shape else (mean, None)
    mean, variance = getattr(result, "mean", None), getattr(result, "variance", getattr(result, "var", None))
    if isinstance(mean, Tensor) and isinstance(variance, Tensor):
        return mean, variance
    kind = f"{type(result).__name__} of {len(result)}" if isinstance(result, (tuple, list)) else type(result).__name__
    raise ModelError(f"The encoder of '{name}' should give a code, or a mean and a log-variance, got {kind}.")


def picture_in(name: str, result: Any) -> Tensor:
    """The pictures in what a decoder returned: a tensor, the first of several, a record's `sample`, or the mean of a distribution."""
    if isinstance(result, torch.distributions.Distribution):
        result = result.mean
    result = getattr(result, "sample", result)
    result = result[0] if isinstance(result, (tuple, list)) and result else result
    if not isinstance(result, Tensor):
        raise ModelError(f"'{name}' should draw a tensor of pictures, got {type(result).__name__}.")
    return result.float()


def guarded(name: str, doing: str, function: Callable[[Tensor], Any]) -> Callable[[Tensor], Any]:
    """The same function; whatever goes wrong inside is said as the model's fault."""

    def call(x: Tensor) -> Any:
        try:
            return function(x)
        except ExplorerError:
            raise
        except Exception as error:
            words = next(iter(str(error).splitlines()), "")[:300]
            raise ModelError(f"'{name}' failed while {doing}: {type(error).__name__}{f': {words}' if words else ''}.") from error

    return call


def assemble(
    card: Card,
    *,
    decode: Callable[[Tensor], Any] | None,
    encode: Callable[[Tensor], Any] | None = None,
    pictures: Pictures | None = None,
    picture: tuple[int, ...] = (),
    values: tuple[float, float] | str | None = None,
    units: Units = Units(),  # noqa: B008 - a frozen value
    encoder_layout: str | None = None,
    differentiable: bool | None = True,
    device: torch.device | None = None,
) -> Model:
    """The model of a card around raw functions, which take and give the network's own codes and pictures on `device`.

    Without `pictures`, two codes are drawn to see how the network lays pictures out; `picture` and `values` are what its spec says.
    `encoder_layout` is how the encoder wants its pictures, where it is not as the decoder gives them. With `differentiable` None it is tried
    whether gradients flow from a picture to its code.
    Raises ModelError when it cannot draw what it should.
    """
    (space,) = card.latent_spaces
    if pictures is None and decode is not None:
        card, pictures = _looked_at(card, guarded(card.name, "drawing", decode), space, units, picture, values, device)
    if pictures is None:
        raise ModelError(f"'{card.name}' has only an encoder, and nothing says what pictures it takes: its spec needs a \"picture\".")
    generator = encoder = None
    if decode is not None:
        draw = _drawing(card.name, guarded(card.name, "drawing", decode), space, pictures, units)
        differentiable = _lets_through(draw, space, device) if differentiable is None else differentiable
        generator = Decoder(card.name, pictures.shown, {space: draw}, differentiable=differentiable)
    if encode is not None:
        taken = replace(pictures, layout=encoder_layout or pictures.layout)
        encoder = OutsideEncoder(card.name, guarded(card.name, "encoding", encode), space, taken, units, differentiable is not False)
    return Model(card, (space,), generator=generator, encoder=encoder)


def _looked_at(
    card: Card,
    decode: Callable[[Tensor], Any],
    space: LatentSpace,
    units: Units,
    picture: tuple[int, ...],
    values: tuple[float, float] | str | None,
    device: torch.device | None,
) -> tuple[Card, Pictures]:
    """Draws a few codes, the first of them twice, and reads from the pictures what the card leaves open."""
    code = torch.cat([space.sample(1, seed).values for seed in PROBES]).to(device)
    with torch.no_grad():
        raw = picture_in(card.name, decode(units.own(code)))
    if len(raw) != len(PROBES):
        raise ModelError(f"'{card.name}' should draw one picture a code, but drew {len(raw)} for {len(PROBES)} codes.")
    _finite(card.name, raw)
    shape, layout = understood(card.name, tuple(raw.shape[1:]), picture)
    notes = list(card.data.get("notes", ()))
    if values is None:
        values = guessed(raw)
        notes.append(f"Nothing says what range its pictures have; from what it draws it was taken to be {values[0]:g} to {values[1]:g}.")
    if not torch.allclose(raw[0], raw[1], atol=1e-3 * float(raw.abs().max().clamp_min(1e-6))):
        notes.append("It draws one code differently each time: it adds noise of its own, so pictures do not repeat.")
    return card.but(data=card.data | {"notes": notes}), Pictures(shape, values, layout)


def _drawing(name: str, decode: Callable[[Tensor], Any], space: LatentSpace, pictures: Pictures, units: Units) -> Callable[[Tensor], Tensor]:
    """From our codes to our pictures, a few at a time where they are large. Codes of another size, as previews use, may draw another size."""
    _, height, width = pictures.shape
    at_once = max(1, MOST_PIXELS // (height * width))

    def some(z: Tensor) -> Tensor:
        raw = picture_in(name, decode(units.own(z)))
        if tuple(z.shape[1:]) == space.shape and raw.numel() != len(z) * math.prod(pictures.shape):
            raise ModelError(f"'{name}' should draw pictures of {list(pictures.shape)}, but drew {list(raw.shape[1:])} for {len(z)} codes.")
        return pictures.drawn(raw)

    def draw(z: Tensor) -> Tensor:
        return some(z) if len(z) <= at_once else torch.cat([some(part) for part in z.split(at_once)])

    return draw


def _lets_through(draw: Callable[[Tensor], Tensor], space: LatentSpace, device: torch.device | None) -> bool:
    """Whether gradients flow from one picture to its code."""
    z = space.sample(1, 0).values.to(device).requires_grad_()
    try:
        with torch.enable_grad():
            (gradient,) = torch.autograd.grad(draw(z).sum(), z, allow_unused=True)
    except (RuntimeError, ModelError):  # some operation has no derivative, or the network works under `no_grad`
        return False
    return gradient is not None and bool(torch.isfinite(gradient).all())


def _finite(name: str, raw: Tensor) -> None:
    if not torch.isfinite(raw).all():
        raise ModelError(f"'{name}' drew values that are not numbers for a draw from its prior, so there is nothing to show.")
