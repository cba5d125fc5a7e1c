"""The workbench as its visitors meet it: the real app in a process of its own, and Chromium.

A page that logs an error, throws one, or asks anything of another host fails its test, whatever else the test is about.
"""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, sync_playwright

from tests.browser.hands import Finger, Mouse
from tests.browser.screen import Screen
from tests.browser.truth import Truth

MODEL = "avatars-vae"
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
DESKTOP = {"viewport": {"width": 1440, "height": 900}}
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


class Server:
    """The app on a port of its own, in a process that can be stopped and started again."""

    def __init__(self, root: Path, log: Path):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.address = f"http://127.0.0.1:{self.port}/"
        self._root, self._log = root, log

    def start(self, patience: float = 120) -> None:
        command = [sys.executable, "-c", "from explorer.cli import main; main()", "serve", MODEL, "--port", str(self.port), "--no-browser"]
        environment = os.environ | {"PYTHONPATH": str(self._root), "GRADIO_ANALYTICS_ENABLED": "False"}
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(command, cwd=self._root, env=environment, stdout=log, stderr=log)
        until = time.monotonic() + patience
        while time.monotonic() < until:
            assert self._process.poll() is None, f"The app ended before it answered:\n{self._log.read_text()}"
            with contextlib.suppress(OSError), urllib.request.urlopen(self.address, timeout=5):
                return
            time.sleep(0.05)
        raise AssertionError(f"{self.address} did not answer within {patience:g} s:\n{self._log.read_text()}")

    def stop(self) -> None:
        self._process.send_signal(signal.SIGKILL if os.name != "nt" else signal.SIGTERM)  # as abruptly as a machine that goes down
        self._process.wait(20)


@pytest.fixture(scope="session")
def server(root, built_views, tmp_path_factory) -> Iterator[Server]:
    """The app that all tests share; each page is a visitor of its own."""
    running = Server(root, tmp_path_factory.mktemp("server") / "log.txt")
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="session")
def truth() -> Truth:
    """The same models in this process."""
    return Truth(MODEL)


@pytest.fixture(scope="module")  # Playwright keeps an event loop running in this thread, which tests elsewhere could not bear
def browser(chromium) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium, args=QUIET)
        yield running
        running.close()


@pytest.fixture(params=["desktop", "phone"])
def size(request) -> str:
    """Of the window. A test that asks for no size gets a desktop."""
    return request.param


@pytest.fixture
def visit(browser, server, request) -> Iterator[Callable[..., Screen]]:
    """Opens the page: `visit()`, or with a query, a scheme of colours, another server, or what to do to the page before it loads."""
    phone = "size" in request.fixturenames and request.getfixturevalue("size") == "phone"
    context = browser.new_context(**(PHONE if phone else DESKTOP))
    context.set_default_timeout(30_000)
    watch = Watch(context)

    def visit(query: str = "", *, colours: str = "light", at: Server = server, before=lambda page: None, drawn: bool = True) -> Screen:
        page = context.new_page()
        page.emulate_media(color_scheme=colours)
        before(page)
        page.goto(at.address + query, wait_until="domcontentloaded")
        screen = Screen(page, Finger(page) if phone else Mouse(page), watch)
        if drawn:
            screen.settled()
        return screen

    yield visit
    context.close()
    watch.judge()


@pytest.fixture
def screen(visit) -> Screen:
    """The page, opened, with its first picture."""
    return visit()


class Watch:
    """Notes what no page may do."""

    def __init__(self, context: BrowserContext):
        self.faults: list[str] = []
        self._forgiven: list[str] = []
        context.on("console", lambda message: message.type == "error" and self.faults.append(f"console: {message.text} ({message.location.get('url')})"))
        context.on("weberror", lambda error: self.faults.append(f"uncaught: {error.error}"))
        context.on("request", lambda request: self._look(request.url))
        context.on("page", lambda page: page.on("websocket", lambda socket: self._look(socket.url)))

    def forgive(self, *words: str) -> None:
        """Expects errors with these words in them."""
        self._forgiven += words

    def judge(self) -> None:
        """Fails the test for the first fault that nobody forgave."""
        faults = [fault for fault in self.faults if not any(word in fault for word in self._forgiven)]
        assert not faults, "The page did what it must not:\n" + "\n".join(faults)

    def _look(self, url: str) -> None:
        if not url.startswith(("http://127.0.0.1:", "ws://127.0.0.1:", "blob:", "data:", "about:")):
            self.faults.append(f"asked of another host: {url[:200]}")
