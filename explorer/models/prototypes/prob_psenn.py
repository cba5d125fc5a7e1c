"""Prob-PSENN: one prototype a class, and it is a distribution (arXiv 2403.13740).

    phi_j ~ N(mu_j, Sigma_j) in the latent space of an autoencoder,   logit_c = -sum_j W_cj |z - phi_j|^2
    E|z - phi|^2 = |z - mu|^2 + tr Sigma,   Var|z - phi|^2 = 2 tr Sigma^2 + 4 (z - mu)' Sigma (z - mu)

The total of a class is the expected logit, which is exact; a similarity is minus the expected squared distance. Whole pictures are
compared, so similarities have no place. Prototypes, and draws of them, are shown by decoding them.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from explorer.core.heat import Layer
from explorer.core.model import Card, Model
from explorer.core.prototypes import Linear
from explorer.models.prototypes.net import PrototypeNet, built

__all__ = ["ProbPSENN", "build", "network"]


class ProbPSENN(PrototypeNet):
    """Gaussian prototypes around codes; `widths` are the channels after each halving."""

    TOTAL = "expected logit"
    LOCAL = False
    OF_PROTOTYPES = ("vectors", "factors")

    def __init__(self, config: Mapping[str, Any]):
        super().__init__(config)
        depth, count, widths = config["depth"], config["prototypes"], list(config["widths"])
        channels, side = config["channels"], config["size"] >> len(config["widths"])
        inner = widths[-1] * side * side
        down = [nn.Sequential(nn.Conv2d(i, o, 4, 2, 1), nn.BatchNorm2d(o), nn.LeakyReLU(0.2)) for i, o in zip([channels, *widths], widths)]
        outward = [*reversed(widths), max(widths[0] // 2, 8)]
        up = [nn.Sequential(nn.ConvTranspose2d(i, o, 4, 2, 1), nn.BatchNorm2d(o), nn.LeakyReLU(0.2)) for i, o in zip(outward, outward[1:])]
        last = nn.Conv2d(outward[-1], channels, 3, padding=1)
        self.encoder = nn.Sequential(*down, nn.Flatten(), nn.Linear(inner, depth), nn.BatchNorm1d(depth, affine=False))  # codes of a size
        self.decoder = nn.Sequential(nn.Linear(depth, inner), nn.Unflatten(1, (widths[-1], side, side)), *up, last, nn.Tanh())
        self.vectors = nn.Parameter(torch.randn(count, depth) * 0.1 + 0.2)
        self.factors = nn.Parameter(_raw(torch.eye(depth).expand(count, -1, -1) * 0.3))  # lower triangles, diagonals before softplus
        own = self.owner[None] == torch.arange(len(config["classes"]), device=self.owner.device)[:, None]
        self.weight = nn.Parameter(0.5 * own.float())

    @property
    def scale(self) -> tuple[float, float]:
        return (-math.inf, 0.0)

    @property
    def layers(self) -> list[Layer]:
        return []

    def cholesky(self) -> Tensor:
        """Factors `(P, D, D)` of the covariances, lower triangles with positive diagonals."""
        diagonal = F.softplus(self.factors.diagonal(dim1=1, dim2=2)) + 1e-4
        return self.factors.tril(-1) + torch.diag_embed(diagonal)

    def covariances(self) -> Tensor:
        factors = self.cholesky().detach()
        return factors @ factors.transpose(1, 2)

    def settle(self, mean: Tensor, covariance: Tensor) -> None:
        """Prototypes with these means `(P, D)` and covariances `(P, D, D)`."""
        with torch.no_grad():
            self.vectors.copy_(mean)
            self.factors.copy_(_raw(torch.linalg.cholesky(covariance)))

    def described(self, x: Tensor) -> Tensor:
        return self.encoder(x)[:, :, None, None]

    def similarities(self, described: Tensor, only: Tensor | None = None) -> Tensor:
        chosen = slice(None) if only is None else only
        with torch.autocast(described.device.type, enabled=False):
            z = described.flatten(1).float()
            spread = self.cholesky()[chosen].square().sum(dim=(1, 2))  # tr Sigma
            away = (z[:, None] - self.vectors[chosen]).square().sum(dim=2)
        return -(away + spread)[:, :, None, None]

    def drawn_prototypes(self, draws: int, generator: torch.Generator) -> Tensor:
        """Draws of every prototype, `(S, P, D)`."""
        noise = torch.randn(draws, *self.vectors.shape, generator=generator).to(self.vectors)
        return self.vectors + torch.einsum("pij,spj->spi", self.cholesky(), noise)

    @property
    def drawn(self) -> Callable[[Tensor], Tensor]:
        return self.decoder

    def head(self) -> Linear:
        return Linear(self.weight)

    def take_head(self, head: Linear) -> None:
        self.weight = nn.Parameter(head.weight.detach().clone(), requires_grad=self.weight.requires_grad)


def _raw(factors: Tensor) -> Tensor:
    """What `cholesky` turns into these factors."""
    diagonal = factors.diagonal(dim1=-2, dim2=-1).clamp_min(2e-4) - 1e-4
    return factors.tril(-1) + torch.diag_embed(diagonal + torch.log(-torch.expm1(-diagonal)))


def build(card: Card, state: Mapping[str, Tensor], device: torch.device) -> Model:
    """Rebuilds the model of `card` around its weights."""
    return built(ProbPSENN, card, state, device)


def network(config: Mapping[str, Any]) -> ProbPSENN:
    """An untrained network of that configuration."""
    return ProbPSENN(config)
