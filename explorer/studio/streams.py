"""Streams: what a direction does to the code on the stage, step by step and to both sides, whether a flow, a bent path or a vector.

Where one is along a stream is an *edit* of the session: step n of direction d is the edit (d, n times the length of a step), in its place
among the other edits. So history, recipes and the slider of that direction all speak of the same thing, and going back is going to a
smaller amount from the same start, which is a stored state, never the subtraction of a slope. How far that subtraction would miss the
start is `Stream.missed`.

A walk that leaves the numbers a code may have is cut there: `Stream.cut` says on which side.
"""

import weakref
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from explorer.core.direction import Direction, Field, Guarded, Straight, normalised
from explorer.core.errors import CapabilityError, SessionError
from explorer.core.layout import Layout
from explorer.core.model import Model
from explorer.core.space import FARTHEST, Code
from explorer.methods.directions.warped import WarpedField
from explorer.methods.flows.potentials import PotentialField
from explorer.studio.codes import as_code, spot_code
from explorer.studio.compass import ground_of
from explorer.studio.session import Session
from explorer.studio.shelf import Opened
from explorer.studio.steering import FARTHEST as FARTHEST_AMOUNT
from explorer.studio.steering import Edit, edited, protecting

__all__ = [
    "MOST_SIDE",
    "STEPS",
    "Arrows",
    "Landscape",
    "Stream",
    "arrows",
    "both_ways",
    "changes",
    "landscape",
    "landscape_of",
    "percentiles",
    "stream",
    "traits",
    "unit_of",
]

STEPS = (0.05, 2.0)  # lengths of a step, in units of the direction
MOST_SIDE = 24  # steps to either side
MOST_ARROWS = 400
SIZES = (8, 96)  # points a side of a landscape
REACHES = (0.1, 20.0)  # latent lengths to either side of its middle
INERT = 0.25  # of the median change of the picture by the potentials of a flow
DRAWS = 2048  # whose lengths say which length is ordinary
NEAR = 0.03  # of a map's diameter: places with no point within it are far from all
COMPARED = 20_000  # points of a large map that say so

_UNITS: "weakref.WeakKeyDictionary[Model, float]" = weakref.WeakKeyDictionary()
_LENGTHS: "weakref.WeakKeyDictionary[Model, Tensor]" = weakref.WeakKeyDictionary()


@dataclass(frozen=True, eq=False)
class Stream:
    """The codes at the steps `first`, `first + 1`, … of a walk; step 0 is where the picture is without this edit.

    Args:
        direction: whose walk it is, without what protection takes away.
        step: its length, in units of the direction.
        codes: flat codes `(N, D)` as the stage shows them: later edits are on them.
        bare: the same without later edits.
        times: how many of the direction's own steps each is from step 0, `(N,)`, fractions included.
        cut: whether the walk stopped being a code, back and forth.
    """

    direction: Direction
    step: float
    first: int
    codes: Tensor
    bare: Tensor
    times: Tensor
    cut: tuple[bool, bool]

    @property
    def start(self) -> int:
        """The index of step 0."""
        return -self.first

    @property
    def last(self) -> int:
        """The number of the last step."""
        return self.first + len(self.codes) - 1

    @property
    def trained(self) -> tuple[int, int] | None:
        """The first and the last step within what the flow was trained for; None where nothing was trained in time."""
        field = _plain(self.direction.field)
        if not isinstance(field, PotentialField):
            return None
        inside = (self.times <= field.trained + 1e-6).nonzero().flatten()
        return int(inside.min()) + self.first, int(inside.max()) + self.first

    @property
    def speeds(self) -> Tensor:
        """The latent length of the direction's own step from each code, `(N,)`."""
        return self._by_time(lambda z, t: self.direction.field.displacement(z, t).norm(dim=1))

    @property
    def heights(self) -> Tensor | None:
        """The height of the landscape at each code `(N,)`, where the direction is the slope of one."""
        height = landscape_of(self.direction.field)
        return None if height is None else self._by_time(height)

    def missed(self, last: int) -> Tensor:
        """Where one ends `(D,)` who goes to step `last` and then subtracts, step by step, what the field says there, instead of going back."""
        field, sign = self.direction.field, 1.0 if last >= 0 else -1.0
        count = int(self.times[last - self.first].round())
        z = field.walk(self.bare[self.start][None], count, sign)[-1]
        for t in reversed(range(count)):
            z = z - sign * field.displacement(z, t)
        return z[0]

    def _by_time(self, measured) -> Tensor:
        """Something measured at each code, those of the same own step together."""
        whole = self.times.long()
        found = torch.zeros(len(self.bare))
        for t in whole.unique().tolist():
            found[whole == t] = measured(self.bare[whole == t], t).float()
        return found


