"""Patches of pictures: cutting them out, and whether two have the same colours."""

import torch
from torch import Tensor

from explorer.core.heat import cell_box
from explorer.methods.prototypes.quality import side_of

__all__ = ["cut", "histogram", "overlap"]

LEVELS = 4  # a channel


def cut(x: Tensor, row: int, column: int, grid: tuple[int, int]) -> Tensor:
    """The patch around a cell of a picture `(C, H, W)`."""
    size = tuple(x.shape[1:])
    down, across = cell_box(row, column, grid, size, side_of(min(size))).slices()
    return x[:, down, across]


def histogram(patch: Tensor) -> Tensor:
    """The shares of coarse colours in a patch `(C, h, w)` in [-1, 1], `(4^C,)`."""
    levels = ((patch + 1) / 2 * LEVELS).long().clamp(0, LEVELS - 1).flatten(1)
    index = (levels * torch.tensor([LEVELS**k for k in range(len(levels))])[:, None]).sum(dim=0)
    return torch.bincount(index, minlength=LEVELS ** len(levels)).double() / index.numel()


def overlap(one: Tensor, other: Tensor) -> float:
    """How much of two histograms is shared, in [0, 1]."""
    return float(torch.minimum(one, other).sum())
