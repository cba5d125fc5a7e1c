"""Pictures of codes: decode, grid; and a picture in words: describe."""

import asyncio
from dataclasses import replace
from typing import Any

import numpy as np

from explorer import render
from explorer.core.atlas import Atlas
from explorer.core.errors import CapabilityError
from explorer.core.space import Code
from explorer.live.desk import MOST_FRAMES, Call, Handler
from explorer.live.headers import count, number, reply, rounded
from explorer.live.protocol import pack
from explorer.studio.codes import as_code, code_of, interpolated, spot_code
from explorer.studio.describe import describe
from explorer.studio.haste import alone
from explorer.studio.planes import pictures_of
from explorer.studio.preview import SLOW
from explorer.studio.sample import seeds
from explorer.studio.session import Session
from explorer.studio.shelf import Opened

__all__ = ["HANDLERS", "framed", "frames", "in_turns", "places_of"]

TURN = 400.0  # milliseconds that a film or grid of a slow model may keep others waiting
MOST_BYTES = 4 << 20  # of the frames of one answer; larger ones are sent at half their sides
MOST_TOLD = 1024  # numbers of a code that every moving picture brings along; longer codes come with the picture at rest
RAW_SIDE = 128  # pictures up to this side travel as raw RGBA, larger ones as JPEG while moving and PNG when still


async def decode(call: Call) -> bytes:
    session = call.patched
    opened = await call.opened(session.model)
    if session.journey.t is not None:
        await call.prepared(opened, session)
    still = call.header.get("still") is True
    code = await (_code(opened, session) if still else _hurried(call, opened, session))
    hurried = not still and _slow(call, session.model)
    drawn = await call.draw(session.model, code, preview=hurried)
    if drawn is None:
        return call.skipped()
    pixels = (drawn.pixels if drawn.preview or not hurried else render.halved(drawn.pixels))[0]
    places = await places_of(session, opened.atlas, code)
    strangeness = await asyncio.to_thread(_strangeness, opened.atlas, code) if still else None
    kind = "jpeg" if hurried else _format(pixels, still)
    frame = reply(call.header, "frame") | {
        "still": still, "width": pixels.shape[1], "height": pixels.shape[0], "format": kind, "typicality": rounded(code.typicality[0]),
        "place": places[0] if places else None, "code": _told(code) if still or code.space.size <= MOST_TOLD else None,
        "strangeness": strangeness, "decode_ms": rounded(drawn.milliseconds), "batch": drawn.batch, "interpolated": interpolated(session), "preview": hurried,
    }  # fmt: skip
    return pack(frame, render.rgba(pixels) if kind == "rgba" else render.encode(pixels, kind))


async def _code(opened: Opened, session: Session) -> Code:
    """The code of a session; edits along directions may be walks, so those are made aside."""
    return await alone(code_of, opened, session) if session.spot.edits else code_of(opened, session)


async def _hurried(call: Call, opened: Opened, session: Session) -> Code:
    """The same for a hand that moves, nearly: see `studio/haste.py`."""
    if session.journey.t is not None or not session.spot.edits:
        return code_of(opened, session)
    bare = spot_code(opened, replace(session.spot, edits=()), sampled=session.sampled)
    flat = await alone(opened.compass.haste.edited, opened, session, bare, visitor=f"{call.id} {call.visitor.connection}")
    return as_code(opened.model, flat[None])


async def grid(call: Call) -> bytes:
    session = call.session
    opened = await call.opened(session.model)
    truncation = number(call.header, "truncation", 0, 1, default=1.0)
    first = count(call.header, "first", 0, 2**32 - 1)
    code = seeds(opened.model, first, count(call.header, "count", 1, MOST_FRAMES), truncation=truncation)
    return await frames(call, session.model, code, "grid", {"first": first})


async def planes(call: Call) -> bytes:
    """The channels of a code with rows and columns, as grey levels."""
    session = call.patched
    opened = await call.opened(session.model)
    code = await _code(opened, session)
    if len(code.space.shape) != 3:
        raise CapabilityError(f"'{session.model}' has codes of shape {code.space.shape}: there are no channels with rows and columns to show.")
    values = code.values[0]
    most = max(float(values.abs().max()), 1e-6)
    sizes = dict(zip(("channels", "height", "width"), values.shape))
    return pack(reply(call.header, "planes") | sizes | {"most": rounded(most)}, pictures_of(values, most=most).numpy().tobytes())