def stream(opened: Opened, session: Session, identity: str, *, step: float, side: int) -> Stream:
    """The walk along a direction through what a session shows, up to `side` steps back and forth.

    Raises:
        SessionError: an unknown direction, a step outside `STEPS`, more steps than there can be.
    """
    if not STEPS[0] <= step <= STEPS[1]:
        raise SessionError(f"A step is {STEPS[0]:g} to {STEPS[1]:g} units of a direction, got {step:g}.")
    if not 1 <= side <= MOST_SIDE:
        raise SessionError(f"A walk is shown 1 to {MOST_SIDE} steps to either side, got {side}.")
    side = min(side, int(FARTHEST_AMOUNT / step + 1e-9))
    before, after = _around(session.spot.edits, identity)
    guards = opened.heads(session.protect)
    direction = protecting(opened.direction(identity), guards)
    z = _code(opened, session, before)
    amounts = torch.arange(-side, side + 1) * step
    codes, times = direction.field.followed(z[None], amounts * direction.length)
    bare, times = codes[:, 0], times[:, 0]
    whole = edited(bare.nan_to_num(0.0, 0.0, 0.0), after, opened.direction, guards) if after else bare
    sound = _sound(bare) & _sound(whole)
    back = int(sound[:side].flip(0).long().cumprod(0).sum())
    forth = int(sound[side + 1 :].long().cumprod(0).sum())
    kept = slice(side - back, side + forth + 1)
    return Stream(direction, step, -back, whole[kept], bare[kept], times[kept], (back < side, forth < side))


def _around(edits: tuple[Edit, ...], identity: str) -> tuple[tuple[Edit, ...], tuple[Edit, ...]]:
    """The edits before and after that of a direction; all are before one that is not there yet."""
    at = next((i for i, (known, _) in enumerate(edits) if known == identity), len(edits))
    return edits[:at], edits[at + 1 :]


def _code(opened: Opened, session: Session, edits: tuple[Edit, ...]) -> Tensor:
    return spot_code(opened, replace(session.spot, edits=edits), sampled=session.sampled, protect=session.protect)


def _sound(codes: Tensor) -> Tensor:
    """Which codes `(N, D)` are numbers that a code may have."""
    return torch.isfinite(codes).all(dim=1) & (codes.abs().amax(dim=1) <= FARTHEST)


def _plain(field: Field) -> Field:
    """A field without its protection."""
    return field.inner if isinstance(field, Guarded) else field


def landscape_of(field: Field):
    """The function of codes `(B, D)` and a time whose slope a field goes up, giving `(B,)`; None for a field that is no slope."""
    match _plain(field):
        case PotentialField() as flow:
            return flow.potential
        case WarpedField(net=net, k=k, sign=sign):
            return lambda z, t: sign * net.value(z, torch.full((len(z),), k)).detach()
    return None


