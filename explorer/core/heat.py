"""Maps of similarity at the size of the picture, in their own units, and the boxes drawn around their peaks.

A heat map here is never rescaled to fill the colour range: a faint match looks faint. What is drawn between cells is an
interpolation; what a cell depends on is its receptive field, which is larger.
"""

from dataclasses import dataclass
from functools import reduce

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ["Box", "Layer", "box", "cell_box", "heat", "receptive_field"]

RANK = 0.95  # of the pixels lie below the threshold of a box


@dataclass(frozen=True)
class Box:
    """A rectangle of pixels; `bottom` and `right` are exclusive."""

    top: int
    left: int
    bottom: int
    right: int

    @property
    def area(self) -> int:
        return (self.bottom - self.top) * (self.right - self.left)

    def slices(self) -> tuple[slice, slice]:
        """Of rows and columns."""
        return slice(self.top, self.bottom), slice(self.left, self.right)


@dataclass(frozen=True)
class Layer:
    """What a convolution or a pooling does to places."""

    kernel: int
    stride: int = 1
    padding: int = 0


def heat(maps: Tensor, size: tuple[int, int], *, way: str = "bicubic") -> Tensor:
    """Maps `(B, P, h, w)` as `(B, P, H, W)`, units kept: "bicubic" (Keys, a = -0.75, as OpenCV does) or "cells", each cell a flat square."""
    if way == "cells":
        return F.interpolate(maps, size, mode="nearest-exact")
    return F.interpolate(maps, size, mode="bicubic", align_corners=False)


def box(heated: Tensor, rank: float = RANK) -> Box:
    """The smallest rectangle around all pixels of one heat map `(H, W)` at or above a rank; two distant peaks share one large box."""
    above = heated >= torch.quantile(heated.flatten().float(), rank)
    rows, columns = above.any(dim=1).nonzero().flatten(), above.any(dim=0).nonzero().flatten()
    return Box(int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1)


def cell_box(row: int, column: int, grid: tuple[int, int], size: tuple[int, int], side: int) -> Box:
    """A square of `side` pixels (as far as it fits) around the middle of a cell of a grid (h, w) over a picture (H, W)."""
    starts = []
    for place, cells, pixels in ((row, grid[0], size[0]), (column, grid[1], size[1])):
        starts.append(max(0, min(pixels - side, round((place + 0.5) * pixels / cells - side / 2))))
    return Box(starts[0], starts[1], min(starts[0] + side, size[0]), min(starts[1] + side, size[1]))


def receptive_field(layers: list[Layer], row: int, column: int, size: tuple[int, int]) -> Box:
    """The pixels of a picture (H, W) that a cell after these layers can depend on."""
    bounds = []
    for place, pixels in ((row, size[0]), (column, size[1])):
        first, last = reduce(_before, reversed(layers), (place, place))
        bounds.append((max(0, first), min(pixels, last + 1)))
    return Box(bounds[0][0], bounds[1][0], bounds[0][1], bounds[1][1])


def _before(interval: tuple[int, int], layer: Layer) -> tuple[int, int]:
    """The cells under an interval of a layer's outputs."""
    first, last = (place * layer.stride - layer.padding for place in interval)
    return first, last + layer.kernel - 1
