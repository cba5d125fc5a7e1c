"""Answers the live channel's requests, whatever carries them: a WebSocket, a server function of the page, or a test.

`Desk.answer` takes one message and gives one message back. What fails is answered by an `error` message with the sentence in
it; a bug is logged with its traceback and answered without details. Nothing a visitor sends can end the channel.
"""

import asyncio
import contextlib
import logging
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from explorer import render
from explorer.core.atlas import Atlas
from explorer.core.errors import CapabilityError, ExplorerError, ProtocolError
from explorer.core.space import Code
from explorer.live.protocol import VERSION, pack, unpack
from explorer.studio import passport
from explorer.studio.allowance import Allowance
from explorer.studio.codes import check, code_of, interpolated, journey_codes
from explorer.studio.describe import describe
from explorer.studio.engine import Ask, Drawn
from explorer.studio.sample import seeds
from explorer.studio.session import Session
from explorer.studio.store import History
from explorer.studio.studio import Opened, Studio

__all__ = ["Desk", "Visitor"]

log = logging.getLogger(__name__)

RAW_SIDE = 128  # pictures up to this side travel as raw RGBA, larger ones as JPEG while moving and PNG when still
MOST_FRAMES = 64
MOST_REQUEST = 1 << 20


@dataclass
class Visitor:
    """One connection: the session's id once it has said hello, and what it may ask for before that.

    Two tabs of one session are two connections, and neither replaces what the other waits for.
    """

    session: str | None = None
    allowance: Allowance = field(default_factory=lambda: Allowance(rate=1, burst=4, left=4))
    connection: str = field(default_factory=lambda: secrets.token_hex(4))


