"""The page as a test sees it: pixels of its canvases, positions of its controls, and the session behind it."""

import base64
import io
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from PIL import Image
from playwright.sync_api import Locator, Page
from scipy.spatial import cKDTree

PATIENCE = 30.0  # seconds; machines that test are slow
STAGE = ".le-stage-now"
MODEL = "globalThis[Symbol.for('latent-explorer')]?.model"


class Screen:
    """One open page and the hand that works on it."""

    def __init__(self, page: Page, hand: Any, watch: Any):
        self.page, self.hand, self.watch = page, hand, watch

    # what is shown

    def pixels(self, selector: str = STAGE) -> np.ndarray:
        """The pixels `(H, W, 3)` of one canvas."""
        return self.film(selector)[0]

    def film(self, selector: str) -> np.ndarray:
        """The pixels `(N, H, W, 3)` of all canvases that match."""
        urls = self.page.eval_on_selector_all(selector, "nodes => nodes.map((node) => node.toDataURL('image/png'))")
        assert urls, f"There is no canvas '{selector}'."
        return np.stack([np.asarray(Image.open(io.BytesIO(base64.b64decode(url.split(",")[1]))).convert("RGB")) for url in urls])

    def shows(self, expected: np.ndarray, selector: str = STAGE) -> None:
        """Waits until a canvas shows this picture, to one grey level."""
        worst = [255]

        def same() -> bool:
            pixels = self.pixels(selector)
            worst[0] = apart(pixels, expected) if pixels.shape == expected.shape else 255
            return worst[0] <= 1

        wait(same, lambda: f"'{selector}' should show another picture: some pixel is {worst[0]} grey levels off.")

    def changes(self, former: np.ndarray, selector: str = STAGE) -> np.ndarray:
        """Waits until a canvas shows anything but this; returns what it shows."""
        pixels = [former]

        def other() -> bool:
            pixels[0] = self.pixels(selector)
            return pixels[0].shape != former.shape or apart(pixels[0], former) > 1

        wait(other, lambda: f"'{selector}' still shows the former picture.")
        return pixels[0]

    def settled(self) -> np.ndarray:
        """Waits until the stage shows the session's own picture, not a draft; returns its pixels."""
        self.page.wait_for_function(
            f"() => {{ const m = {MODEL}; return m?.get('state') && !m.get('hand') && document.querySelector('[data-view=stage][data-still=true]') }}"
        )
        return self.pixels()

    @property
    def moving(self) -> bool:
        """Whether what the stage shows is a draft."""
        return self.page.get_attribute("[data-view=stage]", "data-still") == "false"

    # the session

    @property
    def session(self) -> dict[str, Any]:
        """The session as the server last told it."""
        return self.page.evaluate(f"() => {MODEL}.get('state').session")

    def becomes(self, test: Callable[[dict[str, Any]], Any], what: str) -> dict[str, Any]:
        """Waits until the session passes a test; returns it."""
        wait(lambda: test(self.session), lambda: f"The session should have {what}, it is {self.session}.")
        return self.session

    def goes_to(self, **origin: Any) -> dict[str, Any]:
        """Waits until the session is at an origin with these fields."""
        return self.becomes(lambda session: origin.items() <= session["spot"]["origin"].items(), f"the origin {origin}")

    def commits(self, patch: dict[str, Any], label: str = "a test") -> None:
        """Commits a patch as any view would."""
        self.page.evaluate(f"([patch, label]) => {MODEL}.send({{ type: 'commit', patch, label }})", [patch, label])

    @property
    def corner(self) -> str:
        """What the corner says of the connection."""
        return self.page.inner_text(".le-header-connection")

    # hands

    def box(self, target: Locator) -> tuple[float, float, float, float]:
        """Left, top, width and height of a control in the window, after it was brought into sight."""
        target.evaluate("node => node.scrollIntoView({ block: 'center', behavior: 'instant' })")  # what stands at the top may cover it otherwise
        box = target.bounding_box()
        assert box, "The control cannot be seen."
        return box["x"], box["y"], box["width"], box["height"]

    def stands(self, selector: str) -> None:
        """Waits until a part of the page has stood at the same place for a second, as what appears above may push it down."""
        places: list[float] = []

        def same() -> bool:
            self.page.wait_for_timeout(250)
            places.append(self.page.eval_on_selector(selector, "node => node.getBoundingClientRect().top + scrollY"))
            return len(places) >= 5 and len(set(places[-5:])) == 1

        wait(same, lambda: f"'{selector}' should come to rest.")

    def drag(self, *points: tuple[float, float], steps: int = 12) -> None:
        """Presses at the first point, moves through the others and lets go at the last."""
        self.hand.press(*points[0])
        for point in points[1:]:
            self.hand.move(*point, steps=steps)
        self.hand.release()

    def click(self, x: float, y: float) -> None:
        """Presses and lets go at one place."""
        self.drag((x, y))

    def tab(self, name: str) -> None:
        """Opens an activity."""
        self.page.get_by_role("tab", name=name, exact=True).click()

    def button(self, name: str) -> Locator:
        """A button by its name."""
        return self.page.get_by_role("button", name=name, exact=True)


