"""The passport of the open model, and of every other before it is opened."""

from explorer.app.host import View
from explorer.app.shell import Panel
from explorer.live.desk import Desk

__all__ = ["PANEL"]


def build(desk: Desk) -> None:
    """The content of the tab."""
    View("model", desk, loading="The passport is being read…")


PANEL = Panel("Model", build)
