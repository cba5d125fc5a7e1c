"""Editing a prototype classifier while its scores on a set of pictures are kept: totals, accuracy and the pictures affected follow at once.

An edit of weights changes only the head, so `totals = head(scores)` is all there is to compute. A prototype that is replaced changes one
column of the scores. Edits are a list, and undoing forgets the last one: what comes back is what was there, to the bit.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from explorer.core.errors import ModelError
from explorer.core.prototypes import Head, PrototypeClassifier, Source

__all__ = ["Bench", "Edit", "Effect", "Forbid", "Merge", "Reassign", "Remove", "Replace", "Weigh"]


@dataclass(frozen=True)
class Remove:
    """Takes a prototype out."""

    prototype: int


@dataclass(frozen=True)
class Merge:
    """Gives the weights of `dropped` to `kept`."""

    kept: int
    dropped: int


@dataclass(frozen=True)
class Weigh:
    """Multiplies a prototype's weight, for one class or all."""

    prototype: int
    factor: float
    owner: int | None = None


@dataclass(frozen=True)
class Reassign:
    """Exchanges a prototype's weights for two classes."""

    prototype: int
    old: int
    new: int


@dataclass(frozen=True)
class Replace:
    """Puts a prototype where a cell of one of the kept pictures is. `source` is that picture's number in the training data, or None."""

    prototype: int
    picture: int
    row: int
    column: int
    source: int | None = None


@dataclass(frozen=True, eq=False)
class Forbid:
    """ "This is background": takes out every prototype whose source cell lies in a region, bool `(h, w)` of the grid."""

    region: Tensor


Edit = Remove | Merge | Weigh | Reassign | Replace | Forbid


@dataclass(frozen=True, eq=False)
class Effect:
    """What an edit did on the kept pictures.

    Args:
        accuracy, before: shares of right answers, after and before.
        by_class: of each class, NaN for one without pictures, `(C,)`.
        confusion: counts `(C, C)`, true class by answer.
        changed: the pictures whose answer is another now.
        warnings: sentences.
    """

    accuracy: float
    before: float
    by_class: Tensor
    confusion: Tensor
    changed: Tensor
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class _State:
    """After some edits: the head, the scores, and the vectors that were moved."""

    head: Head
    scores: Tensor
    vectors: Mapping[int, tuple[Tensor, Source | None]] = field(default_factory=dict)
    edits: tuple[Edit, ...] = ()


