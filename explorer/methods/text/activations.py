"""Directions inside the network: what a caption changes in one block, added there while a picture is drawn.

    delta(t) = mean_i [ block(z_i, t, wanted) - block(z_i, t, said) ]   on a grid of times, the same noise for both
    block <- block + amount delta(t)   while t >= `until`

A transformer has no bottleneck; one block of it takes that place. Only the tokens of the picture are moved, under the first caption.

References: Kwon et al. 2023, Asyrp (arXiv 2210.10960), for the bottleneck of a U-Net; Hu et al. 2024, u-space (arXiv 2312.10825).
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from explorer.core.errors import CapabilityError, DataError
from explorer.core.text import Condition, Denoiser, led
from explorer.methods.text.curvature import Looks, looks
from explorer.methods.text.edited import Request, checked_amounts, private
from explorer.methods.text.encode import Encoded, encode
from explorer.models.solvers import Report, solve

__all__ = ["Activated", "Settings", "activate", "blocks"]


@dataclass(frozen=True)
class Settings:
    """Which block is moved, and how long.

    Args:
        block: its number, or -1 for the one in the middle. until: the time down to which it is moved.
        grid, count: at how many times, and on how many draws of noise, the difference is taken.
        level, steps: of the inversion, see `encode`.
    """

    block: int = -1
    until: float = 0.2
    grid: int = 8
    count: int = 8
    level: float = 0.65
    steps: int = 30
    worst: float = 15.0
    seed: int = 0

    def __post_init__(self):
        if self.grid < 2 or self.count < 1 or not 0 <= self.until < self.level < 1:
            raise DataError(f"Activations need at least 2 times, 1 draw of noise, and an end below the level, got {self}.")


def blocks(denoiser: Denoiser) -> nn.ModuleList:
    """The blocks of a network that a model shows, each returning tokens of the picture first. Raises CapabilityError for one without."""
    found = getattr(denoiser.net, "layers", None)
    if not isinstance(found, nn.ModuleList) or not len(found):
        raise CapabilityError("This network has no blocks of tokens: directions inside it need a transformer of our own kind.")
    return found


@contextmanager
def _hooked(block: nn.Module, hook) -> Iterator[None]:
    handle = block.register_forward_hook(hook)
    try:
        yield
    finally:
        handle.remove()


@dataclass(frozen=True, eq=False)
class Activated:
    """The change `(G, tokens, width)` of one block at times `(G,)`, and the picture it is for."""

    encoded: Encoded
    block: nn.Module
    times: Tensor
    change: Tensor
    until: float
    cost: int = 0
    figures: dict[str, float] = field(default_factory=dict)

    reach = (-2.0, 3.0)

    def at(self, t: float) -> Tensor:
        """The change `(tokens, width)` at any time, between those of the grid."""
        place = (float(t) - float(self.times[0])) / float(self.times[-1] - self.times[0]) * (len(self.times) - 1)
        place = min(max(place, 0.0), len(self.times) - 1.0)
        below = min(int(place), len(self.times) - 2)
        return torch.lerp(self.change[below], self.change[below + 1], place - below)

    @torch.no_grad()
    def strip(self, amounts: Sequence[float]) -> Tensor:
        amount = self.encoded.picture.new_tensor(checked_amounts(amounts, self.reach))
        now = [self.encoded.level]
        plain = led(self.encoded.denoiser, self.encoded.before)

        def moved(module: nn.Module, given: tuple, out: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
            return (out[0] + amount.view(-1, 1, 1) * self.at(now[0]), *out[1:]) if now[0] >= self.until else out

        def clean(z: Tensor, t: Tensor) -> Tensor:
            now[0] = float(t[0])
            return plain(z, t)

        z = self.encoded.found.z.expand(len(amount), *self.encoded.picture.shape[1:])
        with _hooked(self.block, moved):
            drawn = solve(clean, z, self.encoded.falling(), solver=self.encoded.found.solver)
        share = amount.abs().clamp(max=1).view(-1, *[1] * (z.ndim - 1))
        return (drawn + (1 - share) * self.encoded.found.residual).clamp(-1, 1)


def _inside(denoiser: Denoiser, block: nn.Module, condition: Condition, seen: Looks) -> Tensor:
    """What a block returns for the tokens of the picture `(tokens, width)`, on average."""
    out: list[Tensor] = []

    def keep(module: nn.Module, given: tuple, result: tuple[Tensor, ...]) -> None:
        out.append(result[0].mean(dim=0))

    with _hooked(block, keep):
        led(denoiser, condition)(seen.z, seen.t)
    return out[0]


@torch.no_grad()
def activate(denoiser: Denoiser, request: Request, *, settings: Settings = Settings(), report: Report = lambda done, steps: None) -> Activated:
    """Finds what the wanted caption changes in one block. Raises CapabilityError for networks that show none, DataError for a number beyond the last."""
    denoiser = private(denoiser)
    inside = blocks(denoiser)
    if not -1 <= settings.block < len(inside):
        raise DataError(f"The network has blocks 0 to {len(inside) - 1}, got {settings.block}.")
    block = inside[len(inside) // 2 if settings.block < 0 else settings.block]
    encoded = encode(denoiser, request, level=settings.level, steps=settings.steps, worst=settings.worst)
    at = torch.linspace(settings.until, settings.level, settings.grid)
    changes = []
    for place, t in enumerate(at.tolist()):
        seen = looks(request.picture, settings.count, low=t, high=t, seed=settings.seed)
        said, wanted = (_inside(denoiser, block, condition, seen) for condition in (encoded.before, encoded.after))
        changes.append(wanted - said)
        report(place + 1, settings.grid)
    return Activated(encoded, block, at, torch.stack(changes), settings.until)