def traits(direction: Direction) -> dict[str, Any]:
    """What a visitor may know of how a direction moves codes: its kind, whether it does anything, what it was trained for."""
    field, settings = _plain(direction.field), direction.settings
    relative = settings.get("change_over_median")
    weak = isinstance(relative, (int, float)) and not relative >= INERT
    return {
        "kind": {"flow": "flow", "warped": "path", "gradient": "walk"}.get(direction.method, "vector" if isinstance(field, Straight) else "walk"),
        "trained": field.trained if isinstance(field, PotentialField) else None,
        "equation": str(settings.get("equation", "")),
        "inert": bool(settings.get("inert")) or weak,
        "landscape": landscape_of(field) is not None,
    }


def unit_of(opened: Opened) -> float:
    """One unit of change of a model's pictures, as directions are measured in: see `methods/directions/units.py`. Takes a moment the first time."""
    if opened.model not in _UNITS:
        _UNITS[opened.model] = ground_of(opened, None).unit
    return _UNITS[opened.model]


def changes(pixels: np.ndarray, unit: float) -> list[float]:
    """How much each of pictures `(N, H, W, C)` differs from the one before, in units; 0 for the first."""
    x = pixels.astype(np.float32) / 127.5
    apart = np.sqrt(np.square(np.diff(x, axis=0)).mean(axis=(1, 2, 3))) / max(unit, 1e-9)
    return [0.0, *apart.tolist()]


def percentiles(opened: Opened, codes: Tensor) -> Tensor | None:
    """Which share of random draws is shorter than each of codes `(N, D)`; None where all draws are of one length."""
    if opened.model not in _LENGTHS:
        _LENGTHS[opened.model] = ground_of(opened, None).sample(DRAWS, 0).norm(dim=1).sort().values
    lengths = _LENGTHS[opened.model]
    if float(lengths[-1] - lengths[0]) < 1e-4 * float(lengths[-1]):
        return None
    return torch.searchsorted(lengths, codes.norm(dim=1).contiguous()) / len(lengths)


@dataclass(frozen=True, eq=False)
class Arrows:
    """A field on a map: from places `(M, 2)`, the way `(M, 2)` in which the map sees a code go by about one unit, and which places are `near` a point."""

    places: Tensor
    ways: Tensor
    near: Tensor


def arrows(opened: Opened, session: Session, identity: str, layout: Layout, places: Tensor, *, cell: Tensor, time: int) -> Arrows:
    """The field of a direction at places `(M, 2)` of a map, the middles of cells `(2,)` wide and high, at its own step `time`.

    On a linear map every place has an arrow. Any other map tells only of where it has points: there an arrow stands at the point nearest
    to the middle of its cell, and cells without points have none.

    Raises:
        SessionError: too many places.
    """
    if len(places) > MOST_ARROWS:
        raise SessionError(f"A map shows at most {MOST_ARROWS} arrows, got {len(places)}.")
    rows, gap = _nearest(layout, places)
    near = gap < NEAR * layout.diameter
    if layout.axes is None:
        inside = ((layout.xy[rows] - places).abs() <= cell / 2).all(dim=1)
        places, near, z = layout.xy[rows][inside], near[inside], layout.codes[rows][inside].float()
    else:
        z = layout.lift(places)
    if not len(places):
        return Arrows(places, places, near)
    direction = protecting(opened.direction(identity), opened.heads(session.protect))
    went = z + direction.field.displacement(z, time) * (direction.length / direction.field.stride)
    went = torch.where(_sound(went)[:, None], went, z)
    return Arrows(places, layout.place(went) - layout.place(z), near)


