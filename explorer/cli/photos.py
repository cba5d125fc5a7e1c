"""Pictures of one's own: photo (one: its code, compared and refined; a folder: the same edit on all)."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from explorer.cli.app import app
from explorer.cli.common import Name, Out, Trust, bytes_of, kind, make, studio_with, write
from explorer.core.errors import DataError

__all__: list[str] = []

MOST_AT_HOME = 10_000  # pictures of a folder


@app.command()
def photo(
    name: Name,
    source: Annotated[Path, typer.Argument(help="A picture; or a folder of pictures, or a zip file, to edit all of them.")],
    out: Out,
    refine: Annotated[int, typer.Option(min=0, max=2000, help="Steps of a search for a closer code; 0 takes the encoder's.")] = 0,
    closeness: Annotated[float, typer.Option(min=0.0, max=1.0, help="What the search is after: 0 stays ordinary, 1 matches closely.")] = 0.3,
    seed: Annotated[int, typer.Option(min=0, help="Of the search, where the model has no encoder.")] = 0,
    code: Annotated[Path | None, typer.Option("--json", help="Also write the code, with what was measured, to this file.")] = None,
    axis: Annotated[list[str] | None, typer.Option(help="For a folder: sets an axis, by number or name, as in 3=1.5. May be repeated.")] = None,
    towards: Annotated[Path | None, typer.Option(help="For a folder: goes towards the code in this file, as --json writes it.")] = None,
    amount: Annotated[float, typer.Option(min=-2.0, max=2.0, help="How much of the way --towards goes.")] = 0.5,
    trust: Trust = False,
) -> None:
    """Finds the code of a picture and writes original and reconstruction side by side; or edits a folder of pictures into a zip file."""
    make(out.absolute().parent)
    studio, opened = studio_with(name, trust=trust)
    try:
        if source.is_dir() or source.suffix.lower() == ".zip":
            _many(studio, opened, source, out, _change(studio, opened, axis or [], towards, amount))
        elif axis or towards:
            raise DataError("--axis and --towards are for a folder or a zip file of pictures; '" + str(source) + "' is neither.")
        else:
            _one(studio, opened, source, out, code, refine=refine, closeness=closeness, seed=seed)
    finally:
        studio.close()


def _one(studio, opened: str, source: Path, out: Path, code: Path | None, *, refine: int, closeness: float, seed: int) -> None:
    import numpy as np

    from explorer import render
    from explorer.studio.photo import compared, fitted
    from explorer.studio.refine import Wishes, refined

    ending = kind(out)
    taken = fitted(studio, opened, source)
    pictures, told, found = [taken.pixels[0]], {}, taken.code
    if found is not None:
        told["encoder"] = compared(studio, taken, found)
        pictures.append(told["encoder"].pixels)
    elif not refine:
        refine = 200
        typer.echo(f"'{opened}' has no encoder, so the code is searched for, in {refine} steps.")
    if refine:
        result = refined(studio, taken, Wishes(closeness=closeness, steps=refine, seed=seed), watch=_echo())
        found, told["search"] = result.code, compared(studio, taken, result.code)
        pictures.append(told["search"].pixels)
    for way, likeness in told.items():
        typer.echo(f"{way}: {likeness.psnr:.2f} dB, mean square error {likeness.error:.5f}, typicality {likeness.typicality:.3g}{_strange(likeness)}")
    if code is not None:
        model, last = studio.model(opened), list(told.values())[-1]
        record = {
            "model": opened, "weights": model.card.weights, "space": model.workspace.name, "values": found.tolist(),
            "typicality": last.typicality, "mean_square_error": last.error, "found_by": list(told)[-1],
        }  # fmt: skip
        write(code, json.dumps(record, indent=2).encode())
    write(out, render.encode(render.grid(np.stack(pictures), len(pictures)), ending))


def _many(studio, opened: str, source: Path, out: Path, change) -> None:
    from explorer.studio.many import Pile, edited, inside, within
    from explorer.studio.photo import fitted

    if out.suffix.lower() != ".zip":
        raise DataError(f"'{out}' should end in .zip, got '{out.suffix or 'no ending'}'.")
    pile = Pile(opened, most=MOST_AT_HOME)
    if source.is_dir():
        for file in within(source):
            pile.add(str(file.relative_to(source)), lambda file=file: fitted(studio, opened, file, title=file.name))
    else:
        for name, content in inside(bytes_of(source)):
            pile.add(name, lambda name=name, content=content: _whole(studio, opened, name, content))
    content = edited(studio, opened, pile.photos, change, unreadable=pile.unreadable, report=_counted())
    for file, why in pile.unreadable:
        typer.echo(f"left out: {file}: {why}", err=True)
    write(out, content)


def _whole(studio, opened: str, name: str, content: bytes | DataError):
    from explorer.studio.photo import fitted

    if isinstance(content, DataError):
        raise content
    return fitted(studio, opened, content, title=name)


def _change(studio, opened: str, axes: list[str], towards: Path | None, amount: float):
    """The change that the options ask for. Raises DataError when they ask for none."""
    from explorer.studio.changes import Change
    from explorer.studio.session import Spot

    if not axes and towards is None:
        raise DataError("Say what to change in every picture: --axis 3=1.5, or --towards code.json.")
    names = studio.model(opened).workspace.axes
    pairs = tuple(sorted(dict(_axis(text, names) for text in axes).items()))
    words = [f"sets {names[number]} to {value:g}" for number, value in pairs]
    target = None
    if towards is not None:
        target = _values(towards)
        words.append(f"goes {amount:g} of the way to the code in '{towards.name}'")
    return Change(", then ".join(words), Spot(axes=pairs), towards=target, share=amount)


def _axis(text: str, names: tuple[str, ...]) -> tuple[int, float]:
    """Number and value of "3=1.5" or "z4=1.5"."""
    which, _, value = text.partition("=")
    try:
        number = names.index(which) if which in names else int(which)
        amount = float(value)
    except ValueError as error:
        raise DataError(f"--axis takes a number or name and a value, as in 3=1.5 or {names[0]}=1.5; got '{text}'.") from error
    if not 0 <= number < len(names) or not abs(amount) <= 100:
        raise DataError(f"--axis: there are axes 0 to {len(names) - 1} and values within 100 of zero; got '{text}'.")
    return number, amount


def _values(file: Path):
    """The flat code in a JSON file. Raises DataError."""
    import torch

    try:
        values: Any = json.loads(file.read_text("utf-8"))["values"]
        found = torch.tensor(values, dtype=torch.float32)
    except OSError as error:
        raise DataError(f"'{file}' cannot be read: {error.strerror}.") from error
    except (ValueError, TypeError, KeyError, RuntimeError) as error:
        raise DataError(f"'{file}' holds no code: expected JSON with 'values', a list of numbers, as `explorer photo --json` writes it.") from error
    if found.ndim != 1 or not torch.isfinite(found).all():
        raise DataError(f"'{file}' holds no code: 'values' must be one list of finite numbers.")
    return found


def _strange(likeness) -> str:
    return "" if likeness.strangeness is None else f", strangeness {likeness.strangeness:.3g}"


def _echo() -> Callable[[Any], bool]:
    """Prints how far a search is, now and then."""

    def watch(glimpse) -> bool:
        if glimpse.step and glimpse.step % 50 == 0 and not glimpse.trying:
            typer.echo(f"step {glimpse.step} of {glimpse.steps}: mean square error {glimpse.error:.5f}")
        return True

    return watch


def _counted() -> Callable[[int, int, str], None]:
    def report(done: int, total: int, words: str) -> None:
        if done == total or (done and done % 25 == 0):
            typer.echo(words)

    return report
