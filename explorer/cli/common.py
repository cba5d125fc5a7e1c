"""What the commands share: how a model is named, how files are written."""

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from explorer.core.errors import DataError

__all__ = ["Name", "Out", "Trust", "kind", "make", "studio_with", "write"]

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


def kind(out: Path) -> str:
    """The picture format that a file's ending asks for. Raises DataError for another ending."""
    kinds = {".png": "png", ".jpg": "jpeg", ".jpeg": "jpeg", ".webp": "webp"}
    if out.suffix.lower() not in kinds:
        raise DataError(f"'{out}' should end in {', '.join(kinds)}, got '{out.suffix or 'no ending'}'.")
    return kinds[out.suffix.lower()]
