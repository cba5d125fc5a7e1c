"""The workbench as its visitors meet it: the real app in a process of its own, and Chromium.

A page that logs an error, throws one, or asks anything of another host fails its test, whatever else the test is about.
"""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.browser.hands import Finger, Mouse
from tests.browser.screen import Screen
from tests.browser.server import MODEL, Server
from tests.browser.truth import Truth

QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
DESKTOP = {"viewport": {"width": 1440, "height": 900}}
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


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


@pytest.fixture(scope="module")
def contexts(browser) -> dict[bool, BrowserContext]:
    """A desktop and a phone, each with its own cache."""
    made = {phone: browser.new_context(**(PHONE if phone else DESKTOP)) for phone in (False, True)}
    for context in made.values():
        context.set_default_timeout(30_000)
        context.add_init_script(
            "try { localStorage.setItem('latent-explorer.hints', '1') } catch {}"
        )  # the hints of a first visit, which a test may want back
    return made


@pytest.fixture(params=["desktop", "phone"])
def size(request) -> str:
    """Of the window. A test that asks for no size gets a desktop."""
    return request.param


@pytest.fixture
def visit(contexts, server, request) -> Iterator[Callable[..., Screen]]:
    """Opens the page: `visit()`, or with a query, a scheme of colours, another server, or what to do to the page before it loads."""
    phone = "size" in request.fixturenames and request.getfixturevalue("size") == "phone"
    context, watch = contexts[phone], Watch()
    context.on("page", watch.follow)

    def visit(query: str = "", *, colours: str = "light", at: Server = server, before=lambda page: None) -> Screen:
        page = context.new_page()
        page.emulate_media(color_scheme=colours)
        before(page)
        page.goto(at.address + query, wait_until="domcontentloaded")
        screen = Screen(page, Finger(page) if phone else Mouse(page), watch)
        screen.settled()
        return screen

    yield visit
    context.remove_listener("page", watch.follow)
    for page in context.pages:
        page.evaluate("() => localStorage.clear()")
        page.close()
    watch.judge()


@pytest.fixture
def screen(visit) -> Screen:
    """The page, opened, with its first picture."""
    return visit()


class Watch:
    """Notes what no page may do."""

    def __init__(self):
        self._faults: list[str] = []
        self._forgiven: list[str] = []

    def follow(self, page: Page) -> None:
        """Looks after a page from now on."""
        page.on(
            "console", lambda message: message.type == "error" and self._faults.append(f"console: {message.text} ({message.location.get('url')})")
        )
        page.on("pageerror", lambda error: self._faults.append(f"uncaught: {error}"))
        page.on("request", lambda request: self._look(request.url))
        page.on("websocket", lambda socket: self._look(socket.url))

    def forgive(self, *words: str) -> None:
        """Expects errors with these words in them."""
        self._forgiven += words

    def judge(self) -> None:
        """Fails the test for the first fault that nobody forgave."""
        faults = [fault for fault in self._faults if not any(word in fault for word in self._forgiven)]
        assert not faults, "The page did what it must not:\n" + "\n".join(faults)

    def _look(self, url: str) -> None:
        if not url.startswith(("http://127.0.0.1:", "ws://127.0.0.1:", "blob:", "data:", "about:")):
            self._faults.append(f"asked of another host: {url[:200]}")
