"""What a prototype classifier saw in a picture, as a table that adds up to each class's total exactly."""

from dataclasses import dataclass

import torch
from torch import Tensor

from explorer.core.errors import ModelError
from explorer.core.heat import Box, box, heat
from explorer.core.prototypes import Matches, PrototypeClassifier, Row, matches

__all__ = ["Evidence", "Line", "evidence", "unit_share"]


@dataclass(frozen=True)
class Line:
    """A row of the table for one class: which prototype, what of it counts, how similar, with which weight, and what that adds."""

    prototype: int | None
    term: str
    similarity: float
    contribution: float
    running: float


@dataclass(frozen=True, eq=False)
class Evidence:
    """What was found in pictures.

    Args:
        matches: maps, scores and best cells.
        contributions: what each row adds to each class, `(B, C, R)`.
        totals: `(B, C)`.
        rows: what the rows are.
    """

    matches: Matches
    contributions: Tensor
    totals: Tensor
    rows: tuple[Row, ...]

    @property
    def predicted(self) -> Tensor:
        """The class with the highest total, `(B,)`."""
        return self.totals.argmax(dim=1)

    def table(self, picture: int = 0, owner: int | None = None) -> tuple[Line, ...]:
        """The rows of a class (by default the predicted one), the weightiest first, with running sums. Negative ones are evidence against it."""
        owner = int(self.predicted[picture]) if owner is None else owner
        added = self.contributions[picture, owner]
        return self._lines(picture, added)

    def compared(self, picture: int, owner: int, other: int) -> tuple[Line, ...]:
        """Why one class rather than another: the differences of their rows, which add up to the difference of their totals."""
        return self._lines(picture, self.contributions[picture, owner] - self.contributions[picture, other])

    def _lines(self, picture: int, added: Tensor) -> tuple[Line, ...]:
        order = added.abs().argsort(descending=True, stable=True)
        running = added[order].double().cumsum(dim=0)
        lines = []
        for k, r in enumerate(order.tolist()):
            row = self.rows[r]
            alike = 1.0 if row.prototype is None else float(self.matches.scores[picture, row.prototype])
            lines.append(Line(row.prototype, row.term, alike, float(added[r]), float(running[k])))
        return tuple(lines)

    def heat(self, picture: int, prototypes: Tensor, size: tuple[int, int], *, way: str = "bicubic") -> Tensor:
        """Heat maps `(n, H, W)` of some prototypes in a picture, in the units of the similarity."""
        return heat(self.matches.maps[picture : picture + 1, prototypes], size, way=way)[0]

    def box(self, picture: int, prototype: int, size: tuple[int, int]) -> Box:
        """The rectangle around the hottest twentieth of the picture."""
        return box(self.heat(picture, torch.tensor([prototype]), size)[0])


@torch.inference_mode()
def evidence(prototypes: PrototypeClassifier, x: Tensor) -> Evidence:
    """The evidence in pictures `(B, C, H, W)` in [-1, 1].

    Raises:
        ModelError: pictures of another shape, or that are not numbers.
    """
    if not torch.isfinite(x).all():
        raise ModelError(f"Pictures must be finite numbers, got {int((~torch.isfinite(x)).sum())} of {x.numel()} that are not.")
    found = matches(prototypes.similarities(prototypes.described(x)))
    head = prototypes.head
    return Evidence(found, head.contributions(found.scores), head.totals(found.scores), head.rows)


def unit_share(similarity: float, scale: tuple[float, float]) -> float | None:
    """Where a similarity lies between the lowest and the highest there can be, in [0, 1]; None where there is no bound."""
    low, high = scale
    return None if low == -torch.inf or high == torch.inf else min(1.0, max(0.0, (similarity - low) / (high - low)))
