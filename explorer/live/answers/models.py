"""The models there are: models, about (the passport of one, open or not), cover (a small picture), add (one of this computer's files)."""

import asyncio

from explorer import render
from explorer.core.errors import CapabilityError
from explorer.live.answers.jobs import told
from explorer.live.desk import Call, Handler
from explorer.live.headers import flag, reply, text
from explorer.live.protocol import pack
from explorer.studio import passport
from explorer.studio.jobs import Job

__all__ = ["HANDLERS", "at_this_computer"]


def at_this_computer(call: Call, what: str) -> None:
    """Raises CapabilityError unless the visitor sits at the computer that serves the page."""
    if not call.visitor.local:
        raise CapabilityError(f"{what} by its path works only where the page is served on your own computer, opened as localhost.")


async def models(call: Call) -> bytes:
    return pack(reply(call.header, "models") | {"models": passport.models(call.studio)})


async def about(call: Call) -> bytes:
    told_of = await asyncio.to_thread(passport.about, call.studio, text(call.header, "model"))
    return pack(reply(call.header, "about") | {"about": told_of})


async def cover(call: Call) -> bytes:
    name = text(call.header, "model")
    picture = await asyncio.to_thread(passport.cover, call.studio, name)
    answer = reply(call.header, "cover") | {"model": name, "format": "webp", "there": picture is not None}
    return pack(answer, b"" if picture is None else render.encode(picture, "webp", quality=90))


async def add(call: Call) -> bytes:
    at_this_computer(call, "Opening a model")
    path, trust, studio = text(call.header, "path"), flag(call.header, "trust"), call.studio

    def work(job: Job) -> str:
        job.report(0, 2, "Reading what it says of itself…")
        name = studio.add(path, trust=trust)
        job.report(1, 2, "Loading the weights…")
        studio.open(name)
        job.report(2, 2, "Loaded.")
        return name

    return told(call, studio.jobs.start(call.id, "open", f"Opening {path.strip()[-60:]}", work))


HANDLERS: dict[str, Handler] = {"models": models, "about": about, "cover": cover, "add": add}
