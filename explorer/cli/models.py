"""What there is: list, inspect."""

import json
from typing import Annotated

import typer

from explorer.cli.app import app
from explorer.cli.common import Name, studio_with

__all__: list[str] = []


@app.command("list")
def list_models(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """The bundled models."""
    from explorer.studio import passport
    from explorer.studio.studio import Studio

    rows = passport.models(Studio())
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
        return
    for row in rows:
        typer.echo(f"{row['name']:<16} {row['title']} ({row['family']}; {row['summary']})")
    if not rows:
        typer.echo("No model is bundled here.")


@app.command()
def inspect(name: Name, as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """What a model says of itself: parts, spaces, hash, licence, training, measured quality."""
    from explorer.studio import passport

    studio, opened = studio_with(name)
    report = passport.passport(studio, opened)
    if as_json:
        typer.echo(json.dumps(report, indent=2))
        return
    for key in ("name", "title", "family", "parts", "space", "picture", "data", "licence", "credits", "weights", "training", "quality"):
        _print(key, report[key])


def _print(key: str, value: object) -> None:
    if isinstance(value, dict) and value:
        typer.echo(f"{key}:")
        for name, inner in value.items():
            typer.echo(f"  {name}: {inner if not isinstance(inner, dict) else json.dumps(inner)}")
    else:
        typer.echo(f"{key}: {', '.join(map(str, value)) if isinstance(value, list) else value or '-'}")
