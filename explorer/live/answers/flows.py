"""Flows: flows (what can be followed), flow (one of them, step by step), arrows (it on the map), landscape (what it is the slope of), gap (two of them
in either order), plotting (the library that draws charts)."""

import asyncio
from typing import Any

import numpy as np
import torch
from torch import Tensor

from explorer.core.direction import Direction
from explorer.core.errors import CapabilityError, ProtocolError
from explorer.live.answers.pictures import framed, in_turns, places_of
from explorer.live.desk import Call, Handler
from explorer.live.headers import count, number, reply, rounded, text
from explorer.live.protocol import pack
from explorer.methods.directions.find import METHODS, why_not
from explorer.places import views
from explorer.studio import streams
from explorer.studio.codes import as_code
from explorer.studio.compass import ground_of
from explorer.studio.session import Session
from explorer.studio.shelf import Opened
from explorer.studio.steering import FARTHEST, MOST_BENCH, read_identity

__all__ = ["HANDLERS"]

MOST_TIME = 256
COSTS = 30  # pictures of the allowance that the library counts for
LIBRARY = "plotting.js"


async def flows(call: Call) -> bytes:
    opened = await call.opened(call.session.model)
    ids = call.header.get("ids", [])
    if not isinstance(ids, list) or len(ids) > 2 * MOST_BENCH:
        raise ProtocolError(f"'ids' must be a list of at most {2 * MOST_BENCH} directions, got {str(ids)[:40]}.")
    held = [read_identity(each, "ids") for each in ids]
    ground = ground_of(opened, None)
    known = await asyncio.to_thread(_known, opened, held)
    return pack(reply(call.header, "flows") | {"flows": known, "why": await asyncio.to_thread(why_not, ground, "flow")})


def _known(opened: Opened, held: list[str]) -> list[dict[str, Any]]:
    """What came with the model and what is on the bench, each with how it moves codes."""
    found = dict(opened.compass.bundled(opened))
    found |= {identity: known for identity in held if identity not in found and (known := opened.compass.find_quietly(opened, identity)) is not None}
    return [_told(identity, direction) for identity, direction in found.items()]


def _told(identity: str, direction: Direction) -> dict[str, Any]:
    method = METHODS.get(direction.method)
    accuracy = direction.settings.get("accuracy")
    return {
        "id": identity, "name": direction.name, "title": method.title if method else direction.method, "target": direction.target, "unit": direction.unit,
        "accuracy": rounded(accuracy) if isinstance(accuracy, (int, float)) and accuracy == accuracy else None,
    } | streams.traits(direction)  # fmt: skip


async def flow(call: Call) -> bytes:
    session, opened, identity = await _asked(call)
    course = await asyncio.to_thread(
        streams.stream, opened, session, identity, step=_step(call), side=count(call.header, "side", 1, streams.MOST_SIDE)
    )
    code = as_code(opened.model, course.codes)
    pixels = await in_turns(call, session.model, code)
    if pixels is None:
        return call.skipped()
    told = await asyncio.to_thread(_measured, opened, course, pixels)
    return framed(call, pixels, code, "flow", told | {"id": identity, "places": await places_of(session, opened.atlas, code)})


def _measured(opened: Opened, course: streams.Stream, pixels: np.ndarray) -> dict[str, Any]:
    """What is told of every step of a stream."""
    heights, lengths, trained = course.heights, streams.percentiles(opened, course.codes), course.trained
    return {
        "first": course.first, "step": course.step, "times": _listed(course.times), "trained": list(trained) if trained else None, "cut": list(course.cut),
        "speed": _listed(course.speeds), "heights": None if heights is None else _listed(heights), "percentile": None if lengths is None else _listed(lengths),
        "change": [rounded(value) for value in streams.changes(pixels, streams.unit_of(opened))], "missed": rounded(_missed(course)),
    }  # fmt: skip


def _missed(course: streams.Stream) -> float:
    """How far, in latent lengths, subtraction would miss the start from the last step of what was trained, or from the last one."""
    last = course.trained[1] if course.trained else course.last
    missed = float((course.missed(last) - course.bare[course.start]).norm())
    return missed if missed == missed and missed != float("inf") else 1e6


