"""What two axes do together: lattice (pictures of some cells), cell (where a click leads), square (all of it as a file)."""

from typing import Any

from explorer.export import square as squares
from explorer.live.answers.files import sent
from explorer.live.answers.jobs import told
from explorer.live.answers.pictures import frames
from explorer.live.desk import MOST_FRAMES, Call, Handler
from explorer.live.headers import count, reply
from explorer.live.protocol import pack
from explorer.studio.jobs import Job
from explorer.studio.lattice import Lattice, read
from explorer.studio.session import Session
from explorer.studio.studio import Opened

__all__ = ["HANDLERS"]

MOST_SCALE = 8


async def lattice(call: Call) -> bytes:
    session, opened, wanted = await _wanted(call)
    first = count(call.header, "first", 0, len(wanted) - 1)
    cells = range(first, min(first + count(call.header, "count", 1, MOST_FRAMES), len(wanted)))
    across, down = wanted.labels
    extra = {
        "first": first,
        "across": across,
        "down": down,
        "amounts": wanted.amounts,
        "names": [wanted.x.name, wanted.y.name],
        "units": [wanted.x.unit, wanted.y.unit],
    }
    return await frames(call, session.model, wanted.codes(opened, session, cells), "lattice", extra)


async def cell(call: Call) -> bytes:
    _, _, wanted = await _wanted(call)
    spot = wanted.cell(count(call.header, "cell", 0, len(wanted) - 1))
    return pack(reply(call.header, "cell") | {"spot": Session("", spot).to_json()["spot"]})


async def square(call: Call) -> bytes:
    session, _, wanted = await _wanted(call)
    scale = count(call.header, "scale", 1, MOST_SCALE)

    def work(job: Job) -> dict[str, Any]:
        return sent(call, squares.make(call.studio, session, wanted, scale=scale, report=lambda done, of: job.report(done, of, "Drawing the grid…")))

    return told(call, call.studio.jobs.start(call.id, "square", "The grid of two axes", work))


async def _wanted(call: Call) -> tuple[Session, Opened, Lattice]:
    session = call.patched
    opened = await call.opened(session.model)
    if session.journey.t is not None:
        await call.prepared(opened, session)
    return session, opened, read(opened, session, call.header)


HANDLERS: dict[str, Handler] = {"lattice": lattice, "cell": cell, "square": square}
