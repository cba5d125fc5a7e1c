"""Learns K potential flows of a generator, without labels or from known motions.

Without labels, for codes z of the prior, a potential k and a sign for each of them, the loss is

    CE(classifier(G(z_t), G(z_t+1)), k)  +  w_pde (r / m)^2  +  w_start |v(z_0, 0)|^2 / m^2  -  w_effect log |J v/|v||^2  +  (|v| / s - 1)^2

r the residual of the chosen equation, m the (detached) mean speed, s the wanted length of a step. What differs from the published
loss, and why: time is a sample's own, not the batch's; the Laplacian is a Laplacian; the effect on the picture is that of a *unit*
step, or growing u without end would lower the loss without end; with unit steps shrinking u would zero the residual, so it is
divided by the speed, and the speed is pinned to s; each batch mixes all potentials, and nothing is normalised over a batch.
For the Hamilton-Jacobi equation the scale of u has a meaning of its own, so its residual is taken as it is.

On the side of negative amounts a code moves by -v; the two pictures of a pair are then swapped, so that the motion reads forward and
+v and -v cannot count as two flows.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from explorer.core.errors import DataError
from explorer.methods.flows.pde import KINDS, Kind, residual
from explorer.methods.flows.potentials import Potentials
from explorer.methods.pairs import PairNet

__all__ = ["Course", "Settings", "accuracy", "course", "supervised"]

Decode = Callable[[Tensor], Tensor]
NUDGE = 0.1  # the unit step by which the effect on the picture is measured, in latent lengths


@dataclass(frozen=True)
class Settings:
    """What a flow is learned with.

    Args:
        count: K potentials; steps: how many steps of a walk are trained (T).
        kind: the equation; speed: its constant.
        step: the wanted mean length of a step; 0 takes a tenth of the square root of the dimension.
        pde, start, effect: weights of the terms.
        turns: terms of the divergence-free part; 0 for potentials alone.
        updates, batch, rate: of Adam.
    """

    count: int = 8
    steps: int = 6
    kind: Kind = "wave"
    speed: float = 1.0
    step: float = 0.0
    pde: float = 0.3
    start: float = 1.0
    effect: float = 0.1
    turns: int = 0
    hidden: int = 64
    updates: int = 2000
    batch: int = 32
    rate: float = 1e-3
    seed: int = 0

    def __post_init__(self):
        if self.kind not in KINDS:
            raise DataError(f"No equation '{self.kind}'. Known: {', '.join(KINDS)}.")
        if self.count < 1 or self.steps < 2 or self.updates < 1 or self.batch < 2:
            raise DataError(f"A flow needs at least 1 potential, 2 steps, 1 update and a batch of 2, got {asdict(self)}.")

    def length(self, size: int) -> float:
        """The wanted length of a step in `size` dimensions."""
        return self.step or 0.1 * size**0.5


@dataclass(eq=False)
class Course(nn.Module):
    """A flow being learned: the potentials, and the classifier that has to tell them apart. One module, so that one state holds both."""

    def __init__(self, settings: Settings, size: int, channels: int):
        super().__init__()
        self.settings = settings
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(settings.seed)
            self.net = Potentials(settings.count, size, hidden=settings.hidden, turns=settings.turns)
            self.judge = PairNet(channels, settings.count)

    def loss(self, decode: Decode, sample: Callable[[int, int], Tensor], update: int) -> tuple[Tensor, dict[str, float]]:
        """The loss of one update and its figures. `sample(n, seed)` draws flat codes."""
        s = self.settings
        generator = torch.Generator().manual_seed(s.seed * 1_000_003 + update)
        z0 = sample(s.batch, s.seed * 1_000_003 + update)
        k = torch.randint(s.count, (s.batch,), generator=generator)
        when = torch.randint(1, s.steps, (s.batch,), generator=generator)  # the step before it is the one that barely moves
        sign = torch.where(torch.rand(s.batch, generator=generator) < 0.5, -1.0, 1.0)
        states = self.net.rollout(z0, k, s.steps, sign)
        rows = torch.arange(s.batch)
        here, there = states[when, rows], states[when + 1, rows]
        speeds = (states[2:] - states[1:-1]).norm(dim=2)
        pace, wanted = speeds.mean(), s.length(z0.shape[1])
        told = self._told(decode, here, there, sign)
        right = F.cross_entropy(told, k)
        parts = {"which": right, "pace": (speeds / wanted - 1).square().mean()}
        parts |= self._physics(z0, here, when, k, pace.detach(), update)
        if s.effect:
            parts["effect"] = -s.effect * _effect(decode, here.detach(), sign[:, None] * (there - here)).log().mean()
        total = torch.stack(list(parts.values())).sum()
        return total, {"loss": float(total.detach()), "right": float((told.argmax(dim=1) == k).float().mean()), "pace": float(pace.detach())}

    def _told(self, decode: Decode, here: Tensor, there: Tensor, sign: Tensor) -> Tensor:
        x = decode(torch.cat([here, there]))
        first, second = x.chunk(2)
        swap = (sign < 0).view(-1, 1, 1, 1)
        return self.judge(torch.where(swap, second, first), torch.where(swap, first, second))[0]

    def _physics(self, z0: Tensor, here: Tensor, when: Tensor, k: Tensor, pace: Tensor, update: int) -> dict[str, Tensor]:
        s, parts = self.settings, {}
        if s.kind != "none" and s.pde:
            missed = residual(s.kind, lambda z, t: self.net.u(z, t, k), here, when.float(), speed=s.speed, seed=update)
            scale = 1.0 if s.kind == "hamilton-jacobi" else pace
            parts["pde"] = s.pde * (missed / scale).square().mean()
        if s.start:
            first = self.net.velocity(z0, torch.zeros(len(z0)), k)
            parts["start"] = s.start * first.square().sum(dim=1).mean() / pace**2
        return parts


def _effect(decode: Decode, z: Tensor, step: Tensor) -> Tensor:
    """The squared change of the picture by a unit step in the direction of `step`, per latent length, `(B,)`."""
    way = step / step.norm(dim=1, keepdim=True).clamp_min(1e-8)
    ahead, behind = decode(torch.cat([z + NUDGE / 2 * way, z - NUDGE / 2 * way])).chunk(2)
    return ((ahead - behind) / NUDGE).square().flatten(1).sum(dim=1) + 1e-8


def course(
    decode: Decode,
    sample: Callable[[int, int], Tensor],
    settings: Settings,
    *,
    size: int,
    channels: int,
    report: Callable[[int, int, dict[str, float]], None] = lambda done, of, figures: None,
) -> Course:
    """Learns a flow from nothing, in memory. (For a run that can be resumed, give `Course.loss` to a training `Loop`.)

    Raises:
        DataError: the loss stopped being a number.
    """
    made = Course(settings, size, channels)
    optimiser = torch.optim.Adam(made.parameters(), lr=settings.rate)
    for update in range(settings.updates):
        loss, figures = made.loss(decode, sample, update)
        if not torch.isfinite(loss):
            raise DataError(f"The flow diverged at update {update}: its loss is no longer a number. A smaller step or rate may help.")
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(made.parameters(), 10.0)
        optimiser.step()
        for group in optimiser.param_groups:
            group["lr"] = settings.rate * min(1.0, 2.0 * (1 - (update + 1) / settings.updates) + 0.02)
        report(update + 1, settings.updates, figures)
    return made.eval().requires_grad_(False)


@torch.no_grad()
def accuracy(made: Course, decode: Decode, sample: Callable[[int, int], Tensor], *, n: int = 512, seed: int = 10_001) -> float:
    """How often the classifier names the potential on fresh pairs, all potentials mixed, in [0, 1]."""
    s, generator = made.settings, torch.Generator().manual_seed(seed)
    right = 0
    for piece in range(0, n, 64):
        z0, k = sample(64, seed + piece), torch.randint(s.count, (64,), generator=generator)
        when = torch.randint(1, s.steps, (64,), generator=generator)
        states = made.net.rollout(z0, k, s.steps).detach()
        told = made._told(decode, states[when, torch.arange(64)], states[when + 1, torch.arange(64)], torch.ones(64))
        right += int((told.argmax(dim=1) == k).sum())
    return right / (-(-n // 64) * 64)


def supervised(
    motions: list[Callable[[Tensor], Tensor]],
    sample: Callable[[int, int], Tensor],
    settings: Settings,
    *,
    size: int,
    report: Callable[[int, int, dict[str, float]], None] = lambda done, of, figures: None,
) -> Potentials:
    """Potentials that move codes as `motions` do: each takes codes `(B, D)` to velocities `(B, D)`, the same at all times.

    Raises:
        DataError: not as many motions as potentials.
    """
    if len(motions) != settings.count:
        raise DataError(f"{settings.count} potentials need as many motions, got {len(motions)}.")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        net = Potentials(settings.count, size, hidden=settings.hidden, turns=settings.turns)
    optimiser = torch.optim.Adam(net.parameters(), lr=settings.rate)
    for update in range(settings.updates):
        z = sample(settings.batch, settings.seed * 1_000_003 + update)
        generator = torch.Generator().manual_seed(update)
        k, t = torch.randint(settings.count, (len(z),), generator=generator), torch.randint(settings.steps, (len(z),), generator=generator).float()
        wanted = torch.stack([motion(z) for motion in motions])[k, torch.arange(len(z))]
        missed = (net.velocity(z, t, k) - wanted).square().sum(dim=1)
        loss = (missed / wanted.square().sum(dim=1).mean().clamp_min(1e-8)).mean()
        if settings.kind != "none" and settings.pde:
            loss = (
                loss
                + settings.pde * residual(settings.kind, lambda z, t, k=k: net.u(z, t, k), z, t, speed=settings.speed, seed=update).square().mean()
            )
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        for group in optimiser.param_groups:
            group["lr"] = settings.rate * (1 - (update + 1) / settings.updates) + 1e-5
        report(update + 1, settings.updates, {"missed": float(missed.detach().mean())})
    return net.eval().requires_grad_(False)


def figures(made: Course, decode: Decode, sample: Callable[[int, int], Tensor]) -> dict[str, Any]:
    """What is told of a learned flow: accuracy, and of each potential the change of the picture a step, over the median's."""
    z = sample(64, 20_011)
    changes = []
    for k in range(made.settings.count):
        states = made.net.rollout(z, torch.full((len(z),), k), made.settings.steps).detach()
        with torch.no_grad():
            x = torch.stack([decode(state) for state in states[1:]])
        changes.append(float((x[1:] - x[:-1]).square().flatten(2).mean(dim=2).sqrt().mean()))
    median = sorted(changes)[len(changes) // 2]
    return {"accuracy": accuracy(made, decode, sample), "change_over_median": [change / max(median, 1e-12) for change in changes], "change": changes}
