"""Looking back: history (the tree of steps), glance (small pictures of steps), go, star, forget."""

import asyncio
from collections import defaultdict
from typing import Any

import numpy as np
import torch

from explorer import render
from explorer.core.errors import ExplorerError, ProtocolError
from explorer.core.space import Code
from explorer.live.desk import Call, Handler
from explorer.live.headers import count, optional_text, reply, text
from explorer.live.protocol import pack
from explorer.studio.codes import code_of
from explorer.studio.glance import SIDE
from explorer.studio.store import DAYS, MOST_STEPS, Step

__all__ = ["HANDLERS"]

MOST_GLANCES = 16
MOST_NUMBER = 2**53
MOST_NAME = 80


async def history(call: Call) -> bytes:
    kept = call.history
    steps = [_told(step) for _, step in sorted(kept.steps.items())]
    store = call.studio.store
    answer = {
        "now": kept.now,
        "steps": steps,
        "about": store.about(local=call.visitor.local),
        "trouble": store.trouble,
        "days": DAYS,
        "most": MOST_STEPS,
    }
    return pack(reply(call.header, "history") | answer)


def _told(step: Step) -> dict[str, Any]:
    return {"number": step.number, "parent": step.parent, "label": step.label, "made": step.made, "model": step.session.model, "star": step.star}


async def glance(call: Call) -> bytes:
    """Small pictures one below the other, of the steps that could be drawn; the others are named too."""
    wanted = call.header.get("steps")
    if not isinstance(wanted, list) or not 1 <= len(wanted) <= MOST_GLANCES or any(isinstance(n, bool) or not isinstance(n, int) for n in wanted):
        raise ProtocolError(f"'steps' must be a list of 1 to {MOST_GLANCES} numbers of steps, got {str(wanted)[:40]}.")
    kept = call.history.steps
    steps = [kept[number] for number in wanted if number in kept]
    pictures = {step.number: small for step in steps if (small := call.studio.glances.find(call.id, step.session)) is not None}
    missing: dict[str, list[Step]] = defaultdict(list)
    for step in steps:
        if step.number not in pictures:
            missing[step.session.model].append(step)
    for model, some in missing.items():
        pictures |= await _drawn(call, model, some)
    drawn = [number for number in wanted if number in pictures]
    sheet = np.concatenate([pictures[number] for number in drawn]) if drawn else None
    answer = {"steps": drawn, "blank": [number for number in wanted if number not in pictures], "side": SIDE, "format": "webp"}
    payload = b"" if sheet is None else await asyncio.to_thread(render.encode, sheet, "webp", quality=88)
    return pack(reply(call.header, "glance") | answer, payload)


async def _drawn(call: Call, model: str, steps: list[Step]) -> dict[int, np.ndarray]:
    """The small pictures of steps of one model, as far as they can still be drawn."""
    codes: dict[int, Code] = {}
    try:
        opened = await call.opened(model)
        for step in steps:
            codes[step.number] = code_of(opened, step.session)
        code = Code(torch.cat([code.values for code in codes.values()]), opened.model.space)
        drawn = await call.draw(model, code, use=model)
    except ExplorerError:  # a model that has gone, or one that changed: the step is shown without a picture
        return await _drawn(call, model, steps[: len(steps) // 2]) | await _drawn(call, model, steps[len(steps) // 2 :]) if len(steps) > 1 else {}
    if drawn is None:
        return {}
    return {step.number: call.studio.glances.keep(call.id, step.session, pixels) for step, pixels in zip(steps, drawn.pixels)}


async def go(call: Call) -> bytes:
    number = count(call.header, "step", 0, MOST_NUMBER)
    step = call.history.steps.get(number)
    if step is not None:
        await call.opened(step.session.model)  # a model that has gone is said before anything changes
    return call.desk.told(call.studio.store.go(call.id, number, by=call.visitor))


async def star(call: Call) -> bytes:
    """Bookmarks a step, or takes its bookmark away where no name is given; an empty name means the step's own label."""
    number, name = count(call.header, "step", 0, MOST_NUMBER), optional_text(call.header, "name")
    step = call.history.steps.get(number)
    if name is not None and step is not None:
        name = name.strip()[:MOST_NAME] or step.label
    return call.desk.told(call.studio.store.star(call.id, number, name, by=call.visitor))


async def earlier(call: Call) -> bytes:
    """What there is of another session whose id this page still has."""
    store, other = call.studio.store, text(call.header, "session")
    answer: dict[str, Any] = {"steps": 0}
    if other != call.id and store.knows(other):
        found = store.history(other)
        latest = max(found.steps.values(), key=lambda step: step.made)
        answer = {"steps": len(found.steps), "made": latest.made, "model": found.session.model}
    return pack(reply(call.header, "earlier") | answer)


async def forget(call: Call) -> bytes:
    """Removes all that is kept of the visitor; the connection has no session any more."""
    call.studio.forget(call.id)
    call.visitor.session = None
    return pack(reply(call.header, "forgotten"))


HANDLERS: dict[str, Handler] = {"history": history, "glance": glance, "go": go, "star": star, "earlier": earlier, "forget": forget}
