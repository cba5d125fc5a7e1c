"""What a map is drawn from: atlas, axis, local, thumbs, example."""

import asyncio
from typing import Any

import torch

from explorer import render
from explorer.core.atlas import Atlas
from explorer.core.errors import CapabilityError, ProtocolError
from explorer.live.answers.jobs import told
from explorer.live.desk import Call, Handler
from explorer.live.headers import count, flag, optional_text, reply, text
from explorer.live.protocol import pack
from explorer.methods.maps.trust import MEASURES
from explorer.studio.codes import as_code
from explorer.studio.jobs import Job
from explorer.studio.studio import Studio

__all__ = ["HANDLERS"]

AT_ONCE = 1 << 16  # rows in one message: a large map comes in pieces, between which pictures still pass
TITLES = {"kept": "How far to trust", "stays": "What other seeds show of"}


async def atlas(call: Call) -> bytes:
    atlas = await call.atlas()
    layout = atlas.layout(optional_text(call.header, "layout") or next(iter(atlas.layouts), ""))
    low, high = layout.bounds
    first, last = _rows(call, len(atlas))
    labels = [torch.where((some := values[first:last]) < 0, 255, some).to(torch.uint8).numpy().tobytes() for values in atlas.labels.values()]
    answer = reply(call.header, "atlas") | {
        "layout": layout.name, "n": len(atlas), "rows": [first, last], "bounds": [low.tolist(), high.tolist()], "labels": list(atlas.labels),
        "honesty": layout.honesty,
    }  # fmt: skip
    return pack(answer, layout.xy[first:last].float().numpy().tobytes() + b"".join(labels))


def _rows(call: Call, n: int) -> tuple[int, int]:
    """The rows that a request wants, at most 65,536 of them: "rows" is the first and the one after the last. Raises ProtocolError."""
    wanted = call.header.get("rows", [0, n])
    if not isinstance(wanted, list) or len(wanted) != 2 or not all(isinstance(row, int) and not isinstance(row, bool) for row in wanted):
        raise ProtocolError(f"'rows' must be two whole numbers, the first row and the one after the last, got {str(wanted)[:40]}.")
    first, last = wanted
    if not 0 <= first <= last <= n:
        raise ProtocolError(f"'rows' must lie between 0 and {n}, the first before the last, got {str(wanted)[:40]}.")
    return first, min(last, first + AT_ONCE)


async def axis(call: Call) -> bytes:
    atlas = await call.atlas()
    chosen = count(call.header, "axis", 0, atlas.codes.shape[1] - 1)
    return pack(reply(call.header, "axis") | {"axis": chosen, "n": len(atlas)}, atlas.codes[:, chosen].float().numpy().tobytes())


async def local(call: Call) -> bytes:
    """What was measured of every place, or that it is not known; with `start` it is then measured, and the answer tells of that job."""
    atlas, name = await call.atlas(), text(call.header, "measure")
    layout = atlas.layout(text(call.header, "layout"))
    if name not in MEASURES:
        raise CapabilityError(f"No measure '{name[:40]}' of a map. Known: {', '.join(MEASURES)}.")
    found = await asyncio.to_thread(call.studio.trust.known, atlas, layout, name)
    if found is None and flag(call.header, "start"):
        return told(call, _measuring(call, atlas, layout.name, name))
    answer = reply(call.header, "local") | {"layout": layout.name, "measure": name}
    if found is None:
        return pack(answer | {"n": 0, "about": None})
    return pack(answer | {"n": len(found.share), "about": found.about}, found.share.numpy().tobytes())


def _measuring(call: Call, atlas: Atlas, layout: str, name: str) -> Job:
    """The job that measures the places of a map: the one under way, or a new one."""
    title = f"{TITLES[name]} the {layout} map of {atlas.model}"
    for job in call.studio.jobs.of(call.id):
        if job.title == title and job.state in ("waiting", "running"):
            return job
    trust = call.studio.trust

    def work(job: Job) -> dict[str, Any]:
        return trust.find(atlas, atlas.layout(layout), name, report=job.report, stop=job.stopped).about

    return call.studio.jobs.start(call.id, name, title, work)


async def thumbs(call: Call) -> bytes:
    atlas = await call.atlas()
    if atlas.thumbnails is None:
        raise CapabilityError(f"The atlas of '{atlas.model}' has no thumbnails.")
    sprite = await asyncio.to_thread(atlas.thumbnails.read_bytes)
    return pack(reply(call.header, "thumbs") | {"n": len(atlas), "side": 32, "columns": 100, "format": "webp"}, sprite)


async def example(call: Call) -> bytes:
    """The picture that a row is the code of, or where the atlas has none (`drawn`), the one that the model draws from the code."""
    atlas, name = await call.atlas(), call.session.model
    row = count(call.header, "row", 0, len(atlas) - 1)
    answer = reply(call.header, "example") | {"row": row, "labels": atlas.described(row), "format": "webp", "drawn": atlas.thumbnails is None}
    if atlas.thumbnails is not None:
        return pack(answer, await asyncio.to_thread(_thumbnail, call.studio, name, row))
    opened = await call.opened(name)
    drawn = await call.draw(name, as_code(opened.model, atlas.code(row)[None]))
    return call.skipped() if drawn is None else pack(answer, await asyncio.to_thread(render.encode, drawn.pixels[0], "webp", quality=90))


def _thumbnail(studio: Studio, model: str, row: int) -> bytes:
    return render.encode(studio.thumbnail(model, row), "webp", quality=90)


HANDLERS: dict[str, Handler] = {"atlas": atlas, "axis": axis, "local": local, "thumbs": thumbs, "example": example}
