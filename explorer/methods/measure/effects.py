"""What each of several directions moves of each attribute, and how evenly the picture moves along it.

    M[k, a] = | mean over starts of cov(score of a along the path, step) / std(step) |      (attribute matrix)
    share[k, a] = M[k, a] / sum over b of M[k, b]                                           (L1 share)
    PPL[k] = E over starts and amounts t of | G(z(t + e)) - G(z(t)) |^2 / e^2               (path length, L2)

A score is a class' probability on [-1, 1]; an attribute counts with the class that moves most. The covariance rewards steep changes,
not only steady ones. A share depends on which attributes are asked for, so these belong beside it. The path length is in units of
equal image change: 1 for a picture that moves evenly, more where it stands still and then leaps.

References: Tzelepis et al., WarpedGANSpace (2021, arXiv 2109.13357); Karras et al., StyleGAN (2019), there with LPIPS.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from explorer.core.direction import Direction
from explorer.methods.measure.evidence import Scene, drawn

__all__ = ["attribute_matrix", "path_length", "shares"]

STEPS = tuple(0.5 * i for i in range(-4, 5))  # amounts, in units
SHORT = 0.05  # units: the step of a path length


@torch.no_grad()
def attribute_matrix(directions: Sequence[Direction], scene: Scene, starts: Tensor, *, amounts: Sequence[float] = STEPS) -> Tensor:
    """M `(K, A)` of K directions and the judge's A questions, from starts `(B, D)`; needs a scene with a judge."""
    step = torch.tensor(amounts) - sum(amounts) / len(amounts)
    rows = []
    for direction in directions:
        moved = [drawn(scene, z) for z in direction.along(starts, amounts)]
        scores = [{q: f.softmax(dim=1) * 2 - 1 for q, f in scene.judge.logits(x).items()} for x in moved]
        along = {q: torch.stack([s[q] for s in scores]) for q in scene.judge.questions}  # (T, B, C)
        rows.append(torch.stack([torch.einsum("t,tbc->c", step, p).abs().max() / p.shape[1] for p in along.values()]))
    return torch.stack(rows) / (len(amounts) * step.std(correction=0))


def shares(matrix: Tensor) -> Tensor:
    """Each row of M over its sum, `(K, A)`; a direction that moves nothing has an even share of it."""
    total = matrix.sum(dim=1, keepdim=True)
    return torch.where(total > 1e-6, matrix / total.clamp_min(1e-6), torch.full_like(matrix, 1 / matrix.shape[1]))


@torch.no_grad()
def path_length(direction: Direction, scene: Scene, starts: Tensor, *, unit: float, reach: float = 2.0, looks: int = 9) -> float:
    """The path length of a direction between `-reach` and `reach`, over the square of `unit`, the image change of one amount."""
    amounts = torch.linspace(-reach, reach - SHORT, looks).tolist()
    before, after = direction.along(starts, amounts), direction.along(starts, [a + SHORT for a in amounts])
    moved = [(drawn(scene, b) - drawn(scene, a)).square().mean() for a, b in zip(before, after)]
    return float(torch.stack(moved).mean()) / (SHORT * unit) ** 2