class Desk:
    """The one place where live requests become answers."""

    def __init__(self, studio: Studio):
        self.studio = studio
        self._warming: set[asyncio.Future] = set()  # kept, or they would be collected half-done
        self._handlers: dict[str, Callable[[Visitor, dict[str, Any]], Awaitable[bytes]]] = {
            "hello": self._hello, "open": self._open, "decode": self._decode, "commit": self._commit, "undo": self._undo, "redo": self._redo,
            "atlas": self._atlas, "axis": self._axis, "thumbs": self._thumbs, "example": self._example, "path": self._path, "grid": self._grid,
            "describe": self._describe,
        }  # fmt: skip

    async def answer(self, visitor: Visitor, message: bytes) -> bytes:
        """The answer to one message; never raises for anything a visitor can send."""
        header: dict[str, Any] = {}
        try:
            if len(message) > MOST_REQUEST:
                raise ProtocolError(f"A live request may have {MOST_REQUEST} bytes, got {len(message)}.")
            header, _ = unpack(message)
            self._spend(visitor, header)
            return await self._handler(visitor, header)(visitor, header)
        except ExplorerError as error:
            return _refusal(header, str(error))
        except Exception:
            log.exception("A live request of type %r failed", header.get("type"))
            return _refusal(header, "Something went wrong here while answering; it has been logged. Your session is kept.")

    def _spend(self, visitor: Visitor, header: dict[str, Any]) -> None:
        """Takes what a request costs from the allowance of its session, or of the connection while it has none or wants another."""
        known = self.studio.store.knows(visitor.session) and header["type"] != "hello"
        allowance = self.studio.store.history(visitor.session).allowance if known else visitor.allowance
        count = header.get("count", 1)
        allowance.take(min(max(count, 1), MOST_FRAMES) if isinstance(count, int) else 1)

    def _handler(self, visitor: Visitor, header: dict[str, Any]) -> Callable[[Visitor, dict[str, Any]], Awaitable[bytes]]:
        kind = header["type"]
        if kind not in self._handlers:
            raise ProtocolError(f"No request '{kind[:40]}'. Known: {', '.join(self._handlers)}.")
        if kind != "hello" and visitor.session is None:
            raise ProtocolError(f"Say hello before '{kind}': this connection has no session yet.")
        return self._handlers[kind]

    async def _hello(self, visitor: Visitor, header: dict[str, Any]) -> bytes:
        if header.get("version") != VERSION:
            raise ProtocolError(
                f"This server speaks version {VERSION} of the live channel, the page speaks {str(header.get('version'))[:20]}. Reload the page."
            )
        wanted = header.get("session")
        if not self.studio.store.knows(wanted):
            model = _optional_text(header, "model")
            wanted = self.studio.store.create(await asyncio.to_thread(self._beginning, header.get("last"), model))
        visitor.session = wanted
        history = self.studio.store.history(wanted)
        info = await asyncio.to_thread(passport.passport, self.studio, history.session.model)
        self._warm(history.session.model)
        return pack({"type": "welcome", "session": wanted, "state": state(history), "models": passport.models(self.studio), "info": info})

    def _beginning(self, last: Any, model: str | None) -> Session:
        """The session that a page still has of one forgotten here, as after a restart; a fresh one where there is none or it fits nothing."""
        with contextlib.suppress(ExplorerError):
            session = Session.from_json(last)
            opened = self.studio.open(session.model)
            check(opened.model, opened.atlas, session)
            return session
        suits = model in self.studio.cards and not passport.why_not(self.studio.cards[model])
        return self.studio.session(model if suits else self.studio.first)

    async def _open(self, visitor: Visitor, header: dict[str, Any]) -> bytes:
        name = _text(header, "model")
        why = passport.why_not(self.studio.cards[name]) if name in self.studio.cards else None
        if why:
            raise CapabilityError(f"'{name}' cannot be traversed. {why}")
        session = await asyncio.to_thread(self.studio.session, name)
        self._warm(name)
        history = self.studio.store.commit(_session(visitor), session, f"open {name}", by=visitor)
        return self.told(history)

    async def _decode(self, visitor: Visitor, header: dict[str, Any]) -> bytes:
        session = self._session(visitor).patched(header.get("patch", {}))
        opened = await self._opened(session)
        code = code_of(opened.model, opened.atlas, session)
        drawn = await self._draw(visitor, header, session.model, code)
        if drawn is None:
            return pack(_reply(header, "skipped"))
        pixels, still = drawn.pixels[0], header.get("still") is True
        places = await self._places(session, opened.atlas, code)
        strangeness = await asyncio.to_thread(_strangeness, opened.atlas, code) if still else None
        kind = _format(pixels, still)
        frame = _reply(header, "frame") | {
            "still": still, "width": pixels.shape[1], "height": pixels.shape[0], "format": kind, "typicality": _round(code.typicality[0]),
            "place": places[0] if places else None, "code": [_round(v) for v in code.values.flatten().tolist()],
            "strangeness": strangeness, "decode_ms": _round(drawn.milliseconds), "batch": drawn.batch, "interpolated": interpolated(session),
        }  # fmt: skip
        return pack(frame, render.rgba(pixels) if kind == "rgba" else render.encode(pixels, kind))

    async def _commit(self, visitor: Visitor, header: dict[str, Any]) -> bytes:
        session = self._session(visitor).patched(header.get("patch", {}))
        opened = await self._opened(session)
        check(opened.model, opened.atlas, session)  # what cannot be shown is not committed
        label = _optional_text(header, "label") or "change"
        return self.told(self.studio.store.commit(_session(visitor), session, label[:80], by=visitor))

    async def _undo(self, visitor: Visitor, header: dict[str, Any]) -> bytes:
        return self.told(self.studio.store.undo(_session(visitor), by=visitor))

    async def _redo(self, visitor: Visitor, header: dict[str, Any]) -> bytes:
        return self.told(self.studio.store.redo(_session(visitor), by=visitor))

    async def _atlas(self, visitor: Visitor, header: dict[str, Any]) -> bytes:
        atlas = await self._need_atlas(visitor)
        layout = atlas.layout(_optional_text(header, "layout") or next(iter(atlas.layouts), ""))
        low, high = layout.bounds
        labels = [(torch.where(values < 0, 255, values)).to(torch.uint8).numpy().tobytes() for values in atlas.labels.values()]
        answer = _reply(header, "atlas") | {
            "layout": layout.name, "n": len(atlas), "bounds": [low.tolist(), high.tolist()], "labels": list(atlas.labels), "honesty": layout.honesty,
        }  # fmt: skip
        return pack(answer, layout.xy.float().numpy().tobytes() + b"".join(labels))

    async def _axis(self, visitor: Visitor, header: dict[str, Any]) -> bytes:
        atlas = await self._need_atlas(visitor)
        axis = _count(header, "axis", 0, atlas.codes.shape[1] - 1)
        return pack(_reply(header, "axis") | {"axis": axis, "n": len(atlas)}, atlas.codes[:, axis].float().numpy().tobytes())

    async def _thumbs(self, visitor: Visitor, header: dict[str, Any]) -> bytes:
        atlas = await self._need_atlas(visitor)
        if atlas.thumbnails is None:
            raise CapabilityError(f"The atlas of '{atlas.model}' has no thumbnails.")
        sprite = await asyncio.to_thread(atlas.thumbnails.read_bytes)
        return pack(_reply(header, "thumbs") | {"n": len(atlas), "side": 32, "columns": 100, "format": "webp"}, sprite)

    async def _example(self, visitor: Visitor, header: dict[str, Any]) -> bytes:
        atlas = await self._need_atlas(visitor)
        row = _count(header, "row", 0, len(atlas) - 1)
        thumbnail = await asyncio.to_thread(self._thumbnail, atlas.model, row)
        answer = _reply(header, "example") | {"row": row, "labels": atlas.described(row), "format": "webp"}
        return pack(answer, thumbnail)

    async def _path(self, visitor: Visitor, header: dict[str, Any]) -> bytes:
        session = self._session(visitor).patched(header.get("patch", {}))
        opened = await self._opened(session)
        t = torch.linspace(0, 1, _count(header, "count", 2, MOST_FRAMES))
        code = journey_codes(opened.model, opened.atlas, session, t)
        extra = {"t": [_round(v) for v in t.tolist()], "places": await self._places(session, opened.atlas, code)}
        return await self._frames(visitor, header, session.model, code, "path", extra)

    async def _grid(self, visitor: Visitor, header: dict[str, Any]) -> bytes:
        session = self._session(visitor)
        opened = await self._opened(session)
        truncation = header.get("truncation", 1.0)
        if not isinstance(truncation, (int, float)) or not 0 <= truncation <= 1:
            raise ProtocolError(f"'truncation' must lie in [0, 1], got {str(truncation)[:40]}.")
        first = _count(header, "first", 0, 2**32 - 1)
        code = seeds(opened.model, first, _count(header, "count", 1, MOST_FRAMES), truncation=float(truncation))
        return await self._frames(visitor, header, session.model, code, "grid", {"first": first})

    async def _describe(self, visitor: Visitor, header: dict[str, Any]) -> bytes:
        session = self._session(visitor).patched(header.get("patch", {}))
        opened = await self._opened(session)
        code = code_of(opened.model, opened.atlas, session)
        drawn = await self._draw(visitor, header | {"view": f"{header.get('view')} in words"}, session.model, code)
        if drawn is None:
            return pack(_reply(header, "skipped"))
        said = await asyncio.to_thread(describe, self.studio, session.model, code, drawn.pixels[0])
        answer = {"text": said.text, "attributes": said.attributes, "nearest": said.nearest, "strangeness": said.strangeness}
        return pack(_reply(header, "describe") | answer)

    def told(self, history: History) -> bytes:
        """The message that tells a view of a session's present state; with `info`, the passport, as the model may have changed."""
        info = passport.passport(self.studio, history.session.model)
        return pack({"type": "session", "state": state(history), "info": info})

    async def _frames(self, visitor: Visitor, header: dict[str, Any], model: str, code: Code, kind: str, extra: dict[str, Any]) -> bytes:
        drawn = await self._draw(visitor, header, model, code)
        if drawn is None:
            return pack(_reply(header, "skipped"))
        height, width = drawn.pixels.shape[1:3]
        answer = {"count": len(code), "width": width, "height": height, "format": "rgba", "typicality": [_round(v) for v in code.typicality.tolist()]}
        return pack(_reply(header, kind) | answer | extra, b"".join(render.rgba(picture) for picture in drawn.pixels))

    async def _draw(self, visitor: Visitor, header: dict[str, Any], model: str, code: Code) -> Drawn | None:
        view = f"{header['type']} {str(header.get('view', ''))[:40]}"
        return await self.studio.engine.decode(Ask(f"{_session(visitor)} {visitor.connection}", view, model, code))

    async def _opened(self, session: Session) -> Opened:
        if self.studio.holds(session.model):
            return self.studio.open(session.model)
        return await asyncio.to_thread(self.studio.open, session.model)

    def _warm(self, model: str) -> None:
        """Lets the maps of a model do what they do once, aside, before someone waits for it."""
        atlas = self.studio.atlas(model)
        for layout in atlas.layouts.values() if atlas is not None and not atlas.nothing else ():
            task = asyncio.get_running_loop().run_in_executor(None, layout.warm)
            self._warming.add(task)
            task.add_done_callback(self._warming.discard)

    async def _need_atlas(self, visitor: Visitor) -> Atlas:
        opened = await self._opened(self._session(visitor))
        if opened.atlas is None:
            raise CapabilityError(f"'{opened.model.card.name}' has no atlas, so there is no map of it.")
        return opened.atlas

    def _session(self, visitor: Visitor) -> Session:
        return self.studio.store.history(_session(visitor)).session

    async def _places(self, session: Session, atlas: Atlas | None, code: Code) -> list[list[float]] | None:
        """Where codes lie on the session's map. Linear maps answer at once; others search, away from the event loop."""
        if atlas is None or atlas.nothing or not atlas.layouts:
            return None
        layout = atlas.layout(session.layout or next(iter(atlas.layouts)))
        flat = code.values.flatten(1)
        xy = layout.place(flat) if layout.axes is not None else await asyncio.to_thread(layout.place, flat)
        return [[_round(x), _round(y)] for x, y in xy.tolist()]

    def _thumbnail(self, model: str, row: int) -> bytes:
        return render.encode(self.studio.thumbnail(model, row), "webp", quality=90)


