"""The Fréchet distance between two sets of pictures, in the feature space of some network.

    d^2 = |m_a - m_b|^2 + tr(C_a + C_b - 2 (C_a^1/2 C_b C_a^1/2)^1/2)

with means m and covariances C of the features: zero for sets alike to second order. Values mean something only beside
others measured with the same network and the same numbers of pictures; between two halves of real data it is not zero.

References: Heusel et al. 2017 (arXiv 1706.08500), there with the Inception network.
"""

import torch
from torch import Tensor

from explorer.core.model import Features

__all__ = ["described", "distance"]

BATCH = 256


@torch.inference_mode()
def described(network: Features, pictures: Tensor) -> Tensor:
    """The features `(B, F)` of pictures `(B, C, H, W)` in [-1, 1]."""
    return torch.cat([network.features(x) for x in pictures.split(BATCH)])


def distance(first: Tensor, second: Tensor) -> float:
    """The squared Fréchet distance between features `(A, F)` and `(B, F)`."""
    first, second = first.double(), second.double()
    root = _root(first.T.cov())
    crossed = torch.linalg.eigvalsh(root @ second.T.cov() @ root).clamp_min(0).sqrt().sum()
    means = (first.mean(dim=0) - second.mean(dim=0)).square().sum()
    return float((means + first.var(dim=0).sum() + second.var(dim=0).sum() - 2 * crossed).clamp_min(0))


def _root(matrix: Tensor) -> Tensor:
    """The symmetric square root of a positive semi-definite matrix."""
    values, vectors = torch.linalg.eigh(matrix)
    return (vectors * values.clamp_min(0).sqrt()) @ vectors.T
