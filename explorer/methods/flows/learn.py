"""Learns K potential flows of a generator, without labels or from known motions.

Without labels, for codes z of the prior, a potential k, a sign and two times a < b for each of them, the loss is

    CE(classifier(G(z_b) - G(z_a)), k)  +  w_plain CE(templates(G(z_b) - G(z_a)), k)
        + w_pde (r / m)^2  +  w_start |v(z_0, 0)|^2 / m^2  -  w_effect log(|G(z_b) - G(z_a)|^2 / |z_b - z_a|^2)  +  (|v| / s - 1)^2

r the residual of the chosen equation, m the (detached) mean speed, s the wanted length of a step. What differs from the published
loss, and why:

- time is a sample's own, not the batch's, and the Laplacian is a Laplacian;
- the effect on the picture is that of a *unit* step, or growing u without end would lower the loss without end (a secant over the
  pair that is drawn anyway, which costs nothing, instead of a derivative); with unit steps shrinking u would zero the residual, so
  it is divided by the speed, and the speed is pinned to s;
- each batch mixes all potentials, and nothing is normalised over a batch;
- pairs are any two moments of a walk, its beginning included, not only neighbours: what is learned is what a slider will show;
- beside the classifier, which may go by subtle traces, K fixed pictures must tell the change by plain correlation: a flow then
  does much the same thing to every picture, which is what makes it predictable (see `measure/variation.py`).

For the Hamilton-Jacobi equation the residual is divided by m^2 / 2, the size of its second term, and w_start is 0: under it speeds do
not change on the way, so what stands still at first would stand still for ever.

On the side of negative amounts a code moves by -v; the change then counts with the opposite sign, so that the motion reads forward and
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
from explorer.methods.pairs import SIDE, PairNet, shrunk

__all__ = ["Course", "Settings", "accuracy", "course", "figures", "quick", "supervised"]

Decode = Callable[[Tensor], Tensor]
SHARP = 10.0  # how certain a template that fits perfectly is, in nats


@dataclass(frozen=True)
class Settings:
    """What a flow is learned with.

    Args:
        count: K potentials; steps: how many steps of a walk are trained (T).
        kind: the equation; speed: its constant.
        step: the wanted mean length of a step; 0 takes a tenth of the square root of the dimension.
        pde, start, effect, plain: weights of the terms.
        turns: terms of the divergence-free part; 0 for potentials alone.
        updates, batch, rate: of Adam.
    """

    count: int = 8
    steps: int = 8
    kind: Kind = "wave"
    speed: float = 1.0
    step: float = 0.0
    pde: float = 0.3
    start: float = 4.0
    effect: float = 0.1
    plain: float = 1.0
    turns: int = 0
    hidden: int = 64
    updates: int = 2000
    batch: int = 32
    rate: float = 3e-3
    seed: int = 0

    def __post_init__(self):
        if self.kind not in KINDS:
            raise DataError(f"No equation '{self.kind}'. Known: {', '.join(KINDS)}.")
        if self.count < 1 or self.steps < 2 or self.updates < 1 or self.batch < 2:
            raise DataError(f"A flow needs at least 1 potential, 2 steps, 1 update and a batch of 2, got {asdict(self)}.")

    @property
    def told(self) -> dict[str, Any]:
        """All of it under names for people, ready for JSON."""
        whole = asdict(self)
        return {"equation": whole.pop("kind"), **whole}

    @property
    def held(self) -> bool:
        """Whether the first step is held back."""
        return self.start > 0 and self.kind != "hamilton-jacobi"

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
            self.templates = nn.Parameter(torch.randn(settings.count, channels * SIDE**2))

    def loss(self, decode: Decode, sample: Callable[[int, int], Tensor], update: int) -> tuple[Tensor, dict[str, float]]:
        """The loss of one update and its figures. `sample(n, seed)` draws flat codes."""
        s = self.settings
        generator = torch.Generator().manual_seed(s.seed * 1_000_003 + update)
        z0 = sample(s.batch, s.seed * 1_000_003 + update)
        k = torch.randint(s.count, (s.batch,), generator=generator)
        until, since = _moments(s.batch, s.steps, generator)
        sign = torch.where(torch.rand(s.batch, generator=generator) < 0.5, -1.0, 1.0)
        states = self.net.rollout(z0, k, s.steps, sign)
        rows = torch.arange(s.batch)
        here, there = states[since, rows], states[until, rows]
        speeds = (states[1:] - states[:-1]).norm(dim=2)[1 if s.held else 0 :]
        pace = speeds.mean().detach()
        before, after = decode(torch.cat([here, there])).chunk(2)
        parts = {"pace": (speeds / s.length(z0.shape[1]) - 1).square().mean(), **self._physics(z0, here, since, k, pace, update)}
        right = 1.0
        if s.count > 1:
            told, plain = self._told(before, after, sign)
            parts |= {"which": F.cross_entropy(told, k), "plain": s.plain * F.cross_entropy(plain, k)}
            right = float((told.argmax(dim=1) == k).float().mean())
        if s.effect:
            parts["effect"] = -s.effect * _effect(before, after, there - here).log().mean()
        total = torch.stack(list(parts.values())).sum()
        if not torch.isfinite(total):
            raise DataError(f"The flow diverged at update {update}: its loss is no longer a number. A smaller step or rate may help.")
        return total, {"loss": float(total.detach()), "right": right, "pace": float(pace)}

    def _told(self, before: Tensor, after: Tensor, sign: Tensor) -> tuple[Tensor, Tensor]:
        """What the classifier and the templates say of pairs of pictures, each in the order in which +v would have moved it."""
        change = sign.view(-1, 1, 1, 1) * (shrunk(after) - shrunk(before))
        alike = F.normalize(change.flatten(1), dim=1) @ F.normalize(self.templates, dim=1).T
        return self.judge(torch.zeros_like(change), change)[0], SHARP * alike

    def _physics(self, z0: Tensor, here: Tensor, when: Tensor, k: Tensor, pace: Tensor, update: int) -> dict[str, Tensor]:
        s, parts = self.settings, {}
        if s.kind != "none" and s.pde:
            missed = residual(s.kind, lambda z, t: self.net.u(z, t, k), here, when.float(), speed=s.speed, seed=update)
            scale = pace**2 / 2 if s.kind == "hamilton-jacobi" else pace
            parts["pde"] = s.pde * (missed / scale).square().mean()
        if s.held:
            first = self.net.velocity(z0, torch.zeros(len(z0)), k)
            parts["start"] = s.start * first.square().sum(dim=1).mean() / pace**2
        return parts


def _moments(n: int, steps: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Two times `(n,)` of each walk, the later one first: any two but 0 and 1, between which codes barely move."""
    until = torch.randint(2, steps + 1, (n,), generator=generator)
    return until, (torch.rand(n, generator=generator) * until).long()


