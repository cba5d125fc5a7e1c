"""The frame of the page: header above, stage, map and strip on the left, the activities on the right."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gradio as gr

from explorer.app.host import View
from explorer.live.desk import Desk

__all__ = ["Panel", "frame"]


@dataclass(frozen=True)
class Panel:
    """One activity: the word on its tab, and what builds its content.

    `needs` are the parts of a model without which there is nothing to do; then the tab is greyed and says `without` instead.
    """

    title: str
    build: Callable[[Desk], None]
    needs: tuple[str, ...] = ()
    without: str = ""

    @property
    def id(self) -> str:
        """The id of the panel in the page."""
        return f"le-panel-{self.title.lower().replace(' ', '-')}"


def frame(desk: Desk, panels: tuple[Panel, ...]) -> None:
    """Lays out the page inside an open `gr.Blocks`."""
    View("header", desk, loading="Latent Explorer is starting…")
    View("help", desk, loading="")
    with gr.Row(elem_classes=["le-columns"], equal_height=False):
        with gr.Column(scale=17, min_width=360, elem_classes=["le-left"]):
            with gr.Row(elem_classes=["le-pictures"], equal_height=False):
                with gr.Column(scale=1, min_width=300, elem_classes=["le-stage-column"]):
                    View("stage", desk, loading="The stage is being set…")
                with gr.Column(scale=1, min_width=300):
                    View("map", desk, loading="The map is being drawn…")
            View("strip", desk, loading="")
            View("history", desk, loading="")
        with gr.Column(scale=11, min_width=340, elem_classes=["le-right"]):
            with gr.Tabs(elem_classes=["le-tabs"]):
                for panel in panels:
                    with gr.Tab(panel.title, render_children=True, elem_id=panel.id):
                        panel.build(desk)
            View("tabs", desk, loading="", options={"panels": [_needs(panel) for panel in panels]})


def _needs(panel: Panel) -> dict[str, Any]:
    """What the front end must know to grey a panel."""
    return {"id": panel.id, "title": panel.title, "needs": list(panel.needs), "without": panel.without}
