"""Equal image change: what makes one unit of one direction comparable with one unit of another.

The yardstick is a model's own: a quarter of the root mean square difference between the pictures of two independent codes, the
median over pairs. One unit of a direction is the latent length that changes the picture by that much, on average over starts and
both sides.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from explorer.core.direction import Direction

__all__ = ["UNIT", "calibrated", "changes", "yardstick"]

Decode = Callable[[Tensor], Tensor]
UNIT = "a quarter of the difference between two pictures drawn at random"
LENGTHS = 10  # latent lengths tried, evenly in their logarithm
SHORT, LONG = 0.02, 2.0  # the shortest and the longest, over the square root of the dimension
BATCH = 256


def yardstick(decode: Decode, codes: Tensor) -> float:
    """A quarter of the median difference between pictures of neighbours in a list of independent codes `(N, D)`."""
    x = _pictures(decode, codes)
    return float(_rms(x[1::2] - x[: len(x) // 2 * 2 : 2]).median()) / 4


def calibrated(direction: Direction, decode: Decode, starts: Tensor, unit: float) -> Direction:
    """The direction with the length at which the picture changes by `unit` on average over starts `(B, D)` and both sides.

    A direction that never changes it as much gets the longest length tried, and `inert` in its settings.
    """
    root = direction.space.size**0.5
    lengths = torch.logspace(torch.log10(torch.tensor(SHORT * root)), torch.log10(torch.tensor(LONG * root)), LENGTHS)
    plain = direction.but(length=1.0)
    moved = changes(plain, decode, starts, [*lengths.tolist(), *(-lengths).tolist()]).mean(dim=1)
    mean = ((moved[:LENGTHS] + moved[LENGTHS:]) / 2).cummax(dim=0).values
    above = int((mean < unit).sum())
    if above == LENGTHS:
        return direction.but(length=float(lengths[-1]), unit=UNIT, settings={**direction.settings, "inert": True})
    before = (0.0, 0.0) if above == 0 else (float(lengths[above - 1]), float(mean[above - 1]))
    after = (float(lengths[above]), float(mean[above]))
    length = before[0] + (after[0] - before[0]) * (unit - before[1]) / max(after[1] - before[1], 1e-12)
    return direction.but(length=max(length, 1e-4), unit=UNIT)


def changes(direction: Direction, decode: Decode, starts: Tensor, amounts: list[float]) -> Tensor:
    """The root mean square change of the picture `(T, B)` for each amount and start; pixels are in [-1, 1]."""
    still = _pictures(decode, starts)
    moved = direction.along(starts, amounts)
    return torch.stack([_rms(_pictures(decode, z) - still) for z in moved])


@torch.no_grad()
def _pictures(decode: Decode, codes: Tensor) -> Tensor:
    return torch.cat([decode(piece) for piece in codes.split(BATCH)])


def _rms(difference: Tensor) -> Tensor:
    return difference.flatten(1).square().mean(dim=1).sqrt()
