"""The linear map: the two directions in which the codes vary most (principal component analysis).

Instant, exact, invertible, and new codes are placed by projection. It keeps large distances; of neighbourhoods it keeps what
two directions can. It is the first map shown, and the baseline of every other.
"""

import torch
from torch import Tensor

from explorer.core.errors import DataError
from explorer.core.layout import Layout
from explorer.methods.maps import quality

__all__ = ["fit", "principal"]

ANCHORS = 300  # enough for an interval of about 0.01, and not felt


def fit(codes: Tensor) -> Layout:
    """The map of flat codes `(N, D)`, in the units of the codes, with its honesty.

    Each axis points to where its largest coordinate is positive, so that the same codes give the same map and not its mirror
    image. A single code lies at the origin; codes of one coordinate lie on a line.

    Raises:
        DataError: for no codes at all, or values that are not finite.
    """
    if codes.ndim != 2 or not codes.numel():
        raise DataError(f"A map needs at least one code (N, D), got shape {tuple(codes.shape)}.")
    if not torch.isfinite(codes).all():
        raise DataError(f"A map needs codes of finite numbers, got {int((~torch.isfinite(codes)).sum())} NaN or infinite values.")
    centre = codes.double().mean(dim=0)
    axes, explained = principal(codes.double() - centre, 2)
    xy = ((codes.double() - centre) @ axes.T).float()
    honest = quality.honesty(codes, xy, baselines={}, most=ANCHORS)
    own = {measure: honest[measure] for measure in quality.MEASURES if measure in honest}
    about = {"method": "pca", "explained": explained, **honest, "pca": own}  # it is its own baseline
    return Layout("pca", xy, codes.float(), axes.float(), centre.float(), about)


def principal(centred: Tensor, count: int) -> tuple[Tensor, float]:
    """The first principal axes `(count, D)` of centred codes `(N, D)` float64, and the share of the variance that they hold.

    Missing axes (fewer coordinates than axes) are zero.
    """
    n, size = centred.shape
    if size <= max(n, 512):
        values, vectors = torch.linalg.eigh(centred.T @ centred)
        variance, axes = values.flip(0).clamp_min(0), vectors.flip(1).T
    else:
        _, lengths, axes = torch.linalg.svd(centred, full_matrices=False)
        variance = lengths.square()
    axes = torch.cat([axes, axes.new_zeros(max(0, count - len(axes)), size)])[:count]
    signs = axes.gather(1, axes.abs().argmax(dim=1, keepdim=True)).sign()
    total = float(variance.sum())
    return axes * torch.where(signs == 0, 1, signs), float(variance[:count].sum()) / total if total > 0 else 1.0
