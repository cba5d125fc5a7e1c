"""What two ways of moving do together: a square of codes around the one on the stage.

A *mover* takes a spot some way along: an axis of the space, or a direction. A cell of the lattice is the spot moved by both, so that
what is seen in a cell is exactly where a click on it leads.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import torch

from explorer.core.errors import SessionError
from explorer.core.space import Code
from explorer.studio.codes import as_code, code_of, spot_code
from explorer.studio.session import Session, Spot, Values
from explorer.studio.shelf import Opened

__all__ = ["MOST_SIDE", "AxisMover", "DirectionMover", "Lattice", "Mover", "middle_of", "read"]

MOST_SIDE = 9
REACHES = (0.1, 10.0)
DRAWN = 512  # draws from which the spread of an axis is taken where there is no atlas


class Mover(Protocol):
    """A way to move a spot. `name` is what it is called, `unit` what one of it means."""

    name: str
    unit: str

    def moved(self, spot: Spot, amount: float) -> Spot:
        """The spot moved that far."""

    def label(self, amount: float) -> str:
        """What is written beside a row or column."""


@dataclass(frozen=True)
class AxisMover:
    """One coordinate: from the value `start`, in standard deviations `sigma` that it has among the data."""

    axis: int
    name: str
    start: float
    sigma: float
    unit: str = "standard deviations of the data"

    @staticmethod
    def of(opened: Opened, axis: int, spot: Spot) -> "AxisMover":
        """The mover of an axis around a spot. Raises SessionError for an axis there is not."""
        space = opened.model.workspace
        if not 0 <= axis < space.size:
            raise SessionError(f"'{opened.model.card.name}' has axes 0 to {space.size - 1}, got {axis}.")
        start = float(spot_code(opened, replace(spot, bumps=(), edits=()))[axis])
        return AxisMover(axis, space.axes[axis], start, _spread(opened, axis))

    def moved(self, spot: Spot, amount: float) -> Spot:
        axes = dict(spot.axes) | {self.axis: self.start + amount * self.sigma}
        return replace(spot, axes=tuple(sorted(axes.items())))

    def label(self, amount: float) -> str:
        return f"{self.start + amount * self.sigma:.2f}"


@dataclass(frozen=True)
class DirectionMover:
    """One direction, by its identity: its edit grows by the amount, in units of the direction."""

    identity: str
    name: str
    unit: str

    @staticmethod
    def of(opened: Opened, identity: str) -> "DirectionMover":
        """The mover of a direction. Raises SessionError when it is not known."""
        direction = opened.direction(identity)
        return DirectionMover(identity, direction.name, direction.unit)

    def moved(self, spot: Spot, amount: float) -> Spot:
        edits = dict(spot.edits)
        return replace(spot, edits=tuple((edits | {self.identity: edits.get(self.identity, 0.0) + amount}).items()))

    def label(self, amount: float) -> str:
        return f"{amount:+.2g}" if amount else "0"


@dataclass(frozen=True)
class Lattice:
    """A square of `count` by `count` cells around a spot, from `-reach` to `reach` of each mover; cells go row by row from the top left."""

    spot: Spot
    x: Mover
    y: Mover
    reach: float = 2.0
    count: int = 5

    def __post_init__(self):
        if not 2 <= self.count <= MOST_SIDE:
            raise SessionError(f"A grid of two axes has 2 to {MOST_SIDE} pictures a side, got {self.count}.")
        if not REACHES[0] <= self.reach <= REACHES[1]:
            raise SessionError(f"A grid of two axes reaches {REACHES[0]} to {REACHES[1]:g} to either side, got {self.reach:g}.")
        if self.x == self.y:
            raise SessionError(f"A grid needs two different axes, got '{self.x.name}' twice.")

    def __len__(self) -> int:
        return self.count**2

    @property
    def amounts(self) -> list[float]:
        """How far each column is moved, from left to right; rows go the other way."""
        return torch.linspace(-self.reach, self.reach, self.count, dtype=torch.float64).round(decimals=9).tolist()

    @property
    def labels(self) -> tuple[list[str], list[str]]:
        """What is written below the columns, and beside the rows from the top down."""
        return [self.x.label(amount) for amount in self.amounts], [self.y.label(amount) for amount in reversed(self.amounts)]

    def cell(self, index: int) -> Spot:
        """The spot of one cell. Raises SessionError for a cell there is not."""
        if not 0 <= index < len(self):
            raise SessionError(f"This grid has cells 0 to {len(self) - 1}, got {index}.")
        row, column = divmod(index, self.count)
        return self.y.moved(self.x.moved(self.spot, self.amounts[column]), self.amounts[self.count - 1 - row])

    def codes(self, opened: Opened, session: Session, cells: Sequence[int]) -> Code:
        """The codes of some cells, in their order."""
        known = Values(tuple(spot_code(opened, Spot(self.spot.origin), sampled=session.sampled).tolist()))  # found once, not for every cell
        spots = [replace(self.cell(index), origin=known) for index in cells]
        codes = [as_code(opened.model, spot_code(opened, spot, protect=session.protect)[None]).values for spot in spots]
        return Code(torch.cat(codes), opened.model.workspace)


def middle_of(opened: Opened, session: Session) -> Spot:
    """The spot on the stage; on a path, the numbers of where one is."""
    if session.journey.t is None:
        return session.spot
    return Spot(Values(tuple(code_of(opened, session).values.flatten().tolist())))


def read(opened: Opened, session: Session, values: Mapping[str, Any]) -> Lattice:
    """A lattice around what a session shows, from plain JSON: `x` and `y`, each {"axis": 3} or {"direction": "…"}, `reach`, `size`.

    Raises:
        SessionError: naming the field at fault.
    """
    spot = middle_of(opened, session)
    x, y = (_mover(opened, values.get(name), name, spot) for name in ("x", "y"))
    reach, size = values.get("reach", 2.0), values.get("size", 5)
    if isinstance(reach, bool) or not isinstance(reach, (int, float)) or not math.isfinite(reach):
        raise SessionError(f"'reach' must be a number, got {str(reach)[:40]}.")
    if isinstance(size, bool) or not isinstance(size, int):
        raise SessionError(f"'size' must be a whole number, got {str(size)[:40]}.")
    return Lattice(spot, x, y, float(reach), size)


def _mover(opened: Opened, value: Any, name: str, spot: Spot) -> Mover:
    match value:
        case {"axis": int(axis)} if not isinstance(axis, bool):
            return AxisMover.of(opened, axis, spot)
        case {"direction": str(identity)}:
            return DirectionMover.of(opened, identity)
    raise SessionError(f"'{name}' of a grid must be an axis by its number or a direction by its identity, got {str(value)[:60]}.")


def _spread(opened: Opened, axis: int) -> float:
    """The standard deviation of an axis among the data, the encoder's uncertainty included; without an atlas among draws."""
    atlas, model = opened.atlas, opened.model
    if atlas is None or len(atlas) < 2:
        return float(model.working(model.space.sample(DRAWN, 0)).values.flatten(1)[:, axis].std()) or 1.0
    uncertain = 0.0 if atlas.variance is None else float(atlas.variance[:, axis].mean())
    return math.sqrt(float(atlas.codes[:, axis].var()) + uncertain) or 1.0
