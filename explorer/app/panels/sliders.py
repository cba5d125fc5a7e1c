"""Every axis of the latent space as a slider, with what was measured of it."""

from explorer.app.host import View
from explorer.app.shell import Panel
from explorer.live.desk import Desk

__all__ = ["PANEL"]


def build(desk: Desk) -> None:
    """The content of the tab."""
    View("sliders", desk, loading="The sliders are being laid out…")


PANEL = Panel("Sliders", build, needs=("generator",), without="It draws no pictures, so there is nothing to slide.")
