"""What a direction does to pictures, measured in one way for every method, at equal image change.

From many starts the picture is followed along the direction, and a judge names what it shows at each amount. From that:

- `flips`: for each attribute and amount, the share of starts whose named class is no longer that of the start;
- `matched`: the amount at which the target's class has been reached by 80 % of the starts that did not show it, and the share in which
  each *other* attribute has changed there: the leakage;
- `monotone`: the mean rank correlation of the target class' probability with the amount;
- `breaks`: the amount at which, on average, half of the other attributes have changed;
- `typicality`: its median along the way, and `ends`: the amounts at which it falls below 5 % of draws;
- `cycle`: how far encoding the moved picture misses the moved code, over the same at the start.

Without a judge there is only the change of the picture, and of typicality. Every share comes with its number of starts; its
standard error is sqrt(p (1 - p) / n).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from explorer.core.direction import Direction
from explorer.core.model import Classifier, Encoder
from explorer.core.space import LatentSpace

__all__ = ["AMOUNTS", "MATCHED", "Scene", "evidence", "interval"]

AMOUNTS = (-4.0, -3.0, -2.0, -1.5, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0)  # in units of equal image change
MATCHED = 0.8
RARE = 0.05
BATCH = 256


@dataclass(frozen=True, eq=False)
class Scene:
    """What evidence needs of a model.

    Args:
        decode: from flat codes `(B, D)` to pictures.
        space: of the codes.
        judge: names what pictures show, or None.
        visible: from the judge's classes `(B, K)` to which of them can be seen.
        encoder: for the cycle, or None.
    """

    decode: Callable[[Tensor], Tensor]
    space: LatentSpace
    judge: Classifier | None = None
    visible: Callable[[np.ndarray], np.ndarray] = lambda rows: np.ones(rows.shape, dtype=bool)
    encoder: Encoder | None = None


@torch.no_grad()
def evidence(direction: Direction, scene: Scene, starts: Tensor, *, amounts: Sequence[float] = AMOUNTS) -> dict[str, Any]:
    """What `direction` does from starts `(B, D)`, ready for JSON; amounts must hold 0."""
    amounts = sorted(amounts)
    moved = direction.along(starts, amounts)  # (T, B, D)
    pictures = [torch.cat([scene.decode(z) for z in codes.split(BATCH)]) for codes in moved]
    middle = amounts.index(0.0)
    typical = torch.stack([scene.space.typicality(z.view(-1, *scene.space.shape)) for z in moved]).median(dim=1).values
    said: dict[str, Any] = {
        "starts": len(starts), "amounts": amounts, "unit": direction.unit,
        "change": [float((x - pictures[middle]).flatten(1).square().mean(dim=1).sqrt().mean()) for x in pictures],
        "typicality": [float(v) for v in typical], "ends": _ends(amounts, typical),
    }  # fmt: skip
    if scene.encoder is not None:
        said["cycle"] = _cycle(scene.encoder, pictures, moved, middle)
    if scene.judge is not None:
        said |= _judged(scene, pictures, amounts, middle, direction.target)
    return said


def _ends(amounts: Sequence[float], typical: Tensor) -> dict[str, float | None]:
    """The first amount on each side at which the median typicality is rare, or None."""
    rare = [a for a, v in zip(amounts, typical.tolist()) if v < RARE]
    return {"back": max((a for a in rare if a < 0), default=None), "forth": min((a for a in rare if a > 0), default=None)}


def _cycle(encoder: Encoder, pictures: Sequence[Tensor], moved: Tensor, middle: int) -> list[float]:
    missed = [
        (torch.cat([encoder.encode(piece).values.flatten(1) for piece in x.split(BATCH)]) - z).norm(dim=1).mean() for x, z in zip(pictures, moved)
    ]
    return [float(m / missed[middle].clamp_min(1e-9)) for m in missed]


def _judged(scene: Scene, pictures: Sequence[Tensor], amounts: Sequence[float], middle: int, target: str) -> dict[str, Any]:
    """Flips, leakage and monotonicity, as the judge sees them."""
    scores = [_scores(scene.judge, x) for x in pictures]
    questions = list(scene.judge.questions)
    named = np.stack([np.stack([s[q].argmax(dim=1).numpy() for q in questions], axis=1) for s in scores])  # (T, B, K)
    seen = np.stack([scene.visible(rows) for rows in named])
    both = seen & seen[middle]
    changed = (named != named[middle]) & both
    shares = changed.sum(axis=1) / np.maximum(both.sum(axis=1), 1)  # (T, K)
    question, goal, sign = _target(scene.judge.questions, target, scores, middle, shares, amounts)
    told: dict[str, Any] = {
        "flips": {q: [round(float(v), 4) for v in shares[:, k]] for k, q in enumerate(questions)},
        "target": {"question": question, "class": scene.judge.questions[question][goal], "sign": sign, "given": bool(target)},
    }
    chance = torch.stack([s[question].softmax(dim=1)[:, goal] for s in scores]).numpy()  # (T, B)
    told["probability"] = [float(v) for v in chance.mean(axis=1)]
    told["monotone"] = sign * _rank_correlation(chance)
    k = questions.index(question)
    others = [i for i in range(len(questions)) if i != k]
    told["matched"] = _matched(named, shares, amounts, middle, k, goal, sign, questions, both)
    told["breaks"] = next((a for a, v in zip(amounts, shares[:, others].mean(axis=1)) if a * sign > 0 and v >= 0.5), None) if others else None
    return told


def _scores(judge: Classifier, x: Tensor) -> Mapping[str, Tensor]:
    pieces = [judge.logits(piece) for piece in x.split(BATCH)]
    return {q: torch.cat([p[q] for p in pieces]) for q in judge.questions}


def _target(
    questions: Mapping[str, tuple[str, ...]],
    target: str,
    scores: Sequence[Mapping[str, Tensor]],
    middle: int,
    shares: np.ndarray,
    amounts: Sequence[float],
) -> tuple[str, int, int]:
    """Question, class and sign: those given as "mouth: smile", or the class whose probability changes most between the ends."""
    question, _, wanted = target.partition(": ")
    if question in questions and wanted in questions[question]:
        return question, questions[question].index(wanted), 1
    best = ("", 0, 1, -1.0)
    low, high = (min(range(len(amounts)), key=lambda i, a=a: abs(amounts[i] - a)) for a in (-2.0, 2.0))
    for q in questions:
        rise = scores[high][q].softmax(dim=1).mean(dim=0) - scores[low][q].softmax(dim=1).mean(dim=0)
        c = int(rise.abs().argmax())
        if float(rise[c].abs()) > best[3]:
            best = (q, c, 1 if float(rise[c]) > 0 else -1, float(rise[c].abs()))
    return best[:3]


def _rank_correlation(values: np.ndarray) -> float:
    """The mean over columns of the rank correlation of `(T, B)` values with the row number; columns that never change are left out."""
    moving = values[:, np.ptp(values, axis=0) > 1e-6]
    if not moving.shape[1]:
        return 0.0
    ranks = moving.argsort(axis=0).argsort(axis=0).astype(float)
    ranks -= ranks.mean(axis=0)
    rows = np.arange(len(moving)) - (len(moving) - 1) / 2
    return float(((rows[:, None] * ranks).sum(axis=0) / np.sqrt((rows**2).sum() * (ranks**2).sum(axis=0))).mean())


def _matched(
    named: np.ndarray,
    shares: np.ndarray,
    amounts: Sequence[float],
    middle: int,
    k: int,
    goal: int,
    sign: int,
    questions: Sequence[str],
    both: np.ndarray,
) -> dict[str, Any]:
    """At which amount 80 % of the starts that did not show the class do, and what else has changed in those starts by then."""
    without = named[middle, :, k] != goal
    if not without.any():
        return {"reached": None, "amount": None, "starts": 0, "leakage": {}, "leakage_mean": None}
    rows = [i for i in range(len(amounts)) if amounts[i] * sign > 0]
    rows = rows if sign > 0 else rows[::-1]
    reached = [float((named[i, without, k] == goal).mean()) for i in rows]
    at = next((i for i, share in enumerate(reached) if share >= MATCHED), None)
    row = rows[at] if at is not None else rows[int(np.argmax(reached))]
    changed = (named[row] != named[middle]) & both[row]
    leakage = {q: float(changed[without, i].sum() / max(1, both[row][without, i].sum())) for i, q in enumerate(questions) if i != k}
    return {
        "reached": max(reached) if at is None else reached[at], "matched": at is not None, "amount": amounts[row], "starts": int(without.sum()),
        "leakage": leakage, "leakage_mean": sum(leakage.values()) / len(leakage) if leakage else None,
    }  # fmt: skip


def interval(share: float, n: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share seen in `n` cases."""
    if n == 0:
        return 0.0, 1.0
    z = 1.96
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z * ((share * (1 - share) + z * z / (4 * n)) / n) ** 0.5 / (1 + z * z / n)
    return max(0.0, centre - half), min(1.0, centre + half)
