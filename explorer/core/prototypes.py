"""Prototype classifiers: classifiers that say what they compare a picture with.

For a picture x and prototype j a model has a map of similarities `(H, W)`, pooled by its highest cell into a score s_j. A head turns
scores into the totals of the classes, and every total is a sum of rows:

    linear      total_c = sum_j W_cj s_j + bias_c                                       a logit, or an expected logit
    reasoning   total_c = max_v sum_j [ s_j R+_cvj + (1 - s_j) R-_cvj ]                 a probability of agreement, in [0, 1]

So a table of evidence adds up to the total exactly; nothing is left over. A similarity is the higher, the more alike; where a family
measures distances, it is the distance with its sign turned, and so are its weights.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import torch
from torch import Tensor

from explorer.core.errors import ModelError

__all__ = ["Head", "Linear", "Matches", "Prototype", "PrototypeClassifier", "Reasoning", "Row", "Source", "matches"]


@dataclass(frozen=True)
class Source:
    """The training patch that vouches for a prototype: the number of its picture, its cell, and how alike the two were when it was taken."""

    picture: int
    row: int
    column: int
    similarity: float


@dataclass(frozen=True, eq=False)
class Prototype:
    """What pictures are compared with.

    Args:
        index: its place among the model's prototypes.
        mean: its vector `(D,)`.
        owner: the class it speaks for, None for one of no class.
        covariance: `(D, D)`, of a prototype that is a distribution.
        group: of which set it is, as "support", or "".
        source: where it was found; None before it was projected, or after it was moved.
        picture: the picture it comes from, pixels `(C, H, W)` uint8, where the model carries it.
        inferred: whether the owner is a guess, because the file did not say.
    """

    index: int
    mean: Tensor
    owner: int | None = None
    covariance: Tensor | None = None
    group: str = ""
    source: Source | None = None
    picture: Tensor | None = None
    inferred: bool = False


@dataclass(frozen=True)
class Row:
    """A line of an evidence table: a prototype, or None for what no prototype adds, and what of it counts."""

    prototype: int | None
    term: str  # "similarity", "present", "absent" or "bias"


class Head(Protocol):
    """Turns scores `(B, P)` into the totals `(B, C)` of classes, by rows that add up. Editing one gives another."""

    rows: tuple[Row, ...]

    def totals(self, scores: Tensor) -> Tensor:
        """`(B, C)`."""

    def contributions(self, scores: Tensor) -> Tensor:
        """What each row adds to each total, `(B, C, R)`; their sum over R is the total."""

    def scaled(self, prototype: int, factor: float, owner: int | None = None) -> "Head":
        """With the weight of a prototype times a factor, for one class or for all; 0 removes it."""

    def merged(self, kept: int, dropped: int) -> "Head":
        """With the weights of one prototype added to another's."""

    def reassigned(self, prototype: int, old: int, new: int) -> "Head":
        """With the weights of a prototype for two classes exchanged."""

    def kept(self, indices: Tensor) -> "Head":
        """Of these prototypes alone."""

    def strength(self) -> Tensor:
        """How much each prototype weighs for each class, `(C, P)`, never negative; 0 where it plays no part."""


@dataclass(frozen=True, eq=False)
class Linear:
    """Weights `(C, P)` and perhaps a bias `(C,)`."""

    weight: Tensor
    bias: Tensor | None = None

    @property
    def rows(self) -> tuple[Row, ...]:
        own = tuple(Row(j, "similarity") for j in range(self.weight.shape[1]))
        return own if self.bias is None else (*own, Row(None, "bias"))

    def totals(self, scores: Tensor) -> Tensor:
        return torch.nn.functional.linear(scores, self.weight, self.bias)

    def contributions(self, scores: Tensor) -> Tensor:
        own = scores[:, None, :] * self.weight
        return own if self.bias is None else torch.cat([own, self.bias[None, :, None].expand(len(scores), -1, 1)], dim=2)

    def scaled(self, prototype: int, factor: float, owner: int | None = None) -> "Linear":
        weight = self.weight.clone()
        weight[slice(None) if owner is None else owner, prototype] *= factor
        return replace(self, weight=weight)

    def merged(self, kept: int, dropped: int) -> "Linear":
        weight = self.weight.clone()
        weight[:, kept] += weight[:, dropped]
        weight[:, dropped] = 0
        return replace(self, weight=weight)

    def reassigned(self, prototype: int, old: int, new: int) -> "Linear":
        weight = self.weight.clone()
        weight[[old, new], prototype] = self.weight[[new, old], prototype]
        return replace(self, weight=weight)

    def kept(self, indices: Tensor) -> "Linear":
        return replace(self, weight=self.weight[:, indices])

    def strength(self) -> Tensor:
        return self.weight.abs()


