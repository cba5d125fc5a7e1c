"""From what a visitor chose to the code on the stage: seeds are drawn in the sampling space, everything else happens in the workspace."""

import weakref
from collections import OrderedDict
from dataclasses import replace

import torch
from torch import Tensor

from explorer.core.atlas import Atlas
from explorer.core.errors import CapabilityError, SessionError
from explorer.core.model import Model
from explorer.core.path import Path, rounded, smoothed, through
from explorer.core.space import Code
from explorer.methods.maps.trust import MEASURES
from explorer.methods.measure.change import evened
from explorer.studio.planes import raised
from explorer.studio.session import Entry, Journey, Place, Seed, Session, Spot
from explorer.studio.shelf import Opened
from explorer.studio.steering import edited

__all__ = ["check", "code_of", "interpolated", "journey_codes", "laborious", "path_of", "spot_code"]

LINE = 129  # places at which a drawn line is lifted
MOST_PATHS = 8  # kept of one model

_PATHS: "weakref.WeakKeyDictionary[Model, OrderedDict]" = weakref.WeakKeyDictionary()


def code_of(opened: Opened, session: Session) -> Code:
    """The one code that a session shows, as a batch of one. Raises ExplorerError when the session does not fit the model."""
    journey = session.journey
    if journey.t is None:
        return as_code(opened.model, spot_code(opened, session.spot, sampled=session.sampled, protect=session.protect)[None])
    return journey_codes(opened, session, torch.tensor([journey.t]))


def check(opened: Opened, session: Session) -> None:
    """Raises ExplorerError unless everything in a session fits the model: code, all points of the path, map, colour, rows, axes."""
    code_of(opened, session)
    for spot in (session.spot, *session.journey.points):
        as_code(opened.model, spot_code(opened, spot, sampled=session.sampled, protect=session.protect)[None])
    if session.journey.whole:
        path_of(opened, session)
    if session.layout:
        _need(opened).layout(session.layout)
    if session.colour and not _colours(opened, session.colour):
        raise SessionError(f"'{opened.model.card.name}' has no label or axis '{session.colour}' to colour by.")
    if session.selection and session.selection[-1] >= len(_need(opened)):
        raise SessionError(f"The atlas of '{opened.model.card.name}' has codes 0 to {len(opened.atlas) - 1}, got {session.selection[-1]}.")
    if session.locked and session.locked[-1] >= opened.model.workspace.size:
        raise SessionError(f"'{opened.model.card.name}' has axes 0 to {opened.model.workspace.size - 1}, got {session.locked[-1]}.")


def _colours(opened: Opened, colour: str) -> bool:
    """Whether a map can be coloured so: by a label's name, by "axis:3", or by what was measured of its places, as "map:kept"."""
    kind, _, number = colour.partition(":")
    labels = _need(opened).classes
    return (
        colour in labels
        or (kind == "map" and number in MEASURES)
        or (kind == "axis" and number.isdecimal() and int(number) < opened.model.workspace.size)
    )


def journey_codes(opened: Opened, session: Session, t: Tensor) -> Code:
    """The codes along a session's path at times `(T,)`. Raises SessionError while there are fewer than two points."""
    return as_code(opened.model, path_of(opened, session)(t))


def path_of(opened: Opened, session: Session) -> Path:
    """A session's path; what was last made of a model is kept, as a hand asks for it again and again. Raises SessionError as above."""
    wanted = (opened.atlas, session.protect, replace(session.journey, t=None), session.sampled)
    kept = _PATHS.setdefault(opened.model, OrderedDict())
    path = kept.get(wanted)
    if path is None:
        path = kept[wanted] = _path(opened, session)
        while len(kept) > MOST_PATHS:
            kept.popitem(last=False)
    return path


def laborious(journey: Journey) -> bool:
    """Whether a path takes long to make, so that it should be made aside (`path_of`) before many wait for its codes."""
    return journey.whole and (journey.kind == "drawn" or journey.pace == "picture")


