"""Which label a map tells most about: the one whose classes lie together on it."""

from collections.abc import Mapping

import torch
from torch import Tensor

from explorer.core.cells import Cells

__all__ = ["lift_of", "most_telling"]

QUERIES = 1_000
MOST = 20_000  # of a larger map so many are looked at, evenly chosen


def most_telling(xy: Tensor, labels: Mapping[str, Tensor]) -> str:
    """The name of the label that neighbours on a map `(N, 2)` share most, beyond what chance gives; "" without labels.

    `labels` are classes `(N,)`, -1 where they cannot be seen.
    """
    if len(xy) < 3 or not labels:
        return next(iter(labels), "")
    if len(xy) > MOST:
        some = torch.linspace(0, len(xy) - 1, MOST).long()
        xy, labels = xy[some], {name: values[some] for name, values in labels.items()}
    rows = torch.linspace(0, len(xy) - 1, min(QUERIES, len(xy))).long()
    pair = Cells(xy).nearest(xy[rows], 2)[1]
    near = torch.where(pair[:, 0] == rows, pair[:, 1], pair[:, 0])  # where many share a place, the row itself need not be among them
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
