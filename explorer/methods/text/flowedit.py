"""FlowEdit: the flow between what the network draws under two captions, without going back to noise first.

    x_t = (1 - t) x + t e,   z_t = z + x_t - x,   dz/dt = amount [ v(z_t, t, wanted) - v(x_t, t, said) ]

With one caption and one guidance for both it is the identity, exactly. `noisiest` says from how high in the noise it starts, and with that
how much can change.

References: Kulikov et al. 2025, FlowEdit (arXiv 2412.08629).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from explorer.core.errors import DataError
from explorer.core.text import Denoiser, led
from explorer.methods.text.edited import Request, checked_amounts
from explorer.models.solvers import Report, checked, times

__all__ = ["Flowed", "Settings", "flow"]


@dataclass(frozen=True)
class Settings:
    """How the flow is followed.

    Args:
        steps: of the whole flow from noise. noisiest: how many of them are taken, the last ones.
        said, wanted: guidance of the two branches.
        draws: of noise, averaged at every step.
    """

    steps: int = 30
    noisiest: int = 20
    said: float = 1.0
    wanted: float = 2.0
    draws: int = 1
    seed: int = 0

    def __post_init__(self):
        if not 1 <= self.noisiest <= self.steps or self.draws < 1:
            raise DataError(f"FlowEdit takes between 1 and all {self.steps} of its steps and at least one draw of noise, got {self}.")


@dataclass(frozen=True, eq=False)
class Flowed:
    """Nothing has to be found beforehand: every amount is a walk of its own, all with the same noise."""

    denoiser: Denoiser
    request: Request
    settings: Settings
    cost: int = 0
    figures: dict[str, float] = field(default_factory=dict)

    reach = (0.0, 1.5)

    @torch.no_grad()
    def strip(self, amounts: Sequence[float], *, report: Report = lambda done, steps: None) -> Tensor:
        s, x = self.settings, self.request.picture
        wide = (-1, *[1] * (x.ndim - 1))
        amount = x.new_tensor(checked_amounts(amounts, self.reach)).view(wide)
        said = led(self.denoiser, self.denoiser.embed([self.request.said]), s.said)
        wanted = led(self.denoiser, self.denoiser.embed([self.request.wanted]), s.wanted)
        at = times(s.steps)[s.steps - s.noisiest :]
        z = x.expand(len(amount), *x.shape[1:])
        for i, (t, after) in enumerate(zip(at, at[1:])):
            change = torch.stack([self._change(said, wanted, z, t, i * s.draws + k) for k in range(s.draws)]).mean(dim=0)
            z = checked(z + (after - t) * amount * change, after)
            report(i + 1, len(at) - 1)
        return z.clamp(-1, 1)

    def _change(self, said, wanted, z: Tensor, t: float, draw: int) -> Tensor:
        """The difference of the velocities `(T, C, H, W)` under one draw of noise."""
        x = self.request.picture
        noise = torch.randn(x.shape, generator=torch.Generator().manual_seed(self.settings.seed * 1_000_003 + draw)).to(x)
        noisy = (1 - t) * x + t * noise
        there = z + noisy - x
        return (there - wanted(there, z.new_full((len(z),), t))) / t - (noisy - said(noisy, x.new_full((1,), t))) / t


def flow(denoiser: Denoiser, request: Request, *, settings: Settings = Settings(), report: Report = lambda done, steps: None) -> Flowed:
    """An edit that is computed when it is looked at."""
    return Flowed(denoiser, request, settings)
