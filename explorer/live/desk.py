"""Answers the live channel's requests, whatever carries them: a WebSocket, a server function of the page, or a test.

`Desk.answer` takes one message and gives one message back. What fails is answered by an `error` message with the sentence in
it; a bug is logged with its traceback and answered without details. Nothing a visitor sends can end the channel. What a
request means is written in `answers/`, one module a subject.
"""

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from explorer.core.atlas import Atlas
from explorer.core.errors import CapabilityError, ExplorerError, ProtocolError
from explorer.core.space import Code
from explorer.live.headers import reply
from explorer.live.protocol import pack, unpack
from explorer.studio import passport
from explorer.studio.allowance import Allowance
from explorer.studio.codes import laborious, path_of
from explorer.studio.engine import Ask, Drawn
from explorer.studio.session import Session
from explorer.studio.store import History
from explorer.studio.studio import Opened, Studio

__all__ = ["Call", "Desk", "Handler", "Visitor", "state"]

log = logging.getLogger(__name__)

MOST_FRAMES = 64
MOST_REQUEST = 1 << 20
LARGE = dict.fromkeys(("photo", "pile", "directions-load", "directions-labels"), 15 << 20)  # requests that bring a file; WebSockets carry 16 MB
SHORT = 4096  # bytes of the header of such a one


@dataclass
class Visitor:
    """One connection: the session's id once it has said hello, and what it may ask for before that.

    Two tabs of one session are two connections, and neither replaces what the other waits for. `local` is whoever sits at the very
    computer that serves: only they may name files and folders of it.
    """

    session: str | None = None
    allowance: Allowance = field(default_factory=lambda: Allowance(rate=1, burst=4, left=4))
    connection: str = field(default_factory=lambda: secrets.token_hex(4))
    local: bool = False


@dataclass(frozen=True)
class Call:
    """One request: who asks, its header and its payload, and the desk's means of answering."""

    desk: "Desk"
    visitor: Visitor
    header: dict[str, Any]
    payload: bytes = b""

    @property
    def studio(self) -> Studio:
        return self.desk.studio

    @property
    def id(self) -> str:
        """The session's id. Raises ProtocolError before hello."""
        if self.visitor.session is None:
            raise ProtocolError("This connection has no session yet: say hello first.")
        return self.visitor.session

    @property
    def history(self) -> History:
        """The visitor's history."""
        return self.studio.store.history(self.id)

    @property
    def session(self) -> Session:
        """The committed session."""
        return self.history.session

    @property
    def patched(self) -> Session:
        """The committed session with the request's patch."""
        return self.session.patched(self.header.get("patch", {}))

    async def opened(self, model: str) -> Opened:
        """A model with its atlas; one that is not in memory is loaded aside."""
        if self.studio.holds(model):
            return self.studio.open(model)
        return await asyncio.to_thread(self.studio.open, model)

    async def prepared(self, opened: Opened, session: Session) -> None:
        """Makes a session's path aside if that takes long, so that it is at hand when codes on it are asked for."""
        if laborious(session.journey):
            await asyncio.to_thread(path_of, opened, session)

    async def atlas(self) -> Atlas:
        """The atlas of the session's model. Raises CapabilityError without one."""
        opened = await self.opened(self.session.model)
        if opened.atlas is None:
            raise CapabilityError(f"'{opened.model.card.name}' has no atlas, so there is no map of it.")
        return opened.atlas

    async def draw(self, model: str, code: Code, *, use: str = "", preview: bool = False) -> Drawn | None:
        """The pictures of codes, or None when a newer request of the same view and `use` came in between. With `preview` smaller ones will do."""
        view = f"{self.header['type']} {str(self.header.get('view', ''))[:40]} {use}"
        return await self.studio.engine.decode(Ask(f"{self.id} {self.visitor.connection}", view, model, code, preview))

    def skipped(self) -> bytes:
        """The answer to a request that a newer one replaced."""
        return pack(reply(self.header, "skipped"))


Handler = Callable[[Call], Awaitable[bytes]]


class Desk:
    """The one place where live requests become answers.

    Args:
        handlers: from a request's type to what answers it; `answers.HANDLERS` when not given.
    """

    def __init__(self, studio: Studio, handlers: Mapping[str, Handler] | None = None):
        from explorer.live.answers import HANDLERS  # they are written against this module

        self.studio = studio
        self._handlers = HANDLERS if handlers is None else handlers
        self._aside: set[asyncio.Future] = set()  # kept, or they would be collected half-done

    async def answer(self, visitor: Visitor, message: bytes) -> bytes:
        """The answer to one message; never raises for anything a visitor can send."""
        header: dict[str, Any] = {}
        try:
            if len(message) > MOST_REQUEST:
                _check_large(message)
            header, payload = unpack(message)
            self._spend(visitor, header)
            return await self._handler(visitor, header)(Call(self, visitor, header, payload))
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

    def _handler(self, visitor: Visitor, header: dict[str, Any]) -> Handler:
        kind = header["type"]
        if kind not in self._handlers:
            raise ProtocolError(f"No request '{kind[:40]}'. Known: {', '.join(self._handlers)}.")
        if kind != "hello" and visitor.session is None:
            raise ProtocolError(f"Say hello before '{kind}': this connection has no session yet.")
        return self._handlers[kind]

    def told(self, history: History) -> bytes:
        """The message that tells a view of a session's present state; with `info`, the passport, as the model may have changed."""
        info = passport.passport(self.studio, history.session.model)
        return pack({"type": "session", "state": state(history), "info": info})

    def warm(self, model: str) -> None:
        """Lets the maps of a model do what they do once, aside, before someone waits for it."""
        atlas = self.studio.atlas(model)
        for layout in atlas.layouts.values() if atlas is not None and not atlas.nothing else ():
            task = asyncio.get_running_loop().run_in_executor(None, layout.warm)
            self._aside.add(task)
            task.add_done_callback(self._aside.discard)


def state(history: History) -> dict[str, Any]:
    """What every view may know of a session."""
    return {
        "session": history.session.to_json(), "step": history.now, "undo_label": history.undo_label, "redo_label": history.redo_label,
        "can_undo": history.undo_label is not None, "can_redo": history.redo_label is not None,
    }  # fmt: skip


def _check_large(message: bytes) -> None:
    """Raises ProtocolError for a message of more than a megabyte, unless its short header says that it brings a file."""
    length = int.from_bytes(message[:4], "little")
    kind = unpack(message[: 4 + length])[0]["type"] if length <= SHORT else ""
    if len(message) > (most := LARGE.get(kind, MOST_REQUEST)):
        raise ProtocolError(f"A live request{f' {kind!r}' if kind in LARGE else ''} may have {most} bytes, got {len(message)}.")


def _refusal(header: dict[str, Any], sentence: str) -> bytes:
    safe = {key: value for key in ("seq", "view") if isinstance(value := header.get(key), (int, float, str)) and value == value}
    about = header.get("type")
    return pack({"type": "error", "message": sentence, "about": about if isinstance(about, str) else None, "seq": None, "view": None} | safe)
