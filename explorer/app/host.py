"""Shows a view module of `widgets/` inside a Gradio page.

The template is constant on purpose: Gradio compares the page with the template whenever a prop that the template mentions
changes, and removes what scripts have added. Modules are imported from their text, so no route is needed for them, and the
page's host module (`pageHost.js`) gives every view the same `model` over one channel.
"""

import base64
from typing import Any

import gradio as gr

from explorer.live.desk import Desk, Visitor
from explorer.places import views

__all__ = ["View"]

ON_LOAD = """
(async () => {
  const from = async (text) => {
    const url = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
    try { return await import(url); } finally { URL.revokeObjectURL(url); }
  };
  const [host, view] = await Promise.all([from(props.host), from(props.view)]);
  host.mount({ el: element.querySelector(".le-host"), view: view.default, server, name: props.name, options: props.options });
})();
"""


class View(gr.HTML):
    """One view, live. `name` is that of its module; `desk` answers where no WebSocket can be opened; `options` are plain values for the view."""

    def __init__(self, name: str, desk: Desk, *, loading: str, options: dict[str, Any] | None = None):
        super().__init__(
            html_template=f'<div class="le-host" data-view="{name}" aria-busy="true"><p class="le-loading">{loading}</p></div>',
            js_on_load=ON_LOAD,
            apply_default_css=False,
            server_functions=[answers(desk)],
            elem_classes=["le-view", f"le-view-{name}"],
            host=_module("pageHost"),
            view=_module(name),
            name=name,
            options=options or {},
        )

    @classmethod
    def get_component_class_id(cls) -> str:
        return gr.HTML.get_component_class_id()

    def get_block_name(self) -> str:
        return "html"


def answers(desk: Desk):
    """The server function `ask([session id, message in base64])`: the same desk, one request and one answer at a time.

    It returns `{ok, data}` or `{ok, error}` and never raises, because what a server function raises reaches the page as
    nothing at all.
    """

    async def ask(request: list[str]) -> dict[str, Any]:
        try:
            session, message = request
            raw = base64.b64decode(message, validate=True)
        except (TypeError, ValueError) as error:
            return {"ok": False, "error": f"A request is a session id and a message in base64: {error}."}
        known = desk.studio.store.knows(session)
        answer = await desk.answer(Visitor(session if known else None), raw)
        return {"ok": True, "data": base64.b64encode(answer).decode()}

    return ask


def _module(name: str) -> str:
    return (views() / f"{name}.js").read_text("utf-8")