async def arrows(call: Call) -> bytes:
    session, opened, identity = await _asked(call)
    atlas = await call.atlas()
    places, cell = _places(call)
    name = session.layout or next(iter(atlas.layouts), "")
    if atlas.nothing or not atlas.layouts:
        raise CapabilityError(f"'{session.model}' has no map to draw arrows on.")
    time = count(call.header, "time", 0, MOST_TIME)
    found = await asyncio.to_thread(streams.arrows, opened, session, identity, atlas.layout(name), places, cell=cell, time=time)
    payload = torch.cat([found.places, found.ways, found.near[:, None].float()], dim=1).float().contiguous().numpy().tobytes()
    return pack(reply(call.header, "arrows") | {"id": identity, "layout": name, "n": len(found.places)}, payload)


def _places(call: Call) -> tuple[Tensor, Tensor]:
    """The middles `(M, 2)` of the cells of a lattice over the part of a map that is in view, and their size. Raises ProtocolError."""
    columns, rows = count(call.header, "columns", 1, 40), count(call.header, "rows", 1, 40)
    if columns * rows > streams.MOST_ARROWS:
        raise ProtocolError(f"'arrows' gives at most {streams.MOST_ARROWS} of them, got {columns} × {rows}.")
    sides, cell = [], []
    for axis, n in (("x", columns), ("y", rows)):
        low, high = (number(call.header, f"{axis}{end}", -1e6, 1e6) for end in (0, 1))
        if high <= low:
            raise ProtocolError(f"'{axis}1' must lie above '{axis}0', got {low:g} and {high:g}.")
        sides.append(low + (torch.arange(n) + 0.5) / n * (high - low))
        cell.append((high - low) / n)
    return torch.cartesian_prod(*sides).view(-1, 2).float(), torch.tensor(cell)


async def landscape(call: Call) -> bytes:
    session, opened, identity = await _asked(call)
    size, reach = count(call.header, "size", *streams.SIZES), number(call.header, "reach", *streams.REACHES, default=3.0)
    side, at = count(call.header, "side", 1, streams.MOST_SIDE), _at(call)
    step, x, y = _step(call), call.header.get("x"), call.header.get("y")

    def work() -> tuple[streams.Stream, streams.Landscape]:
        course = streams.stream(opened, session, identity, step=step, side=side)
        return course, streams.landscape(opened, course, x, y, at=at, reach=reach, size=size)

    course, found = await asyncio.to_thread(work)
    told = {
        "size": size,
        "reach": reach,
        "names": list(found.names),
        "first": course.first,
        "walk": [_listed(place) for place in found.walk],
        "off": _listed(found.off),
    }
    return pack(reply(call.header, "landscape") | told, found.heights.float().contiguous().numpy().tobytes())


async def gap(call: Call) -> bytes:
    session, opened, first = await _asked(call)
    second = read_identity(call.header.get("other"), "other")
    edits = [(identity, number(call.header, name, -FARTHEST, FARTHEST)) for identity, name in ((first, "amount"), (second, "other_amount"))]
    code = await asyncio.to_thread(streams.both_ways, opened, session, *edits)
    pixels = await in_turns(call, session.model, code)
    if pixels is None:
        return call.skipped()
    unit = await asyncio.to_thread(streams.unit_of, opened)
    apart = {
        name: rounded(streams.changes(pixels[list(pair)], unit)[1]) for name, pair in (("gap", (1, 2)), ("moved", (0, 1)), ("other_moved", (0, 2)))
    }
    flat = code.values.flatten(1)
    return framed(call, pixels, code, "gap", apart | {"latent": rounded((flat[1] - flat[2]).norm())})


async def plotting(call: Call) -> bytes:
    call.history.allowance.take(COSTS)
    return pack(reply(call.header, "plotting"), await asyncio.to_thread((views() / LIBRARY).read_bytes))


async def _asked(call: Call) -> tuple[Session, Opened, str]:
    """The session as the request patches it, off any path, its model, and the direction that is asked about."""
    session = call.patched
    if session.journey.t is not None:
        raise ProtocolError(f"'{call.header['type']}' follows a direction from a picture, not along a path: leave the path in the patch.")
    identity = read_identity(text(call.header, "id"), "id")
    return session, await call.opened(session.model), identity


def _step(call: Call) -> float:
    return number(call.header, "step", *streams.STEPS)


def _at(call: Call) -> int:
    value = call.header.get("at", 0)
    if isinstance(value, bool) or not isinstance(value, int):
        raise ProtocolError(f"'at' must be a whole number, got {str(value)[:40]}.")
    return value


def _listed(values: Tensor) -> list[float]:
    return [rounded(value) for value in values.nan_to_num(0.0, 1e6, -1e6).tolist()]


HANDLERS: dict[str, Handler] = {"flows": flows, "flow": flow, "arrows": arrows, "landscape": landscape, "gap": gap, "plotting": plotting}
