"""What edits by words did, as a judge sees it: what was asked for, what was left alone, what moved with it.

    flip      the share of pictures that show the wanted class afterwards, among those that did not
    keep      for every other attribute, the share of pictures whose class stayed
    monotone  the share of pictures whose evidence for the class never falls as the amount grows

A success is judged by a classifier of its own: asking the text encoder that drew the picture would be circular.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from explorer.core.errors import DataError
from explorer.core.text import Condition

__all__ = ["Outcome", "cosines", "monotone", "outcome", "untouched"]

Scores = Mapping[str, Tensor]  # for each question, (B, classes)


@dataclass(frozen=True, eq=False)
class Outcome:
    """Of edits of one attribute: whether each picture flipped `(B,)`, and for every other attribute which kept their class `(B,)`."""

    flipped: Tensor
    kept: Mapping[str, Tensor]

    @property
    def flip(self) -> float:
        return float(self.flipped.double().mean())

    @property
    def keep(self) -> dict[str, float]:
        return {question: float(kept.double().mean()) for question, kept in self.kept.items()}

    def told(self) -> dict[str, float | dict[str, float]]:
        """All of it, ready for JSON."""
        shares = self.keep
        return {
            "flip": self.flip, "keep": shares, "keep_mean": sum(shares.values()) / len(shares), "keep_least": min(shares.values()), "pictures": float(len(self.flipped)),
        }  # fmt: skip


def outcome(before: Scores, after: Scores, question: str, wanted: Tensor) -> Outcome:
    """Compares a judge's scores of the same pictures before and after edits of `question` towards classes `wanted` `(B,)`.

    Pictures that showed the class already are left out.

    Raises:
        DataError: an unknown question, no other question, or no picture that could flip.
    """
    if question not in before or len(before) < 2:
        raise DataError(f"The judge does not ask for '{question}' beside something else. It asks: {', '.join(before)}.")
    could = before[question].argmax(dim=1) != wanted
    if not could.any():
        raise DataError(f"Every picture shows the wanted class of '{question}' already.")
    flipped = after[question].argmax(dim=1)[could] == wanted[could]
    kept = {other: (before[other].argmax(dim=1) == after[other].argmax(dim=1))[could] for other in before if other != question}
    return Outcome(flipped, kept)


def monotone(scores: Sequence[Scores], question: str, wanted: Tensor, *, slack: float = 0.0) -> float:
    """The share of pictures whose log-odds of the wanted class, along rising amounts, never fall by more than `slack`."""
    wide = wanted[:, None]
    odds = []
    for each in scores:
        logits = each[question]
        own = logits.gather(1, wide)[:, 0]
        odds.append(own - logits.scatter(1, wide, -torch.inf).logsumexp(dim=1))
    return float((torch.stack(odds).diff(dim=0) >= -slack).all(dim=0).double().mean())


def untouched(first: Tensor, second: Tensor, region: Tensor) -> Tensor:
    """The signal-to-noise ratio in decibels `(B,)` of pictures `(B, C, H, W)` outside a region `(B, H, W)`, at most 99; not a number where there is no outside."""
    outside = (~region)[:, None].expand_as(first)
    error = ((first - second).square() * outside).flatten(1).sum(dim=1) / outside.flatten(1).sum(dim=1)
    return (10 * torch.log10(4 / error.clamp_min(1e-12))).clamp(max=99)


def cosines(pairs: Sequence[tuple[Condition, Condition]]) -> Tensor:
    """How alike the directions of captions are: the cosines `(K, K)` of the differences of K pairs, all rows as one vector."""
    if len(pairs) < 2:
        raise DataError(f"Directions are compared from two on, got {len(pairs)}.")
    flat = torch.stack([first.difference(second)[0].flatten() for first, second in pairs])
    return F.normalize(flat, dim=1) @ F.normalize(flat, dim=1).T
