"""Flows: a direction followed step by step, on the stage and on the map."""

from explorer.app.host import View
from explorer.app.shell import Panel
from explorer.live.desk import Desk

__all__ = ["PANEL"]


def build(desk: Desk) -> None:
    """The content of the tab."""
    View("flows", desk, loading="The flows are being looked up…")


PANEL = Panel("Flows", build, needs=("generator",), without="It draws no pictures, so that nothing could be seen to flow.")
