"""Tiny models and clouds of codes whose answers are known."""

import math

import torch
from torch import Tensor

from explorer.core.layout import Layout
from explorer.core.model import Card, Decoder, Model
from explorer.core.space import Code, LatentSpace


def normal(n: int, size: int, *, seed: int = 0) -> Tensor:
    """Standard normal codes `(n, size)`."""
    return torch.randn(n, size, generator=torch.Generator().manual_seed(seed))


def mixture(n: int, size: int, *, clusters: int = 10, seed: int = 0) -> Tensor:
    """Codes `(n, size)` of Gaussian clusters of different widths around standard normal centres; row i is of cluster i % clusters."""
    generator = torch.Generator().manual_seed(seed)
    centres = torch.randn(clusters, size, generator=generator)
    widths = 0.1 + 0.2 * torch.rand(clusters, 1, generator=generator)
    which = torch.arange(n) % clusters
    return centres[which] + widths[which] * torch.randn(n, size, generator=generator)


def islands(n: int, size: int, *, clusters: int = 10, seed: int = 0) -> Layout:
    """A torn map with empty water: each cluster of a mixture is projected onto its own two axes, far from the others."""
    codes = mixture(n, size, clusters=clusters, seed=seed)
    which = torch.arange(n) % clusters
    turn = 2 * math.pi * which / clusters
    xy = 6 * torch.stack([turn.cos(), turn.sin()], dim=1)
    for cluster in range(clusters):
        mine = which == cluster
        xy[mine] += (codes[mine] - codes[mine].mean(dim=0))[:, [cluster % size, (cluster + 1) % size]] * 2
    return Layout("islands", xy, codes)


def on_sphere(n: int, *, radius: float, size: int = 32, seed: int = 0) -> Tensor:
    """Codes `(n, size)` of equal length."""
    codes = normal(n, size, seed=seed)
    return radius * codes / codes.norm(dim=1, keepdim=True)


def ring(n: int) -> Tensor:
    """Points `(n, 2)` evenly around the unit circle, from the angle 0."""
    turn = 2 * math.pi * torch.arange(n, dtype=torch.float64) / n
    return torch.stack([turn.cos(), turn.sin()], dim=1)


class Backwards:
    """The exact encoder of an orthogonal linear generator."""

    def __init__(self, basis: Tensor, space: LatentSpace):
        self.basis, self.space = basis, space

    def encode(self, x: Tensor) -> Code:
        return Code(x.flatten(1) @ self.basis, self.space)


def linear(size: int = 4, *, side: int = 4, seed: int = 0) -> Model:
    """A model whose picture is an orthogonal linear map of its normal code: the basis is `model.encoder.basis` `(side², size)`."""
    space = LatentSpace("z", (size,))
    basis = torch.linalg.qr(normal(side * side, size, seed=seed)).Q
    generator = Decoder("toy-linear", (1, side, side), {space: lambda z: (z @ basis.T).view(-1, 1, side, side)})
    return Model(Card("toy-linear", "A linear toy", "toy", {}), (space,), generator=generator, encoder=Backwards(basis, space))
