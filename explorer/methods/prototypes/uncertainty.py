"""What a classifier with prototype distributions is unsure about, and why (arXiv 2403.13740).

total H[mean_s p_s] = aleatoric mean_s H[p_s] + epistemic (the rest, >= 0)
E|z - phi|^2 = |z - mu|^2 + tr S,   Var|z - phi|^2 = 2 tr S^2 + 4 (z - mu)' S (z - mu)
overlap: max over other classes of the integral of min(density of the distance to the own prototype, to the other's)
percentile: the share of the training data of a class that is closer to its prototype than z is
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from explorer.core.errors import ModelError
from explorer.core.prototypes import Head, Prototype

__all__ = ["Doubt", "distances", "doubt", "draws", "moments", "overlap", "percentile", "samples"]

BINS = 512
DRAWS = 500


@dataclass(frozen=True, eq=False)
class Doubt:
    """In nats, each `(B,)`; `mean` are the averaged probabilities `(B, C)`, of `count` draws with `seed`."""

    mean: Tensor
    total: Tensor
    aleatoric: Tensor
    epistemic: Tensor
    count: int
    seed: int


def moments(z: Tensor, prototype: Prototype) -> tuple[Tensor, Tensor]:
    """Mean and variance, each `(B,)`, of the squared distance of codes `(B, D)` to a draw of a prototype."""
    covariance = _covariance(prototype)
    away = z - prototype.mean
    mean = away.square().sum(dim=1) + covariance.trace()
    variance = 2 * covariance.square().sum() + 4 * torch.einsum("bi,ij,bj->b", away, covariance, away)
    return mean, variance


def _covariance(prototype: Prototype) -> Tensor:
    if prototype.covariance is None:
        raise ModelError(f"Prototype {prototype.index} is a point, not a distribution: it has no uncertainty.")
    return prototype.covariance


def samples(prototype: Prototype, count: int, seed: int) -> Tensor:
    """Draws of a prototype, `(count, D)`, the same ones for the same seed."""
    covariance = _covariance(prototype)
    factor = torch.linalg.cholesky(covariance + 1e-12 * torch.eye(len(covariance)).to(covariance))
    noise = torch.randn(count, len(covariance), generator=torch.Generator().manual_seed(seed), dtype=covariance.dtype)
    return prototype.mean + noise @ factor.T


def draws(prototypes: Sequence[Prototype], count: int, seed: int) -> Tensor:
    """Joint draws of all prototypes, `(count, P, D)`."""
    return torch.stack([samples(p, count, seed + 7919 * p.index) for p in prototypes], dim=1)


def distances(z: Tensor, drawn: Tensor) -> Tensor:
    """Squared distances `(S, B, P)` of codes `(B, D)` to draws `(S, P, D)`."""
    return (z[None, :, None] - drawn[:, None]).square().sum(dim=3)


def doubt(z: Tensor, prototypes: Sequence[Prototype], head: Head, *, count: int = DRAWS, seed: int = 0) -> Doubt:
    """How unsure the answer for codes `(B, D)` is: of the class itself, and of what the prototypes are."""
    away = distances(z, draws(prototypes, count, seed))
    p = torch.stack([head.totals(-one).double().softmax(dim=1) for one in away])  # (S, B, C)
    mean = p.mean(dim=0)
    total, aleatoric = _entropy(mean), _entropy(p).mean(dim=0)
    return Doubt(mean, total, aleatoric, total - aleatoric, count, seed)


def _entropy(p: Tensor) -> Tensor:
    return torch.special.entr(p).sum(dim=-1)


def overlap(own: Tensor, other: Tensor) -> float:
    """How much the densities of two samples `(S,)` overlap, in [0, 1], by kernel estimates with Silverman's width."""
    low, high = float(torch.minimum(own.min(), other.min())), float(torch.maximum(own.max(), other.max()))
    widths = [max(1.06 * float(values.std()) * len(values) ** -0.2, 1e-9 * max(1.0, abs(high))) for values in (own, other)]
    margin = 4 * max(widths)
    if min(widths) * BINS < (high - low) / 8:  # a spike beside a wide one: the grid must not step over it
        bins = min(20_000, int(8 * (high - low + 2 * margin) / min(widths)) + BINS)
    else:
        bins = BINS
    grid = torch.linspace(low - margin, high + margin, bins, dtype=torch.float64)
    densities = [_density(values.double(), width, grid) for values, width in zip((own, other), widths)]
    return float(torch.trapezoid(torch.minimum(*densities), grid).clamp(0, 1))


def _density(values: Tensor, width: float, grid: Tensor) -> Tensor:
    return torch.exp(-0.5 * ((grid[:, None] - values[None]) / width).square()).mean(dim=1) / (width * math.sqrt(2 * math.pi))


def percentile(distance: Tensor, known: Tensor) -> Tensor:
    """The share `(B,)` of `known` distances `(n,)` that are smaller than `distance` `(B,)`; near 1, unlike anything seen."""
    if not len(known):
        raise ModelError("A percentile needs distances of training pictures, got none.")
    return torch.searchsorted(known.sort().values, distance) / len(known)
