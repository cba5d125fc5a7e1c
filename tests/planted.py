"""Prototype classifiers made by hand: what each of their prototypes responds to is known, because it is written here."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from explorer.core.prototypes import Linear, Prototype

SIDE, WINDOW = 48, 12  # pixels of a picture, and of what a cell sees; cells do not overlap


def pictures(n: int, *, seed: int = 0) -> Tensor:
    """Coloured blobs with grain, `(n, 3, 48, 48)` in [-1, 1]."""
    generator = torch.Generator().manual_seed(seed)
    coarse = F.interpolate(torch.rand(n, 3, 3, 3, generator=generator), (SIDE, SIDE), mode="nearest")
    middle = F.interpolate(torch.rand(n, 1, 16, 16, generator=generator), (SIDE, SIDE), mode="bilinear")
    grain = torch.randn(n, 1, SIDE, SIDE, generator=generator) * 0.06
    return ((0.55 * coarse + 0.35 * middle + 0.05 + grain).clamp(0.02, 0.98) * 2 - 1).contiguous()


def windows(x: Tensor) -> Tensor:
    """The pixels of every cell in [0, 1], `(B, 3, h, w, 144)`."""
    cells = ((x + 1) / 2).unfold(2, WINDOW, WINDOW).unfold(3, WINDOW, WINDOW)
    return cells.flatten(4)


def hue(cells: Tensor) -> Tensor:
    """The angle of the mean colour, as two numbers: no matter how strong or bright."""
    red, green, blue = cells.mean(dim=-1).unbind(dim=1)
    vector = torch.stack([red - (green + blue) / 2, math.sqrt(0.75) * (green - blue)], dim=1)
    return F.normalize(vector, dim=1)


def _ninths(cells: Tensor) -> Tensor:
    """The spread of brightness between ninths of a cell, where grain averages out, `(B, 1, h, w)`."""
    grey = (cells * torch.tensor([0.2989, 0.587, 0.114]).view(1, 3, 1, 1, 1)).sum(dim=1)
    blocks = F.avg_pool2d(grey.unflatten(-1, (WINDOW, WINDOW)).flatten(1, 2), 4).unflatten(1, grey.shape[1:3]).flatten(-2)
    return blocks.std(dim=-1)[:, None]


def saturation(cells: Tensor) -> Tensor:
    """How far the mean colours around a cell are from grey, over the spread of brightness between cells: contrast changes both alike."""
    grey = (cells * torch.tensor([0.2989, 0.587, 0.114]).view(1, 3, 1, 1, 1)).sum(dim=1, keepdim=True)
    chroma = F.avg_pool2d((cells - grey).mean(dim=-1).square().mean(dim=1, keepdim=True).sqrt(), 3, 1, 1, count_include_pad=False)
    return 2 * (chroma / grey.mean(dim=-1).std(dim=(2, 3), keepdim=True).clamp_min(1e-3)).log1p()


def contrast(cells: Tensor) -> Tensor:
    """The spread of brightness."""
    return 8 * _ninths(cells)


def texture(cells: Tensor) -> Tensor:
    """The share of grain: differences of neighbours, less what two steps differ, over all differences."""
    grey = cells.mean(dim=1).unflatten(-1, (WINDOW, WINDOW))
    bend = grey[..., 1:-1, 1:-1] * 4 - grey[..., :-2, 1:-1] - grey[..., 2:, 1:-1] - grey[..., 1:-1, :-2] - grey[..., 1:-1, 2:]
    return 4 * (bend.abs().flatten(-2).median(dim=-1).values / grey.flatten(-2).std(dim=-1).clamp_min(1e-3))[:, None]


def shape(cells: Tensor) -> Tensor:
    """Where in the cell it is light and where dark, coarsely, at mean 0 and length 1."""
    grey = F.avg_pool2d(cells.mean(dim=1).unflatten(-1, (WINDOW, WINDOW)).flatten(1, 2), 2).unflatten(1, cells.shape[2:4]).flatten(-2)
    return F.normalize(grey - grey.mean(dim=-1, keepdim=True), dim=-1).permute(0, 3, 1, 2)


KINDS: dict[str, Callable[[Tensor], Tensor]] = {"hue": hue, "saturation": saturation, "contrast": contrast, "texture": texture, "shape": shape}


@dataclass(frozen=True, eq=False)
class Planted:
    """Prototypes `(P, D)` that compare one measured quantity of each cell: exp(-distance^2)."""

    measure: Callable[[Tensor], Tensor]
    vectors: Tensor
    question: str = "thing"
    classes: tuple[str, ...] = ("it", "other")
    total: str = "logit"
    scale: tuple[float, float] = (0.0, 1.0)
    local: bool = True
    picture_shape: tuple[int, int, int] = (3, SIDE, SIDE)

    @property
    def prototypes(self):
        return tuple(Prototype(j, vector, 0) for j, vector in enumerate(self.vectors))

    @property
    def head(self):
        return Linear(torch.ones(2, len(self.vectors)))

    def described(self, x: Tensor) -> Tensor:
        return self.measure(windows(x))

    def similarities(self, described: Tensor, only: Tensor | None = None) -> Tensor:
        vectors = self.vectors if only is None else self.vectors[only]
        return torch.exp(-(described[:, None] - vectors[None, :, :, None, None]).square().sum(dim=2))


def planted(kind: str, count: int = 20, *, seed: int = 1) -> Planted:
    """Prototypes of one characteristic, each a cell of a picture: of what there can be more or less, the cell with the most, else any."""
    described = KINDS[kind](windows(pictures(count, seed=seed))).flatten(2)
    generator = torch.Generator().manual_seed(seed)
    cell = described[:, 0].argmax(dim=1) if described.shape[1] == 1 else torch.randint(described.shape[2], (count,), generator=generator)
    return Planted(KINDS[kind], described[torch.arange(count), :, cell])
