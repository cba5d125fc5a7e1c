"""Own pictures become an own model."""

from explorer.app.host import View
from explorer.app.shell import Panel
from explorer.live.desk import Desk

__all__ = ["PANEL"]


def build(desk: Desk) -> None:
    """The content of the tab."""
    View("train", desk, loading="The training is being set out…")


PANEL = Panel("Own model", build)
