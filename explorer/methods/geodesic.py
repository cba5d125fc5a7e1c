"""The way between two codes on which the picture changes least: a geodesic under the metric that the generator pulls back.

A generator g makes the latent space a surface in picture space, with the metric G(z) = J(z)^T J(z). Of all curves z_0, …, z_T between
two codes, the one of least energy

    E = T * sum_i |g(z_{i+1}) - g(z_i)|^2   >=   (sum_i |g(z_{i+1}) - g(z_i)|)^2 = length^2

has the least length, and runs at constant speed there. The curve is a natural cubic spline through a few knots; knots are what is
searched for, by L-BFGS, from the better of the arc and the chord. Nothing in this knows where the data are: a short way may lead
through codes that are rare.

References: Arvanitidis, Hansen and Hauberg, Latent Space Oddity (2018); Shao, Kumar and Fletcher, The Riemannian Geometry of Deep
Generative Models (2018).
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor

from explorer.core.path import Path, between, cubic, through
from explorer.methods.measure.change import Draw, changes

__all__ = ["Geodesic", "length", "solve"]

PIECES = 4  # between two knots, while the knots are searched for
AT_ONCE = 9  # pictures held in memory with their gradients
STEPS = 6  # of L-BFGS a round
SETTLED = 3e-3  # of the energy: a round that gains less is the last but one
LOOKS = 65  # pictures by which a length is measured


@dataclass(frozen=True, eq=False)
class Geodesic:
    """What was found.

    Args:
        points: the two ends and the knots between them, `(K + 2, D)`, in order.
        energies: before the first round and after each.
    """

    points: Tensor
    energies: list[float] = field(default_factory=list)

    @property
    def path(self) -> Path:
        """The curve, at constant speed in the latent space."""
        return through(self.points, "geodesic")


def solve(
    draw: Draw,
    start: Tensor,
    end: Tensor,
    *,
    knots: int = 5,
    rounds: int = 12,
    report: Callable[[int, int, float], None] = lambda step, steps, energy: None,
) -> Geodesic:
    """The curve of least energy from `start` to `end`, both `(D,)`.

    Args:
        draw: from flat codes `(B, D)` to pictures, or to whatever vectors distance shall be measured in; gradients must flow.
        knots: between the ends; more bend more, and take longer.
        rounds: at most; it ends earlier when nothing more is gained.
        report: hears of every round: which, of how many, and the energy; may raise to stop.
    """
    weights = cubic(knots + 2, pieces=PIECES)
    ends = torch.stack([start, end]).double()
    inner = _beginning(draw, start, end, weights).clone().requires_grad_()
    search = torch.optim.LBFGS([inner], max_iter=STEPS, history_size=12, line_search_fn="strong_wolfe")

    def energy() -> float:
        value, slope = _energy(draw, weights, ends, inner, start.dtype)
        inner.grad = slope
        return value

    with torch.enable_grad():
        energies, calm = [energy()], 0
        for step in range(rounds):
            report(step, rounds, energies[-1])
            search.step(energy)
            energies.append(energy())
            calm = calm + 1 if energies[-1] > (1 - SETTLED) * energies[-2] else 0
            if calm == 2:
                break
    report(rounds, rounds, energies[-1])
    points = torch.cat([ends[:1], inner.detach(), ends[1:]]).to(start.dtype)
    return Geodesic(torch.cat([start[None], points[1:-1], end[None]]), energies)


def length(draw: Draw, path: Path, *, looks: int = LOOKS) -> float:
    """How much the picture changes along a path in all, as the root mean square difference of pictures in [-1, 1]."""
    return float(changes(draw, path(torch.linspace(0, 1, looks))).sum())


def _beginning(draw: Draw, start: Tensor, end: Tensor, weights: Tensor) -> Tensor:
    """The knots `(K, D)`, float64, of the arc or of the chord, whichever takes less energy."""
    t = torch.linspace(0, 1, weights.shape[1], dtype=torch.float64)

    def cost(points: Tensor) -> float:
        return float(changes(draw, (weights @ points).to(start.dtype)).square().sum())

    candidates = [between(start.double(), end.double(), kind)(t) for kind in ("arc", "chord")]
    return min(candidates, key=cost)[1:-1]


def _energy(draw: Draw, weights: Tensor, ends: Tensor, inner: Tensor, dtype: torch.dtype) -> tuple[float, Tensor]:
    """The energy of a curve, and its slope `(K, D)` at the knots. A few pictures are drawn at a time; each part shares its first with the one before."""
    total, slope = 0.0, torch.zeros_like(inner)
    count = len(weights) - 1
    for first in range(0, count, AT_ONCE - 1):
        rows = weights[first : first + AT_ONCE]
        curve = rows[:, :1] * ends[0] + rows[:, 1:-1] @ inner + rows[:, -1:] * ends[1]
        seen = draw(curve.to(dtype)).flatten(1)
        part = count * seen.diff(dim=0).square().mean(dim=1).sum().double()
        total += float(part.detach())
        slope += torch.autograd.grad(part, inner)[0]
    return total, slope