async def in_words(call: Call) -> bytes:
    session = call.patched
    opened = await call.opened(session.model)
    if session.journey.t is not None:
        await call.prepared(opened, session)
    code = await _code(opened, session)
    drawn = await call.draw(session.model, code, use="in words")
    if drawn is None:
        return call.skipped()
    said = await asyncio.to_thread(describe, call.studio, session.model, code, drawn.pixels[0])
    answer = {"text": said.text, "attributes": said.attributes, "nearest": said.nearest, "strangeness": said.strangeness}
    return pack(reply(call.header, "describe") | answer)


async def frames(call: Call, model: str, code: Code, kind: str, extra: dict[str, Any]) -> bytes:
    """The answer that holds the pictures of many codes, one after another, raw."""
    pixels = await in_turns(call, model, code)
    return call.skipped() if pixels is None else framed(call, pixels, code, kind, extra)


def framed(call: Call, pixels: np.ndarray, code: Code, kind: str, extra: dict[str, Any]) -> bytes:
    """The same of pixels `(B, H, W, C)` that are drawn already."""
    while pixels.nbytes / pixels.shape[3] * 4 > MOST_BYTES:
        pixels = render.halved(pixels)
    height, width = pixels.shape[1:3]
    answer = {"count": len(code), "width": width, "height": height, "format": "rgba", "typicality": [rounded(v) for v in code.typicality.tolist()]}
    return pack(reply(call.header, kind) | answer | extra, b"".join(render.rgba(picture) for picture in pixels))


async def in_turns(call: Call, model: str, code: Code) -> np.ndarray | None:
    """The pixels of many codes. A slow model draws few at a time, so that no hand waits for all of them, and draws previews."""
    slow = _slow(call, model)
    several = max(1, int(TURN / call.studio.engine.milliseconds(model))) if slow else len(code)
    done: list[np.ndarray] = []
    for start in range(0, len(code), several):
        drawn = await call.draw(model, code[start : start + several], preview=slow)
        if drawn is None:
            return None
        pixels = render.halved(drawn.pixels) if slow and not drawn.preview else drawn.pixels
        done.append(render.resized(pixels, *(done[0] if done else pixels).shape[1:3]))
    return np.concatenate(done)


async def places_of(session: Session, atlas: Atlas | None, code: Code) -> list[list[float]] | None:
    """Where codes lie on the session's map. Linear maps answer at once; others search, away from the event loop."""
    if atlas is None or atlas.nothing or not atlas.layouts:
        return None
    layout = atlas.layout(session.layout or next(iter(atlas.layouts)))
    flat = code.values.flatten(1)
    xy = layout.place(flat) if layout.axes is not None else await asyncio.to_thread(layout.place, flat)
    return [[rounded(x), rounded(y)] for x, y in xy.tolist()]


def _told(code: Code) -> list[float]:
    """The numbers of one code, as many digits as a slider shows."""
    return [rounded(v) for v in code.values.flatten().tolist()]


def _slow(call: Call, model: str) -> bool:
    """Whether a model is too slow to follow a hand with whole pictures."""
    return (call.studio.engine.milliseconds(model) or 0) > SLOW


def _strangeness(atlas: Atlas | None, code: Code) -> float | None:
    """How far a code is from every atlas code, as the share of atlas codes that lie closer to their own nearest neighbour."""
    if atlas is None or atlas.nothing or not atlas.layouts:
        return None
    return rounded(next(iter(atlas.layouts.values())).strangeness(code.values.flatten(1))[0])


def _format(pixels: np.ndarray, still: bool) -> str:
    if max(pixels.shape[:2]) <= RAW_SIDE:
        return "rgba"
    return "png" if still else "jpeg"


HANDLERS: dict[str, Handler] = {"planes": planes, "decode": decode, "grid": grid, "describe": in_words}
