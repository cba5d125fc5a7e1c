"""Pictures with one visual characteristic changed (Nauta et al. 2020, arXiv 2011.02863).

    contrast    0.45 x + 0.55 mean grey          saturation  0.7 x + 0.3 grey          brightness  0.8 x
    hue         turned by +0.1 of the circle     texture     non-local means, h = 4/255
    shape       every row rolled by int(A sin(pi w y)), then every column by int(A sin(pi w x)); A = 4 px, w = 0.05

These are the doses of the authors' code. They are not comparable with one another, so a strength scales each, and `matched` finds the
strengths at which all change pictures by the same mean absolute amount. `balanced` keeps the doses but for texture, which at h = 4/255
leaves most pictures as they are: it is raised until it moves pixels as much as the faintest of the others. Denoising is our own non-local
means in RGB (patches of 7, windows of 21 pixels), not OpenCV's in Lab. Pictures here are `(B, C, H, W)` in [0, 1], values are cut, never
quantised.
"""

import math
from collections.abc import Callable, Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ["CHANGES", "balanced", "brightness", "change", "contrast", "hue", "matched", "saturation", "shape", "texture", "whole"]

GREY = (0.2989, 0.587, 0.114)
MOST = 12.0  # times the usual strength
PATCH, WINDOW, FILTER = 7, 21, 4 / 255
REACH, PERIODS = 4.0, 0.05


def grey(x: Tensor) -> Tensor:
    """Luminance `(B, 1, H, W)`."""
    return x if x.shape[1] == 1 else (x * torch.tensor(GREY).to(x).view(1, 3, 1, 1)).sum(dim=1, keepdim=True)


def contrast(x: Tensor, strength: float = 1.0) -> Tensor:
    """Towards the mean grey of the picture."""
    factor = max(0.0, 1 - 0.55 * strength)
    return (factor * x + (1 - factor) * grey(x).mean(dim=(2, 3), keepdim=True)).clamp(0, 1)


def saturation(x: Tensor, strength: float = 1.0) -> Tensor:
    """Towards grey."""
    factor = max(0.0, 1 - 0.3 * strength)
    return (factor * x + (1 - factor) * grey(x)).clamp(0, 1)


def brightness(x: Tensor, strength: float = 1.0) -> Tensor:
    """Darker."""
    return (max(0.0, 1 - 0.2 * strength) * x).clamp(0, 1)


def hue(x: Tensor, strength: float = 1.0) -> Tensor:
    """Around the colour circle; grey pictures stay as they are."""
    if x.shape[1] == 1:
        return x
    top, low = x.amax(dim=1), x.amin(dim=1)
    span = top - low
    safe = span.clamp_min(1e-12)
    red, green, blue = ((top - channel) / safe for channel in x.unbind(dim=1))
    of_red, of_green = x[:, 0] == top, (x[:, 1] == top) & (x[:, 0] != top)
    turned = torch.where(of_red, blue - green, torch.where(of_green, 2 + red - blue, 4 + green - red))
    place = torch.where(span > 0, (turned / 6 + 0.1 * strength) % 1.0, torch.zeros_like(span)) * 6
    offsets = torch.tensor([5.0, 3.0, 1.0]).to(x).view(1, 3, 1, 1)
    along = (offsets + place[:, None]) % 6
    return top[:, None] - span[:, None] * torch.minimum(along, 4 - along).clamp(0, 1)


def texture(x: Tensor, strength: float = 1.0, *, patch: int = PATCH, window: int = WINDOW) -> Tensor:
    """Every pixel the mean of those whose surroundings look alike: exp(-d / h^2), d the mean square difference of two patches."""
    if strength <= 0:
        return x
    reach, width = window // 2, FILTER * strength
    padded = F.pad(x, (reach,) * 4, mode="reflect") if min(x.shape[2:]) > reach else F.pad(x, (reach,) * 4, mode="replicate")
    height, across = x.shape[2:]
    total, weights = torch.zeros_like(x), torch.zeros_like(x[:, :1])
    for down in range(window):
        for right in range(window):
            other = padded[:, :, down : down + height, right : right + across]
            d = F.avg_pool2d((x - other).square().mean(dim=1, keepdim=True), patch, 1, patch // 2, count_include_pad=False)
            weight = torch.exp(-d / width**2)
            total += weight * other
            weights += weight
    return total / weights


def shape(x: Tensor, strength: float = 1.0, *, reach: float = REACH, periods: float = PERIODS) -> Tensor:
    """Waves: rows first, then columns; shifts are whole pixels, cut towards zero, and what leaves on one side comes back on the other."""
    for across, along in ((3, 2), (2, 3)):
        size, places = x.shape[across], torch.arange(x.shape[along])
        shifts = torch.tensor([int(reach * strength * math.sin(math.pi * periods * k)) for k in places.tolist()])
        take = (torch.arange(size)[None] - shifts[:, None]) % size  # (along, across)
        take = (take if across == 3 else take.T)[None, None].expand_as(x).to(x.device)
        x = x.gather(across, take)
    return x


CHANGES: Mapping[str, Callable[..., Tensor]] = {"hue": hue, "saturation": saturation, "contrast": contrast, "texture": texture, "shape": shape}


def whole(x: Tensor, strength: float = 1.0) -> Tensor:
    """No change at all: what has to give no importance."""
    return x


def change(name: str, x: Tensor, strength: float = 1.0) -> Tensor:
    """Pictures `(B, C, H, W)` in [-1, 1] with a characteristic changed."""
    return CHANGES[name]((x + 1) / 2, strength) * 2 - 1


def matched(x: Tensor, *, amount: float, names: tuple[str, ...] = tuple(CHANGES), rounds: int = 12) -> dict[str, float]:
    """The strengths at which pictures `(B, C, H, W)` in [-1, 1] change by `amount` (mean absolute, of [0, 1]); 12 where none is enough."""
    found = {}
    for name in names:
        low, high = 0.0, MOST
        for _ in range(rounds):
            middle = (low + high) / 2
            moved = float((change(name, x, middle) - x).abs().mean()) / 2
            low, high = (middle, high) if moved < amount else (low, middle)
        found[name] = high
    return found


def balanced(x: Tensor) -> dict[str, float]:
    """The usual strengths, that of texture at least so high that pictures `(B, C, H, W)` move as much as by the faintest other change."""
    moved = [float((change(name, x) - x).abs().mean()) / 2 for name in CHANGES if name != "texture"]
    amount = min((m for m in moved if m > 0), default=0.0)
    return {name: 1.0 for name in CHANGES} | {"texture": max(1.0, matched(x, amount=amount, names=("texture",))["texture"])}
