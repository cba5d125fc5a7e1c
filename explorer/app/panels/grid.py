"""What two axes do together, as a square of pictures around the one on the stage."""

from explorer.app.host import View
from explorer.app.shell import Panel
from explorer.live.desk import Desk

__all__ = ["PANEL"]


def build(desk: Desk) -> None:
    """The content of the tab."""
    View("grid", desk, loading="The grid is being prepared…")


PANEL = Panel("Grid", build, needs=("generator",), without="It draws no pictures, so that there is nothing to lay out.")
