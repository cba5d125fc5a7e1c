"""Hands on the page: a mouse, and a finger that does the same by touching."""

from playwright.sync_api import Page

STEPS = 12


class Mouse:
    """Presses, moves and lets go at positions of the window."""

    def __init__(self, page: Page):
        self._mouse = page.mouse

    def press(self, x: float, y: float) -> None:
        self._mouse.move(x, y)
        self._mouse.down()

    def move(self, x: float, y: float, steps: int = STEPS) -> None:
        self._mouse.move(x, y, steps=steps)

    def release(self) -> None:
        self._mouse.up()


class Finger:
    """The same by touch. Playwright can only tap, so the touches are made with Chromium's own tools."""

    def __init__(self, page: Page):
        self._page = page
        self._tools = page.context.new_cdp_session(page)
        self._at = (0.0, 0.0)

    def press(self, x: float, y: float) -> None:
        self._at = (x, y)
        self._send("touchStart", x, y)

    def move(self, x: float, y: float, steps: int = STEPS) -> None:
        (fx, fy), self._at = self._at, (x, y)
        for step in range(1, steps + 1):
            self._send("touchMove", fx + (x - fx) * step / steps, fy + (y - fy) * step / steps)

    def release(self) -> None:
        self._tools.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})

    def _send(self, kind: str, x: float, y: float) -> None:
        self._tools.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y}]})
