"""Gaussian total correlation: how far coordinates are from independent, as far as their correlations tell.

    TC = -1/2 ln det R,   R the correlation matrix: zero for uncorrelated coordinates, in nats

It is to be reported twice, with and without passive coordinates: the means of passive ones have almost no variance and are
easily correlated, which says nothing of the codes that a decoder sees (Bonheme & Grzes 2023, arXiv 2109.12679).
"""

import torch
from torch import Tensor

__all__ = ["gaussian_total_correlation"]


def gaussian_total_correlation(codes: Tensor) -> float:
    """The total correlation in nats of the coordinates of codes `(N, D)` under a Gaussian fit; constant ones are left out."""
    centred = codes.double() - codes.double().mean(dim=0)
    spread = centred.std(dim=0)
    scaled = (centred / spread.clamp_min(1e-12))[:, spread > 1e-8]
    if scaled.shape[1] < 2:
        return 0.0
    return float(-0.5 * torch.linalg.slogdet(scaled.T @ scaled / (len(scaled) - 1)).logabsdet)
