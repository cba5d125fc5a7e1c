"""A small classifier that names which direction turned one picture into another.

Directions learned without labels are those that such a network can tell apart: RBF paths and potential flows are trained
against it, and the variation-predictability score trains it afresh. Group normalisation, because the statistics of a batch in which
one direction is frequent would give the answer away.
"""

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from explorer.core.errors import DataError
from explorer.methods.keep import NOWHERE, Keep

__all__ = ["PairNet", "shrunk", "told_apart"]

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


def told_apart(
    draw: Callable[[int], tuple[Tensor, Tensor, Tensor, Tensor]],
    nets: Sequence[nn.Module],
    *,
    what: str,
    updates: int,
    rate: float,
    reach: float,
    report: Callable[[int, int, dict[str, float]], None],
    keep: Keep = NOWHERE,
) -> None:
    """Learns directions together with the network that names them: cross-entropy of the name, and a quarter of the error of the amount.

    Args:
        draw: for an update, what the network says of fresh pairs, scores `(n, K)` and amounts `(n,)`, and the truth: direction and signed shift.
        nets: what is learned.
        what: what errors call the directions.
        reach: the longest shift.
        keep: where a learning that is cancelled is kept.

    Raises:
        DataError: the loss stopped being a number.
    """
    optimiser = torch.optim.Adam([p for net in nets for p in net.parameters() if p.requires_grad], lr=rate)
    done = keep.resume(*nets, optimiser)
    with keep.safe(lambda: done, *nets, optimiser):
        for update in range(done, updates):
            told, amount, k, shift = draw(update)
            loss = F.cross_entropy(told, k) + 0.25 * (amount - shift / reach).abs().mean()
            if not torch.isfinite(loss):
                raise DataError(f"{what} diverged at update {update}: the loss is no longer a number.")
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            for group in optimiser.param_groups:
                group["lr"] = rate * min(1.0, 2.0 * (1 - (update + 1) / updates) + 0.02)
            done = update + 1
            report(done, updates, {"loss": float(loss.detach()), "right": float((told.argmax(dim=1) == k).float().mean())})
