"""Along a path: path (its frames), points (what it goes through), distance (how far from the data it leads), film (a file of it), films (which),
geodesic (the way of least change), lengths (how much less)."""

import asyncio
from dataclasses import replace
from typing import Any

import torch

from explorer.core.atlas import Atlas
from explorer.core.errors import SessionError
from explorer.core.space import Code
from explorer.export import reel
from explorer.live.answers.files import sent
from explorer.live.answers.jobs import told
from explorer.live.answers.pictures import frames, places_of
from explorer.live.desk import MOST_FRAMES, Call, Handler
from explorer.live.headers import count, reply, rounded
from explorer.live.protocol import pack
from explorer.studio.codes import as_code, journey_codes, spot_code
from explorer.studio.jobs import Job
from explorer.studio.smoothest import lengths, smoothest

__all__ = ["HANDLERS"]

MOST_LOOKS = 129  # places along a path at which its distance from the data is told


async def path(call: Call) -> bytes:
    session = call.patched
    opened = await call.opened(session.model)
    t = torch.linspace(0, 1, count(call.header, "count", 2, MOST_FRAMES))
    await call.prepared(opened, session)
    code = journey_codes(opened, session, t)
    extra = {"t": _listed(t), "places": await places_of(session, opened.atlas, code)}
    return await frames(call, session.model, code, "path", extra)


async def points(call: Call) -> bytes:
    session = call.patched
    opened = await call.opened(session.model)
    if not session.journey.points:
        raise SessionError("This path has no points yet.")
    codes = [
        as_code(opened.model, spot_code(opened, spot, sampled=session.sampled, protect=session.protect)[None]) for spot in session.journey.points
    ]
    return await frames(call, session.model, Code(torch.cat([code.values for code in codes]), codes[0].space), "points", {})


async def distance(call: Call) -> bytes:
    session = call.patched
    opened = await call.opened(session.model)
    t = torch.linspace(0, 1, count(call.header, "count", 2, MOST_LOOKS))
    await call.prepared(opened, session)
    code = journey_codes(opened, session, t)
    apart = await asyncio.to_thread(_apart, opened.atlas, code)
    return pack(reply(call.header, "distance") | {"t": _listed(t), "typicality": _listed(code.typicality)} | apart)


def _apart(atlas: Atlas | None, code: Code) -> dict[str, Any]:
    """How far codes are from the data, how many data are nearer to each other, and what is usual among the data; None where there are none."""
    if atlas is None or atlas.nothing or not atlas.layouts:
        return {"distance": None, "strangeness": None, "usual": None}
    layout = next(iter(atlas.layouts.values()))
    distances = layout.nearest(code.values.flatten(1).cpu())[1]
    return {"distance": _listed(distances), "strangeness": _listed(layout.standing(distances)), "usual": [rounded(value) for value in layout.usual]}


async def film(call: Call) -> bytes:
    session, wish = call.patched, reel.read(call.header.get("wish"))
    await call.opened(session.model)

    def work(job: Job) -> dict[str, Any]:
        drawing = "Drawing and writing the frames…"
        return sent(call, reel.make(call.studio, session, wish, report=lambda done, of: job.report(done, of, drawing)))

    if not session.journey.whole:
        raise SessionError("A path needs both its ends before there is a film of it.")
    return told(call, call.studio.jobs.start(call.id, "film", f"A film of the path ({wish.kind})", work))


async def films(call: Call) -> bytes:
    return pack(reply(call.header, "films") | await asyncio.to_thread(reel.options))


async def geodesic(call: Call) -> bytes:
    session = call.patched
    opened = await call.opened(session.model)

    def work(job: Job) -> dict[str, Any]:
        searching = "Looking for the way on which the picture changes least…"
        journey = smoothest(opened, session, report=lambda done, of: job.report(done, of, searching))
        return {"journey": replace(session, journey=journey).to_json()["journey"]}

    if not session.journey.whole:
        raise SessionError("A path needs both its ends before there is a smoothest way between them.")
    return told(call, call.studio.jobs.start(call.id, "geodesic", "The way of least change", work))


async def lengths_of(call: Call) -> bytes:
    session = call.patched
    opened = await call.opened(session.model)
    found = await asyncio.to_thread(lengths, opened, session)
    return pack(reply(call.header, "lengths") | {"lengths": {kind: rounded(value) for kind, value in found.items()}})


def _listed(values: torch.Tensor) -> list[float]:
    return [rounded(value) for value in values.tolist()]


HANDLERS: dict[str, Handler] = {
    "path": path,
    "points": points,
    "distance": distance,
    "film": film,
    "films": films,
    "geodesic": geodesic,
    "lengths": lengths_of,
}
