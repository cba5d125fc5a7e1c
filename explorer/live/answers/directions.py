"""Directions: directions (what there is), find, refine and compose (jobs), along (a strip), alike (cosines), and their files: save, load, labels."""

import asyncio
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from explorer import directions as files
from explorer.core.direction import Direction
from explorer.core.errors import DataError, ProtocolError
from explorer.live.answers.jobs import told
from explorer.live.answers.photos import named
from explorer.live.answers.pictures import frames
from explorer.live.desk import MOST_FRAMES, Call, Handler
from explorer.live.headers import reply, rounded, text
from explorer.live.protocol import pack
from explorer.methods.directions.find import METHODS, Wish, why_not
from explorer.methods.directions.gradient import MODES
from explorer.methods.flows.pde import KINDS
from explorer.studio import groups
from explorer.studio.codes import as_code, spot_code
from explorer.studio.compass import ground_of
from explorer.studio.jobs import Job
from explorer.studio.lattice import middle_of
from explorer.studio.session import Spot, Values
from explorer.studio.shelf import Opened
from explorer.studio.steering import FARTHEST, MOST_BENCH, read_edits, read_identity

__all__ = ["HANDLERS"]

MOST_GROUP = 100_000
LONGEST = 80  # letters of a name
MOST_TRAINING = 5_000  # updates that a visitor may ask for
COSTS = 30  # pictures of the allowance that a file of directions counts for
ALIKE_CODES = 64


async def directions(call: Call) -> bytes:
    session = call.session
    opened = await call.opened(session.model)
    ids = _identities(call.header.get("ids", []))
    known = await asyncio.to_thread(_known, opened, ids)
    ground = await _ground(call, opened)
    methods = [
        {"name": name, "title": method.title, "words": method.words, "kind": method.kind, "why": why_not(ground, name)}
        for name, method in METHODS.items()
    ]
    labels = [{"name": name, "classes": list(classes)} for name, classes in opened.atlas.classes.items()] if opened.atlas else []
    missing = len(set(ids) - {each["id"] for each in known})
    answer = {"directions": known, "missing": missing, "methods": methods, "labels": labels, "protectable": [label["name"] for label in labels]}
    return pack(reply(call.header, "directions") | answer)


def _known(opened: Opened, ids: list[str]) -> list[dict[str, Any]]:
    """What came with the model and what is on the bench, as far as it is known here."""
    bundled = opened.compass.bundled(opened)
    found = {identity: opened.compass.find_quietly(opened, identity) for identity in [*bundled, *ids]}
    return [_told(identity, direction, bundled=identity in bundled) for identity, direction in found.items() if direction is not None]


def _told(identity: str, direction: Direction, *, bundled: bool) -> dict[str, Any]:
    title = METHODS[direction.method].title if direction.method in METHODS else direction.method
    return {
        "id": identity, "name": direction.name, "method": direction.method, "title": title, "bundled": bundled, "unit": direction.unit,
        "target": direction.target, "settings": _plain(direction.settings), "evidence": _plain(direction.evidence),
    }  # fmt: skip


def _plain(values: Any) -> Any:
    """The same values with numbers as a screen needs them; what is no number is left out, as JSON has none of it."""
    if isinstance(values, Mapping):
        return {str(key): _plain(value) for key, value in values.items()}
    if isinstance(values, (list, tuple)):
        return [_plain(value) for value in values]
    if isinstance(values, float):
        return rounded(values) if values == values and abs(values) != float("inf") else None
    return values


async def find(call: Call) -> bytes:
    wish, session = _wish(call.header.get("wish")), call.session
    opened = await call.opened(session.model)
    ground = await _ground(call, opened)

    def work(job: Job) -> dict[str, Any]:
        return {"ids": opened.compass.find(ground, wish, job.report, stop=job.stopped)}

    title = METHODS[wish.method].title if wish.method in METHODS else "Directions"
    return told(call, call.studio.jobs.start(call.id, "find", title, work))


async def refine(call: Call) -> bytes:
    opened = await call.opened(call.session.model)
    ground, ids = await _ground(call, opened), _identities(call.header.get("ids", []))

    def work(job: Job) -> dict[str, Any]:
        return {"ids": opened.compass.refine(ground, opened, ids, job.report)}

    return told(call, call.studio.jobs.start(call.id, "refine-directions", "Measuring directions", work))


async def compose(call: Call) -> bytes:
    session = call.patched
    opened = await call.opened(session.model)
    ground, edits, name = await _ground(call, opened), read_edits(call.header.get("edits"), "edits"), text(call.header, "name")[:LONGEST]

    def work(job: Job) -> dict[str, Any]:
        job.report(0, 1, "Measuring what they do together")
        return {"ids": [opened.compass.compose(ground, opened, edits, name)]}

    return told(call, call.studio.jobs.start(call.id, "compose", "Keeping edits as one direction", work))


async def along(call: Call) -> bytes:
    session = call.patched
    opened = await call.opened(session.model)
    identity = read_identity(call.header.get("id"), "id")
    amounts = call.header.get("amounts")
    sound = isinstance(amounts, list) and 1 <= len(amounts) <= MOST_FRAMES
    if not sound or not all(isinstance(a, (int, float)) and not isinstance(a, bool) and abs(a) <= FARTHEST for a in amounts):
        raise ProtocolError(f"'amounts' must be 1 to {MOST_FRAMES} numbers within ±{FARTHEST:g}, got {str(amounts)[:60]}.")

    def work() -> torch.Tensor:
        spot = middle_of(opened, session)
        bare = spot_code(opened, replace(spot, edits=()), sampled=session.sampled)
        edits = dict(spot.edits)
        spots = [Spot(Values(tuple(bare.tolist())), edits=tuple((edits | {identity: float(amount)}).items())) for amount in amounts]
        return torch.stack([spot_code(opened, each, protect=session.protect) for each in spots])

    return await frames(call, session.model, as_code(opened.model, await asyncio.to_thread(work)), "along", {"id": identity})


