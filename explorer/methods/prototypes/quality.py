"""How good prototypes and their heat maps are, where it is known what counts.

purity       share of a prototype's most similar pictures whose patch shows the part that tells the class (Nauta et al. 2023)
consistency  share of prototypes that hit one and the same part in at least 80 % of the pictures of their class (Huang et al. 2023)
stability    share of pictures in which a prototype hits the same parts with a little noise (same)
CH, OIRR     mean heat inside the mask; mean outside over mean inside (Wang et al. 2023)
DAUC         area under the probability of the predicted class while pixels are deleted, hottest first; lower is better
relevance    share of the hottest pixels, or of the heat, inside the mask: "mask" and "energy" (CaBRNet)
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from explorer.core.heat import cell_box
from explorer.core.prototypes import Head, PrototypeClassifier, matches

__all__ = [
    "HOW_PURE", "TOP", "compactness", "consistency", "content", "deletion", "energy_relevance", "hits", "mask_relevance", "overlap",
    "part_hits", "purity_anywhere", "side_of", "stability",
]  # fmt: skip

TOP = 10  # pictures a prototype
SHARE = 1 / 7  # of a picture's side is a patch's: 32 of 224 pixels
COVERED = 0.25  # of the patch, or of the part where that is smaller
CONSISTENT = 0.8
NOISE, MOST_NOISE = 0.2, 0.25
HOW_PURE = (
    f"of each prototype's {TOP} most similar held-out pictures the share in which a quarter of the patch around the best cell (a seventh of the "
    "picture's side), or of the part where that is smaller, shows pixels that change when the picture is drawn with another class. anywhere: the "
    "same of all cells."
)


def side_of(size: int) -> int:
    """The side of the patch shown for a cell of a picture of that size."""
    return max(1, round(size * SHARE))


def hits(masks: Tensor, cells: Tensor, grid: tuple[int, int]) -> Tensor:
    """Whether the patch around a cell `(n, 2)` of a grid shows the part in each mask `(n, H, W)`, bool `(n,)`."""
    size = tuple(masks.shape[1:])
    side = side_of(min(size))
    found = []
    for mask, (row, column) in zip(masks, cells.tolist()):
        patch = cell_box(row, column, grid, size, side)
        whole = min(patch.area, int(mask.sum()))
        found.append(whole > 0 and float(mask[patch.slices()].sum()) >= COVERED * whole)
    return torch.tensor(found, dtype=torch.bool)


def purity_anywhere(masks: Tensor, grid: tuple[int, int], most: int = 50) -> float:
    """The share of all cells whose patch shows the part: what a prototype that looks anywhere would have."""
    masks = masks[:most]
    every = torch.cartesian_prod(torch.arange(grid[0]), torch.arange(grid[1]))
    return float(torch.cat([hits(mask.expand(len(every), -1, -1), every, grid) for mask in masks]).float().mean())


def compactness(head: Head, tiny: float = 1e-3) -> dict[str, float]:
    """How many prototypes have a weight above `tiny` of the largest, in all and on average a class."""
    counts = head.strength() > tiny * head.strength().max()
    return {"in_all": int(counts.any(dim=0).sum()), "a_class": float(counts.sum(dim=1).float().mean())}


def part_hits(parts: Tensor, cells: Tensor, grid: tuple[int, int], size: tuple[int, int], side: int) -> Tensor:
    """Which parts, centres `(n, K, 2)` in pixels (NaN where a part is hidden), lie in the patch around each cell `(n, 2)`, bool `(n, K)`."""
    boxes = torch.tensor([[b.top, b.left, b.bottom, b.right] for b in (cell_box(r, c, grid, size, side) for r, c in cells.tolist())])[:, None]
    return (parts >= boxes[..., :2]).all(dim=2) & (parts < boxes[..., 2:]).all(dim=2)


def consistency(found: Tensor, shown: Tensor) -> float:
    """The share of prototypes with a part that they hit in at least 80 % of the pictures that show it.

    Args:
        found, shown: bool `(P, n, K)`: which parts a prototype hits in its pictures, and which are there to be hit.
    """
    shares = (found & shown).sum(dim=1) / shown.sum(dim=1).clamp_min(1)
    return float((torch.where(shown.any(dim=1), shares, 0.0).amax(dim=1) >= CONSISTENT).float().mean())


def stability(
    prototypes: PrototypeClassifier, x: Tensor, hit: Callable[[Tensor], Tensor], *, seed: int = 0, noise: float = NOISE, most: float = MOST_NOISE
) -> float:
    """The share of pictures and prototypes that hit the same parts when noise N(0, 0.2), cut at 0.25, is added to the picture.

    `hit` turns cells `(B, P, 2)` into which parts they hit, bool `(B, P, K)`.
    """
    disturbed = x + (noise * torch.randn(x.shape, generator=torch.Generator().manual_seed(seed))).clamp(-most, most)
    before, after = (hit(matches(prototypes.similarities(prototypes.described(pictures))).cells) for pictures in (x, disturbed))
    return float((before == after).all(dim=2).float().mean())


def mask_relevance(heated: Tensor, mask: Tensor, share: float = 0.1) -> float:
    """The share of the hottest tenth of the pixels `(H, W)` that lies in the mask."""
    count = max(1, round(share * heated.numel()))
    return float(mask.flatten()[heated.flatten().topk(count).indices].float().mean())


def energy_relevance(heated: Tensor, mask: Tensor) -> float:
    """The share of the heat (what is positive of it) that lies in the mask."""
    positive = heated.clamp_min(0)
    return float((positive * mask).sum() / positive.sum().clamp_min(1e-12))


def content(heated: Tensor, mask: Tensor) -> tuple[float, float]:
    """CH and OIRR of a heat map `(H, W)`, which is rescaled to [0, 1] as they are defined."""
    scaled = (heated - heated.min()) / (heated.max() - heated.min()).clamp_min(1e-12)
    inside, outside = float(scaled[mask].mean()), float(scaled[~mask].mean()) if (~mask).any() else 0.0
    return inside, outside / inside if inside > 0 else math.inf


def overlap(heated: Tensor, mask: Tensor, level: float = 0.5) -> float:
    """Intersection over union of the mask and what is hotter than half the range."""
    hot = heated >= heated.min() + level * (heated.max() - heated.min())
    return float((hot & mask).sum() / (hot | mask).sum().clamp_min(1))


@torch.no_grad()
def deletion(probabilities: Callable[[Tensor], Tensor], x: Tensor, heated: Tensor, *, steps: int = 28, fill: float = 0.0) -> float:
    """DAUC of one picture `(1, C, H, W)`: the mean probability of its predicted class while ever more of the hottest pixels become `fill`."""
    order = heated.flatten().argsort(descending=True)
    predicted = int(probabilities(x).argmax(dim=1))
    pictures = x.repeat(steps + 1, 1, 1, 1).flatten(2)
    for k in range(1, steps + 1):
        pictures[k, :, order[: round(k * len(order) / steps)]] = fill
    found = probabilities(pictures.view(steps + 1, *x.shape[1:]))[:, predicted]
    return float(torch.trapezoid(found, dx=1 / steps))
