"""What a direction does to pictures, measured in one way for every method, at equal image change.

From many starts the picture is followed along the direction, and a judge names what it shows at each amount. From that:

- `flips`: for each attribute and amount, the share of starts whose named class is no longer that of the start;
- `matched`: the amount at which the target's class has been reached by 80 % of the starts that did not show it, and the share in which
  each *other* attribute has changed there: the leakage; both between the two amounts measured that lie around it, on a straight line;
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

__all__ = ["AMOUNTS", "MATCHED", "VERSION", "Scene", "drawn", "evidence", "interval", "said"]

AMOUNTS = (-4.0, -3.0, -2.0, -1.5, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0)  # in units of equal image change
VERSION = 2  # raise it when the same direction would be measured differently: what is kept is keyed by it
MATCHED = 0.8
RARE = 0.05
BATCH = 32  # pictures drawn together: on a CPU larger batches leave the cache and take twice as long a picture
CYCLED = 64  # starts whose pictures are encoded again


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
    middle = amounts.index(0.0)
    still = drawn(scene, starts)
    change, cycle, scores = [], [], []
    for z in moved:
        x = still if torch.equal(z, starts) else drawn(scene, z)
        change.append(float((x - still).flatten(1).square().mean(dim=1).sqrt().mean()))
        if scene.encoder is not None:
            cycle.append(float((_encoded(scene.encoder, x[:CYCLED]) - z[:CYCLED]).norm(dim=1).mean()))
        if scene.judge is not None:
            scores.append(_scores(scene.judge, x))
    typical = torch.stack([scene.space.typicality(z.view(-1, *scene.space.shape)) for z in moved]).median(dim=1).values
    said: dict[str, Any] = {
        "starts": len(starts), "amounts": amounts, "unit": direction.unit, "change": change, "typicality": [float(v) for v in typical],
        "ends": _ends(amounts, typical),
    }  # fmt: skip
    if scene.encoder is not None:
        said["cycle"] = [missed / max(cycle[middle], 1e-9) for missed in cycle]
    if scene.judge is not None:
        said |= _judged(scene, scores, amounts, middle, direction.target)
    return said


def drawn(scene: Scene, codes: Tensor) -> Tensor:
    """Pictures of flat codes `(N, D)`, a few at a time."""
    return torch.cat([scene.decode(z) for z in codes.split(BATCH)])


def _ends(amounts: Sequence[float], typical: Tensor) -> dict[str, float | None]:
    """The first amount on each side at which the median typicality is rare, or None."""
    rare = [a for a, v in zip(amounts, typical.tolist()) if v < RARE]
    return {"back": max((a for a in rare if a < 0), default=None), "forth": min((a for a in rare if a > 0), default=None)}


def _encoded(encoder: Encoder, pictures: Tensor) -> Tensor:
    return torch.cat([encoder.encode(piece).values.flatten(1) for piece in pictures.split(BATCH)])


def _judged(scene: Scene, scores: Sequence[Mapping[str, Tensor]], amounts: Sequence[float], middle: int, target: str) -> dict[str, Any]:
    """Flips, leakage and monotonicity, as the judge sees them."""
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
    told["matched"] = _matched(named, seen, amounts, middle, k, goal, sign, questions)
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


def said(scene: Scene, pictures: Tensor) -> Tensor:
    """The class `(N, K)` that the judge names for each of its questions, -1 where it cannot be seen."""
    rows = torch.stack([scores.argmax(dim=1) for scores in _scores(scene.judge, pictures).values()], dim=1)
    return torch.where(torch.from_numpy(scene.visible(rows.numpy())), rows, -1)


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
    seen: np.ndarray,
    amounts: Sequence[float],
    middle: int,
    k: int,
    goal: int,
    sign: int,
    questions: Sequence[str],
) -> dict[str, Any]:
    """At which amount 80 % of the starts that did not show the class do, and what else has changed in those starts by then.

    Starts of which the attribute cannot be seen (eyes behind sunglasses) do not count.
    """
    without = (named[middle, :, k] != goal) & seen[middle, :, k]
    if not without.any():
        return {"reached": None, "matched": False, "amount": None, "starts": 0, "leakage": {}, "leakage_mean": None}
    names = [q for i, q in enumerate(questions) if i != k]
    others = [i for i in range(len(questions)) if i != k]

    def there(row: int) -> np.ndarray:
        """At an amount: the share that has reached the class and shows it, then of each other attribute the share that has changed."""
        both = (seen[row] & seen[middle])[without][:, others]
        changed = (named[row] != named[middle])[without][:, others] & both
        return np.array([((named[row, :, k] == goal) & seen[row, :, k])[without].mean(), *(changed.sum(axis=0) / np.maximum(1, both.sum(axis=0)))])

    rows = sorted((i for i in range(len(amounts)) if amounts[i] * sign > 0), key=lambda i: abs(amounts[i]))
    told = [np.zeros(len(questions)), *(there(row) for row in rows)]
    at = next((i for i, shares in enumerate(told) if shares[0] >= MATCHED), None)
    if at is None:
        best = int(np.argmax([shares[0] for shares in told[1:]])) + 1
        amount, shares = amounts[rows[best - 1]], told[best]
    else:
        part = (MATCHED - told[at - 1][0]) / (told[at][0] - told[at - 1][0])
        shares = told[at - 1] + part * (told[at] - told[at - 1])
        before, after = 0.0 if at == 1 else amounts[rows[at - 2]], amounts[rows[at - 1]]
        amount = round(before + float(part) * (after - before), 2)
    leakage = {q: round(float(v), 4) for q, v in zip(names, shares[1:])}
    return {
        "reached": round(float(shares[0]), 4), "matched": at is not None, "amount": amount, "most": float(max(s[0] for s in told)),
        "starts": int(without.sum()), "leakage": leakage, "leakage_mean": float(shares[1:].mean()) if names else None,
    }  # fmt: skip


def interval(share: float, n: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share seen in `n` cases."""
    if n == 0:
        return 0.0, 1.0
    z = 1.96
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z * ((share * (1 - share) + z * z / (4 * n)) / n) ** 0.5 / (1 + z * z / n)
    return max(0.0, centre - half), min(1.0, centre + half)