def _effect(before: Tensor, after: Tensor, step: Tensor) -> Tensor:
    """The squared change of the picture over the squared length of the step `(B, D)` that made it, `(B,)`."""
    return (after - before).square().flatten(1).sum(dim=1) / step.square().sum(dim=1).clamp_min(1e-8) + 1e-8


def quick(decode: Decode) -> Decode:
    """The same generator in half precision, with pictures in full: on a CPU about twice as fast, and near enough to learn from."""

    def drawn(z: Tensor) -> Tensor:
        with torch.autocast(z.device.type, torch.bfloat16):
            return decode(z).float()

    return drawn


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
        z0, k, rows = sample(64, seed + piece), torch.randint(s.count, (64,), generator=generator), torch.arange(64)
        until, since = _moments(64, s.steps, generator)
        states = made.net.rollout(z0, k, s.steps).detach()
        pair = decode(torch.cat([states[since, rows], states[until, rows]])).chunk(2)
        told, _ = made._told(*pair, torch.ones(64))
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

    They are asked at time t where a walk of t steps along the motion has come, so that their own walks stay where they were asked.

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
        z, wanted = _along(motions, z, t, k)
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


def _along(motions: list[Callable[[Tensor], Tensor]], z: Tensor, t: Tensor, k: Tensor) -> tuple[Tensor, Tensor]:
    """Where codes `(B, D)` are after `t` `(B,)` steps along the motions numbered `k`, and how they move there."""
    rows = torch.arange(len(z))
    for now in range(int(t.max())):
        step = torch.stack([motion(z) for motion in motions])[k, rows]
        z = torch.where((now < t)[:, None], z + step, z)
    return z, torch.stack([motion(z) for motion in motions])[k, rows]


def figures(made: Course, decode: Decode, sample: Callable[[int, int], Tensor]) -> dict[str, Any]:
    """What is told of a learned flow: accuracy, pace (the mean length of a step), and of each potential the change of the picture a step.

    The first step, which barely moves, counts for neither.
    """
    z, changes, paces = sample(64, 20_011), [], []
    for k in range(made.settings.count):
        states = made.net.rollout(z, torch.full((len(z),), k), made.settings.steps).detach()[1:]
        with torch.no_grad():
            x = torch.stack([decode(state) for state in states])
        changes.append(float((x[1:] - x[:-1]).square().flatten(2).mean(dim=2).sqrt().mean()))
        paces.append(float((states[1:] - states[:-1]).norm(dim=2).mean()))
    median = sorted(changes)[len(changes) // 2]
    return {
        "accuracy": accuracy(made, decode, sample), "pace": sum(paces) / len(paces), "paces": paces, "change": changes,
        "change_over_median": [change / max(median, 1e-12) for change in changes],
    }  # fmt: skip
