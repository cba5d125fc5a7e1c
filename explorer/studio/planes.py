"""Codes with channels, rows and columns: changed at places rather than number by number.

A bump adds, in one channel, a Gaussian hill around a place,

    z[c, i, j] += amount * exp(-((i - row)^2 + (j - column)^2) / (2 radius^2)),

rows, columns and radius counted in cells of the code; a radius of 0 lifts the whole channel.
"""

import torch
from torch import Tensor

from explorer.core.errors import SessionError
from explorer.studio.session import Bump

__all__ = ["pictures_of", "raised"]


def raised(flat: Tensor, shape: tuple[int, ...], bumps: tuple[Bump, ...], *, name: str) -> Tensor:
    """The code `(D,)` of a space of that `shape` with bumps added. Raises SessionError for a space without rows and columns, or a place outside."""
    if not bumps:
        return flat
    if len(shape) != 3:
        raise SessionError(f"'{name}' has codes of shape {shape}: only codes with channels, rows and columns can be changed at a place.")
    z = flat.reshape(shape).clone()
    rows, columns = torch.arange(shape[1]).to(z)[:, None], torch.arange(shape[2]).to(z)
    for channel, row, column, radius, amount in bumps:
        if channel >= shape[0] or row > shape[1] - 1 or column > shape[2] - 1:
            raise SessionError(
                f"'{name}' has codes of {shape[0]} channels, {shape[1]} rows and {shape[2]} columns, got a place at {channel}, {row:g}, {column:g}."
            )
        far = (rows - row).square() + (columns - column).square()
        z[channel] += amount * (torch.exp(-far / (2 * radius**2)) if radius else torch.ones_like(far))
    return z.flatten()


def pictures_of(planes: Tensor, *, most: float) -> Tensor:
    """The channels `(C, h, w)` of a code as grey levels `(C, h, w)` uint8: 0 at `-most`, 255 at `most`, the middle at 0."""
    return (planes / most).clamp(-1, 1).add(1).mul(127.5).round().to(torch.uint8)
