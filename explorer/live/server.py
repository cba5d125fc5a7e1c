"""The WebSocket door to the desk, as a route that any Starlette application can carry.

Extra routes bypass Gradio's own checks, so this one does its own: the Origin must be the Host, and a login, where the
application has one, is asked of `allowed`.
"""

import asyncio
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from explorer.live.desk import Desk, Visitor
from explorer.studio.store import History

__all__ = ["LOOPBACK", "at_home", "route", "same_origin"]

UNANSWERED = 32  # requests of one connection that may be under way at once
LOOPBACK = {"localhost", "127.0.0.1", "::1"}
FORWARDED = ("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-real-ip")
FORBIDDEN = 1008  # the WebSocket close code for a broken rule


def route(desk: Desk, *, allowed: Callable[[WebSocket], bool] = lambda socket: True, local: bool = False) -> WebSocketRoute:
    """The route `/live`. With `local`, whoever sits at this computer may name files of it; whoever comes through a proxy may not."""

    async def live(socket: WebSocket) -> None:
        if not same_origin(socket.headers.get("origin"), socket.headers.get("host")) or not allowed(socket):
            await socket.close(FORBIDDEN)
            return
        await socket.accept()
        await _Connection(desk, socket, local=local and at_home(socket.headers)).serve()

    return WebSocketRoute("/live", live)


def same_origin(origin: str | None, host: str | None) -> bool:
    """Whether a browser's page came from this host. Programs send no Origin, and are not what the check protects from."""
    if origin is None:
        return True
    parts = urlsplit(origin)
    return parts.scheme in ("http", "https") and bool(host) and parts.netloc.lower() == host.lower()


def at_home(headers: Mapping[str, str]) -> bool:
    """Whether a request was made on this computer, to this computer by its own name, so that no page of another name can borrow its browser."""
    name = urlsplit(f"//{headers.get('host', '')}").hostname
    return name in LOOPBACK and not any(header in headers for header in FORWARDED)


class _Connection:
    """One open socket: answers requests as they come, several at once, and tells of changes made elsewhere."""

    def __init__(self, desk: Desk, socket: WebSocket, *, local: bool):
        self._desk, self._socket = desk, socket
        self._visitor = Visitor(local=local)
        self._sending = asyncio.Lock()
        self._room = asyncio.Semaphore(UNANSWERED)
        self._tasks: set[asyncio.Task] = set()
        self._unwatch: Callable[[], None] | None = None

    async def serve(self) -> None:
        try:
            while True:
                message = await self._receive()
                await self._room.acquire()
                self._keep(asyncio.create_task(self._answer(message)))
        except (WebSocketDisconnect, RuntimeError):  # starlette raises RuntimeError for a socket that closed in between
            pass
        finally:
            if self._unwatch:
                self._unwatch()
            for task in self._tasks:
                task.cancel()

    async def _receive(self) -> bytes:
        event = await self._socket.receive()
        if event["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(event.get("code", 1000))
        return event.get("bytes") or (event.get("text") or "").encode()

    async def _answer(self, message: bytes) -> None:
        try:
            before = self._visitor.session
            answer = await self._desk.answer(self._visitor, message)
            if self._visitor.session != before:
                self._watch()
            await self._send(answer)
        finally:
            self._room.release()

    def _watch(self) -> None:
        """Follows the visitor's session, so that a change in another tab is shown in this one."""
        if self._unwatch:
            self._unwatch()
        if self._visitor.session is None:  # forgotten on demand
            return
        loop = asyncio.get_running_loop()

        def told(history: History) -> None:
            asyncio.run_coroutine_threadsafe(self._send(self._desk.told(history)), loop)

        self._unwatch = self._desk.studio.store.watch(self._visitor.session, told, owner=self._visitor)

    async def _send(self, message: bytes) -> None:
        async with self._sending:
            try:
                await self._socket.send_bytes(message)
            except (WebSocketDisconnect, RuntimeError):  # the tab is gone; `serve` notices on its own
                return

    def _keep(self, task: asyncio.Task) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
