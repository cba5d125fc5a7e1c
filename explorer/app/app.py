"""The browser door: builds the page and serves it together with the live channel."""

import os
import threading

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")  # read when gradio is imported


import gradio as gr  # noqa: E402

from explorer.app import shell, theme, where  # noqa: E402
from explorer.app.panels import directions, flows, grid, model, photo, sample, sliders, train  # noqa: E402
from explorer.core.errors import CapabilityError, ExplorerError  # noqa: E402
from explorer.live import server  # noqa: E402
from explorer.live.desk import Desk  # noqa: E402
from explorer.places import user_data  # noqa: E402
from explorer.studio import own, passport  # noqa: E402
from explorer.studio.store import SessionStore  # noqa: E402
from explorer.studio.studio import Studio  # noqa: E402

__all__ = ["PANELS", "build", "launch", "serve"]

PANELS = (sample.PANEL, sliders.PANEL, directions.PANEL, flows.PANEL, grid.PANEL, photo.PANEL, train.PANEL, model.PANEL)


def build(desk: Desk) -> gr.Blocks:
    """The page, one panel for every activity."""
    with gr.Blocks(title="Latent Explorer", fill_width=True, analytics_enabled=False) as page:
        shell.frame(desk, PANELS)
    return page


def launch(studio: Studio, *, port: int | None = None, host: str = "127.0.0.1") -> tuple[gr.Blocks, str]:
    """Starts serving in the background; returns the page, whose `close()` ends it, and its address."""
    desk = Desk(studio)
    page = build(desk)
    try:
        address = _launch(page, desk, port=port, host=host)
    except OSError as error:
        raise ExplorerError(f"Nothing can be served at {host}{f', port {port}' if port else ''}: {error}") from error
    return page, address


def _launch(page: gr.Blocks, desk: Desk, *, port: int | None, host: str) -> str:
    _, address, _ = page.launch(
        server_name=host,
        server_port=port,
        prevent_thread_lock=True,
        quiet=True,
        ssr_mode=False,  # its front proxy cannot carry a WebSocket
        footer_links=[],
        theme=theme.theme(),
        head=f"<style>{theme.STYLE}</style>",  # as `css` Gradio would confine it to what lies inside its own container
        app_kwargs={"routes": [server.route(desk, local=where.local(host))]},
    )
    return address


def serve(*, port: int | None = None, open_browser: bool = True, host: str = "127.0.0.1", model: str | None = None, trust: bool = False) -> None:
    """Serves until interrupted, printing the address and opening it in a browser when asked to.

    `model` is the one to open first, by name or path; `trust` says that code that comes with it may run, which is refused where strangers are served.
    """
    if trust and not where.local(host):
        raise ExplorerError(f"`--trust` works only for a page that this computer alone can reach, not for one served at {host}.")
    store = SessionStore(user_data() / "sessions.db")
    studio = Studio(first=model, store=store, trust=trust)
    if where.local(host):
        own.know(studio)
    if why := passport.why_not(studio.cards[studio.first]):
        raise CapabilityError(f"'{studio.first}' cannot be traversed. {why}")
    studio.open(studio.first)
    page, address = launch(studio, port=port, host=host)
    print(f"Latent Explorer is ready: {address}", flush=True)
    if open_browser:
        import webbrowser

        webbrowser.open(address)
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        print("Latent Explorer has ended.", flush=True)
    finally:
        page.close(verbose=False)
        studio.close()