def state(history: History) -> dict[str, Any]:
    """What every view may know of a session."""
    return {
        "session": history.session.to_json(), "step": history.now, "undo_label": history.undo_label, "redo_label": history.redo_label,
        "can_undo": history.undo_label is not None, "can_redo": history.redo_label is not None,
    }  # fmt: skip


def _reply(header: dict[str, Any], kind: str) -> dict[str, Any]:
    return {"type": kind, "seq": header.get("seq"), "view": header.get("view")}


def _refusal(header: dict[str, Any], sentence: str) -> bytes:
    safe = {key: value for key in ("seq", "view") if isinstance(value := header.get(key), (int, float, str)) and value == value}
    about = header.get("type")
    return pack({"type": "error", "message": sentence, "about": about if isinstance(about, str) else None, "seq": None, "view": None} | safe)


def _format(pixels: np.ndarray, still: bool) -> str:
    if max(pixels.shape[:2]) <= RAW_SIDE:
        return "rgba"
    return "png" if still else "jpeg"


def _round(value: float | torch.Tensor) -> float:
    """Five digits are more than a screen shows, and half the bytes."""
    return float(f"{float(value):.5g}")


def _strangeness(atlas: Atlas | None, code: Code) -> float | None:
    """How far a code is from every atlas code, as the share of atlas codes that lie closer to their own nearest neighbour."""
    if atlas is None or atlas.nothing or not atlas.layouts:
        return None
    return _round(next(iter(atlas.layouts.values())).strangeness(code.values.flatten(1))[0])


def _session(visitor: Visitor) -> str:
    if visitor.session is None:
        raise ProtocolError("This connection has no session yet: say hello first.")
    return visitor.session


def _text(header: dict[str, Any], name: str) -> str:
    value = header.get(name)
    if not isinstance(value, str):
        raise ProtocolError(f"'{header['type']}' needs '{name}', a text; got {str(value)[:40]}.")
    return value


def _optional_text(header: dict[str, Any], name: str) -> str | None:
    return None if header.get(name) is None else _text(header, name)


def _count(header: dict[str, Any], name: str, least: int, most: int) -> int:
    value = header.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise ProtocolError(f"'{name}' must be a whole number from {least} to {most}, got {str(value)[:40]}.")
    return value
