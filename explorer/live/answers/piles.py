"""The same edit on many pictures: pile (brings some, or a zip file of them), edit_pile (a job that makes a zip file)."""

import asyncio

from explorer.core.errors import DataError, ProtocolError, SessionError
from explorer.live.answers.files import sent
from explorer.live.answers.jobs import told
from explorer.live.answers.photos import COSTS, named, values
from explorer.live.desk import Call, Handler
from explorer.live.headers import flag, number, reply, text
from explorer.live.protocol import pack
from explorer.studio.changes import change_of
from explorer.studio.jobs import Job
from explorer.studio.many import MOST_PICTURES, MOST_ZIP, Pile, edited, inside
from explorer.studio.outbox import Made
from explorer.studio.photo import fitted

__all__ = ["HANDLERS"]

TOLD = 20  # unreadable files that are named to the visitor at once; all of them are in the zip file's record


async def pile(call: Call) -> bytes:
    """Adds to the visitor's pile: a picture, or a part of a zip file (`more` says that others follow). `start` begins a new one."""
    call.history.allowance.take(COSTS)
    if flag(call.header, "start"):
        call.studio.loans.drop(call.id, "pile")
        call.studio.loans.drop(call.id, "zip")
    kind = text(call.header, "kind")
    if kind not in ("picture", "zip"):
        raise ProtocolError(f"'kind' must be picture or zip, got {kind[:40]}.")
    if not call.payload:
        raise DataError(f"'{named(call)}' is empty.")
    await asyncio.to_thread(_zip if kind == "zip" else _picture, call)
    found = _found(call)
    lost = [list(pair) for pair in found.unreadable[-TOLD:]]
    return pack(reply(call.header, "pile") | {"count": len(found.photos), "lost": len(found.unreadable), "unreadable": lost, "most": MOST_PICTURES})


def _picture(call: Call) -> None:
    name = named(call)
    _add(call, [(name, call.payload)])


def _zip(call: Call) -> None:
    """Keeps a part of a zip file; with the last one it is opened."""
    before = call.studio.loans.find(call.id, "zip") or b""
    if len(before) + len(call.payload) > MOST_ZIP:
        call.studio.loans.drop(call.id, "zip")
        raise DataError(f"'{named(call)}' has more than {MOST_ZIP >> 20} MB; the most for a zip file is {MOST_ZIP >> 20} MB.")
    whole = before + call.payload
    if flag(call.header, "more"):
        return call.studio.loans.keep(call.id, "zip", whole, len(whole))
    call.studio.loans.drop(call.id, "zip")
    _add(call, inside(whole))


def _add(call: Call, files) -> None:
    model, found = call.session.model, _found(call)
    if found.model != model:
        found = Pile(model)
    try:
        for name, content in files:
            found.add(name[-80:], lambda name=name, content=content: _fitted(call, model, name, content))
    finally:
        call.studio.loans.keep(call.id, "pile", found, found.bytes)


def _fitted(call: Call, model: str, name: str, content: bytes | DataError):
    if isinstance(content, DataError):
        raise content
    return fitted(call.studio, model, content, title=name[-80:])


def _found(call: Call) -> Pile:
    return call.studio.loans.find(call.id, "pile") or Pile(call.session.model)


async def edit_pile(call: Call) -> bytes:
    session, studio, found = call.session, call.studio, _found(call)
    if found.model != session.model:
        raise SessionError(f"The pictures were fitted to '{found.model}', but '{session.model}' is open. Choose them again.")
    amount = number(call.header, "amount", -2, 2, default=1.0)
    own = None if call.header.get("photo") is None else values(call, "photo")
    opened = await call.opened(session.model)
    change = await asyncio.to_thread(change_of, opened, session, text(call.header, "change"), amount=amount, photo=own)
    if not found.photos:
        raise DataError("There is no picture to edit: choose some first.")

    def work(job: Job) -> dict:
        content = edited(studio, found.model, found.photos, change, unreadable=found.unreadable, report=job.report)
        return sent(call, Made(f"{found.model}-edited.zip", "application/zip", content)) | {"words": change.words}

    return told(call, studio.jobs.start(call.id, "edit", f"Editing {len(found.photos)} pictures", work))


HANDLERS: dict[str, Handler] = {"pile": pile, "edit_pile": edit_pile}