def _path(opened: Opened, session: Session) -> Path:
    path = _curve(opened, session)
    if session.journey.pace == "code":
        return path
    generator = opened.model.need("generator")
    return evened(lambda flat: generator.decode(as_code(opened.model, flat)), path)


def _curve(opened: Opened, session: Session) -> Path:
    journey = session.journey
    if not journey.whole:
        raise SessionError("A path needs both its ends: pick A and B first.")
    if journey.kind == "drawn":
        return through(_line(opened, journey), "drawn")
    codes = [as_code(opened.model, spot_code(opened, spot, sampled=session.sampled, protect=session.protect)[None]) for spot in journey.points]
    return through(torch.cat([code.values.flatten(1) for code in codes]), journey.kind)


def _line(opened: Opened, journey: Journey) -> Tensor:
    """The codes `(N, D)` at evenly spaced places of the line that was drawn on a map.

    Places next to each other have codes that differ in all that the map leaves out: that is ironed out. A linear map says exactly
    where a code lies, so there the codes are put back on the line.
    """
    layout = _need(opened).layout(journey.stops[0].origin.layout)
    corners = rounded(torch.tensor([[stop.origin.x, stop.origin.y] for stop in journey.stops], dtype=torch.float64))
    places = through(corners.expand(max(2, len(corners)), -1), "chord")(torch.linspace(0, 1, LINE)).float()
    codes = smoothed(layout.lift(places))
    return codes if layout.axes is None else codes + (places - layout.place(codes)) @ layout.axes.to(codes)


def spot_code(opened: Opened, spot: Spot, *, sampled: bool = False, protect: tuple[str, ...] = ()) -> Tensor:
    """The flat code `(D,)` of a spot: its origin, then the axes set by hand, the bumps, and the edits, which leave protected attributes alone."""
    z = _origin(opened, spot, sampled=sampled).clone()
    for axis, value in spot.axes:
        if axis >= len(z):
            raise SessionError(f"'{opened.model.card.name}' has axes 0 to {len(z) - 1}, got {axis}.")
        z[axis] = value
    z = raised(z, opened.model.workspace.shape, spot.bumps, name=opened.model.card.name)
    return edited(z[None], spot.edits, opened.direction, opened.heads(protect))[0] if spot.edits else z


def as_code(model: Model, flat: Tensor) -> Code:
    """Flat codes `(B, D)` as codes of the model's workspace."""
    space = model.workspace
    if flat.shape[1] != space.size:
        raise SessionError(f"'{model.card.name}' takes codes of {space.size} numbers, got {flat.shape[1]}.")
    return Code(flat.reshape(len(flat), *space.shape), space)


def interpolated(session: Session) -> bool:
    """Whether the code shown was made by interpolating on a map rather than drawn, encoded or set."""
    return session.journey.t is None and isinstance(session.spot.origin, Place)


def _origin(opened: Opened, spot: Spot, *, sampled: bool) -> Tensor:
    match spot.origin:
        case Seed(seed=seed, truncation=truncation):
            return _drawn(opened, seed, truncation)
        case Entry(row=row):
            noise = torch.randn(opened.model.workspace.size, generator=torch.Generator().manual_seed(row)) if sampled else None
            return _need(opened).code(row, noise=noise)
        case Place(layout=layout, x=x, y=y):
            return _need(opened).layout(layout).lift(torch.tensor([[x, y]], dtype=torch.float32))[0]
        case values:
            return torch.tensor(values.values)


def _drawn(opened: Opened, seed: int, truncation: float) -> Tensor:
    """A draw from the prior, brought to the workspace."""
    return opened.model.working(opened.model.space.sample(1, seed, truncation=truncation)).values.flatten()


def _need(opened: Opened) -> Atlas:
    if opened.atlas is None:
        raise CapabilityError(f"'{opened.model.card.name}' has no atlas, so there is no map to take a code from.")
    return opened.atlas
