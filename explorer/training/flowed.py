"""Trains a VAE together with potential flows that move its codes as known factors move the pictures.

A sequence turns one factor k of a picture x_0, step by step, up (sign 1) or down (-1): x_t and x_t+1 are its pictures after t and
t + 1 steps, z_0, z_t and z_t+1 draws from their posteriors, and the flow of potential k carries z_0 to w_t and w_t+1 in t + 1 and
t + 2 updates (the first of which barely moves, by the initial condition). The loss is that of `vae.py` with

    error(dec(z_0), x_0) + error(dec(w_t+1), x_t+1),    KL of both posteriors,
    + |(z_t+1 - z_t) - (w_t+1 - w_t)|^2 + |z_t - w_t|^2     (means over coordinates)
    + w_pde (r / m)^2 + w_start |v(z_0, 0)|^2 / m^2 - w_effect log(|dec(w_t+1) - dec(z_0)|^2 / |w_t+1 - z_0|^2)

r, m and the last term are those of `methods/flows/learn.py`: a true Laplacian, a time of each sample's own, the effect of a unit
step. The published code adds the sum of the gradient's derivatives for the Laplacian, sums derivatives by time over the batch, and
rewards the effect of a step that may grow without end.

`control` is the same VAE without it: the same pictures in the same order, as many updates, error(dec(z_t+1), x_t+1) for the second
term. Its potentials learn beside it from codes through which no gradient goes back, so that rollouts of both can be compared.

References: Song et al., Latent Traversals in Generative Models as Potential Flows (2023, arXiv 2304.12944), section on training.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from explorer import render
from explorer.core.atlas import Atlas
from explorer.core.direction import Direction
from explorer.core.model import Model
from explorer.data import sprites
from explorer.methods.directions.ground import Ground
from explorer.methods.flows.pde import Kind, residual
from explorer.methods.flows.potentials import PotentialField, Potentials
from explorer.methods.measure.evidence import Scene
from explorer.models.vae import VAE
from explorer.training import vae

__all__ = ["MOTIONS", "Flowed", "Motion", "compared", "directions", "equivariance", "likelihood", "objective", "sequences"]

Loss = Callable[[int], tuple[Tensor, dict[str, float]]]
REACH = 5  # steps of a sequence
STARTS = 512
HALFWAY = 0.5
COMPARED = 1000  # pictures whose likelihood is bounded


@dataclass(frozen=True)
class Motion:
    """How a factor is turned: its column in `GRID`, by how much a step, whether it comes round, and what that looks like.

    `target` is the class of a judge's question that it leads to, or "".
    """

    name: str
    column: int
    stride: int
    round: bool
    target: str


MOTIONS = (
    Motion("to the right", 3, 3, False, "across: far right"), Motion("down", 4, 3, False, "height: bottom"),
    Motion("turned clockwise", 2, 2, True, ""), Motion("larger", 1, 1, False, "size: 1.0"),
)  # fmt: skip


@dataclass(frozen=True)
class Sequences:
    """Rows `(n, 8)` of pictures before, after `t` and after `t + 1` steps of the motions `k`, up or down; each but rows `(n,)`."""

    first: np.ndarray
    late: np.ndarray
    later: np.ndarray
    k: np.ndarray
    t: np.ndarray
    sign: np.ndarray


class Flowed(nn.Module):
    """A VAE, and a potential for each motion over its codes."""

    def __init__(self, vae: VAE, size: int, *, hidden: int = 64, turns: int = 1):
        super().__init__()
        self.vae, self.flows = vae, Potentials(len(MOTIONS), size, hidden=hidden, turns=turns)


def sequences(n: int, generator: np.random.Generator, *, held_out: bool = False, t: int | None = None, k: int | None = None) -> Sequences:
    """Draws sequences that stay within the grid; of looks that may be trained on, or from starts that may not."""
    found: list[Sequences] = []
    while sum(len(some.k) for some in found) < n:
        found.append(_drawn(4 * n, generator, held_out, t, k))
    return Sequences(*(np.concatenate([getattr(some, name) for some in found])[:n] for name in Sequences.__dataclass_fields__))


def _drawn(n: int, generator: np.random.Generator, held_out: bool, t: int | None, k: int | None) -> Sequences:
    which = generator.integers(len(MOTIONS), size=n) if k is None else np.full(n, k)
    when = generator.integers(REACH, size=n) if t is None else np.full(n, t)
    sign = generator.choice([-1, 1], size=n)
    start = sprites.exact(sprites.sample(n, int(generator.integers(2**31))))
    late, fits_late = _turned(start, which, sign * when)
    later, fits_later = _turned(start, which, sign * (when + 1))
    rows = [sprites.at(values) for values in (start, late, later)]
    fits = fits_late & fits_later
    fits &= sprites.held_out(rows[0]) if held_out else ~np.any([sprites.held_out(some) for some in rows], axis=0)
    return Sequences(*(values[fits] for values in (*rows, which, when, sign)))


def _turned(values: np.ndarray, k: np.ndarray, steps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Values `(n, 5)` after steps of motions `k`, and whether they are still within the grid."""
    columns, strides, rounds = (np.array([getattr(motion, name) for motion in MOTIONS])[k] for name in ("column", "stride", "round"))
    sides, rows = np.array(sprites.SIDES)[columns], np.arange(len(k))
    wanted = values[rows, columns] + strides * steps
    wanted = np.where(rounds, wanted % sides, wanted)
    fits, moved = (wanted >= 0) & (wanted < sides), values.copy()
    moved[rows, columns] = wanted.clip(0, sides - 1)
    return moved, fits