class Bench:
    """A classifier on the bench.

    Args:
        prototypes: the classifier.
        described: what pictures are described by, `(N, F, h, w)`; in half precision it takes half the room, and scores are that exact.
        labels: the true classes `(N,)`.
    """

    def __init__(self, prototypes: PrototypeClassifier, described: Tensor, labels: Tensor):
        if not len(described):
            raise ModelError("Editing needs pictures to see the effect on, got none.")
        self.prototypes, self.described, self.labels = prototypes, described, labels
        self._states = [_State(prototypes.head, self._scores())]

    @torch.inference_mode()
    def _scores(self, prototypes: PrototypeClassifier | None = None, only: Tensor | None = None) -> Tensor:
        asked = self.prototypes if prototypes is None else prototypes
        return torch.cat([asked.similarities(piece.float(), only).amax(dim=(2, 3)) for piece in self.described.split(250)])

    @property
    def scores(self) -> Tensor:
        """The scores `(N, P)` as they are now."""
        return self._states[-1].scores

    @property
    def head(self) -> Head:
        return self._states[-1].head

    @property
    def edits(self) -> tuple[Edit, ...]:
        """What has been done."""
        return self._states[-1].edits

    @property
    def totals(self) -> Tensor:
        """The totals `(N, C)` as they are now."""
        return self.head.totals(self.scores)

    def apply(self, edit: Edit) -> Effect:
        """Does it, and says what it did.

        Raises:
            ModelError: no such prototype, class or cell, or a class that would be left without any evidence where that cannot be.
        """
        before = self.totals
        self._states.append(self._after(edit))
        return self._effect(before)

    def undo(self) -> bool:
        """Forgets the last edit; False when there was none."""
        if len(self._states) == 1:
            return False
        self._states.pop()
        return True

    def _after(self, edit: Edit) -> _State:
        state = replace(self._states[-1], edits=(*self.edits, edit))
        count, classes = len(self.prototypes.prototypes), len(self.prototypes.classes)
        for name, limit in (("prototype", count), ("kept", count), ("dropped", count), ("owner", classes), ("old", classes), ("new", classes)):
            value = getattr(edit, name, None)
            if value is not None and not 0 <= value < limit:
                raise ModelError(f"There are {limit} {'classes' if limit == classes else 'prototypes'}, got number {value}.")
        match edit:
            case Remove(prototype):
                return replace(state, head=state.head.scaled(prototype, 0.0))
            case Weigh(prototype, factor, owner):
                return replace(state, head=state.head.scaled(prototype, factor, owner))
            case Merge(kept, dropped):
                if kept == dropped:
                    raise ModelError(f"Prototype {kept} cannot be merged with itself.")
                return replace(state, head=state.head.merged(kept, dropped))
            case Reassign(prototype, old, new):
                return replace(state, head=state.head.reassigned(prototype, old, new))
            case Forbid(region):
                return replace(state, head=self._without(state.head, region))
            case Replace():
                return self._replaced(state, edit)

    def _without(self, head: Head, region: Tensor) -> Head:
        grid = tuple(self.described.shape[2:])
        if tuple(region.shape) != grid:
            raise ModelError(f"A region must be marked on the grid of {list(grid)} cells, got {list(region.shape)}.")
        for p in self.prototypes.prototypes:
            if p.source is not None and region[p.source.row, p.source.column]:
                head = head.scaled(p.index, 0.0)
        return head

    def _replaced(self, state: _State, edit: Replace) -> _State:
        n, _, height, width = self.described.shape
        if not (0 <= edit.picture < n and 0 <= edit.row < height and 0 <= edit.column < width):
            raise ModelError(f"There are {n} pictures of {height}×{width} cells, got picture {edit.picture}, cell ({edit.row}, {edit.column}).")
        vector = self.prototypes.patch(self.described[edit.picture].float(), edit.prototype, edit.row, edit.column)
        moved = self.prototypes.changed(vectors={edit.prototype: (vector, None)})
        scores = state.scores.clone()
        scores[:, edit.prototype] = self._scores(moved, torch.tensor([edit.prototype]))[:, 0]
        alike = float(moved.similarities(self.described[edit.picture : edit.picture + 1].float())[0, edit.prototype, edit.row, edit.column])
        source = None if edit.source is None else Source(edit.source, edit.row, edit.column, alike)
        return replace(state, scores=scores, vectors={**state.vectors, edit.prototype: (vector, source)})

    def _effect(self, before: Tensor) -> Effect:
        old, new = before.argmax(dim=1), self.totals.argmax(dim=1)
        classes = before.shape[1]
        confusion = torch.bincount(self.labels * classes + new, minlength=classes**2).view(classes, classes)
        by_class = confusion.diagonal() / confusion.sum(dim=1)
        accuracy, was = (float((answer == self.labels).float().mean()) for answer in (new, old))
        return Effect(accuracy, was, by_class, confusion, (old != new).nonzero().flatten(), self._warnings())

    def _warnings(self) -> tuple[str, ...]:
        strength = self.head.strength()
        owners = {p.owner for p in self.prototypes.prototypes}
        found = []
        for owner, name in enumerate(self.prototypes.classes):
            mine = [p.index for p in self.prototypes.prototypes if p.owner == owner]
            if owner in owners and not bool((strength[owner, mine] > 0).any()):
                found.append(f"'{name}' has no prototype of its own left: nothing speaks for it any more.")
        return tuple(found)

    def result(self) -> PrototypeClassifier:
        """The classifier as it is now, to be used and saved; prototypes without any weight stay in it, silent."""
        state = self._states[-1]
        return self.prototypes.changed(head=state.head, vectors=state.vectors)

    def log(self) -> list[dict[str, Any]]:
        """What has been done, for the card of the edited checkpoint."""
        return [{"edit": type(edit).__name__.lower(), **_plain(edit)} for edit in self.edits]


def _plain(edit: Edit) -> dict[str, Any]:
    return {"cells": edit.region.nonzero().tolist()} if isinstance(edit, Forbid) else dict(vars(edit))
