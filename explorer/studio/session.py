"""What one visitor has chosen: names and numbers only, so that it can be hashed, saved, sent and replayed.

A session is a value. Views send *patches*, plain JSON that replaces some of its fields; `Session.patched` reads them strictly,
because they may come from a stranger.
"""

import json
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from explorer.core.errors import SessionError
from explorer.core.path import KINDS
from explorer.studio.steering import Edit, Held, read_bench, read_edits, read_protected

__all__ = ["Bump", "Entry", "Journey", "Origin", "Place", "Seed", "Session", "Spot", "Values"]

MOST_AXES = 65_536
MOST_BUMPS = 64
MOST_ROWS = 100_000
MOST_NUMBER = 1e6
MOST_NAME = 200
MOST_STOPS = 24
PACES = ("code", "picture")
SELDOM = ("bumps", "edits", "bench", "protect")


@dataclass(frozen=True)
class Seed:
    """A draw from the prior."""

    seed: int
    truncation: float = 1.0
    kind: str = "seed"


@dataclass(frozen=True)
class Entry:
    """A code of the atlas, by its row."""

    row: int
    kind: str = "entry"


@dataclass(frozen=True)
class Place:
    """A position on a map, brought back to a code by `Layout.lift`."""

    layout: str
    x: float
    y: float
    kind: str = "place"


@dataclass(frozen=True)
class Values:
    """A code given by its numbers."""

    values: tuple[float, ...]
    kind: str = "values"


Origin = Seed | Entry | Place | Values
Bump = tuple[int, float, float, float, float]  # channel, row, column, radius, amount: see `planes.py`


@dataclass(frozen=True)
class Spot:
    """One code: where it comes from, the axes that were then set by hand, as (axis, value) in the order of the axes, bumps at places, and edits along directions."""

    origin: Origin = Seed(0)
    axes: tuple[tuple[int, float], ...] = ()
    bumps: tuple[Bump, ...] = ()
    edits: tuple[Edit, ...] = ()


@dataclass(frozen=True)
class Journey:
    """A path through points, and how far along it one is (`t` in [0, 1]; None: not on the path).

    The points are `start`, the `stops` in their order, and `end`; any of them may be missing, and two points make a path.

    Args:
        kind: "chord" and "arc" go straight or round from each point to the next, "spline" bends through all of them. "drawn" is the
            line on a map whose corners are the stops, all of them places of that map; it has no other ends. "geodesic" has stops
            that were solved for its two ends. With another `start` or `end` these two are an arc again, without stops.
        pace: what passes evenly with `t`: distance in the latent space ("code") or change to be seen ("picture").
    """

    start: Spot | None = None
    end: Spot | None = None
    kind: str = "arc"
    t: float | None = None
    stops: tuple[Spot, ...] = ()
    pace: str = "code"

    @property
    def points(self) -> tuple[Spot, ...]:
        """What the path goes through, in order."""
        return tuple(spot for spot in (self.start, *self.stops, self.end) if spot is not None)

    @property
    def whole(self) -> bool:
        """Whether there are points enough for a path."""
        return len(self.points) >= 2


