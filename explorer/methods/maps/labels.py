"""Which label a map tells most about: the one whose classes lie together on it."""

from collections.abc import Mapping

import torch
from torch import Tensor

__all__ = ["lift_of", "most_telling"]

QUERIES = 1_000


def most_telling(xy: Tensor, labels: Mapping[str, Tensor]) -> str:
    """The name of the label that neighbours on a map `(N, 2)` share most, beyond what chance gives; "" without labels.

    `labels` are classes `(N,)`, -1 where they cannot be seen.
    """
    if len(xy) < 3 or not labels:
        return next(iter(labels), "")
    rows = torch.linspace(0, len(xy) - 1, min(QUERIES, len(xy))).long()
    distance = torch.cdist(xy[rows], xy)
    distance[torch.arange(len(rows)), rows] = torch.inf
    near = distance.argmin(dim=1)
    return max(labels, key=lambda name: lift_of(labels[name], rows, near))


def lift_of(values: Tensor, rows: Tensor, near: Tensor) -> float:
    """How much more often a row and its neighbour share a visible class than two rows at random, on a scale where 1 is always."""
    seen = (values[rows] >= 0) & (values[near] >= 0)
    if not seen.any():
        return 0.0
    agree = float((values[rows] == values[near])[seen].float().mean())
    shares = torch.bincount(values[values >= 0]) / (values >= 0).sum()
    chance = float(shares.square().sum())
    return (agree - chance) / max(1 - chance, 1e-9)
