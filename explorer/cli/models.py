"""What there is: list, inspect."""

import json
from typing import Annotated

import typer

from explorer.cli.app import app
from explorer.cli.common import Name, Trust, studio_with

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
def inspect(name: Name, trust: Trust = False, as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """What a model says of itself: parts, spaces, hash, licence, training, measured quality."""
    from explorer.studio import passport

    studio, opened = studio_with(name, trust=trust)
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
            typer.echo(f"  {name}: {_words(inner)}")
    else:
        typer.echo(f"{key}: {_words(value)}")


def _words(value: object) -> str:
    """A value on one line; of a long list only its ends, as the names of a thousand axes."""
    if isinstance(value, list):
        shown = [*value[:3], "…", *value[-1:]] if len(value) > 12 else value
        return ", ".join(map(str, shown)) or "-"
    return json.dumps(value) if isinstance(value, dict) and value else "-" if value in (None, "", {}) else str(value)
