"""The command line: `explorer …`. The same functions as the page; torch and gradio are imported only by the commands that need them."""

import sys

import typer

from explorer.cli import directions, making, models, page, paths, photos, pictures, recipes  # noqa: F401 - importing them adds their commands
from explorer.cli.app import app
from explorer.core.errors import ExplorerError

__all__ = ["app", "main"]


def main() -> None:
    """Runs a command; what a person can act on is one sentence and exit status 1, never a traceback."""
    try:
        app()
    except ExplorerError as error:
        typer.echo(str(error), err=True)
        sys.exit(1)
