"""How much pictures change along a path, seen by the pixels: the root mean square difference from each to the next.

Summed up it is the length of the path in picture space, that is under the metric JᵀJ which the generator pulls back to its codes.

References: Arvanitidis, Hansen and Hauberg, Latent Space Oddity (2018).
"""

from collections.abc import Callable

import torch
from torch import Tensor

from explorer.core.path import Path, Retimed

__all__ = ["changes", "evened"]

LOOKS = 33  # pictures by which a path is measured
AT_ONCE = 8  # pictures drawn together

Draw = Callable[[Tensor], Tensor]  # from flat codes (B, D) to pictures (B, C, H, W)


@torch.no_grad()
def changes(draw: Draw, codes: Tensor) -> Tensor:
    """The change `(N - 1,)`, float64, from each picture of flat codes `(N, D)` to the next, of pictures in [-1, 1]."""
    last, found = None, []
    for some in codes.split(AT_ONCE):
        pictures = draw(some).flatten(1).cpu().double()
        row = pictures if last is None else torch.cat([last, pictures])
        found.append((row[1:] - row[:-1]).square().mean(dim=1).sqrt())
        last = row[-1:]
    return torch.cat(found)


def evened(draw: Draw, path: Path, *, looks: int = LOOKS) -> Path:
    """The same path at such a pace that pictures change evenly. One along which nothing changes is left as it is."""
    change = changes(draw, path(torch.linspace(0, 1, looks)))
    total = float(change.sum())
    if total <= 0:
        return path
    return Retimed(path, torch.cat([torch.zeros(1, dtype=torch.float64), change.cumsum(dim=0) / total]))
