"""Directions: found by any method, seen, measured, and stacked on the picture on the stage."""

from explorer.app.host import View
from explorer.app.shell import Panel
from explorer.live.desk import Desk

__all__ = ["PANEL"]


def build(desk: Desk) -> None:
    """The content of the tab."""
    View("directions", desk, loading="The directions are being looked up…")


PANEL = Panel("Directions", build, needs=("generator",), without="It draws no pictures, so that nothing could be seen to change.")
