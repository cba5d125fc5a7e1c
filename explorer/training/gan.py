"""Trains a style-based generator G against a critic D by the relativistic pairing loss (Huang et al. 2024, R3GAN, arXiv 2501.05441).

    D  minimises  E f(D(G(z)) - D(x))  +  gamma/2 ( E |grad D(x)|^2  +  E |grad D(G(z))|^2 ),    f(t) = ln(1 + e^t)
    G  minimises  E f(D(x) - D(G(z)))

Each drawn picture is compared with a real one, so leaving out a kind of picture is never a minimum. The gradient penalties are
taken every `lazy` steps on part of the batch, and weigh `lazy` times as much.

The start is borrowed: for the first `imitate` steps G does not listen to D but learns what a `teacher`, a VAE of the same data, draws
for the first coordinates of the same z (squares and absolute values); in the last fifth of them D learns to tell G from the data; over
the next `handover` steps the one fades out and the other in. A CPU has no time to find all kinds of pictures from nothing, and the VAE
has them. Imitation is plain regression: it bears a higher rate, a momentum, and a mapping that learns as fast as the rest.

Later the teacher is an `anchor` too: part of each batch of z begins with what its encoder finds in real pictures, and G is held to
draw these pictures, by the error of the VAEs. The picture of a prior draw still answers to D alone.

What is kept is a running mean of G's weights.
"""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from explorer import render
from explorer.core.errors import DataError
from explorer.core.model import Model
from explorer.core.space import Code
from explorer.models.gan import GAN, Even, active
from explorer.training.loop import batch_rows, schedule, step_generator
from explorer.training.vae import ERRORS, Focus, counted, fine

__all__ = ["Critic", "Duel", "drawn_loss", "critic_loss", "duel", "slopes"]

BETAS, CALM = (0.0, 0.99), (0.9, 0.99)  # Adam's memories, in the duel and while imitating
HASTE = 20.0  # of the mapping while imitating, against its own slow pace
IMITATION = 10.0  # brings the error of a pixel to the size of the other loss


class Plain(nn.Module):
    """A convolution with weights of unit variance, scaled when used; with `down` 4x4 to half the size, else 3x3."""

    def __init__(self, inside: int, outside: int, *, down: bool = False):
        super().__init__()
        side = 4 if down else 3
        self.stride, self.scale = 2 if down else 1, 1 / (side * inside**0.5)
        self.weight = nn.Parameter(torch.randn(outside, inside, side, side))
        self.bias = nn.Parameter(torch.zeros(outside))

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.weight * self.scale, self.bias, stride=self.stride, padding=1)


class Critic(nn.Module):
    """Pictures `(B, channels, size, size)` to scores `(B,)`: how real they look.

    `widths` are the channels after each halving, down to 4x4; all but the last have a residual layer. The end also sees how much the
    pictures of a batch differ: without that, a generator that draws one good picture looks perfect.
    """

    def __init__(self, *, channels: int, widths: list[int], features: int = 128):
        super().__init__()
        self.downs = nn.ModuleList(Plain(i, o, down=True) for i, o in zip([channels, *widths], widths))
        self.residuals = nn.ModuleList(Plain(width, width) for width in widths[:-1])
        self.last = Plain(widths[-1] + 1, widths[-1])
        self.described, self.score = Even(widths[-1] * 16, features), Even(features, 1)

    def forward(self, x: Tensor) -> Tensor:
        for down, residual in zip(self.downs, [*self.residuals, None]):
            x = active(down(x))
            x = x if residual is None else (x + active(residual(x))) / 2**0.5
        x = active(self.last(torch.cat([x, spread(x)], dim=1)))
        return self.score(active(self.described(x.flatten(1))))[:, 0].float()


def spread(x: Tensor, group: int = 8) -> Tensor:
    """The mean standard deviation of features `(B, C, h, w)` over groups of pictures, as a channel `(B, 1, h, w)`."""
    group = min(group, len(x))
    grouped = x.float().unflatten(0, (group, -1))
    deviation = (grouped.var(dim=0, unbiased=False) + 1e-8).sqrt().mean(dim=(1, 2, 3))
    return deviation.repeat(group).to(x.dtype)[:, None, None, None].expand(-1, 1, *x.shape[2:])


def critic_loss(real: Tensor, drawn: Tensor) -> Tensor:
    """What D minimises, from the scores `(B,)` of real and drawn pictures."""
    return F.softplus(drawn - real).mean()


def drawn_loss(real: Tensor, drawn: Tensor) -> Tensor:
    """What G minimises."""
    return F.softplus(real - drawn).mean()