async def alike(call: Call) -> bytes:
    opened = await call.opened(call.session.model)
    chosen = [opened.direction(identity) for identity in _identities(call.header.get("ids", []))]
    if not chosen:
        raise DataError("There are no directions to compare yet.")
    ground = await _ground(call, opened)

    def work() -> list[list[float]]:
        z = ground.starts(ALIKE_CODES)
        tangents = torch.stack([direction.tangent(z) for direction in chosen])  # (K, B, D)
        return torch.einsum("ibd,jbd->ij", tangents, tangents).div(len(z)).clamp(-1, 1).tolist()

    cosines = await asyncio.to_thread(work)
    return pack(reply(call.header, "alike") | {"cosines": [[rounded(value) for value in row] for row in cosines]})


async def file(call: Call) -> bytes:
    opened = await call.opened(call.session.model)
    chosen = [opened.direction(identity) for identity in _identities(call.header.get("ids", []))]
    if not chosen:
        raise DataError("There are no directions to save yet.")
    return pack(reply(call.header, "directions-file") | {"name": f"{call.session.model}{files.SUFFIX}"}, await asyncio.to_thread(_written, chosen))


def _written(chosen: list[Direction]) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"saved{files.SUFFIX}"
        files.write(path, chosen)
        return path.read_bytes()


async def load(call: Call) -> bytes:
    if not call.payload:
        raise ProtocolError("'directions-load' needs a file of directions as its payload, got none.")
    call.history.allowance.take(COSTS)
    opened = await call.opened(call.session.model)

    def work() -> list[str]:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"loaded{files.SUFFIX}"
            path.write_bytes(call.payload)
            read = files.read(path, opened.model)
        if len(read) > MOST_BENCH:
            raise DataError(f"A bench holds at most {MOST_BENCH} directions; this file has {len(read)}.")
        return [opened.compass.keep(direction) for direction in read]

    return pack(reply(call.header, "directions-load") | {"ids": await asyncio.to_thread(work)})


async def labels(call: Call) -> bytes:
    if not call.payload:
        raise ProtocolError("'directions-labels' needs a table of labels as its payload, got none.")
    call.history.allowance.take(COSTS)
    atlas = await call.atlas()
    found = await asyncio.to_thread(groups.read, call.payload, len(atlas), name=named(call))
    columns = [{"name": column.name, "classes": list(column.classes), "counts": column.counts} for column in found]
    return pack(
        reply(call.header, "directions-labels") | {"columns": columns, "count": len(atlas)}, b"".join(c.values.astype("<i2").tobytes() for c in found)
    )


async def _ground(call: Call, opened: Opened):
    return ground_of(opened, await asyncio.to_thread(call.studio.judge, opened.model.card.name))


def _identities(value: Any) -> list[str]:
    if not isinstance(value, list) or len(value) > 2 * MOST_BENCH:
        raise ProtocolError(f"'ids' must be a list of at most {2 * MOST_BENCH} directions, got {str(value)[:40]}.")
    return [read_identity(each, "ids") for each in value]


def _wish(value: Any) -> Wish:
    """A wish as a view sends it. Raises ProtocolError naming the field at fault."""
    if not isinstance(value, dict) or not isinstance(value.get("method"), str):
        raise ProtocolError(f"'wish' must be an object with a 'method', got {str(value)[:60]}.")
    texts = {name: _text(value, name) for name in ("attribute", "toward", "against", "name")}
    numbers = {
        name: _whole(value, name, most, default) for name, most, default in (("count", 16, 8), ("seed", 2**32 - 1, 0), ("updates", MOST_TRAINING, 0))
    }
    equation = value.get("equation", "wave")
    if equation not in KINDS:
        raise ProtocolError(f"'equation' must be one of {', '.join(KINDS)}, got '{str(equation)[:40]}'.")
    guard = value.get("guard", "soft")
    if guard not in MODES:
        raise ProtocolError(f"'guard' must be one of {', '.join(MODES)}, got '{str(guard)[:40]}'.")
    groups = {name: _rows(value, name) for name in ("ones", "zeros")}
    return Wish(value["method"][:40], equation=equation, guard=guard, **texts, **(numbers | {"count": max(1, numbers["count"])}), **groups)


def _text(value: dict[str, Any], name: str) -> str:
    found = value.get(name, "")
    if not isinstance(found, str) or len(found) > 200:
        raise ProtocolError(f"'{name}' must be a text of at most 200 letters, got {str(found)[:40]}.")
    return found


def _whole(value: dict[str, Any], name: str, most: int, default: int) -> int:
    found = value.get(name, default)
    if isinstance(found, bool) or not isinstance(found, int) or not 0 <= found <= most:
        raise ProtocolError(f"'{name}' must be a whole number from 0 to {most}, got {str(found)[:40]}.")
    return found


def _rows(value: dict[str, Any], name: str) -> tuple[int, ...]:
    found = value.get(name, [])
    sound = isinstance(found, list) and len(found) <= MOST_GROUP and all(isinstance(row, int) and not isinstance(row, bool) for row in found)
    if not sound:
        raise ProtocolError(f"'{name}' must be a list of at most {MOST_GROUP} rows of the atlas, got {str(found)[:40]}.")
    return tuple(found)


HANDLERS: dict[str, Handler] = {
    "directions": directions, "find": find, "refine-directions": refine, "compose": compose, "along": along, "alike": alike, "directions-file": file,
    "directions-load": load, "directions-labels": labels,
}  # fmt: skip
