"""Taking a state away and bringing one back: picture (a PNG with its recipe), python, replay, visit; and similar, the atlas pictures most like it."""

import asyncio

import numpy as np
import torch

from explorer import render
from explorer.core.errors import SessionError
from explorer.export import png
from explorer.live.desk import Call, Handler
from explorer.live.headers import count, reply, rounded, text
from explorer.live.protocol import pack
from explorer.studio.codes import as_code, check, code_of
from explorer.studio.python import snippet
from explorer.studio.recipe import Recipe
from explorer.studio.session import Session
from explorer.studio.similar import similar

__all__ = ["HANDLERS"]

MOST_SIMILAR = 48


async def picture(call: Call) -> bytes:
    """The picture of the session as a PNG file with its recipe inside."""
    session = call.patched
    opened = await call.opened(session.model)
    code = await asyncio.to_thread(code_of, opened, session)
    drawn = await call.draw(session.model, code, use="to keep")
    if drawn is None:
        return call.skipped()
    recipe = Recipe.of(opened.model, session, code, drawn.pixels[0])
    content = await asyncio.to_thread(png.write, drawn.pixels[0], recipe)
    return pack(reply(call.header, "picture") | {"name": f"{session.model}.png", "mime": "image/png"}, content)


async def python(call: Call) -> bytes:
    session = call.patched
    lines = await asyncio.to_thread(snippet, call.studio, session, local=call.visitor.local)
    return pack(reply(call.header, "python") | {"text": lines})


async def replay(call: Call) -> bytes:
    """The state of a recipe becomes a step."""
    recipe = Recipe.read(text(call.header, "recipe"))
    session = await asyncio.to_thread(recipe.session_for, call.studio)
    return await _goes_to(call, session, "a picture's recipe")


async def visit(call: Call) -> bytes:
    """The state of an address becomes a step."""
    session = Session.from_json(call.header.get("session"))
    if session.model not in call.studio.cards:
        raise SessionError(f"This address is of the model '{session.model[:80]}', which is not here. There are: {', '.join(call.studio.cards)}.")
    return await _goes_to(call, session, "from an address")


async def _goes_to(call: Call, session: Session, label: str) -> bytes:
    opened = await call.opened(session.model)
    await asyncio.to_thread(check, opened, session)
    call.desk.warm(session.model)
    return call.desk.told(call.studio.store.commit(call.id, session, label, by=call.visitor))


async def alike(call: Call) -> bytes:
    session = call.patched
    opened, atlas = await call.opened(session.model), await call.atlas()
    code = await asyncio.to_thread(code_of, opened, session)
    found = await asyncio.to_thread(similar, atlas, code.values[0].flatten().cpu(), count(call.header, "count", 1, MOST_SIMILAR))
    pictures = await _pictures(call, session.model, found.rows)
    if pictures is None:
        return call.skipped()
    answer = {
        "rows": list(found.rows), "distances": [rounded(distance) for distance in found.distances], "axes": found.axes,
        "labels": [atlas.described(row) for row in found.rows], "width": pictures.shape[2], "height": pictures.shape[1], "format": "rgba",
    }  # fmt: skip
    return pack(reply(call.header, "similar") | answer, b"".join(render.rgba(one) for one in pictures))


async def _pictures(call: Call, model: str, rows: tuple[int, ...]) -> np.ndarray | None:
    """The thumbnails `(N, H, W, 3)` of rows, or, where there are none, what the model draws of their codes."""
    atlas = await call.atlas()
    if atlas.thumbnails is not None:
        return await asyncio.to_thread(lambda: np.stack([call.studio.thumbnail(model, row) for row in rows]))
    opened = await call.opened(model)
    drawn = await call.draw(model, as_code(opened.model, torch.stack([atlas.code(row) for row in rows])), use="alike")
    return None if drawn is None else drawn.pixels


HANDLERS: dict[str, Handler] = {"picture": picture, "python": python, "replay": replay, "visit": visit, "similar": alike}