@dataclass(frozen=True)
class Session:
    """Everything the screen shows follows from this and from the files.

    Args:
        model: the name of the open model.
        spot: the code on the stage, unless the journey is under way.
        journey: the path.
        locked: axes that a new draw leaves as they are.
        sampled: whether atlas codes are draws from the encoder's posterior rather than its means.
        layout: the map shown ("" for the atlas' first); `colour` what colours it: a label's name, "axis:3", or "".
        selection: the rows of the atlas that the lasso caught.
        bench: the directions that were found or brought, in the order of the screen.
        protect: the attributes that edits along directions leave alone.
    """

    model: str
    spot: Spot = Spot()
    journey: Journey = Journey()
    locked: tuple[int, ...] = ()
    sampled: bool = False
    layout: str = ""
    colour: str = ""
    selection: tuple[int, ...] = field(default=(), repr=False)
    bench: tuple[Held, ...] = ()
    protect: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Plain values; `Session.from_json` reads them back."""
        return json.loads(json.dumps(asdict(self, dict_factory=_told)))

    @staticmethod
    def from_json(values: Any) -> "Session":
        """Reads what `to_json` wrote. Raises SessionError."""
        if not isinstance(values, dict) or not isinstance(values.get("model"), str):
            raise SessionError(f"A session needs at least the name of a model, got {str(values)[:80]}.")
        return Session(model=_name(values["model"], "model")).patched({k: v for k, v in values.items() if k != "model"})

    def patched(self, patch: Any) -> "Session":
        """The same session with the fields of `patch` (plain JSON) replaced. Raises SessionError naming the field at fault."""
        if not isinstance(patch, dict):
            raise SessionError(f"A patch must be a JSON object, got {type(patch).__name__}.")
        unknown = set(patch) - set(READERS)
        if unknown:
            raise SessionError(f"A session has no '{sorted(unknown)[0]}'. It has: {', '.join(READERS)}.")
        if isinstance(patch.get("journey"), dict):  # its fields too are replaced one by one: an end just set elsewhere is kept
            patch = patch | {"journey": _onward(self.journey, patch["journey"])}
        session = replace(self, **{name: READERS[name](value, name) for name, value in patch.items()})
        if session.spot.origin == self.spot.origin:  # one object for all steps of a history: a code may have thousands of numbers
            session = replace(session, spot=replace(session.spot, origin=self.spot.origin))
        return session


def _told(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Fields as plain values; those that are seldom there only where they are."""
    return {name: value for name, value in pairs if name not in SELDOM or value}


