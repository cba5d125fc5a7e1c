"""Supervised directions: the normal of a boundary between two groups of codes.

    p(label = 1 | z) = sigmoid(n.z + b)    (logistic),   or   n ~ mean of one group - mean of the other

The unit normal is the direction. How well it separates codes it has not seen, in the balanced accuracy of four folds, and how
far it turns between bootstrap samples are told with it; a boundary no better than chance is no direction and is refused.

References: Shen et al., InterFaceGAN (2020, arXiv 1907.10786), there with a support vector machine on the extremes.
"""

import math
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from explorer.core.direction import Direction, Straight
from explorer.core.errors import DataError
from explorer.core.space import LatentSpace

__all__ = ["Boundary", "between", "fit", "placed"]

Method = Literal["logistic", "mean difference"]
FOLDS, RESAMPLED = 4, 20
LEAST = FOLDS  # codes of a group
SURE = 0.9  # the mean |cosine| of bootstrapped normals from which a direction counts as settled


@dataclass(frozen=True, eq=False)
class Boundary:
    """A hyperplane `normal . z + offset = 0` with `|normal|` = 1, and how far to trust it.

    Args:
        accuracy: balanced, on held-out folds, in [0, 1]; chance is 0.5.
        error: its standard error.
        turn: the mean |cosine| between normals of bootstrap samples and this one.
    """

    normal: Tensor
    offset: float
    accuracy: float
    error: float
    turn: float


def fit(codes: Tensor, labels: Tensor, *, method: Method = "logistic", seed: int = 0) -> Boundary:
    """The boundary between codes `(N, D)` with label 1 and with label 0.

    Raises:
        DataError: labels that do not fit the codes, one class only, groups of fewer than 4, values that are not numbers, or
            a boundary that separates held-out codes no better than chance.
    """
    _check(codes, labels)
    codes, labels = codes.double(), labels.double()
    normal, offset = _fitted(codes, labels, method)
    accuracy, error = _held_out(codes, labels, method, seed)
    if accuracy - 0.5 < 3 * error:
        raise DataError(
            f"No straight boundary separates these {int(labels.sum())} codes from the other {int((1 - labels).sum())}: on held-out ones it is right in "
            f"{accuracy:.0%} (chance is 50 %). The difference may be curved, or there may be too few."
        )
    return Boundary(normal.float(), offset, accuracy, error, _turn(codes, labels, normal, method, seed))


def between(
    codes: Tensor, labels: Tensor, space: LatentSpace, *, name: str, target: str = "", method: Method = "logistic", seed: int = 0
) -> Direction:
    """The direction from codes with label 0 towards those with label 1; see `fit`. One unit is the distance of the groups' means along it."""
    found = fit(codes, labels, method=method, seed=seed)
    ones, zeros = codes[labels.bool()], codes[~labels.bool()]
    apart = float((ones.mean(dim=0) - zeros.mean(dim=0)) @ found.normal.to(codes))
    return Direction(
        name, method, space, Straight(found.normal), length=max(apart, 1e-6), unit="the distance between the means of the two groups", target=target,
        settings={
            "seed": seed, "ones": len(ones), "zeros": len(zeros), "offset": found.offset, "accuracy": found.accuracy, "accuracy_error": found.error,
            "turn": found.turn, "settled": found.turn >= SURE,
        },
    )  # fmt: skip


def placed(z: Tensor, boundary: Boundary, distance: float) -> Tensor:
    """Codes `(B, D)` moved along the normal until their signed distance from the boundary is `distance`."""
    now = z @ boundary.normal + boundary.offset
    return z + (distance - now)[:, None] * boundary.normal


def _check(codes: Tensor, labels: Tensor) -> None:
    if labels.ndim != 1 or len(labels) != len(codes):
        raise DataError(f"Labels must be one for each of {len(codes)} codes, got shape {tuple(labels.shape)}.")
    if not (torch.isfinite(codes).all() and torch.isfinite(labels.double()).all()):
        raise DataError("Codes and labels must be finite numbers; some are NaN or infinite.")
    if not torch.isin(labels, torch.tensor([0, 1], dtype=labels.dtype)).all():
        raise DataError(f"Labels must be 0 or 1, got values from {float(labels.min()):g} to {float(labels.max()):g}.")
    ones = int(labels.sum())
    for count, group in ((ones, "first"), (len(labels) - ones, "second")):
        if count < LEAST:
            raise DataError(f"The {group} group has {count} code{'' if count == 1 else 's'}, expected at least {LEAST} on each side.")


