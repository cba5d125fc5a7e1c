"""Models of one's own, for whoever sits at this computer: lend (brings a picture), train (a job), look (what the training draws by now)."""

import asyncio
import base64
from pathlib import Path

from explorer.core.errors import DataError
from explorer.live.answers.jobs import told
from explorer.live.answers.models import at_this_computer
from explorer.live.desk import Call, Handler
from explorer.live.headers import count, optional_text, reply, text
from explorer.live.protocol import pack
from explorer.studio import own
from explorer.studio.jobs import Job

__all__ = ["HANDLERS"]

LOOK = "look at a training"


async def lend(call: Call) -> bytes:
    at_this_computer(call, "Training on pictures")
    pile = optional_text(call.header, "pile") or await asyncio.to_thread(own.new_pile)
    if call.payload:
        await asyncio.to_thread(own.keep_picture, pile, count(call.header, "number", 0, own.MOST_PICTURES - 1), call.payload)
    return pack(reply(call.header, "lend") | {"pile": pile})


async def train(call: Call) -> bytes:
    at_this_computer(call, "Training on pictures")
    wish, studio, owner = _wish(call), call.studio, call.id

    def work(job: Job) -> dict[str, str]:
        job.report(0, 1, "Beginning…")
        file = own.train(job, wish, look=lambda picture: studio.loans.keep(owner, LOOK, picture, len(picture)))
        return {"model": studio.know(file), "file": str(file)}

    studio.loans.drop(owner, LOOK)
    return told(call, studio.jobs.start(owner, "train", f"Training '{wish.name}'", work))


def _wish(call: Call) -> own.Wish:
    header = call.header
    pile, path = optional_text(header, "pile"), optional_text(header, "path")
    if not pile and not (path or "").strip():
        raise DataError("Give the path of a folder of pictures, or choose some.")
    folder = own.pile(pile) if pile else Path(path.strip().strip("\"'")).expanduser()
    steps = None if header.get("steps") is None else count(header, "steps", 1, own.MOST_STEPS)
    return own.Wish(folder, text(header, "name"), count(header, "size", 1, 4096), count(header, "latent", 1, 4096), steps)


async def look(call: Call) -> bytes:
    picture = call.studio.loans.find(call.id, LOOK)
    return pack(reply(call.header, "look") | {"there": picture is not None, "format": "png"}, base64.b64decode(picture or ""))


HANDLERS: dict[str, Handler] = {"lend": lend, "train": train, "look": look}
