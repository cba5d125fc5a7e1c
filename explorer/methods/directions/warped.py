"""RBF paths (WarpedGANSpace): the slopes of sums of Gaussian bumps, learned so that a classifier can tell them apart.

    f_k(z) = sum_i a_i exp(-g_k |z - s_i|^2),   v_k(z) = grad f_k / |grad f_k|

The 2N support vectors of a path are N dipoles: s with a = +1 and -s with a = -1. The slope is scaled by its largest term before
it is normalised, so that it has a direction also far from all supports, where the terms themselves underflow.

References: Tzelepis et al., WarpedGANSpace (2021, arXiv 2109.13357).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from explorer.core.direction import Direction, Field, normalised
from explorer.core.space import LatentSpace
from explorer.methods.keep import NOWHERE, Keep
from explorer.methods.pairs import PairNet, told_apart

__all__ = ["Bumps", "WarpedField", "learned"]


class Bumps(nn.Module):
    """K sums of 2N bumps over codes of `size` numbers."""

    def __init__(self, count: int, size: int, *, dipoles: int = 8, gamma: float | None = None):
        super().__init__()
        ways = F.normalize(torch.randn(count, dipoles, size), dim=2)
        radii = torch.linspace(1, 4, count).view(-1, 1, 1) * math.sqrt(size) / 4
        self.supports = nn.Parameter(torch.stack([ways * radii, -ways * radii], dim=2).flatten(1, 2))  # (K, 2N, D)
        self.log_gamma = nn.Parameter(torch.full((count,), math.log(gamma if gamma is not None else 1 / size)))
        self.register_buffer("signs", torch.tensor([1.0, -1.0]).repeat(dipoles).expand(count, -1).clone())

    def value(self, z: Tensor, k: Tensor) -> Tensor:
        """f `(B,)` at codes `(B, D)` by paths `(B,)`."""
        distance = (z[:, None] - self.supports[k]).square().sum(dim=2)
        return (self.signs[k] * (-self.log_gamma[k].exp()[:, None] * distance).exp()).sum(dim=1)

    def slope(self, z: Tensor, k: Tensor) -> Tensor:
        """The direction of grad f, `(B, D)` of length 1 (0 where the slope is)."""
        apart = z[:, None] - self.supports[k]  # (B, 2N, D)
        exponent = -self.log_gamma[k].exp()[:, None] * apart.square().sum(dim=2)
        weight = self.signs[k] * (exponent - exponent.amax(dim=1, keepdim=True).detach()).exp()
        return normalised(-(weight[..., None] * apart).sum(dim=1))

    @property
    def size(self) -> int:
        return self.supports.shape[2]


@dataclass(frozen=True, eq=False)
class WarpedField(Field):
    """One RBF path."""

    net: Bumps
    k: int
    stride: float
    sign: float = 1.0

    @property
    def size(self) -> int:
        return self.net.size

    def velocity(self, z: Tensor, t: int) -> Tensor:
        with torch.no_grad():
            return self.sign * self.net.slope(z, torch.full((len(z),), self.k))


def learned(
    decode: Callable[[Tensor], Tensor],
    space: LatentSpace,
    *,
    channels: int,
    count: int = 8,
    dipoles: int = 8,
    updates: int = 1500,
    batch: int = 32,
    reach: float = 0.0,
    rate: float = 1e-3,
    seed: int = 0,
    sample: Callable[[int, int], Tensor] | None = None,
    report: Callable[[int, int, dict[str, float]], None] = lambda done, of, figures: None,
    keep: Keep = NOWHERE,
) -> tuple[list[Direction], float]:
    """`count` RBF paths, and how often a classifier names the path on fresh pairs, in [0, 1].

    Args:
        sample: draws flat codes, by number and seed; the space's own prior when not given.
        reach: the longest latent shift of a training pair; 0 takes a tenth of the square root of the dimension, on either side.

    Raises:
        DataError: the loss stopped being a number.
    """
    sample = sample or (lambda n, seed: space.sample(n, seed).values.flatten(1))
    reach = reach or 0.1 * math.sqrt(space.size)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net, judge = Bumps(count, space.size, dipoles=dipoles), PairNet(channels, count)
    told_apart(
        lambda update: _pairs(decode, sample, net, judge, batch, reach, seed * 1_000_003 + update), (net, judge),
        what="The RBF paths", updates=updates, rate=rate, reach=reach, report=report, keep=keep,
    )  # fmt: skip
    net.requires_grad_(False)
    with torch.no_grad():
        told, _, k, _ = _pairs(decode, sample, net, judge, 256, reach, 10**9 + seed)
    right = float((told.argmax(dim=1) == k).float().mean())
    settings = {"seed": seed, "updates": updates, "dipoles": dipoles, "accuracy": right}
    fields = [WarpedField(net, i, stride=reach / 2) for i in range(count)]
    return [Direction(f"path {i + 1}", "warped", space, field, settings=settings) for i, field in enumerate(fields)], right


def _pairs(
    decode: Callable[[Tensor], Tensor], sample: Callable[[int, int], Tensor], net: Bumps, judge: PairNet, n: int, reach: float, seed: int
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """What the classifier says of `n` fresh pairs, and the truth: path and signed shift."""
    generator = torch.Generator().manual_seed(seed)
    z = sample(n, seed)
    k = torch.randint(len(net.log_gamma), (n,), generator=generator)
    shift = reach * (0.5 + 0.5 * torch.rand(n, generator=generator)) * (torch.randint(0, 2, (n,), generator=generator) * 2 - 1)
    first, second = decode(torch.cat([z, z + shift[:, None] * net.slope(z, k)])).chunk(2)
    told, amount = judge(first, second)
    return told, amount, k, shift
