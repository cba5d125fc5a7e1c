"""Beginning, changing and undoing: hello, open, commit, undo, redo."""

import asyncio
import contextlib

from explorer.core.errors import CapabilityError, ExplorerError, ProtocolError
from explorer.live.desk import Call, Handler, state
from explorer.live.headers import optional_text, text
from explorer.live.protocol import VERSION, pack
from explorer.studio import passport
from explorer.studio.codes import check
from explorer.studio.haste import alone
from explorer.studio.session import Session

__all__ = ["HANDLERS"]


async def hello(call: Call) -> bytes:
    if call.header.get("version") != VERSION:
        raise ProtocolError(
            f"This server speaks version {VERSION} of the live channel, the page speaks {str(call.header.get('version'))[:20]}. Reload the page."
        )
    studio, wanted = call.studio, call.header.get("session")
    if not studio.store.knows(wanted):
        wanted = studio.store.create(await asyncio.to_thread(_beginning, call))
    call.visitor.session = wanted
    model = call.session.model
    info = await asyncio.to_thread(passport.passport, studio, model)
    call.desk.warm(model)
    models = passport.models(studio)
    return pack({"type": "welcome", "session": wanted, "state": state(call.history), "models": models, "info": info, "local": call.visitor.local})


def _beginning(call: Call) -> Session:
    """The session that a page still has of one forgotten here, as after a restart; a fresh one where there is none or it fits nothing."""
    studio, model = call.studio, optional_text(call.header, "model")
    with contextlib.suppress(ExplorerError):
        session = Session.from_json(call.header.get("last"))
        opened = studio.open(session.model)
        check(opened, session)
        return session
    if model in studio.cards and not passport.why_not(studio.cards[model]):
        with contextlib.suppress(ExplorerError):  # the page asks to open it once more and is told why that fails
            return studio.session(model)
    return studio.session(studio.first)


async def open_model(call: Call) -> bytes:
    name, cards = text(call.header, "model"), call.studio.cards
    why = passport.why_not(cards[name]) if name in cards else None
    if why:
        raise CapabilityError(f"'{name}' cannot be traversed. {why}")
    session = await asyncio.to_thread(call.studio.session, name)
    call.desk.warm(name)
    return call.desk.told(call.studio.store.commit(call.id, session, f"open {name}", by=call.visitor))


async def commit(call: Call) -> bytes:
    session = None
    while (now := call.patched) != session:  # another change may have been made while a path was laid or a model loaded
        session = now
        opened = await call.opened(session.model)
        await call.prepared(opened, session)
        await alone(check, opened, session)  # what cannot be shown is not committed; edits may be walks that take a moment
    label = optional_text(call.header, "label") or "change"
    return call.desk.told(call.studio.store.commit(call.id, session, label[:80], by=call.visitor))


async def undo(call: Call) -> bytes:
    return call.desk.told(call.studio.store.undo(call.id, by=call.visitor))


async def redo(call: Call) -> bytes:
    return call.desk.told(call.studio.store.redo(call.id, by=call.visitor))


HANDLERS: dict[str, Handler] = {"hello": hello, "open": open_model, "commit": commit, "undo": undo, "redo": redo}
