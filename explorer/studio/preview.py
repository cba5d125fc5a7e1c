"""Small pictures while a hand moves, for models too slow to keep up: a quarter of the area.

A generator may know how to draw one itself (`Previewing`). A convolutional decoder of codes with rows and columns does it without
knowing: it is handed the code pooled to half its sides, and draws half the sides. Anything else cannot, and is not asked again.
"""

from typing import Protocol, runtime_checkable

import torch.nn.functional as F
from torch import Tensor

from explorer.core.errors import CapabilityError, ExplorerError
from explorer.core.model import Decoder, Generator
from explorer.core.space import Code

__all__ = ["SLOW", "Previewing", "preview"]

SLOW = 50.0  # milliseconds a picture, beyond which moving pictures are previews


@runtime_checkable
class Previewing(Protocol):
    """A generator that draws a coarser picture in less time."""

    def preview(self, code: Code) -> Tensor:
        """Pictures `(B, C, h, w)` in [-1, 1] of the same proportions as the true ones, and smaller."""


def preview(generator: Generator, code: Code) -> Tensor:
    """Smaller pictures of codes. Raises CapabilityError for a generator that cannot draw them."""
    if isinstance(generator, Previewing):
        return generator.preview(code)
    if not isinstance(generator, Decoder) or code.space not in generator.functions or not _halves(code.space.shape):
        raise CapabilityError("This generator draws its pictures only whole.")
    try:
        pictures = generator.functions[code.space](F.avg_pool2d(code.values, 2))
    except (RuntimeError, ExplorerError) as error:  # layers of a fixed size
        raise CapabilityError(f"This generator draws its pictures only whole: {str(error).splitlines()[0]}") from error
    channels, height, width = generator.picture_shape
    if tuple(pictures.shape[1:]) != (channels, height // 2, width // 2):
        raise CapabilityError(f"Half a code should give half a picture, got {tuple(pictures.shape[1:])} of {generator.picture_shape}.")
    return pictures


def _halves(shape: tuple[int, ...]) -> bool:
    """Whether a code has channels, rows and columns, the latter even in number."""
    return len(shape) == 3 and shape[1] % 2 == 0 and shape[2] % 2 == 0
