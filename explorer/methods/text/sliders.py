"""Concept sliders: a direction in the space of weights, learned as low-rank changes of a frozen network's linear layers.

    wanted(z, c) = x^(z, c) + strength [ x^(z, plus) - x^(z, minus) ],   W <- W + amount B A,   loss |x^_moved(z, c) - wanted|^2

At -1 the same change is taken from the weights and the sign turns; both ends are trained. Each further context, its own c, plus and minus,
shows the same difference beside something else, so that what goes together in the data need not go together here.

References: Gandikota et al. 2024, Concept Sliders (arXiv 2311.12092); Hu et al. 2022, LoRA (arXiv 2106.09685).
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from explorer.core.errors import DataError
from explorer.core.text import Denoiser, led
from explorer.methods.text.curvature import looks
from explorer.methods.text.edited import Request, checked_amounts, private
from explorer.methods.text.encode import Encoded, encode
from explorer.models.solvers import Report, solve

__all__ = ["LowRank", "Settings", "Slid", "slide", "train"]


@dataclass(frozen=True)
class Settings:
    """How a slider is learned and used.

    Args:
        rank: of the change. rounds, rate, batch: of Adam. strength: of the difference it learns.
        kept: further neutral, plus and minus captions to learn under, beside the picture's own.
        until: the time down to which it is applied; level, steps, worst: see `encode`.
    """

    rank: int = 4
    rounds: int = 200
    rate: float = 2e-3
    batch: int = 4
    strength: float = 2.0
    kept: tuple[tuple[str, str, str], ...] = ()
    until: float = 0.0
    level: float = 0.65
    steps: int = 30
    worst: float = 15.0
    seed: int = 0

    def __post_init__(self):
        if self.rank < 1 or self.rounds < 1 or self.batch < 1 or not 0 <= self.until < 1:
            raise DataError(f"A slider needs a rank, a round and a batch of at least 1, got {self}.")


class LowRank(nn.Module):
    """The changes of a network's linear layers: `amount` times B A each. They begin at nothing."""

    def __init__(self, net: nn.Module, rank: int, seed: int):
        super().__init__()
        self.layers = [layer for layer in net.modules() if isinstance(layer, nn.Linear) and min(layer.weight.shape) > rank]
        generator = torch.Generator().manual_seed(seed)
        shapes = [layer.weight.shape for layer in self.layers]
        self.narrow = nn.ParameterList(torch.randn(rank, i, generator=generator) / i**0.5 for _, i in shapes)
        self.wide = nn.ParameterList(torch.zeros(o, rank) for o, _ in shapes)

    @contextmanager
    def applied(self, amount: float | Tensor) -> Iterator[None]:
        """The network with its layers changed, `amount` one number or one a picture `(B,)`; as it was before, afterwards."""
        handles = [layer.register_forward_hook(self._adding(a, b, amount)) for layer, a, b in zip(self.layers, self.narrow, self.wide)]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    @staticmethod
    def _adding(a: Tensor, b: Tensor, amount: float | Tensor):
        def hook(module: nn.Module, given: tuple[Tensor, ...], out: Tensor) -> Tensor:
            factor = amount.view(-1, *[1] * (out.ndim - 1)) if isinstance(amount, Tensor) else amount
            return out + factor * ((given[0] @ a.T) @ b.T)

        return hook


@dataclass(frozen=True, eq=False)
class Slid:
    """A learned slider, and the picture that it is shown on."""

    encoded: Encoded
    change: LowRank
    until: float = 0.0
    cost: int = 0
    figures: dict[str, float] = field(default_factory=dict)

    reach = (-2.0, 2.0)

    @torch.no_grad()
    def strip(self, amounts: Sequence[float]) -> Tensor:
        amount = self.encoded.picture.new_tensor(checked_amounts(amounts, self.reach))
        z = self.encoded.found.z.expand(len(amount), *self.encoded.picture.shape[1:])
        plain = led(self.encoded.denoiser, self.encoded.before)

        def clean(z: Tensor, t: Tensor) -> Tensor:
            if float(t[0]) < self.until:
                return plain(z, t)
            with self.change.applied(amount):
                return plain(z, t)

        drawn = solve(clean, z, self.encoded.falling(), solver=self.encoded.found.solver)
        share = amount.abs().clamp(max=1).view(-1, *[1] * (z.ndim - 1))
        return (drawn + (1 - share) * self.encoded.found.residual).clamp(-1, 1)


def train(
    denoiser: Denoiser,
    pictures: Tensor,
    contexts: Sequence[tuple[str, str, str]],
    *,
    settings: Settings = Settings(),
    report: Report = lambda done, of: None,
) -> tuple[LowRank, dict[str, float]]:
    """Learns a slider on noisy versions of `pictures` `(N, C, H, W)`, under contexts of neutral, plus and minus captions.

    The denoiser's network is changed meanwhile: it must be nobody else's. Raises DataError for no contexts.
    """
    if not contexts:
        raise DataError("A slider needs at least one description to learn under.")
    change = LowRank(denoiser.net, settings.rank, settings.seed)
    descent = torch.optim.Adam(change.parameters(), lr=settings.rate)
    losses = []
    for step in range(settings.rounds):
        generator = torch.Generator().manual_seed(settings.seed * 1_000_003 + step)
        neutral, plus, minus = (denoiser.embed([caption]) for caption in contexts[int(torch.randint(len(contexts), (), generator=generator))])
        picture = pictures[int(torch.randint(len(pictures), (), generator=generator))][None]
        seen = looks(picture, settings.batch, low=0.1, high=0.95, seed=settings.seed * 1_000_003 + step)
        with torch.no_grad():
            plain, up, down = (led(denoiser, each)(seen.z, seen.t) for each in (neutral, plus, minus))
        sign = 1.0 if step % 2 == 0 else -1.0
        with torch.enable_grad(), change.applied(sign):
            missed = led(denoiser, neutral)(seen.z, seen.t) - (plain + sign * settings.strength * (up - down))
            loss = missed.square().mean() / (settings.strength * (up - down)).square().mean().clamp_min(1e-8)
        descent.zero_grad()
        loss.backward()
        descent.step()
        losses.append(float(loss.detach()))
        report(step + 1, settings.rounds)
    tail = losses[-max(1, len(losses) // 5) :]
    return change.requires_grad_(False), {"unlearned": sum(tail) / len(tail)}


def slide(denoiser: Denoiser, request: Request, *, settings: Settings = Settings(), report: Report = lambda done, steps: None) -> Slid:
    """Learns a slider for one picture and its two captions. Raises CapabilityError for a model that does not show its network."""
    denoiser = private(denoiser)
    encoded = encode(denoiser, request, level=settings.level, steps=settings.steps, worst=settings.worst)
    contexts = [(request.said, request.wanted, request.said), *settings.kept]
    change, figures = train(denoiser, request.picture, contexts, settings=settings, report=report)
    return Slid(encoded, change, settings.until, figures=figures)
