"""The one typer application that every command joins."""

import typer

__all__ = ["app"]

app = typer.Typer(help="Traverse what a neural network has learned.", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
