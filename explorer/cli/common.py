"""What the commands share: how a model is named, how files are written."""

import json
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from explorer.core.errors import DataError

__all__ = ["SPOT", "Name", "Out", "Trust", "bytes_of", "kind", "make", "spot_of", "studio_with", "write"]

SPOT = "seed:N, row:N (of the atlas), or a code's .json file as `explorer encode` writes it"

Name = Annotated[str, typer.Argument(help="A bundled model's name, or the path of a file or folder; see docs/bring-your-own-model.md.")]
Out = Annotated[Path, typer.Option("--out", help="The file to write.")]
Trust = Annotated[bool, typer.Option("--trust", help="Run code that comes with the model: a Python class, a compiled program.")]


def studio_with(name: str, *, trust: bool = False):
    """A studio that knows the model of a name or path, and the name it has there."""
    from explorer.studio.studio import Studio

    studio = Studio()
    return studio, studio.know(name, trust=trust)


def make(folder: Path) -> None:
    """Makes sure, before long work begins, that there is a folder to write its result into."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise DataError(f"Nothing can be written into '{folder}': {error.strerror}.") from error


def write(out: Path, content: bytes) -> None:
    """Writes a result and says so. Raises DataError where that is not possible."""
    try:
        out.write_bytes(content)
    except OSError as error:
        raise DataError(f"'{out}' cannot be written: {error.strerror}.") from error
    typer.echo(f"Wrote {out}")


def bytes_of(file: Path) -> bytes:
    """What a file holds. Raises DataError where it cannot be read."""
    try:
        return file.read_bytes()
    except OSError as error:
        raise DataError(f"'{file}' cannot be read: {error.strerror}.") from error


def kind(out: Path) -> str:
    """The picture format that a file's ending asks for. Raises DataError for another ending."""
    kinds = {".png": "png", ".jpg": "jpeg", ".jpeg": "jpeg", ".webp": "webp"}
    if out.suffix.lower() not in kinds:
        raise DataError(f"'{out}' should end in {', '.join(kinds)}, got '{out.suffix or 'no ending'}'.")
    return kinds[out.suffix.lower()]


def spot_of(model, text: str):
    """The spot that a text names. Raises DataError saying what is understood."""
    from explorer.studio.session import Entry, Seed, Spot

    kind, _, number = text.partition(":")
    if kind in ("seed", "row") and number.isdecimal() and int(number) < 2**32:
        return Spot(Seed(int(number)) if kind == "seed" else Entry(int(number)))
    if text.lower().endswith(".json"):
        return _spot_in(model, Path(text))
    raise DataError(f"'{text}' names no code. Expected {SPOT}.")


def _spot_in(model, file: Path):
    """The spot of a code's file, brought to the space that paths lie in."""
    import torch

    from explorer.studio.session import Spot, Values

    try:
        content = json.loads(file.read_text("utf-8"))
        values = torch.tensor([float(value) for value in content["values"]])
        space = model.space_named(content.get("space", model.space.name))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"'{file}' is no code as `explorer encode` writes it: {type(error).__name__}: {error}.") from error
    if len(values) != space.size:
        raise DataError(f"'{file}' holds {len(values)} numbers; '{model.card.name}' takes codes of {space.size}.")
    code = model.working(model.code(values.reshape(1, *space.shape), space.name))
    return Spot(Values(tuple(code.values.flatten().tolist())))
