"""Between the pictures of a stranger's network and the explorer's: `(B, C, H, W)` in [-1, 1] with one or three channels."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from explorer.core.errors import ModelError

__all__ = ["CHANNELS", "Pictures", "guessed", "understood"]

CHANNELS = (1, 3, 4)  # grey, colour, colour with opacity
FIRST, LAST, NONE, FLAT = "channels first", "channels last", "no channels", "flat"
SLACK = 0.05  # of the range: how far a network may overshoot it and still be taken for one that means it


@dataclass(frozen=True)
class Pictures:
    """How a network lays out and scales its pictures.

    Args:
        shape: (C, H, W) of what it draws, opacity included.
        values: its lowest and highest value, or "logits".
        layout: "channels first", "channels last", "no channels" or "flat".
    """

    shape: tuple[int, int, int]
    values: tuple[float, float] | str = (-1.0, 1.0)
    layout: str = FIRST

    @property
    def shown(self) -> tuple[int, int, int]:
        """(C, H, W) of the explorer's pictures: opacity is laid over white."""
        return (3, *self.shape[1:]) if self.shape[0] == 4 else self.shape

    def drawn(self, raw: Tensor) -> Tensor:
        """The network's pictures as the explorer's."""
        if self.layout == LAST:
            x = raw.permute(0, 3, 1, 2)
        else:
            x = raw if self.layout == FIRST else raw.reshape(-1, *self.shape)
        if self.values == "logits":
            x = x.sigmoid() * 2 - 1
        elif self.values != (-1.0, 1.0):
            low, high = self.values
            x = (x - low) * (2 / (high - low)) - 1
        x = x.clamp(-1, 1)
        return 1 + (x[:, :3] - 1) * (x[:, 3:] + 1) / 2 if self.shape[0] == 4 else x

    def taken(self, x: Tensor) -> Tensor:
        """The explorer's pictures as the network wants them."""
        if self.shape[0] == 4:
            x = torch.cat([x, torch.ones_like(x[:, :1])], dim=1)
        if self.values != (-1.0, 1.0):
            low, high = (0.0, 1.0) if self.values == "logits" else self.values
            x = (x + 1) * ((high - low) / 2) + low
        if self.layout == LAST:
            return x.permute(0, 2, 3, 1)
        return x.flatten(1) if self.layout == FLAT else x[:, 0] if self.layout == NONE else x


def understood(name: str, sides: tuple[int, ...], wanted: tuple[int, ...] = ()) -> tuple[tuple[int, int, int], str]:
    """The shape (C, H, W) and the layout of a network's pictures, by the `sides` of one of them and what its spec says (`picture`).

    Raises:
        ModelError: such sides cannot be a picture, or not the one that the spec promises.
    """
    if wanted:
        if math.prod(sides) != math.prod(wanted):
            raise ModelError(f"The pictures of '{name}' should be {list(wanted)}, as its spec says, but are {list(sides)}.")
        layouts = {tuple(wanted): FIRST, (*wanted[1:], wanted[0]): LAST, tuple(wanted[1:]): NONE}
        shape, layout = tuple(wanted), layouts.get(sides, FLAT)
    elif len(sides) == 3:
        last = sides[0] not in CHANNELS and sides[2] in CHANNELS
        shape, layout = ((sides[2], *sides[:2]), LAST) if last else (sides, FIRST)
    elif len(sides) == 2:
        shape, layout = (1, *sides), NONE
    else:
        raise ModelError(f"'{name}' has {list(sides)} numbers where a picture should be. Its spec can say: \"picture\": [channels, height, width].")
    if shape[0] not in CHANNELS:
        raise ModelError(f"The pictures of '{name}' have {shape[0]} channels ({list(sides)}); expected 1 (grey), 3 (colour) or 4 (with opacity).")
    return shape, layout


def guessed(raw: Tensor) -> tuple[float, float]:
    """The range that a network's pictures seem to have: [-1, 1], [0, 1] or [0, 255]."""
    low, high = (float(v) for v in raw.aminmax())
    if low < -SLACK:
        return (-1.0, 1.0)
    return (0.0, 255.0) if high > 2 else (0.0, 1.0)
