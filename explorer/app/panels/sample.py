"""Draw from the prior: seeds, truncation, a grid to choose from, and the nearest training example."""

from explorer.app.host import View
from explorer.app.shell import Panel
from explorer.live.desk import Desk

__all__ = ["PANEL"]


def build(desk: Desk) -> None:
    """The content of the tab."""
    View("sample", desk, loading="Sampling is being prepared…")


PANEL = Panel("Sample", build, needs=("generator",), without="It draws no pictures, so there is nothing to sample.")
