"""A picture of one's own: encoded, compared, refined, and put on the stage."""

from explorer.app.host import View
from explorer.app.shell import Panel
from explorer.live.desk import Desk

__all__ = ["PANEL"]


def build(desk: Desk) -> None:
    """The content of the tab."""
    View("photo", desk, loading="The photo panel is being prepared…")


PANEL = Panel("Photo", build, needs=("generator",), without="It draws no pictures, so that no photo can be fitted to it.")