def objective(
    both: Flowed,
    *,
    batch: int,
    seed: int,
    ramp: int,
    scale: float,
    beta: float,
    coarse: float,
    fine_from: int,
    pictures: int,
    control: bool = False,
    kind: Kind = "wave",
    pde: float = 0.1,
    start: float = 1.0,
    effect: float = 0.1,
) -> Loss:
    """The loss of a step on `batch` pictures, half as many sequences; see the module. `pictures` is how many there are to learn from."""

    def loss(step: int) -> tuple[Tensor, dict[str, float]]:
        drawn = sequences(batch // 2, np.random.default_rng([seed, step]))
        x = _pictures(np.concatenate([drawn.first, drawn.later, drawn.late]))
        k, t, sign = (torch.from_numpy(values) for values in (drawn.k, drawn.t, drawn.sign))
        z, mean, log_variance = _posterior(both.vae, x, torch.Generator().manual_seed(seed * 1_000_003 + step))
        first, later, late = z.chunk(3)
        if control:
            first, later, late = first.detach(), later.detach(), late.detach()
        states = both.flows.rollout(first, k, REACH + 1, sign.float())
        rows = torch.arange(len(k))
        here, there = states[t + 1, rows], states[t + 2, rows]
        with torch.autocast("cpu", torch.bfloat16):
            again = both.vae.decoder(z[:batch] if control else torch.cat([first, there])).float()
        missed = vae.ERRORS["squares"](again - x[:batch]).sum() / (batch * scale * coarse ** max(0.0, 1 - step / fine_from))
        cost = vae.weighted(z[:batch], mean[:batch], log_variance[:batch], beta=beta, n=pictures)
        motion = ((later - late) - (there - here)).square().mean() + (late - here).square().mean()
        total = (
            missed
            + min(1.0, (step + 1) / ramp) * cost
            + motion
            + _physics(both.flows, states, here, k, t, kind=kind, pde=pde, start=start, seed=step)
        )
        if effect and not control:
            total = total - effect * _effect(again, first, there).log().mean()
        said = {"psnr": vae.psnr(float((again - x[:batch]).detach().square().mean())), "kl": float(vae.kl(mean, log_variance).detach().mean())}
        return total, {**said, "motion": float(motion.detach())}

    return loss


def _pictures(rows: np.ndarray) -> Tensor:
    return render.from_pixels(sprites.render(rows)).contiguous(memory_format=torch.channels_last)


def _posterior(net: VAE, x: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
    with torch.autocast("cpu", torch.bfloat16):
        mean, log_variance = net.posterior(x)
    mean, log_variance = mean.float(), log_variance.float()
    return mean + (log_variance / 2).exp() * torch.randn(mean.shape, generator=generator), mean, log_variance


def _physics(flows: Potentials, states: Tensor, here: Tensor, k: Tensor, t: Tensor, *, kind: Kind, pde: float, start: float, seed: int) -> Tensor:
    """The equation at `here`, at the times of its updates, and the initial condition; both over the speed."""
    speed = (states[2:] - states[1:-1]).norm(dim=2).mean().detach().clamp_min(1e-4)
    missed = residual(kind, lambda z, when: flows.u(z, when, k), here, (t + 1).float(), seed=seed) / speed
    first = (states[1] - states[0]).square().sum(dim=1) / speed**2
    return pde * missed.square().mean() + start * first.mean()


def _effect(again: Tensor, first: Tensor, there: Tensor) -> Tensor:
    """The squared change of the picture over that of the code, `(n,)`."""
    before, after = again.chunk(2)
    return (after - before).square().flatten(1).sum(dim=1) / (there - first).square().sum(dim=1).clamp_min(1e-4) + 1e-8


@torch.no_grad()
def likelihood(net: VAE, x: Tensor, *, variance: float, draws: int = 64, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Two lower bounds of log p(x) of each picture in nats, `(B,)`: the ELBO, and the tighter one by importance weights.

    For `draws` codes z of q(z|x) the weights are log w = log p(x|z) + log p(z) - log q(z|x), with p(x|z) = N(dec(z), variance I) on
    pictures in [-1, 1]; the first bound is their mean, the second the logarithm of the mean of w (Burda et al. 2016).
    """
    generator, bounds = torch.Generator().manual_seed(seed), []
    for piece in x.split(8):
        mean, log_variance = (part.repeat_interleave(draws, dim=0) for part in net.posterior(piece))
        z = mean + (log_variance / 2).exp() * torch.randn(mean.shape, generator=generator)
        missed = (net.decoder(z) - piece.repeat_interleave(draws, dim=0)).square().flatten(1).sum(dim=1)
        drawn = -missed / (2 * variance) - piece[0].numel() / 2 * math.log(2 * math.pi * variance)
        zero = torch.zeros_like(z)
        weights = drawn + (vae.log_normal(z, zero, zero) - vae.log_normal(z, mean, log_variance)).sum(dim=1)
        weights = weights.view(len(piece), draws)
        bounds.append(torch.stack([weights.mean(dim=1), weights.logsumexp(dim=1) - math.log(draws)]))
    elbo, weighted = torch.cat(bounds, dim=1)
    return elbo, weighted


def equivariance(both: Flowed, *, n: int = 256, seed: int = 3) -> dict[str, dict[str, float]]:
    """How well rollouts keep up with the pictures, by motion, from held-out starts to the end of a sequence.

    `rollout`: the sum over pixels in [0, 1] of |dec(flow of E(x_0)) - x_t|, the mean over t = 1 to 5; `still`: the same without
    moving; `reconstruction`: of dec(E(x_t)). `endpoint`: the distance from where the last rollout ends to E(x_5), over that
    from E(x_0) to E(x_5). Codes are posterior means.
    """
    with torch.inference_mode(False):
        return {motion.name: _followed(both, k, n, seed) for k, motion in enumerate(MOTIONS)}


def _followed(both: Flowed, k: int, n: int, seed: int) -> dict[str, float]:
    sums = {"rollout": 0.0, "still": 0.0, "reconstruction": 0.0}
    endpoint = 0.0
    for t in range(REACH):
        drawn = sequences(n, np.random.default_rng([seed, k, t]), held_out=True, t=t, k=k)
        first, x = _pictures(drawn.first), _pictures(drawn.later)
        with torch.no_grad():
            start, end = both.vae.posterior(first)[0], both.vae.posterior(x)[0]
        moved = both.flows.rollout(start, torch.full((n,), k), t + 2, torch.from_numpy(drawn.sign).float())[-1].detach()
        for name, code in (("rollout", moved), ("still", start), ("reconstruction", end)):
            with torch.no_grad():
                sums[name] += float((both.vae.decoder(code) - x).abs().flatten(1).sum(dim=1).mean()) / 2
        endpoint = float((moved - end).norm(dim=1).mean() / (end - start).norm(dim=1).mean())
    return {**{name: total / REACH for name, total in sums.items()}, "endpoint": endpoint}


def directions(
    flows: Potentials, model: Model, atlas: Atlas, judge: Model, *, errors: Mapping[str, Mapping[str, float]], settings: Mapping[str, Any]
) -> list[Direction]:
    """The motions whose rollouts come nearer to their goal than half-way, by `equivariance`, as directions of a model; evidence from 512 codes of its atlas."""
    flows.eval().requires_grad_(False)
    scene = Scene(
        lambda z: model.generator.decode(model.code(z)), model.workspace, judge=judge.classifier, visible=sprites.visible, encoder=model.encoder
    )
    ground, found = Ground(model, atlas, scene), []
    codes = ground.starts(64)
    for k, motion in enumerate(MOTIONS):
        if errors[motion.name]["endpoint"] > HALFWAY:
            continue
        states = flows.rollout(codes, torch.full((len(codes),), k), REACH + 1).detach()[1:]
        stride = float((states[1:] - states[:-1]).norm(dim=2).mean())
        field = PotentialField(flows, k, stride, REACH + 1)
        plain = Direction(
            motion.name, "flow", model.workspace, field, target=motion.target, settings={**settings, "supervised": True, **errors[motion.name]}
        )
        found.append(ground.measured(plain, starts=STARTS))
    return found


def compared(flowed: Flowed, control: Flowed, x: Tensor, *, scale: float, updates: int) -> dict[str, Any]:
    """The figures of a VAE trained with flows and of its control, on held-out pictures `x` `(B, C, H, W)`."""
    own, other = (likelihood(both.vae, x, variance=scale / 2) for both in (flowed, control))
    told = {
        name: {"flow": _interval(a), "control": _interval(b), "difference": _interval(a - b)}
        for name, a, b in zip(("elbo", "importance"), own, other)
    }
    errors = {"flow": equivariance(flowed), "control": equivariance(control)}
    return {"likelihood": told, "equivariance": errors, "compared": _how(len(x), scale, updates)}


def _interval(values: Tensor) -> Mapping[str, float]:
    """The mean of values `(B,)` and its 95 % interval."""
    mean, half = float(values.mean()), 1.96 * float(values.std()) / len(values) ** 0.5
    return {"mean": mean, "low": mean - half, "high": mean + half}


def _how(n: int, scale: float, updates: int) -> str:
    return (
        f"likelihood: lower bounds of log p(x) in nats (higher is better), means over {n} held-out pictures with 95 % intervals, pixels in [-1, 1], Gaussian noise of variance {scale / 2:g}: the ELBO, and importance-weighted "
        f"with 64 codes; difference: picture by picture. control: the same network trained without flows for as many updates ({updates}) on the same pictures. equivariance: from held-out starts, "
        f"sums over pixels in [0, 1] of |picture of the rollout - true picture|, mean over steps 1 to {REACH}; still: not moving; reconstruction: of the true picture; endpoint: missed distance over travelled distance "
        "after the last step. The control's potentials were learned on its codes with no influence on them."
    )