def slopes(critic: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """|grad D(x)|^2 of each picture, `(B,)`, differentiable."""
    x = x.detach().requires_grad_(True)
    (gradient,) = torch.autograd.grad(critic(x).sum(), x, create_graph=True)
    return gradient.square().sum(dim=(1, 2, 3))


@dataclass(frozen=True, eq=False)
class Teacher:
    """A VAE of the same data."""

    model: Model

    def shown(self, z: Tensor) -> Tensor:
        """What it draws for the first coordinates of longer codes `(B, latent)`."""
        space = self.model.space
        return self.model.need("generator").decode(Code(z[:, : space.size].reshape(-1, *space.shape), space))

    @torch.no_grad()
    def codes(self, x: Tensor, generator: torch.Generator) -> Tensor:
        """A draw `(B, D)` from its posterior of each picture."""
        with torch.autocast("cpu", torch.bfloat16):
            posterior = self.model.need("encoder").posterior(x)
        mean, variance = posterior.mean.flatten(1).float(), posterior.variance.flatten(1).float()
        return mean + variance.sqrt() * torch.randn(mean.shape, generator=generator)


@dataclass
class Duel:
    """One step trains D, then G, then moves the running mean of G: what `loop.walk` takes.

    Args:
        net, critic: G and D.
        pixels: `(n, H, W, C)` uint8.
        steps, rate, batch: how long, the highest learning rate of G (`critic_rate` that of D), and pictures a step.
        gamma: the weight of the gradient penalties, at the first step and at the last; `lazy` how seldom, `penalised` on how many pictures.
        half_life: of the running mean, in pictures; at first it is a twentieth of the pictures seen.
        anchor: the weight of how far G's pictures for the teacher's codes of `anchored` real pictures are from these, from step
            `anchor_from` on; `detail` and `focus` as for VAEs.
        teacher: the VAE to imitate in the first `imitate` steps, and then to be anchored by.
    """

    net: GAN
    critic: Critic
    pixels: np.ndarray
    steps: int
    rate: float
    batch: int
    seed: int = 0
    critic_rate: float = 2e-3
    gamma: tuple[float, float] = (1.0, 0.1)
    lazy: int = 8
    penalised: int = 32
    half_life: float = 20_000
    anchor: float = 0.0
    anchored: int = 48
    anchor_from: int = 0
    detail: float = 3.0
    focus: Focus | None = None
    teacher: Teacher | None = None
    imitate: int = 0
    imitation_rate: float = 0.01
    handover: int = 1

    def __post_init__(self):
        if (self.imitate or self.anchor) and self.teacher is None:
            raise DataError(f"The generator imitates for {self.imitate} steps and is anchored by {self.anchor:g}, but there is no teacher.")
        self.mean = copy.deepcopy(self.net).requires_grad_(False)
        self.optimisers = {"net": _adam(self.net), "critic": _adam(self.critic), "imitation": _adam(self.net.synthesis, self.net.mapping, betas=CALM)}
        self.counts = counted(self.pixels.shape[1:3], self.focus)
        self.pick = batch_rows(len(self.pixels), self.batch, self.seed)
        self.latent = self.net.mapping[0].weight.shape[1]

    def step(self, step: int) -> dict[str, float]:
        """Trains on one batch and returns the figures of it."""
        x = render.from_pixels(self.pixels[self.pick(step)]).contiguous(memory_format=torch.channels_last)
        z = self._codes(x, step)
        with torch.autocast("cpu", torch.bfloat16):
            drawn = self.net(z).float()
        figures = self._train_critic(step, x, drawn.detach()) if 5 * step >= 4 * self.imitate else {}
        figures |= self._train_generator(step, x, z, drawn)
        self._follow(step)
        return figures

    def _codes(self, x: Tensor, step: int) -> Tensor:
        """Draws from the prior; while anchored, the first ones begin with what the teacher's encoder finds in the pictures `x`."""
        generator = step_generator(self.seed, step)
        z = torch.randn(len(x), self.latent, generator=generator)
        if self._holds(step):
            found = self.teacher.codes(x[: self.anchored], generator)
            z[: len(found), : found.shape[1]] = found
        return z

    def _holds(self, step: int) -> bool:
        return self.anchor > 0 and step >= max(self.anchor_from, self.imitate)

    def _astray(self, x: Tensor, drawn: Tensor) -> Tensor:
        """How far pictures drawn from codes of `x` are from `x`: the error of the VAEs (`training/vae.py`), a pixel."""
        difference = drawn[: self.anchored] - x[: self.anchored]
        return (self.counts * (ERRORS["both"](difference) + self.detail * ERRORS["both"](fine(difference)))).mean()

    def _train_critic(self, step: int, x: Tensor, drawn: Tensor) -> dict[str, float]:
        with torch.autocast("cpu", torch.bfloat16):
            real, fake = self.critic(x), self.critic(drawn)
        loss = critic_loss(real, fake)
        figures = {"critic": float(loss.detach()), "ahead": float((real - fake).detach().mean())}
        if step % self.lazy == 0:
            part = slice(0, self.penalised)
            steep = slopes(self.critic, x[part]).mean() + slopes(self.critic, drawn[part]).mean()
            loss = loss + self.lazy * self.weight(step) / 2 * steep
            figures["slope"] = float(steep.detach())
        self._descend("critic", loss, step)
        return figures

    def weight(self, step: int) -> float:
        """The weight of the gradient penalties at a step; its logarithm falls evenly."""
        first, last = self.gamma
        return first * (last / first) ** (step / self.steps)

    def _train_generator(self, step: int, x: Tensor, z: Tensor, drawn: Tensor) -> dict[str, float]:
        share = min(1.0, max(0.0, (step - self.imitate) / self.handover)) if self.imitate else 1.0
        loss, figures = torch.zeros(()), {}
        if share < 1:
            missed = self._missed(z, drawn)
            loss, figures = loss + (1 - share) * IMITATION * missed, figures | {"imitation": float(missed.detach())}
        if share > 0:
            self.critic.requires_grad_(False)
            with torch.autocast("cpu", torch.bfloat16):
                scores = self.critic(drawn)
                with torch.no_grad():
                    real = self.critic(x)
            fooled = drawn_loss(real, scores)
            loss, figures = loss + share * fooled, figures | {"generator": float(fooled.detach())}
        if self._holds(step):
            astray = self._astray(x, drawn)
            loss, figures = loss + self.anchor * astray, figures | {"astray": float(astray.detach())}
        self._descend("net" if step >= self.imitate else "imitation", loss, step)
        self.critic.requires_grad_(True)
        return figures

    def _missed(self, z: Tensor, drawn: Tensor) -> Tensor:
        """How far G's pictures are from those of the teacher, a pixel."""
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
            shown = self.teacher.shown(z).float()
        return ((drawn - shown).square() + (drawn - shown).abs()).mean()

    def _descend(self, which: str, loss: Tensor, step: int) -> None:
        optimiser = self.optimisers[which]
        rate = {"net": self.rate, "critic": self.critic_rate, "imitation": self.imitation_rate}[which]
        share = schedule(step, self.imitate if which == "imitation" else self.steps)
        for group, haste in zip(optimiser.param_groups, (1.0, HASTE)):
            group["lr"] = rate * share * haste
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()

    @torch.no_grad()
    def _follow(self, step: int) -> None:
        """Moves the running mean."""
        seen = (step + 1) * self.batch
        kept = 0.5 ** (self.batch / min(self.half_life, seen / 20))
        for mean, now in zip(self.mean.parameters(), self.net.parameters()):
            mean.lerp_(now, 1 - kept)

    def state(self) -> dict[str, Any]:
        parts = {"net": self.net, "critic": self.critic, "mean": self.mean}
        return {name: part.state_dict() for name, part in parts.items()} | {f"{k}_optimiser": o.state_dict() for k, o in self.optimisers.items()}

    def restore(self, state: dict[str, Any]) -> None:
        for name, part in {"net": self.net, "critic": self.critic, "mean": self.mean}.items():
            part.load_state_dict(state[name])
        for name, optimiser in self.optimisers.items():
            optimiser.load_state_dict(state[f"{name}_optimiser"])


def duel(net: GAN, pixels: np.ndarray, *, critic: list[int], teacher: Model | None, seed: int, **objective: Any) -> Duel:
    """A duel of `net` with a new critic of widths `critic`, `teacher` having a normal prior of no more coordinates than the net's."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed + 1)
        opponent = Critic(channels=pixels.shape[3], widths=list(critic)).to(memory_format=torch.channels_last)
    return Duel(net, opponent, pixels, seed=seed, teacher=None if teacher is None else Teacher(teacher), **objective)


def _adam(*nets: nn.Module, betas: tuple[float, float] = BETAS) -> torch.optim.Optimizer:
    """Adam with a group of parameters for each net; the rates are set before each step."""
    return torch.optim.Adam([{"params": net.parameters()} for net in nets], betas=betas, fused=True)
