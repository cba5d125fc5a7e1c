"""Making models and maps: train, atlas."""

from pathlib import Path
from typing import Annotated

import typer

from explorer.cli.app import app
from explorer.cli.common import Name, make
from explorer.core.errors import DataError

__all__: list[str] = []


@app.command()
def train(
    name: Annotated[str, typer.Argument(help="A bundled model's name; `explorer list` shows them.")],
    folder: Annotated[Path, typer.Option(help="Where the checkpoint and its atlas go.")] = Path("checkpoints"),
    seed: Annotated[int, typer.Option(min=0)] = 0,
    steps: Annotated[int | None, typer.Option(min=1, help="Fewer or more steps than the recipe's.")] = None,
) -> None:
    """Trains a bundled model again, resuming where a killed run stopped, and measures it."""
    from explorer import training

    make(folder)
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
    make(folder or file.parent)
    written = atlases.build(model, data, n=count, seed=seed, folder=folder or file.parent, report=lambda words: typer.echo(str(words)))
    typer.echo(f"Wrote {written}")
