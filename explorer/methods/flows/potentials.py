"""K potentials u^k(z, t) as small networks, and the fields that codes follow.

    v^k(z, t) = grad_z u^k(z, t) [+ sum_m S_m grad_z h_m(z, t)],    z_{t+1} = z_t + v^k(z_t, t)

The optional second term, S_m antisymmetric, has no divergence: it lets codes turn about the middle, which no gradient can
(the first part alone is orthogonal to every rotation in the mean square over an isotropic cloud).
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from explorer.core.direction import Field
from explorer.methods.flows.pde import gradient

__all__ = ["PotentialField", "Potentials", "Scalars"]

NEARLY = 0.3  # of the usual spread of the first weights: potentials begin nearly linear, so flows as nearly straight lines


class Scalars(nn.Module):
    """K scalar functions of codes `(B, D)` and times `(B,)`: `forward(z, t, k)` is `(B,)`, sample b by function k[b].

    tanh throughout, so that second derivatives exist everywhere; time enters by a sinusoidal embedding.
    """

    def __init__(self, count: int, size: int, hidden: int = 64):
        super().__init__()
        self.count, self.size, self.hidden = count, size, hidden

        def weights(inside: int, outside: int) -> nn.Parameter:
            return nn.Parameter(torch.randn(count, inside, outside) / math.sqrt(inside))

        self.space, self.space_bias = nn.Parameter(NEARLY * weights(size, hidden).detach()), nn.Parameter(torch.zeros(count, hidden))
        self.time, self.time_out = weights(hidden, hidden), weights(hidden, hidden)
        self.mix, self.mix_bias = weights(hidden, hidden), nn.Parameter(torch.zeros(count, hidden))
        self.out = weights(hidden, 1)
        self.register_buffer("frequencies", torch.exp(torch.linspace(math.log(2.0), math.log(0.02), hidden // 2)))

    def forward(self, z: Tensor, t: Tensor, k: Tensor) -> Tensor:
        angles = t.to(z)[:, None] * self.frequencies
        clock = torch.cat([angles.sin(), angles.cos()], dim=1)
        inner = torch.tanh(_each(z, self.space[k]) + self.space_bias[k])
        late = _each(torch.nn.functional.silu(_each(clock, self.time[k])), self.time_out[k])
        return _each(torch.tanh(_each(inner + late, self.mix[k]) + self.mix_bias[k]), self.out[k])[:, 0]


def _each(x: Tensor, weights: Tensor) -> Tensor:
    """Every sample `(B, I)` through its own matrix `(B, I, O)`."""
    return torch.bmm(x[:, None], weights)[:, 0]


class Potentials(nn.Module):
    """K potentials over codes of `size` numbers, with or without a divergence-free part of `turns` terms each."""

    def __init__(self, count: int, size: int, *, hidden: int = 64, turns: int = 0):
        super().__init__()
        self.count, self.size, self.hidden, self.turns = count, size, hidden, turns
        self.u = Scalars(count, size, hidden)
        if turns:
            self.h = Scalars(count * turns, size, hidden)
            self.skew = nn.Parameter(torch.randn(count, turns, size, size) / size)

    def velocity(self, z: Tensor, t: Tensor, k: Tensor) -> Tensor:
        """v `(B, D)` at codes `(B, D)`, times `(B,)`, by potentials `(B,)`; differentiable in the weights."""
        slope = gradient(lambda z, t: self.u(z, t, k), z, t)
        return slope + self._turned(z, t, k) if self.turns else slope

    def _turned(self, z: Tensor, t: Tensor, k: Tensor) -> Tensor:
        skew = self.skew - self.skew.transpose(2, 3)
        total = torch.zeros_like(z)
        for m in range(self.turns):
            slope = gradient(lambda z, t, m=m: self.h(z, t, k * self.turns + m), z, t)
            total = total + torch.bmm(skew[k, m], slope[..., None])[..., 0]
        return total

    def rollout(self, z: Tensor, k: Tensor, steps: int, sign: Tensor | float = 1.0) -> Tensor:
        """The states `(steps + 1, B, D)` from `z`, at times 0, 1, …"""
        states = [z]
        signs = torch.as_tensor(sign, dtype=z.dtype).expand(len(z))[:, None]
        for t in range(steps):
            states.append(states[-1] + signs * self.velocity(states[-1], torch.full((len(z),), float(t)), k))
        return torch.stack(states)

    @property
    def config(self) -> dict[str, int]:
        """What rebuilds an untrained network of this shape."""
        return {"count": self.count, "size": self.size, "hidden": self.hidden, "turns": self.turns}


@dataclass(frozen=True, eq=False)
class PotentialField(Field):
    """One of K learned potentials as a field with a pace of its own.

    Args:
        net: all of them.
        k: which one.
        stride: the mean length of a step within the trained range.
        trained: the number of steps that training saw; afterwards the landscape stands still as it was at the last of them.
        sign: -1 to swap what is forward and what is back.
    """

    net: Potentials
    k: int
    stride: float
    trained: int
    sign: float = 1.0

    @property
    def size(self) -> int:
        return self.net.size

    def velocity(self, z: Tensor, t: int) -> Tensor:
        with torch.inference_mode(False):  # what comes from inference mode cannot be differentiated; a copy can
            which, when = torch.full((len(z),), self.k), torch.full((len(z),), self._clock(t))
            return self.sign * self.net.velocity(z.detach().clone(), when, which).detach()

    def displacement(self, z: Tensor, t: int) -> Tensor:
        return self.velocity(z, t)

    def potential(self, z: Tensor, t: int) -> Tensor:
        """The height of the landscape `(B,)` at codes `(B, D)`; what is moved goes up it."""
        with torch.no_grad():
            return self.sign * self.net.u(z, torch.full((len(z),), self._clock(t)), torch.full((len(z),), self.k))

    def _clock(self, t: int) -> float:
        return float(min(t, self.trained - 1))
