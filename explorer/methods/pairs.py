"""A small classifier that names which direction turned one picture into another.

Directions learned without labels are those that such a network can tell apart: RBF paths and potential flows are trained
against it, and the variation-predictability score trains it afresh. Group normalisation, because the statistics of a batch in which
one direction is frequent would give the answer away.
"""

import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["PairNet", "shrunk"]

SIDE = 32


def shrunk(pictures: Tensor, side: int = SIDE) -> Tensor:
    """Pictures `(B, C, H, W)` averaged down to `side` pixels, larger or smaller."""
    return F.adaptive_avg_pool2d(pictures, side) if pictures.shape[-1] > side or pictures.shape[-2] > side else F.interpolate(pictures, side)


class PairNet(nn.Module):
    """The difference of two pictures `(B, C, 32, 32)` to scores `(B, K)` of the direction, and to its amount `(B,)`."""

    def __init__(self, channels: int, count: int, *, width: int = 32):
        super().__init__()

        def block(inside: int, outside: int) -> nn.Sequential:
            return nn.Sequential(nn.Conv2d(inside, outside, 3, 2, 1), nn.GroupNorm(8, outside), nn.SiLU())

        self.body = nn.Sequential(block(channels, width), block(width, 2 * width), block(2 * width, 4 * width), nn.Flatten())
        self.which = nn.Linear(4 * width * 16, count)
        self.amount = nn.Linear(4 * width * 16, 1)

    def forward(self, first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
        described = self.body(shrunk(second) - shrunk(first))
        return self.which(described), self.amount(described)[:, 0]
