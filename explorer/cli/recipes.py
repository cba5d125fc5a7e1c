"""Pictures that carry their recipe: verify, python."""

import json
from pathlib import Path
from typing import Annotated

import typer

from explorer.cli.app import app
from explorer.cli.common import Trust, bytes_of

__all__: list[str] = []


@app.command()
def verify(
    file: Annotated[Path, typer.Argument(help="A PNG file that Latent Explorer saved.")],
    model: Annotated[str | None, typer.Option(help="The model's file or folder, where it is not a bundled one.")] = None,
    tolerance: Annotated[int | None, typer.Option(min=0, max=255, help="Grey levels a channel that may differ; 3 by default.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    trust: Trust = False,
) -> None:
    """Draws a saved picture again from its recipe and compares; exit status 1 when it differs by more than the tolerance."""
    from explorer.export import png
    from explorer.studio.recipe import ELSEWHERE, SAME, check
    from explorer.studio.studio import Studio

    pixels, recipe = png.read(bytes_of(file), name=f"'{file.name}'")
    studio = Studio()
    try:
        if model is not None:
            studio.know(model, trust=trust)
        found = check(studio, recipe, pixels)
    finally:
        studio.close()
    allowed = ELSEWHERE if tolerance is None else tolerance
    passed = found.within(allowed)
    if as_json:
        report = {
            "file": str(file), "model": recipe.model, "weights": recipe.weights, "made": recipe.made, "explorer": recipe.explorer, "machine": recipe.machine,
            "difference": found.difference, "different": found.different, "tolerance": allowed, "untouched": found.untouched, "here": found.here, "passed": passed,
        }  # fmt: skip
        typer.echo(json.dumps(report, indent=2))
    else:
        typer.echo(f"{file.name}: drawn by {recipe.model} (weights {recipe.weights[:12]}…) on {recipe.made}, {recipe.machine}.")
        typer.echo("The file holds the pixels as they were drawn." if found.untouched else "The pixels in the file have been changed since.")
        typer.echo(f"Drawn again, the worst channel differs by {found.difference}/255; {100 * found.different:.2g} % of the pixels differ at all.")
        where = f"on the same kind of machine at most {SAME}/255 is expected, elsewhere {ELSEWHERE}/255"
        typer.echo(f"{'Passed' if passed else 'Failed'}: up to {allowed}/255 is allowed ({where}).")
    raise typer.Exit(0 if passed else 1)


@app.command()
def python(
    file: Annotated[Path, typer.Argument(help="A PNG file that Latent Explorer saved.")],
    model: Annotated[str | None, typer.Option(help="The model's file or folder, where it is not a bundled one.")] = None,
    trust: Trust = False,
) -> None:
    """Prints lines of Python that draw a saved picture again."""
    from explorer.export import png
    from explorer.studio.python import snippet
    from explorer.studio.studio import Studio

    _, recipe = png.read(bytes_of(file), name=f"'{file.name}'")
    studio = Studio()
    try:
        if model is not None:
            studio.know(model, trust=trust)
        typer.echo(snippet(studio, recipe.session_for(studio), local=True), nl=False)
    finally:
        studio.close()
