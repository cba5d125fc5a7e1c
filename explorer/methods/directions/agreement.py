"""Agreement between seeds: whether a method finds the same directions again when chance falls otherwise.

    for each direction of one run: |mean over codes of cos(v(z), v'(z))|, v' its partner in another run

Partners are found for all directions of two runs together, by the assignment of largest sum (Hungarian method), so that neither
order nor sign counts. Another run has another seed and, where the method looks at an atlas, another bootstrap sample of it;
1 is the same direction, and two random ones of D coordinates agree by about 0.8 / sqrt(D).
"""

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from explorer.core.direction import Direction
from explorer.core.errors import DataError
from explorer.methods.directions.find import METHODS, Wish, find
from explorer.methods.directions.ground import Ground

__all__ = ["CHEAP", "CODES", "RUNS", "agreeing", "cosines", "matched", "with_agreement"]

RUNS = 2  # other runs that a direction is looked for in
CODES = 64  # where fields are compared
CHEAP = ("pca", "sefa", "logistic", "mean difference", "random")  # methods that take less than a second to ask again
QUICK = ("unsupervised", "supervised", "baseline")  # kinds of methods that are quick enough to be asked again at once


def cosines(first: Sequence[Direction], second: Sequence[Direction], z: Tensor) -> Tensor:
    """The |cosine| `(N, M)` of each direction of one run with each of another, the mean over flat codes `(B, D)`."""
    ours, theirs = (torch.stack([direction.tangent(z) for direction in run]) for run in (first, second))
    return torch.einsum("nbd,mbd->nm", ours, theirs).abs() / len(z)


def matched(first: Sequence[Direction], second: Sequence[Direction], z: Tensor) -> list[float]:
    """For each direction of one run the |cosine| with its partner in another; 0 where that has fewer and none is left."""
    from scipy.optimize import linear_sum_assignment

    table = cosines(first, second, z)
    found = [0.0] * len(first)
    for row, column in zip(*linear_sum_assignment(table.numpy(), maximize=True)):
        found[row] = float(table[row, column])
    return found


def with_agreement(ground: Ground, wish: Wish, found: Sequence[Direction], *, runs: int = RUNS) -> list[Direction]:
    """Directions that a wish found, each with `agreement` in its evidence: the mean over other runs, and how many there were.

    Those of methods that take minutes are left as they are. A run that finds nothing counts as no agreement.
    """
    if METHODS[wish.method].kind not in QUICK or not found:
        return list(found)
    others = []
    for run in range(1, runs + 1):
        try:
            others.append(find(*_again(ground, wish, wish.seed + run)))
        except DataError:
            others.append([])
    return agreeing(found, others, ground.starts(CODES))


def agreeing(found: Sequence[Direction], others: Sequence[Sequence[Direction]], z: Tensor) -> list[Direction]:
    """Directions with their `agreement` with those of other runs, at codes `(B, D)`; a run without directions counts as no agreement."""
    told = torch.tensor([matched(found, other, z) if other else [0.0] * len(found) for other in others]).mean(dim=0)
    return [
        direction.but(evidence={**direction.evidence, "agreement": {"cosine": round(float(value), 4), "runs": len(others)}})
        for direction, value in zip(found, told)
    ]


def _again(ground: Ground, wish: Wish, seed: int) -> tuple[Ground, Wish]:
    """The same wish with another seed and other codes: a bootstrap sample of the atlas, or of the two groups where those are asked for."""
    if not (wish.ones or wish.zeros):
        return ground.resampled(seed), replace(wish, seed=seed)
    generator = torch.Generator().manual_seed(seed)
    ones, zeros = (tuple(rows[i] for i in torch.randint(len(rows), (len(rows),), generator=generator)) for rows in (wish.ones, wish.zeros))
    return ground, replace(wish, seed=seed, ones=ones, zeros=zeros)