class MapView:
    """Where the whole map lies on the screen: the fitted view of `mapmath.js`, in Python."""

    MARGIN = 28

    def __init__(self, screen: Screen, xy: np.ndarray):
        self._page = screen.page
        field = screen.page.locator(".le-map-top")
        screen.page.wait_for_function("() => { const node = document.querySelector('.le-map-veil'); return node && node.hidden }")
        self.left, self.top, self.width, self.height = screen.box(field)
        low, high = xy.min(axis=0), xy.max(axis=0)
        margin = min(self.MARGIN, self.width / 10)
        self.scale = min((size - 2 * margin) / extent for size, extent in zip((self.width, self.height), high - low))
        self._middle = (low + high) / 2
        self.spots = self.screen(xy)

    def screen(self, places: np.ndarray) -> np.ndarray:
        """Window positions of places `(N, 2)`."""
        offset = (places - self._middle) * self.scale * (1, -1)
        return offset + (self.left + self.width / 2, self.top + self.height / 2)

    def place(self, x: float, y: float) -> np.ndarray:
        """The place under a window position."""
        return np.array([x - self.left - self.width / 2, self.top + self.height / 2 - y]) / self.scale + self._middle

    def free(self, x: float, y: float) -> bool:
        """Whether a hand at this position meets the map and nothing above it."""
        return self._page.evaluate("([x, y]) => document.elementFromPoint(x, y)?.classList.contains('le-map-top') ?? false", [float(x), float(y)])

    def lonely(self) -> list[int]:
        """Rows whose point no other hides and a hand can reach, those with the most room around them first."""
        room = cKDTree(self.spots).query(self.spots, k=2)[0][:, 1]
        return [int(row) for row in np.argsort(-room)[:200] if self.free(*self.spots[row])]

    def empty(self, gap: float) -> tuple[float, float]:
        """A position at least `gap` pixels from every point, and hardly more."""
        xs, ys = np.meshgrid(np.arange(self.left + 12, self.left + self.width - 12, 6), np.arange(self.top + 12, self.top + self.height - 12, 6))
        spots = np.stack([xs.ravel(), ys.ravel()], axis=1)
        room = cKDTree(self.spots).query(spots)[0]
        for k in np.argsort(np.where(room < gap, np.inf, room)):
            if room[k] >= gap and self.free(*spots[k]):
                return float(spots[k][0]), float(spots[k][1])
        raise AssertionError(f"No place of the map is {gap} pixels from all points.")


def apart(one: np.ndarray, other: np.ndarray) -> int:
    """The largest difference between two pictures, in grey levels."""
    return int(np.abs(one.astype(int) - other.astype(int)).max())


def wait(test: Callable[[], Any], complaint: Callable[[], str], patience: float = PATIENCE) -> None:
    """Tries until it holds; the complaint is what the test fails with."""
    until = time.monotonic() + patience
    while not test():
        assert time.monotonic() < until, complaint()
        time.sleep(0.03)