@dataclass(frozen=True, eq=False)
class Reasoning:
    """Shares of evidence from presence and from absence, each `(C, V, P)` for V vectors of reasons a class; both together add up to 1 a vector.

    An edit changes some shares and scales the others of the same vector, so that they still add up to 1.
    """

    present: Tensor
    absent: Tensor

    @property
    def rows(self) -> tuple[Row, ...]:
        return tuple(Row(j, term) for term in ("present", "absent") for j in range(self.present.shape[2]))

    def every(self, scores: Tensor) -> Tensor:
        """The agreement `(B, C, V)` of every vector."""
        return torch.einsum("bp,cvp->bcv", scores, self.present - self.absent) + self.absent.sum(dim=2)

    def totals(self, scores: Tensor) -> Tensor:
        return self.every(scores).amax(dim=2)

    def contributions(self, scores: Tensor) -> Tensor:
        chosen = self.every(scores).argmax(dim=2)  # (B, C)
        classes = torch.arange(len(self.present), device=chosen.device)
        present, absent = (shares[classes, chosen] for shares in (self.present, self.absent))  # (B, C, P)
        return torch.cat([scores[:, None] * present, (1 - scores)[:, None] * absent], dim=2)

    def scaled(self, prototype: int, factor: float, owner: int | None = None) -> "Reasoning":
        present, absent = self.present.clone(), self.absent.clone()
        for shares in (present, absent):
            shares[slice(None) if owner is None else owner, :, prototype] *= factor
        return _normalised(present, absent)

    def merged(self, kept: int, dropped: int) -> "Reasoning":
        present, absent = self.present.clone(), self.absent.clone()
        for shares in (present, absent):
            shares[..., kept] += shares[..., dropped]
            shares[..., dropped] = 0
        return Reasoning(present, absent)

    def reassigned(self, prototype: int, old: int, new: int) -> "Reasoning":
        present, absent = self.present.clone(), self.absent.clone()
        for shares, before in ((present, self.present), (absent, self.absent)):
            shares[[old, new], :, prototype] = before[[new, old], :, prototype]
        return _normalised(present, absent)

    def kept(self, indices: Tensor) -> "Reasoning":
        return _normalised(self.present[..., indices], self.absent[..., indices])

    def strength(self) -> Tensor:
        return (self.present + self.absent).amax(dim=1)


def _normalised(present: Tensor, absent: Tensor) -> Reasoning:
    whole = (present.double() + absent.double()).sum(dim=2, keepdim=True)
    if bool((whole <= 1e-12).any()):
        empty = int((whole <= 1e-12).flatten(1).any(dim=1).nonzero()[0, 0])
        raise ModelError(f"Class {empty} would be left without any evidence: its shares must add up to 1, and every one of them is 0.")
    return Reasoning((present.double() / whole).to(present), (absent.double() / whole).to(absent))


class PrototypeClassifier(Protocol):
    """Scores pictures by comparing them with prototypes; one question.

    Attributes:
        question, classes: what is asked, and the names of the answers.
        prototypes, head: what pictures are compared with, and how comparisons count.
        total: what the totals are: "logit", "expected logit" or "agreement".
        scale: the lowest and the highest similarity there can be; infinite where there is no bound.
        local: whether a similarity has a place in the picture.
        picture_shape: (C, H, W).
        drawn: from vectors `(N, D)` to pictures `(N, C, H, W)`, where the family can draw prototypes.
        spread: `(P,)`, where similarities are exp(-distance / spread), so that features moved by e change none by more than a factor of
            exp(e / spread).
    """

    question: str
    classes: tuple[str, ...]
    prototypes: tuple[Prototype, ...]
    head: Head
    total: str
    scale: tuple[float, float]
    local: bool
    picture_shape: tuple[int, int, int]
    drawn: Callable[[Tensor], Tensor] | None
    spread: Tensor | None

    @property
    def questions(self) -> Mapping[str, tuple[str, ...]]:
        """As a `Classifier` says it."""

    def logits(self, x: Tensor) -> dict[str, Tensor]:
        """The totals `(B, C)` under the name of the question."""

    def described(self, x: Tensor) -> Tensor:
        """What is compared: for pictures `(B, C, H, W)` in [-1, 1], features `(B, F, h, w)`."""

    def similarities(self, described: Tensor, only: Tensor | None = None) -> Tensor:
        """Maps `(B, P, h, w)` of similarity to every prototype, or to those numbered `only`."""

    def patch(self, described: Tensor, prototype: int, row: int, column: int) -> Tensor:
        """The vector `(D,)` that this prototype would have if it were this cell of features `(F, h, w)`."""

    def field(self, row: int, column: int) -> tuple[int, int, int, int]:
        """Which pixels a cell depends on: top, left, bottom, right, the last two exclusive."""

    def changed(
        self, *, head: Head | None = None, vectors: Mapping[int, tuple[Tensor, Source | None]] | None = None, keep: Tensor | None = None
    ) -> "PrototypeClassifier":
        """Another one: with that head, with other vectors for some prototypes, and then of the prototypes `keep` alone."""

    def saved(self) -> tuple[dict[str, Any], dict[str, Tensor]]:
        """The builder's arguments and the weights, ready for a checkpoint."""


@dataclass(frozen=True, eq=False)
class Matches:
    """How alike pictures and prototypes are.

    Args:
        maps: `(B, P, h, w)`.
        scores: the highest of each map, `(B, P)`.
        cells: where it is, the first one where several are equal: row and column `(B, P, 2)`.
    """

    maps: Tensor
    scores: Tensor
    cells: Tensor = field(repr=False)


def matches(maps: Tensor) -> Matches:
    """Pools maps `(B, P, h, w)` by their highest cells. Raises ModelError when one is not made of numbers."""
    if not torch.isfinite(maps).all():
        raise ModelError(f"Similarities must be finite numbers, got {int((~torch.isfinite(maps)).sum())} of {maps.numel()} that are not.")
    scores, flat = maps.flatten(2).max(dim=2)
    return Matches(maps, scores, torch.stack([flat // maps.shape[3], flat % maps.shape[3]], dim=2))
