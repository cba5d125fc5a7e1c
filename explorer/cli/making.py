"""Making models and maps: train, atlas."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from explorer.cli.app import app
from explorer.cli.common import Name, make
from explorer.cli.interrupt import stoppable
from explorer.core.errors import DataError
from explorer.core.progress import Progress

__all__: list[str] = []


@app.command()
def train(
    name: Annotated[str, typer.Argument(help="A bundled model's name (`explorer list` shows them), or with --data a new one.")],
    data: Annotated[Path | None, typer.Option(help="A folder of your own pictures, to make a model of them.")] = None,
    folder: Annotated[
        Path | None, typer.Option(help="Where the checkpoint and its atlas go: by default here, for a bundled model ./checkpoints.")
    ] = None,
    size: Annotated[int | None, typer.Option(help="With --data: sides of the pictures, 16, 32, 64 or 128 pixels; 64 by default.")] = None,
    latent: Annotated[int | None, typer.Option(help="With --data: how many numbers describe a picture; 32 by default.")] = None,
    channels: Annotated[int | None, typer.Option(help="With --data: 1 for grey, 3 for colour; by default what the pictures have.")] = None,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    steps: Annotated[int | None, typer.Option(min=1, help="Fewer or more steps than the recipe's.")] = None,
) -> None:
    """Trains a bundled model again, or a new one on your own pictures; measures it and makes its atlas.

    Ctrl-C keeps what has been done. The same command goes on where a stopped or killed run was.
    """
    from explorer import training

    with stoppable() as stop:
        if data is not None:
            written = _of_own(
                name, data, folder or Path("."), size=size or 64, latent=latent or 32, channels=channels, seed=seed, steps=steps, stop=stop
            )
        elif (size, latent, channels) != (None, None, None):
            raise DataError(f"--size, --latent and --channels are for your own pictures (--data FOLDER); '{name}' has its recipe.")
        else:
            make(folder := folder or Path("checkpoints"))
            written = training.train(name, folder=folder, report=_tell, stop=stop, seed=seed, steps=steps)
    typer.echo(f"Wrote {written}")


def _of_own(name: str, data: Path, folder: Path, *, size: int, channels: int | None, stop: Callable[[], bool], **choices: int | None) -> Path:
    """Trains on a folder of pictures, after saying what is left out."""
    from explorer.training.folder import prepare, train_folder

    prepared = prepare(data, name, size=size, channels=channels, report=_tell, stop=stop)
    for note in prepared.notes:
        typer.echo(note)
    make(folder)
    file = train_folder(data, name, out=folder, size=size, channels=channels, report=_tell, stop=stop, **choices)
    typer.echo(f"`explorer serve {file}` opens it.")
    return file


def _tell(progress: Progress) -> None:
    typer.echo(str(progress))


@app.command()
def atlas(
    name: Name,
    folder: Annotated[Path | None, typer.Option(help="Where the atlas goes; beside the checkpoint by default.")] = None,
    count: Annotated[int, typer.Option(min=15, max=100_000, help="How many codes.")] = 10_000,
    seed: Annotated[int, typer.Option(min=0)] = 0,
) -> None:
    """Lays out maps of the codes of the model's own data, or, where it has no encoder, of draws from its prior."""
    from explorer import atlases, checkpoints

    file = checkpoints.find(name)
    model = checkpoints.load(file)
    data = model.card.data.get("name")
    if not data:
        raise DataError(f"The card of '{name}' names no dataset, so there is nothing to encode.")
    make(folder or file.parent)
    written = atlases.build(model, data, n=count, seed=seed, folder=folder or file.parent, report=_tell)
    typer.echo(f"Wrote {written}")
