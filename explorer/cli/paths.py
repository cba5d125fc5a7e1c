"""Along paths and across two axes: path, grid."""

from pathlib import Path
from typing import Annotated

import typer

from explorer.cli.app import app
from explorer.cli.common import SPOT, Name, Out, Trust, spot_of, studio_with, write
from explorer.core.errors import DataError

__all__: list[str] = []


@app.command()
def path(
    name: Name,
    start: Annotated[str, typer.Option("--from", help=f"Where the path begins: {SPOT}.")],
    end: Annotated[str, typer.Option("--to", help="Where it ends.")],
    out: Annotated[
        Path, typer.Option("--out", help="The file to write: .mp4, .gif or .webp move, a .png is one row, or with --columns a contact sheet.")
    ],
    via: Annotated[list[str] | None, typer.Option("--via", help="A stop on the way; may be given several times.")] = None,
    kind: Annotated[str | None, typer.Option(help="chord, arc or spline; without it an arc, or a spline where there are stops.")] = None,
    even: Annotated[bool, typer.Option("--even", help="The picture changes evenly, rather than the code.")] = False,
    frames: Annotated[int, typer.Option(min=2, max=240, help="How many, from one end to the other.")] = 60,
    size: Annotated[int, typer.Option(min=1, max=8, help="How many times as large.")] = 4,
    sharp: Annotated[bool, typer.Option("--sharp", help="Enlarge in sharp squares rather than smoothly.")] = False,
    fps: Annotated[int, typer.Option(min=1, max=60, help="Frames a second.")] = 24,
    back: Annotated[bool, typer.Option("--back", help="The film returns the same way.")] = False,
    columns: Annotated[int | None, typer.Option(min=1, max=240, help="Of a contact sheet.")] = None,
    captions: Annotated[str, typer.Option(help="Below a contact sheet's pictures: none, share, words.")] = "share",
    trust: Trust = False,
) -> None:
    """Walks from one code to another and writes the pictures on the way: a film, a row, or a contact sheet."""
    from explorer.export import reel
    from explorer.studio.codes import check
    from explorer.studio.session import Journey, Session

    wish = reel.read({
        "kind": _film(out, columns), "count": frames, "scale": size, "smooth": not sharp, "fps": fps, "back": back, "columns": columns or 8, "captions": captions,
    })  # fmt: skip
    studio, opened = studio_with(name, trust=trust)
    model = studio.model(opened)
    first, *stops, last = (spot_of(model, text) for text in (start, *(via or ()), end))
    journey = Journey(first, last, _kind(kind, stops), None, tuple(stops), "picture" if even else "code")
    session = Session(opened, journey=journey)
    check(studio.open(opened), session)
    write(out, reel.make(studio, session, wish).content)


@app.command()
def grid(
    name: Name,
    out: Out,
    x: Annotated[int, typer.Option(min=0, help="The axis that changes from left to right, by its number from 0.")],
    y: Annotated[int, typer.Option(min=0, help="The axis that changes from bottom to top.")],
    reach: Annotated[float, typer.Option("--range", min=0.1, max=10.0, help="How far to either side, in standard deviations of the axis.")] = 2.5,
    count: Annotated[int, typer.Option("--size", min=2, max=9, help="Pictures a side.")] = 7,
    seed: Annotated[int, typer.Option(min=0, help="The seed of the picture in the middle.")] = 0,
    middle: Annotated[str | None, typer.Option("--at", help=f"Another code in the middle: {SPOT}.")] = None,
    scale: Annotated[int, typer.Option(min=1, max=8, help="How many times as large each picture is.")] = 2,
    trust: Trust = False,
) -> None:
    """Draws what two axes do together: a square of pictures around one code, as a PNG with both axes named."""
    from explorer.export import square
    from explorer.studio.codes import check
    from explorer.studio.lattice import AxisMover, Lattice
    from explorer.studio.session import Session

    if out.suffix.lower() != ".png":
        raise DataError(f"'{out}' should end in .png, got '{out.suffix or 'no ending'}'.")
    studio, opened = studio_with(name, trust=trust)
    where = studio.open(opened)
    spot = spot_of(where.model, middle or f"seed:{seed}")
    session = Session(opened, spot)
    check(where, session)
    lattice = Lattice(spot, AxisMover.of(where, x, spot), AxisMover.of(where, y, spot), reach, count)
    write(out, square.make(studio, session, lattice, scale=scale).content)


def _kind(kind: str | None, stops: list) -> str:
    known = ("chord", "arc", "spline")
    if kind is not None and kind not in known:
        raise DataError(f"No path of kind '{kind}'. Known here: {', '.join(known)}.")
    return kind or ("spline" if stops else "arc")


def _film(out: Path, columns: int | None) -> str:
    """The kind of file that an ending asks for. Raises DataError for another ending."""
    kinds = {".mp4": "mp4", ".gif": "gif", ".webp": "webp", ".png": "strip" if columns is None else "sheet"}
    if out.suffix.lower() not in kinds:
        raise DataError(f"'{out}' should end in {', '.join(kinds)}, got '{out.suffix or 'no ending'}'.")
    return kinds[out.suffix.lower()]
