"""The workbench in the browser: serve."""

from typing import Annotated

import typer

from explorer.cli.app import app

__all__: list[str] = []


@app.command()
def serve(
    name: Annotated[str | None, typer.Argument(help="The model to open first, by name or path.")] = None,
    port: Annotated[int | None, typer.Option(min=1, max=65535)] = None,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    browser: Annotated[bool, typer.Option(help="Open the page in a browser.")] = True,
) -> None:
    """Opens the workbench in the browser."""
    typer.echo("Latent Explorer is starting…")
    from explorer import checkpoints
    from explorer.app.app import serve as serve_page

    files, model = (), None
    if name:
        file = checkpoints.find(name)
        files, model = (file,), checkpoints.read(file).name
    serve_page(port=port, open_browser=browser, host=host, files=files, model=model)
