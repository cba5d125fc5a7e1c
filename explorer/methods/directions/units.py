"""Equal image change: what makes one unit of one direction comparable with one unit of another.

The yardstick is a model's own: a quarter of the root mean square difference between the pictures of two independent codes, the
median over pairs. One unit of a direction is the latent length that changes the picture by that much, on average over starts and
both sides.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from explorer.core.direction import Direction

__all__ = ["BATCH", "UNIT", "calibrated", "changes", "drawn", "yardstick"]

Decode = Callable[[Tensor], Tensor]
UNIT = "a quarter of the difference between two pictures drawn at random"
FIRST, SHORT, LONG = 0.15, 0.002, 2.0  # latent lengths tried first, at least and at most, over the square root of the dimension
TRIES, NEAR = 8, 0.02  # lengths tried, and how near to the unit is near enough
BATCH = 32  # pictures drawn together: on a CPU larger batches leave the cache and take twice as long a picture


def yardstick(decode: Decode, codes: Tensor) -> float:
    """A quarter of the median difference between pictures of neighbours in a list of independent codes `(N, D)`."""
    x = drawn(decode, codes)
    return float(_rms(x[1::2] - x[: len(x) // 2 * 2 : 2]).median()) / 4


def calibrated(direction: Direction, decode: Decode, starts: Tensor, unit: float) -> Direction:
    """The direction with the length at which the picture changes by `unit` on average over starts `(B, D)` and both sides.

    A direction that never changes it as much gets the longest length tried, and `inert` in its settings.
    """
    still, plain, root = drawn(decode, starts), direction.but(length=1.0), direction.space.size**0.5

    def change(length: float) -> float:
        moved = plain.along(starts, (length, -length))
        return float(torch.stack([_rms(drawn(decode, z) - still) for z in moved]).mean())

    low, high, length = (SHORT * root, 0.0), (LONG * root, math.inf), FIRST * root
    for _ in range(TRIES):
        found = change(length)
        if abs(found / unit - 1) < NEAR:
            break
        if found < unit and length == high[0]:
            return direction.but(length=length, unit=UNIT, settings={**direction.settings, "inert": True})
        low, high = ((length, found), high) if found < unit else (low, (length, found))
        length = _between(low, high, length * min(8.0, unit / max(found, 1e-12)), unit)
    return direction.but(length=max(length, 1e-4), unit=UNIT)


def _between(low: tuple[float, float], high: tuple[float, float], guess: float, unit: float) -> float:
    """The next length to try: where a line through both ends meets the unit once there are two, else the guess kept between them."""
    if low[1] > 0 and high[1] < math.inf:
        return low[0] + (high[0] - low[0]) * min(0.9, max(0.1, (unit - low[1]) / max(high[1] - low[1], 1e-12)))
    return min(max(guess, low[0]), high[0])


def changes(direction: Direction, decode: Decode, starts: Tensor, amounts: list[float]) -> Tensor:
    """The root mean square change of the picture `(T, B)` for each amount and start; pixels are in [-1, 1]."""
    still = drawn(decode, starts)
    moved = direction.along(starts, amounts)
    return torch.stack([_rms(drawn(decode, z) - still) for z in moved])


@torch.no_grad()
def drawn(decode: Decode, codes: Tensor) -> Tensor:
    """Pictures `(N, C, H, W)` of flat codes `(N, D)`, a few at a time."""
    return torch.cat([decode(piece) for piece in codes.split(BATCH)])


def _rms(difference: Tensor) -> Tensor:
    return difference.flatten(1).square().mean(dim=1).sqrt()
