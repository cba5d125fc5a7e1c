"""The command line: `explorer …`. The same functions as the page; torch and gradio are imported only by the commands that need them."""

import json
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from explorer.core.errors import DataError, ExplorerError

__all__ = ["app", "main"]

app = typer.Typer(help="Traverse what a neural network has learned.", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)

Name = Annotated[str, typer.Argument(help="A bundled model's name, or the path of a .safetensors checkpoint.")]
Out = Annotated[Path, typer.Option("--out", help="The file to write.")]


def main() -> None:
    """Runs a command; what a person can act on is one sentence and exit status 1, never a traceback."""
    try:
        app()
    except ExplorerError as error:
        typer.echo(str(error), err=True)
        sys.exit(1)


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

    studio, opened = _studio(name)
    report = passport.passport(studio, opened)
    if as_json:
        typer.echo(json.dumps(report, indent=2))
        return
    for key in ("name", "title", "family", "parts", "space", "picture", "data", "licence", "credits", "weights", "training", "quality"):
        _print(key, report[key])


@app.command()
def decode(
    name: Name,
    out: Out,
    seed: Annotated[int, typer.Option(min=0, help="The first seed.")] = 0,
    count: Annotated[int, typer.Option(min=1, max=64, help="How many seeds, from the first on.")] = 1,
    truncation: Annotated[float, typer.Option(min=0.0, max=1.0, help="How close to the average: 0 is the average itself.")] = 1.0,
) -> None:
    """Draws seeds and writes one picture, or a grid of them."""
    from explorer import render
    from explorer.studio import sample

    studio, opened = _studio(name)
    pixels = studio.decode(opened, sample.seeds(studio.model(opened), seed, count, truncation=truncation))
    columns = max(1, round(count**0.5))
    _write(out, render.encode(render.grid(pixels, columns), _kind(out)))


@app.command()
def encode(name: Name, image: Annotated[Path, typer.Argument(help="A picture.")], out: Out) -> None:
    """Finds the code of a picture and writes it as JSON: the mean, the variance, and how ordinary the code is."""
    from explorer.studio import photo

    studio, opened = _studio(name)
    _write(out, json.dumps(photo.encode(studio, opened, image), indent=2).encode())


@app.command()
def train(
    name: Annotated[str, typer.Argument(help="A bundled model's name; `explorer list` shows them.")],
    folder: Annotated[Path, typer.Option(help="Where the checkpoint and its atlas go.")] = Path("checkpoints"),
    seed: Annotated[int, typer.Option(min=0)] = 0,
    steps: Annotated[int | None, typer.Option(min=1, help="Fewer or more steps than the recipe's.")] = None,
) -> None:
    """Trains a bundled model again, resuming where a killed run stopped, and measures it."""
    from explorer import training

    _make(folder)
    typer.echo(
        f"Wrote {training.train(name, folder=folder, report=lambda progress: typer.echo(str(progress)), stop=lambda: False, seed=seed, steps=steps)}"
    )


@app.command()
def atlas(
    name: Name,
    folder: Annotated[Path | None, typer.Option(help="Where the atlas goes; beside the checkpoint by default.")] = None,
    count: Annotated[int, typer.Option(min=15, max=100_000, help="How many pictures to encode.")] = 10_000,
    seed: Annotated[int, typer.Option(min=0)] = 0,
) -> None:
    """Encodes pictures of the model's own data and lays out maps of their codes."""
    from explorer import atlases, checkpoints

    file = checkpoints.find(name)
    model = checkpoints.load(file)
    data = model.card.data.get("name")
    if not data:
        raise DataError(f"The card of '{name}' names no dataset, so there is nothing to encode.")
    _make(folder or file.parent)
    written = atlases.build(model, data, n=count, seed=seed, folder=folder or file.parent, report=lambda words: typer.echo(str(words)))
    typer.echo(f"Wrote {written}")


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


def _studio(name: str):
    """A studio that knows the model of a name or path, and the name it has there."""
    from explorer import checkpoints
    from explorer.studio.studio import Studio

    file = checkpoints.find(name)
    return Studio((file,)), checkpoints.read(file).name


def _make(folder: Path) -> None:
    """Makes sure, before long work begins, that there is a folder to write its result into."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise DataError(f"Nothing can be written into '{folder}': {error.strerror}.") from error


def _write(out: Path, content: bytes) -> None:
    try:
        out.write_bytes(content)
    except OSError as error:
        raise DataError(f"'{out}' cannot be written: {error.strerror}.") from error
    typer.echo(f"Wrote {out}")


def _kind(out: Path) -> str:
    kinds = {".png": "png", ".jpg": "jpeg", ".jpeg": "jpeg", ".webp": "webp"}
    if out.suffix.lower() not in kinds:
        raise DataError(f"'{out}' should end in {', '.join(kinds)}, got '{out.suffix or 'no ending'}'.")
    return kinds[out.suffix.lower()]


def _print(key: str, value: object) -> None:
    if isinstance(value, dict) and value:
        typer.echo(f"{key}:")
        for name, inner in value.items():
            typer.echo(f"  {name}: {inner if not isinstance(inner, dict) else json.dumps(inner)}")
    else:
        typer.echo(f"{key}: {', '.join(map(str, value)) if isinstance(value, list) else value or '-'}")
