"""The workbench in the browser: serve."""

from typing import Annotated

import typer

from explorer.cli.app import app
from explorer.cli.common import Trust

__all__: list[str] = []


@app.command()
def serve(
    name: Annotated[str | None, typer.Argument(help="The model to open first, by name or path.")] = None,
    port: Annotated[int | None, typer.Option(min=1, max=65535)] = None,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    browser: Annotated[bool, typer.Option(help="Open the page in a browser.")] = True,
    trust: Trust = False,
) -> None:
    """Opens the workbench in the browser."""
    typer.echo("Latent Explorer is starting…")
    from explorer.app.app import serve as serve_page

    serve_page(port=port, open_browser=browser, host=host, model=name, trust=trust)
