"""Along a path: path (its frames), points (what it goes through), distance (how far from the data it leads)."""

import asyncio

import torch

from explorer.core.errors import SessionError
from explorer.core.space import Code
from explorer.live.answers.pictures import frames, places_of
from explorer.live.desk import MOST_FRAMES, Call, Handler
from explorer.live.headers import count, reply, rounded
from explorer.live.protocol import pack
from explorer.studio.codes import as_code, journey_codes, spot_code

__all__ = ["HANDLERS"]

MOST_LOOKS = 129  # places along a path at which its distance from the data is told


async def path(call: Call) -> bytes:
    session = call.patched
    opened = await call.opened(session.model)
    t = torch.linspace(0, 1, count(call.header, "count", 2, MOST_FRAMES))
    await call.prepared(opened, session)
    code = journey_codes(opened.model, opened.atlas, session, t)
    extra = {"t": _listed(t), "places": await places_of(session, opened.atlas, code)}
    return await frames(call, session.model, code, "path", extra)


async def points(call: Call) -> bytes:
    session = call.patched
    opened = await call.opened(session.model)
    if not session.journey.points:
        raise SessionError("This path has no points yet.")
    codes = [as_code(opened.model, spot_code(opened.model, opened.atlas, spot, sampled=session.sampled)[None]) for spot in session.journey.points]
    return await frames(call, session.model, Code(torch.cat([code.values for code in codes]), codes[0].space), "points", {})


async def distance(call: Call) -> bytes:
    session = call.patched
    opened = await call.opened(session.model)
    t = torch.linspace(0, 1, count(call.header, "count", 2, MOST_LOOKS))
    await call.prepared(opened, session)
    code = journey_codes(opened.model, opened.atlas, session, t)
    layouts = opened.atlas.layouts if opened.atlas is not None and not opened.atlas.nothing else {}
    any_map = next(iter(layouts.values()), None)
    strangeness = None if any_map is None else _listed(await asyncio.to_thread(any_map.strangeness, code.values.flatten(1).cpu()))
    return pack(reply(call.header, "distance") | {"t": _listed(t), "typicality": _listed(code.typicality), "strangeness": strangeness})


def _listed(values: torch.Tensor) -> list[float]:
    return [rounded(value) for value in values.tolist()]


HANDLERS: dict[str, Handler] = {"path": path, "points": points, "distance": distance}
