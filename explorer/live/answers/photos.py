"""Pictures of one's own: photo (brings one), likeness (of a code's picture to it), refine (a job that searches a better code), forget_photo."""

import asyncio
from typing import Any

import torch
from torch import Tensor

from explorer import render
from explorer.core.errors import DataError, SessionError
from explorer.data.pictures import Frame
from explorer.live.answers.jobs import told
from explorer.live.desk import Call, Handler
from explorer.live.headers import count, flag, number, optional_text, reply, rounded
from explorer.live.protocol import pack
from explorer.studio.codes import as_code
from explorer.studio.jobs import Job
from explorer.studio.photo import Likeness, Photo, compared, fitted
from explorer.studio.refine import MOST_STEPS, Wishes, follow, refined
from explorer.studio.session import MOST_AXES
from explorer.studio.usual import usual

__all__ = ["COSTS", "HANDLERS", "named", "values"]

COSTS = 8  # pictures of the allowance that reading a file counts for
LONGEST = 80  # letters of a file's name that are repeated


async def photo(call: Call) -> bytes:
    if not call.payload and call.header.get("name") is None:
        return await _kept(call)
    if not call.payload:
        raise DataError(f"'{named(call)}' is empty: a picture file has at least a few bytes.")
    call.history.allowance.take(COSTS)
    return await asyncio.to_thread(_taken, call, call.session.model, named(call), _frame(call))


def _taken(call: Call, model: str, name: str, frame: Frame) -> bytes:
    taken = fitted(call.studio, model, call.payload, frame=frame, title=name)
    call.studio.loans.keep(call.id, "photo", taken, taken.pixels.nbytes)
    return _shown(call, taken)


async def _kept(call: Call) -> bytes:
    """The photo that is there already, as after the page was loaded again."""
    kept = call.studio.loans.find(call.id, "photo")
    if kept is None or kept.model != call.session.model:
        return pack(reply(call.header, "photo") | {"name": None})
    return await asyncio.to_thread(_shown, call, kept)


def _shown(call: Call, photo: Photo) -> bytes:
    """A photo, with what its encoder's code draws where there is one."""
    height, width = photo.pixels.shape[1:3]
    answer = reply(call.header, "photo") | {"name": photo.name, "model": photo.model, "width": width, "height": height, "code": None}
    if photo.code is None:
        return _with_pictures(answer, photo, None)
    code = photo.code.tolist()
    return _with_pictures(answer | {"code": code, "large": len(code) > MOST_AXES}, photo, compared(call.studio, photo, photo.code))


async def likeness(call: Call) -> bytes:
    """How a code's picture compares with the photo; with `quick`, without what takes a moment to measure."""
    kept, quick = _own(call), flag(call.header, "quick")
    code = kept.code if call.header.get("values") is None else values(call, "values")
    if code is None:
        raise SessionError(f"'{kept.model}' has no encoder, so no code of '{kept.name}' is known before one was searched.")
    return await asyncio.to_thread(_likeness, call, kept, code, quick)


def _likeness(call: Call, photo: Photo, code: Tensor, quick: bool) -> bytes:
    as_code(call.studio.model(photo.model), code[None])
    found = compared(call.studio, photo, code)
    known = None if quick else usual(call.studio, photo, found.pixels)
    share = None if known is None else {"share": rounded(known.share), "count": known.count, "kind": known.kind}
    return _with_pictures(reply(call.header, "likeness") | {"usual": share}, photo, found)


async def refine(call: Call) -> bytes:
    kept, studio = _own(call), call.studio
    wishes = Wishes(number(call.header, "closeness", 0, 1), count(call.header, "steps", 1, MOST_STEPS), flag(call.header, "seen"))

    def work(job: Job) -> dict[str, Any]:
        return refined(studio, kept, wishes, watch=follow(job, studio.model(kept.model))).to_json()

    words = f"Searching the code of {kept.name}" if kept.code is None else f"Refining the code of {kept.name}"
    return told(call, studio.jobs.start(call.id, "refine", words, work))


async def forget_photo(call: Call) -> bytes:
    call.studio.loans.drop(call.id)
    return pack(reply(call.header, "photo") | {"name": None})


def _own(call: Call) -> Photo:
    kept = call.studio.loans.find(call.id, "photo")
    if kept is None:
        raise SessionError("Your photo is no longer kept here: it is dropped after an hour without use. Choose it again.")
    return kept


def _with_pictures(answer: dict[str, Any], photo: Photo, found: Likeness | None) -> bytes:
    """An answer with what was found, and with the photo and the code's picture as PNG files."""
    pictures = [photo.pixels[0], *([found.pixels] if found else [])]
    files = [render.encode(picture) for picture in pictures]
    measured = {} if found is None else {
        "error": rounded(found.error), "psnr": rounded(found.psnr), "typicality": rounded(found.typicality), "nearest": found.nearest,
        "strangeness": None if found.strangeness is None else rounded(found.strangeness), "seen": {q: list(pair) for q, pair in found.seen.items()},
    }  # fmt: skip
    return pack(answer | measured | {"sizes": [len(file) for file in files]}, b"".join(files))


def values(call: Call, name: str) -> Tensor:
    """The flat code that a request brings. Raises SessionError."""
    spot = call.session.patched({"spot": {"origin": {"kind": "values", "values": call.header[name]}}}).spot
    return torch.tensor(spot.origin.values)


def named(call: Call) -> str:
    """What a file is called, for the screen only: it is never used as a path."""
    name = (optional_text(call.header, "name") or "photo").replace("\\", "/").rsplit("/", 1)[-1]
    return "".join(letter for letter in name if letter.isprintable())[-LONGEST:] or "photo"


def _frame(call: Call) -> Frame:
    wanted = call.header.get("frame") or {}
    fields = {"type": "photo"} | wanted if isinstance(wanted, dict) else {"type": "photo", "x": wanted}
    return Frame(number(fields, "x", 0, 1, default=0.5), number(fields, "y", 0, 1, default=0.5), number(fields, "size", 0.02, 1, default=1.0))


HANDLERS: dict[str, Handler] = {"photo": photo, "likeness": likeness, "refine": refine, "forget_photo": forget_photo}
