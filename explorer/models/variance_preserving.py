"""Networks that predict the noise of z = a x + s e, a² + s² = 1 (Ho et al. 2020, arXiv 2006.11239), as ones that clean the straight path.

    z / (a + s) = (1 - t) x + t e   with   t = s / (a + s)

so that what is written for one path (solvers, inversions, edits) serves both.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from explorer.core.errors import DataError
from explorer.core.text import Clean

__all__ = ["Steps", "linear", "rectified"]

Noise = Callable[[Tensor, Tensor], Tensor]  # from z (B, ...) and training steps (B,), fractions included, to the noise in it


@dataclass(frozen=True, eq=False)
class Steps:
    """The training steps of such a network, by the share `(T,)` of the signal's variance that each leaves, falling."""

    signal: Tensor

    def __post_init__(self):
        if (
            self.signal.ndim != 1
            or len(self.signal) < 2
            or not bool(((self.signal > 0) & (self.signal < 1)).all() and (self.signal.diff() < 0).all())
        ):
            raise DataError("The signal's share of the variance must fall from step to step, within 0 and 1.")

    def weights(self, t: Tensor) -> tuple[Tensor, Tensor]:
        """a and s at times `t` of the straight path."""
        scale = ((1 - t).square() + t.square()).rsqrt()
        return (1 - t) * scale, t * scale

    def number(self, t: Tensor) -> Tensor:
        """The training steps `(B,)` at times of the straight path, fractions between; beyond the first and the last there is none."""
        ratios = torch.logit(self.signal.double()).flip(0)  # rising log signal-to-noise ratios
        wanted = 2 * (torch.log1p(-t.double()) - torch.log(t.double().clamp_min(1e-12)))
        above = torch.searchsorted(ratios, wanted.contiguous()).clamp(1, len(ratios) - 1)
        share = ((wanted - ratios[above - 1]) / (ratios[above] - ratios[above - 1])).clamp(0, 1)
        return (len(ratios) - 1 - (above - 1 + share)).to(t.dtype)

    @property
    def range(self) -> tuple[float, float]:
        """The earliest and the latest time of the straight path that the network was trained at."""
        first, last = (math.sqrt((1 - float(a)) / float(a)) for a in (self.signal[0], self.signal[-1]))
        return first / (1 + first), last / (1 + last)


def linear(steps: int = 1000, *, first: float = 1e-4, last: float = 0.02, rooted: bool = False) -> Steps:
    """The usual schedule: the share of noise that each step adds rises linearly (`rooted`: its square root does, as in Stable Diffusion)."""
    ends = (math.sqrt(first), math.sqrt(last)) if rooted else (first, last)
    added = torch.linspace(*ends, steps, dtype=torch.float64)
    return Steps((1 - (added.square() if rooted else added)).cumprod(dim=0))


def rectified(noise: Noise, steps: Steps) -> Clean:
    """What a network that predicts noise cleans on the straight path."""

    def clean(z: Tensor, t: Tensor) -> Tensor:
        shape = (-1, *[1] * (z.ndim - 1))
        a, s = (weight.view(shape) for weight in steps.weights(t))
        whole = z * (a + s)
        return (whole - s * noise(whole, steps.number(t))) / a.clamp_min(1e-4)

    return clean