def _fitted(codes: Tensor, labels: Tensor, method: Method) -> tuple[Tensor, float]:
    """Unit normal and offset."""
    ones, zeros = codes[labels == 1].mean(dim=0), codes[labels == 0].mean(dim=0)
    if method == "mean difference":
        normal = ones - zeros
        if float(normal.norm()) < 1e-12:
            raise DataError("Both groups have the same mean: there is no direction from one to the other.")
        normal = normal / normal.norm()
        return normal, -float((ones + zeros) @ normal) / 2
    weights, bias = _logistic(codes, labels)
    return weights / weights.norm().clamp_min(1e-12), float(bias / weights.norm().clamp_min(1e-12))


def _logistic(codes: Tensor, labels: Tensor, *, penalty: float = 1.0) -> tuple[Tensor, Tensor]:
    """Weights and bias of logistic regression with an L2 penalty, both groups weighing alike, by Newton's method."""
    centre, scale = codes.mean(dim=0), codes.std(dim=0).clamp_min(1e-9)
    x = torch.cat([(codes - centre) / scale, torch.ones(len(codes), 1, dtype=codes.dtype)], dim=1)
    weight = torch.where(labels == 1, 0.5 / labels.mean(), 0.5 / (1 - labels.mean()))
    ridge = torch.full((x.shape[1],), penalty, dtype=codes.dtype)
    ridge[-1] = 1e-6
    w = torch.zeros(x.shape[1], dtype=codes.dtype)
    for _ in range(50):
        p = torch.sigmoid(x @ w)
        slope = x.T @ (weight * (p - labels)) + ridge * w
        bend = (x * (weight * p * (1 - p))[:, None]).T @ x + torch.diag(ridge)
        step = torch.linalg.solve(bend, slope)
        w = w - step * min(1.0, 5.0 / max(float(step.norm()), 1e-12))
        if float(step.norm()) < 1e-8:
            break
    weights = w[:-1] / scale
    return weights, w[-1] - weights @ centre


def _held_out(codes: Tensor, labels: Tensor, method: Method, seed: int) -> tuple[float, float]:
    """Balanced accuracy over folds, each with its share of both groups, and its standard error."""
    fold = torch.empty(len(labels), dtype=torch.long)
    generator = torch.Generator().manual_seed(seed)
    for group in (0, 1):
        rows = torch.nonzero(labels == group)[:, 0]
        fold[rows[torch.randperm(len(rows), generator=generator)]] = torch.arange(len(rows)) % FOLDS
    right = torch.empty(len(labels), dtype=torch.bool)
    for k in range(FOLDS):
        normal, offset = _fitted(codes[fold != k], labels[fold != k], method)
        right[fold == k] = ((codes[fold == k] @ normal + offset) > 0) == (labels[fold == k] == 1)
    rates = [(float(right[labels == group].double().mean()), int((labels == group).sum())) for group in (0, 1)]
    accuracy = sum(rate for rate, _ in rates) / 2
    spread = sum(max(rate * (1 - rate), 0.25 / n) / n for rate, n in rates)
    return accuracy, math.sqrt(spread) / 2


def _turn(codes: Tensor, labels: Tensor, normal: Tensor, method: Method, seed: int) -> float:
    generator = torch.Generator().manual_seed(seed + 1)
    cosines = []
    for _ in range(RESAMPLED):
        rows = torch.randint(len(codes), (len(codes),), generator=generator)
        if labels[rows].unique().numel() == 2:
            cosines.append(float(F.cosine_similarity(_fitted(codes[rows], labels[rows], method)[0], normal, dim=0).abs()))
    return sum(cosines) / max(1, len(cosines))
