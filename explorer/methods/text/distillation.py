"""Score distillation: the picture itself is moved, step by step, by what the network makes of it under noise.

With the same noise and time for both branches, in units of clean pictures, z the picture and x the one that was given:

    SDS   z - x^(z_t, wanted)
    DDS   (z - x) - [ x^(z_t, wanted) - x^(x_t, said) ]
    PDS   DDS + p (z - x)

times (1 - t) / t these are the differences of noise that the papers write; without that factor their size does not depend on t. The
(z - x) of DDS is not decoration: differences of velocities alone lack it, and the picture drifts. In the released PDS the weight p
comes from comparing steps that are not neighbours (see `pds_weights`); here it is said openly.

References: Poole et al. 2023, DreamFusion (arXiv 2209.14988); Hertz et al. 2023, DDS (arXiv 2304.07090); Koo et al. 2024, PDS (arXiv 2311.13831).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from explorer.core.errors import DataError
from explorer.core.text import Denoiser, led
from explorer.methods.text.edited import Request, checked_amounts
from explorer.models.solvers import Report, checked
from explorer.models.variance_preserving import Steps

__all__ = ["Distilled", "Settings", "distil", "pds_weights"]

KINDS = ("sds", "dds", "pds")


@dataclass(frozen=True)
class Settings:
    """How a picture is moved.

    Args:
        kind: one of the three. rounds, rate: of plain gradient descent. guidance: of both branches.
        low, high: the times between which noise is drawn.
        identity: p, of PDS. anchored: whether DDS keeps its pull to the given picture.
        keep: every how many rounds a state is kept for the strip.
    """

    kind: str = "dds"
    rounds: int = 60
    rate: float = 0.1
    guidance: float = 2.0
    low: float = 0.3
    high: float = 0.9
    identity: float = 0.1
    anchored: bool = True
    keep: int = 5
    seed: int = 0

    def __post_init__(self):
        if self.kind not in KINDS:
            raise DataError(f"No distillation '{self.kind}'. Known: {', '.join(KINDS)}.")
        if self.rounds < 1 or self.keep < 1 or not 0 < self.rate <= 1 or not 0 < self.low < self.high < 1:
            raise DataError(f"A distillation needs at least 1 round, a rate in (0, 1] and times between 0 and 1, got {self}.")


@dataclass(frozen=True, eq=False)
class Distilled:
    """The states `(S, C, H, W)` a picture went through. Amounts are shares of the way in rounds, which is a path and not a straight line."""

    states: Tensor
    cost: int = 0
    figures: dict[str, float] = field(default_factory=dict)

    reach = (0.0, 1.0)

    def strip(self, amounts: Sequence[float]) -> Tensor:
        place = torch.tensor(checked_amounts(amounts, self.reach)).clamp(0, 1) * (len(self.states) - 1)
        below = place.long().clamp(max=len(self.states) - 2)
        share = (place - below).to(self.states).view(-1, *[1] * (self.states.ndim - 1))
        return torch.lerp(self.states[below], self.states[below + 1], share).clamp(-1, 1)


@torch.no_grad()
def distil(denoiser: Denoiser, request: Request, *, settings: Settings = Settings(), report: Report = lambda done, steps: None) -> Distilled:
    """Moves a picture from what is said of it to what is wanted. Raises ModelError when it diverges."""
    x = request.picture
    said = led(denoiser, denoiser.embed([request.said]), settings.guidance)
    wanted = led(denoiser, denoiser.embed([request.wanted]), settings.guidance)
    generator = torch.Generator().manual_seed(settings.seed)
    z, states = x, [x]
    for step in range(settings.rounds):
        t = settings.low + (settings.high - settings.low) * float(torch.rand((), generator=generator))
        noise, at = torch.randn(x.shape, generator=generator).to(x), x.new_full((1,), t)
        pull = z - wanted((1 - t) * z + t * noise, at)
        if settings.kind != "sds":
            anchor = x if settings.anchored else t * z + (1 - t) * x  # what differences of velocities compare with
            pull = pull - (anchor - said((1 - t) * x + t * noise, at))
        if settings.kind == "pds":
            pull = pull + settings.identity * (z - x)
        z = checked(z - settings.rate * pull, t)
        if (step + 1) % settings.keep == 0 or step + 1 == settings.rounds:
            states.append(z)
        report(step + 1, settings.rounds)
    return Distilled(torch.cat(states), figures={"moved": float((z - x).square().mean().sqrt())})


def pds_weights(steps: Steps, number: int, *, back: int = 1) -> tuple[float, float]:
    """The weights psi of identity and chi of DDS that posterior distillation implies at a training step, compared with `back` steps earlier.

    For neighbouring steps psi is exactly zero. The released code goes two steps back with the noise of one, hence its identity term.
    """
    now, before, single = (float(steps.signal[place]) for place in (number, number - back, number - 1))
    added = 1 - now / single
    spread = math.sqrt(added * (1 - before) / (1 - now))
    clean = math.sqrt(before) * added / (1 - now)
    noisy = math.sqrt(1 - added) * (1 - before) / (1 - now)
    return (math.sqrt(before) - clean - noisy * math.sqrt(now)) / spread, clean * math.sqrt((1 - now) / now) / spread
