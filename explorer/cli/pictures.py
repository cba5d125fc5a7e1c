"""Pictures from codes and codes from pictures: decode, encode."""

import json
from pathlib import Path
from typing import Annotated

import typer

from explorer.cli.app import app
from explorer.cli.common import Name, Out, Trust, kind, studio_with, write

__all__: list[str] = []


@app.command()
def decode(
    name: Name,
    out: Out,
    seed: Annotated[int, typer.Option(min=0, help="The first seed.")] = 0,
    count: Annotated[int, typer.Option(min=1, max=64, help="How many seeds, from the first on.")] = 1,
    truncation: Annotated[float, typer.Option(min=0.0, max=1.0, help="How close to the average: 0 is the average itself.")] = 1.0,
    trust: Trust = False,
) -> None:
    """Draws seeds and writes one picture, or a grid of them."""
    from explorer import render
    from explorer.studio import sample

    studio, opened = studio_with(name, trust=trust)
    pixels = studio.decode(opened, sample.seeds(studio.model(opened), seed, count, truncation=truncation))
    columns = max(1, round(count**0.5))
    write(out, render.encode(render.grid(pixels, columns), kind(out)))


@app.command()
def encode(name: Name, image: Annotated[Path, typer.Argument(help="A picture.")], out: Out, trust: Trust = False) -> None:
    """Finds the code of a picture and writes it as JSON: the mean, the variance, and how ordinary the code is."""
    from explorer.studio import photo

    studio, opened = studio_with(name, trust=trust)
    write(out, json.dumps(photo.encode(studio, opened, image), indent=2).encode())