def _number(value: Any, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not -MOST_NUMBER <= value <= MOST_NUMBER:  # NaN is not, either
        raise SessionError(f"'{name}' must be a finite number within ±{MOST_NUMBER:g}, got {str(value)[:40]}.")
    return float(value)


def _whole(value: Any, name: str, *, most: int = 2**53) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < most:
        raise SessionError(f"'{name}' must be a whole number from 0 to {most - 1}, got {str(value)[:40]}.")
    return value


def _share(value: Any, name: str) -> float:
    if not 0 <= (number := _number(value, name)) <= 1:
        raise SessionError(f"'{name}' must lie in [0, 1], got {number:g}.")
    return number


def _name(value: Any, name: str) -> str:
    if not isinstance(value, str) or len(value) > MOST_NAME:
        raise SessionError(f"'{name}' must be a text of at most {MOST_NAME} letters, got {str(value)[:40]}.")
    return value


def _flag(value: Any, name: str) -> bool:
    if not isinstance(value, bool):
        raise SessionError(f"'{name}' must be true or false, got {str(value)[:40]}.")
    return value


def _list(value: Any, name: str, most: int) -> list[Any]:
    if not isinstance(value, (list, tuple)) or len(value) > most:
        raise SessionError(f"'{name}' must be a list of at most {most} entries, got {str(value)[:40]}.")
    return list(value)


def _origin(value: Any, name: str) -> Origin:
    if not isinstance(value, dict):
        raise SessionError(f"'{name}' must be a JSON object, got {str(value)[:40]}.")
    match value.get("kind"):
        case "seed":
            return Seed(_whole(value.get("seed"), "seed", most=2**32), _share(value.get("truncation", 1.0), "truncation"))
        case "entry":
            return Entry(_whole(value.get("row"), "row"))
        case "place":
            return Place(_name(value.get("layout"), "layout"), _number(value.get("x"), "x"), _number(value.get("y"), "y"))
        case "values":
            return Values(tuple(_number(v, "values") for v in _list(value.get("values"), "values", MOST_AXES)))
    raise SessionError(f"'{name}' must be of kind seed, entry, place or values, got '{str(value.get('kind'))[:40]}'.")


def _axes(value: Any, name: str) -> tuple[tuple[int, float], ...]:
    pairs = {}
    for pair in _list(value, name, MOST_AXES):
        axis, amount = _list(pair, name, 2) if isinstance(pair, (list, tuple)) and len(pair) == 2 else (None, None)
        pairs[_whole(axis, f"{name}: axis", most=MOST_AXES)] = _number(amount, f"{name}: value")
    return tuple(sorted(pairs.items()))


def _spot(value: Any, name: str) -> Spot:
    if not isinstance(value, dict):
        raise SessionError(f"'{name}' must be a JSON object, got {str(value)[:40]}.")
    axes, bumps = _axes(value.get("axes", []), f"{name}: axes"), _list(value.get("bumps", []), f"{name}: bumps", MOST_BUMPS)
    bumps, edits = tuple(_bump(bump, f"{name}: bumps") for bump in bumps), read_edits(value.get("edits", []), f"{name}: edits")
    return Spot(_origin(value.get("origin"), f"{name}: origin"), axes, bumps, edits)


def _bump(value: Any, name: str) -> Bump:
    if not isinstance(value, (list, tuple)) or len(value) != 5:
        raise SessionError(f"'{name}' must be lists of channel, row, column, radius and amount, got {str(value)[:40]}.")
    channel = _whole(value[0], f"{name}: channel", most=MOST_AXES)
    row, column, radius, amount = (_number(number, f"{name}: {what}") for number, what in zip(value[1:], ("row", "column", "radius", "amount")))
    if min(row, column, radius) < 0:
        raise SessionError(f"'{name}' need a row, a column and a radius of at least 0, got {min(row, column, radius):g}.")
    return channel, row, column, radius, amount


def _onward(journey: Journey, changes: dict[str, Any]) -> dict[str, Any]:
    """A journey's fields with some replaced. A line that was drawn or solved does not outlive its ends: another A or B begins a plain path."""
    now = asdict(journey)
    if (
        journey.kind in ("drawn", "geodesic")
        and not {"kind", "stops"} & set(changes)
        and any(_moves(journey, changes, end) for end in ("start", "end"))
    ):
        now |= {"stops": [], "kind": "arc"}
    return now | changes


def _moves(journey: Journey, changes: dict[str, Any], end: str) -> bool:
    """Whether changes put an end of the path elsewhere."""
    return end in changes and (None if changes[end] is None else _spot(changes[end], f"journey: {end}")) != getattr(journey, end)


def _journey(value: Any, name: str) -> Journey:
    if not isinstance(value, dict):
        raise SessionError(f"'{name}' must be a JSON object, got {str(value)[:40]}.")
    unknown = set(value) - {field.name for field in fields(Journey)}
    if unknown:
        raise SessionError(f"A path has no '{str(min(unknown, key=str))[:40]}'. It has: {', '.join(field.name for field in fields(Journey))}.")
    start, end = (None if value.get(k) is None else _spot(value[k], f"{name}: {k}") for k in ("start", "end"))
    kind, pace = _name(value.get("kind", "arc"), f"{name}: kind"), _name(value.get("pace", "code"), f"{name}: pace")
    if kind not in KINDS:
        raise SessionError(f"No path of kind '{kind}'. Known: {', '.join(KINDS)}.")
    if pace not in PACES:
        raise SessionError(f"A path keeps its pace by {' or '.join(PACES)}, got '{pace}'.")
    stops = tuple(_spot(stop, f"{name}: stops") for stop in _list(value.get("stops", []), f"{name}: stops", MOST_STOPS))
    if kind == "drawn":
        _drawn(stops)
        start = end = None
    t = None if value.get("t") is None else _share(value["t"], f"{name}: t")
    journey = Journey(start, end, kind, t, stops, pace)
    if t is not None and not journey.whole:
        raise SessionError("A path needs both its ends, or two stops, before one can walk along it.")
    return journey


def _drawn(stops: tuple[Spot, ...]) -> None:
    """Raises SessionError unless all stops are places of one map."""
    maps = {stop.origin.layout if isinstance(stop.origin, Place) and not (stop.axes or stop.bumps or stop.edits) else None for stop in stops}
    if None in maps or len(maps) > 1:
        raise SessionError("A drawn line consists of places of one map, with nothing set by hand; these stops are something else.")


def _rows(value: Any, name: str) -> tuple[int, ...]:
    return tuple(sorted({_whole(row, name) for row in _list(value, name, MOST_ROWS)}))


def _locked(value: Any, name: str) -> tuple[int, ...]:
    return tuple(sorted({_whole(axis, name, most=MOST_AXES) for axis in _list(value, name, MOST_AXES)}))


READERS = {
    "spot": _spot, "journey": _journey, "locked": _locked, "sampled": _flag, "layout": _name, "colour": _name, "selection": _rows,
    "bench": read_bench, "protect": read_protected,
}  # fmt: skip