def _nearest(layout: Layout, places: Tensor) -> tuple[Tensor, Tensor]:
    """The row of the point of a map that is nearest to each of places `(M, 2)`, and how far away it is; some points of a large map stand for all."""
    every = max(1, len(layout.xy) // COMPARED)
    gap, row = torch.cdist(places, layout.xy[::every]).min(dim=1)
    return row * every, gap


@dataclass(frozen=True, eq=False)
class Landscape:
    """The height `(S, S)` of a direction's landscape over a slice through a code, row by row from the lowest, and where the walk lies on it.

    Args:
        names: of the two sides of the slice; `reach` is how far it goes from the middle, in latent lengths.
        walk: places `(N, 2)` of a stream's codes, as the slice sees them, and `off` `(N,)` how far each is from the slice.
    """

    heights: Tensor
    names: tuple[str, str]
    reach: float
    walk: Tensor
    off: Tensor


def landscape(opened: Opened, course: Stream, x: Any, y: Any, *, at: int, reach: float, size: int) -> Landscape:
    """The landscape around step `at` of a stream, over the plane of two ways: {"axis": 3}, {"direction": "…"} {"way": true}, that
    of the stream, or {"bend": true}, to its farthest end.

    Raises:
        SessionError: ways that are none or the same, a size or reach there cannot be.
        CapabilityError: a direction that is no slope of a landscape.
    """
    direction = course.direction
    height = landscape_of(direction.field)
    if height is None:
        raise CapabilityError(f"'{direction.name}' is no slope of a landscape: it goes its way without one.")
    if not SIZES[0] <= size <= SIZES[1] or not REACHES[0] <= reach <= REACHES[1]:
        raise SessionError(
            f"A landscape has {SIZES[0]} to {SIZES[1]} points a side and reaches {REACHES[0]} to {REACHES[1]:g}, got {size} and {reach:g}."
        )
    if not course.first <= at <= course.last:
        raise SessionError(f"This walk has steps {course.first} to {course.last}, got {at}.")
    middle, time = course.bare[at - course.first], int(course.times[at - course.first])
    (first, across), (second, up) = (_way(opened, course, way, name, middle, time) for name, way in (("x", x), ("y", y)))
    up = up - (up @ across) * across
    if float(up.norm()) < 1e-3:
        raise SessionError(f"'{first}' and '{second}' are the same way here; a landscape needs two.")
    plane = torch.stack([across, normalised(up)])  # (2, D)
    line = torch.linspace(-reach, reach, size)
    points = torch.cartesian_prod(line, line).flip(1)  # the first coordinate runs fastest
    heights = torch.cat([height(middle + piece @ plane, time) for piece in points.split(1024)])
    away = course.bare - middle
    walk = away @ plane.T
    return Landscape(heights.view(size, size), (first, second), reach, walk, (away - walk @ plane).norm(dim=1))


def _way(opened: Opened, course: Stream, value: Any, name: str, z: Tensor, time: int) -> tuple[str, Tensor]:
    """The name and the unit vector `(D,)` of one side of a slice."""
    space = opened.model.workspace
    match value:
        case {"axis": int(axis)} if not isinstance(axis, bool) and 0 <= axis < space.size:
            return space.axes[axis], torch.nn.functional.one_hot(torch.tensor(axis), space.size).float()
        case {"direction": str(identity)}:
            other = opened.direction(identity)
            return other.name, normalised(other.field.velocity(z[None], time))[0]
        case {"way": True}:
            return f"the way of {course.direction.name}", normalised(course.direction.field.velocity(z[None], max(time, 1)))[0]
        case {"bend": True}:
            away = course.bare - z
            return f"the bend of {course.direction.name}", normalised(away[away.norm(dim=1).argmax()])
    raise SessionError(
        f"'{name}' of a landscape must be an axis by its number, a direction by its identity, the way or the bend, got {str(value)[:60]}."
    )


def both_ways(opened: Opened, session: Session, first: Edit, second: Edit) -> Code:
    """What two edits give in either order, from what a session shows without them: the start, first then second, second then first."""
    if first[0] == second[0]:
        raise SessionError("A direction and itself go the same way in either order; choose two.")
    z = _code(opened, session, tuple(edit for edit in session.spot.edits if edit[0] not in (first[0], second[0])))[None]
    guards = opened.heads(session.protect)
    ends = [edited(z, order, opened.direction, guards) for order in ((), (first, second), (second, first))]
    return as_code(opened.model, torch.cat(ends))
