"""Files that were made for a visitor: fetch hands one over, a part at a time."""

from explorer.live.desk import Call, Handler
from explorer.live.headers import count, reply, text
from explorer.live.protocol import pack
from explorer.studio.outbox import Made

__all__ = ["HANDLERS", "sent"]


def sent(call: Call, made: Made) -> dict:
    """Puts a file where its visitor can fetch it; returns what a view needs to know for that, as a job's result."""
    return {"file": call.studio.outbox.put(call.id, made), "name": made.name, "type": made.type, "bytes": len(made.content), "parts": made.parts}


async def fetch(call: Call) -> bytes:
    made = call.studio.outbox.find(call.id, text(call.header, "file"))
    part = count(call.header, "part", 0, made.parts - 1)
    return pack(reply(call.header, "part") | {"part": part, "parts": made.parts, "name": made.name, "mime": made.type}, made.part(part))


HANDLERS: dict[str, Handler] = {"fetch": fetch}
