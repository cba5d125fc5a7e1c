"""What a map is drawn from: atlas, axis, thumbs, example."""

import asyncio

import torch

from explorer import render
from explorer.core.errors import CapabilityError
from explorer.live.desk import Call, Handler
from explorer.live.headers import count, optional_text, reply
from explorer.live.protocol import pack
from explorer.studio.studio import Studio

__all__ = ["HANDLERS"]


async def atlas(call: Call) -> bytes:
    atlas = await call.atlas()
    layout = atlas.layout(optional_text(call.header, "layout") or next(iter(atlas.layouts), ""))
    low, high = layout.bounds
    labels = [(torch.where(values < 0, 255, values)).to(torch.uint8).numpy().tobytes() for values in atlas.labels.values()]
    answer = reply(call.header, "atlas") | {
        "layout": layout.name, "n": len(atlas), "bounds": [low.tolist(), high.tolist()], "labels": list(atlas.labels), "honesty": layout.honesty,
    }  # fmt: skip
    return pack(answer, layout.xy.float().numpy().tobytes() + b"".join(labels))


async def axis(call: Call) -> bytes:
    atlas = await call.atlas()
    chosen = count(call.header, "axis", 0, atlas.codes.shape[1] - 1)
    return pack(reply(call.header, "axis") | {"axis": chosen, "n": len(atlas)}, atlas.codes[:, chosen].float().numpy().tobytes())


async def thumbs(call: Call) -> bytes:
    atlas = await call.atlas()
    if atlas.thumbnails is None:
        raise CapabilityError(f"The atlas of '{atlas.model}' has no thumbnails.")
    sprite = await asyncio.to_thread(atlas.thumbnails.read_bytes)
    return pack(reply(call.header, "thumbs") | {"n": len(atlas), "side": 32, "columns": 100, "format": "webp"}, sprite)


async def example(call: Call) -> bytes:
    atlas = await call.atlas()
    row = count(call.header, "row", 0, len(atlas) - 1)
    thumbnail = await asyncio.to_thread(_thumbnail, call.studio, atlas.model, row)
    return pack(reply(call.header, "example") | {"row": row, "labels": atlas.described(row), "format": "webp"}, thumbnail)


def _thumbnail(studio: Studio, model: str, row: int) -> bytes:
    return render.encode(studio.thumbnail(model, row), "webp", quality=90)


HANDLERS: dict[str, Handler] = {"atlas": atlas, "axis": axis, "thumbs": thumbs, "example": example}
