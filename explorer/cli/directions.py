"""Directions: find and list them (directions), change a picture along them (edit), learn flows (flow), score them (score)."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

import typer

from explorer.cli.app import app
from explorer.cli.common import SPOT, Name, Trust, bytes_of, make, spot_of, studio_with, write
from explorer.cli.interrupt import stoppable
from explorer.core.errors import DataError, SessionError

__all__: list[str] = []

FILE = Annotated[Path | None, typer.Option("--out", help="The file to write: NAME.directions.safetensors.")]


@app.command("directions")
def find_directions(
    name: Name,
    method: Annotated[
        str | None, typer.Option(help="How to find them; without it those that came with the model are listed. `help` lists the methods.")
    ] = None,
    count: Annotated[int, typer.Option(min=1, max=64, help="How many, where the method finds any number.")] = 8,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    attribute: Annotated[str, typer.Option(help="For supervised methods: the label of the atlas to change, as in mouth.")] = "",
    toward: Annotated[str, typer.Option(help="The class to go to, as in smile.")] = "",
    against: Annotated[str, typer.Option(help="The class to come from; all others without it.")] = "",
    labels: Annotated[
        Path | None, typer.Option(help="For boundaries: a table (CSV) with a row for each code of the atlas; --attribute names its column.")
    ] = None,
    protect: Annotated[
        list[str] | None, typer.Option(help="For gradient walks: a label that must stay. May be repeated; all others without it.")
    ] = None,
    guard: Annotated[str, typer.Option(help="How a gradient walk keeps what must stay: soft, project, mask, none.")] = "soft",
    starts: Annotated[int, typer.Option(min=12, max=4096, help="From how many codes each is measured.")] = 64,
    out: FILE = None,
    bundle: Annotated[
        Path | None,
        typer.Option(
            "--bundle",
            help="Instead: make the file that comes with the model, of all methods, in this folder. Takes long; goes on where it was stopped.",
        ),
    ] = None,
    trust: Trust = False,
) -> None:
    """Finds directions by any method, measures what each one changes, and prints it; or lists those that came with a model."""
    from explorer.methods.directions.find import METHODS, Wish, find
    from explorer.methods.directions.gradient import MODES

    if method == "help":
        return typer.echo("\n".join(f"{key:16} {each.words}" for key, each in METHODS.items()))
    _writable(out)
    studio, opened = studio_with(name, trust=trust)
    try:
        if bundle is not None:
            return _bundle(studio.ground(opened), bundle)
        if method is None:
            found = list(studio.open(opened).compass.bundled(studio.open(opened)).values())
        else:
            if guard not in MODES:
                raise DataError(f"No way '{guard}' to keep what must stay. Known: {', '.join(MODES)}.")
            wish = Wish(
                method, count=count, seed=seed, attribute=attribute, toward=toward, against=against, protect=tuple(protect or ()), guard=guard
            )
            ground = studio.ground(opened)
            wish = wish if labels is None else _grouped(wish, labels, len(ground.codes))
            found = [ground.measured(direction, starts=starts) for direction in find(ground, wish, report=_said())]
        if not found:
            raise DataError(
                f"No directions came with '{opened}'. Find some with --method; `explorer directions {opened} --method help` lists the methods."
            )
        typer.echo(_table(found))
        _keep(out, found)
    finally:
        studio.close()


@app.command()
def edit(
    name: Name,
    image: Annotated[str, typer.Argument(help=f"A picture; or {SPOT}.")],
    direction: Annotated[
        list[str], typer.Option(help="The name of a direction that came with the model, or FILE#NAME for one in a file. May be repeated.")
    ],
    amount: Annotated[
        list[float], typer.Option(min=-8.0, max=8.0, help="How far along it, in units of equal picture change; one for each direction.")
    ],
    out: Annotated[Path, typer.Option("--out", help="The PNG to write: the changed picture with its recipe, or with --compare also the one before.")],
    protect: Annotated[list[str] | None, typer.Option(help="A label that must stay. May be repeated.")] = None,
    compare: Annotated[
        bool, typer.Option("--compare", help="Side by side: the picture, its reconstruction, the changed one, and what has changed.")
    ] = False,
    trust: Trust = False,
) -> None:
    """Changes a picture, or any code, along a stack of directions. The code is changed, never the pixels."""
    from explorer import render
    from explorer.export import png
    from explorer.studio.recipe import Recipe
    from explorer.studio.session import Session

    if len(direction) != len(amount):
        raise DataError(f"Each --direction needs its --amount: got {len(direction)} directions and {len(amount)} amounts.")
    if out.suffix.lower() != ".png":
        raise DataError(f"'{out}' should end in .png, got '{out.suffix or 'no ending'}'.")
    studio, opened = studio_with(name, trust=trust)
    try:
        where = studio.open(opened)
        known = [_identity(where, text) for text in direction]
        if double := {text for text, identity in zip(direction, known) if known.count(identity) > 1}:
            raise DataError(f"A direction can be given once; '{min(double)}' was given twice. Add its amounts.")
        photo, spot = _picture(studio, opened, image)
        session = Session(opened, _edited(spot, tuple(zip(known, amount))), protect=tuple(protect or ()))
        recipe, after = Recipe.make(studio, session)
        if not compare:
            return write(out, png.write(after, recipe))
        _, before = Recipe.make(studio, Session(opened, spot))
        write(out, render.encode(_compared(photo, before, after), "png"))
    finally:
        studio.close()


@app.command()
def flow(
    name: Name,
    out: Annotated[Path, typer.Option("--out", help="The file to write: NAME.directions.safetensors.")],
    count: Annotated[int, typer.Option(min=2, max=16, help="How many flows are learned together.")] = 8,
    equation: Annotated[str, typer.Option(help="What the landscapes should obey: wave, hamilton-jacobi, heat, none.")] = "wave",
    seed: Annotated[int, typer.Option(min=0)] = 0,
    updates: Annotated[int, typer.Option(min=0, max=20_000, help="Fewer or more steps of learning; 0 takes the usual number.")] = 0,
    starts: Annotated[int, typer.Option(min=12, max=4096, help="From how many codes each is measured.")] = 64,
    trust: Trust = False,
) -> None:
    """Learns potential flows that a small network can tell apart, and measures each. Ctrl-C keeps what has been learned; the same command goes on."""
    from explorer.methods.directions.find import Wish
    from explorer.methods.flows.pde import KINDS
    from explorer.training.directions import flow as learned

    _writable(out)
    if equation not in KINDS:
        raise DataError(f"No equation '{equation}'. Known: {', '.join(KINDS)}.")
    studio, opened = studio_with(name, trust=trust)
    try:
        ground = studio.ground(opened)
        with stoppable() as stop:
            wish = Wish("flow", count=count, seed=seed, equation=equation, updates=updates)
            found = learned(ground, wish=wish, report=lambda progress: typer.echo(str(progress)), stop=stop)
        if not found:
            raise DataError(f"'{opened}' gives no gradients, which flows are learned by.")
        found = [ground.measured(each, starts=starts) for each in found]
        typer.echo(_table(found))
        _keep(out, found)
    finally:
        studio.close()


@app.command()
def score(
    name: Name,
    file: Annotated[Path | None, typer.Option("--directions", help="A file of directions; without it those that came with the model.")] = None,
    pairs: Annotated[int, typer.Option(min=200, max=40_000, help="Pairs of pictures, of which a tenth is learned from.")] = 2000,
    epochs: Annotated[int, typer.Option(min=1, max=400, help="Of the network that tells directions apart.")] = 30,
    seeds: Annotated[int, typer.Option(min=1, max=10, help="How often it is learned.")] = 3,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    trust: Trust = False,
) -> None:
    """Scores directions, method by method: can they be told apart (VP), what else do they change, how evenly do they move the picture?"""
    from explorer import directions
    from explorer.methods.directions import scores

    studio, opened = studio_with(name, trust=trust)
    try:
        where = studio.open(opened)
        held = directions.read(file, where.model) if file is not None else list(where.compass.bundled(where).values())
        if not held:
            raise DataError(
                f"No directions came with '{opened}'. Find some with `explorer directions {opened} --method … --out FILE`, and name the file."
            )
        ground, rows = studio.ground(opened), []
        for method in dict.fromkeys(direction.method for direction in held):
            found = [direction if direction.evidence else ground.measured(direction, starts=64) for direction in held if direction.method == method]
            told = scores.scored(ground, found, pairs=pairs, epochs=epochs, seeds=seeds)
            rows.append({"method": method, "directions": len(found)} | told | scores.leaked(found) | scores.moved(ground, found))
        typer.echo(json.dumps(rows, indent=1) if as_json else _scores(rows))
    finally:
        studio.close()


def _scores(rows: Sequence[dict]) -> str:
    """The scores, a line a method."""
    lines = [("method", "directions", "VP last", "VP highest", "chance", "leak", "reached", "share", "PPL")]
    for row in rows:
        chance = 1 / row["K"] if "K" in row else None
        shares = [_share(value) for value in (row.get("VP last"), row.get("VP highest"), chance, row.get("leak"))]
        lines.append((row["method"], str(row["directions"]), *shares, row.get("reached", "–"), _share(row.get("share")), f"{row['PPL']:.2f}"))
    return _aligned(lines)


def _bundle(ground, folder: Path) -> None:
    from explorer.training.directions import make as made

    make(folder)
    with stoppable() as stop:
        typer.echo(f"Wrote {made(ground, folder, report=lambda progress: typer.echo(str(progress)), stop=stop)}")


def _grouped(wish, table: Path, codes: int):
    """The wish with the two groups that a table of labels makes. Raises DataError for a table, column or class that does not do."""
    from dataclasses import replace

    from explorer.studio import groups

    columns = {column.name: column for column in groups.read(bytes_of(table), codes, name=table.name)}
    column = columns.get(wish.attribute or min(columns)) if len(columns) == 1 or wish.attribute else None
    if column is None:
        raise DataError(f"--attribute should name a column of '{table.name}': {', '.join(columns)}; got '{wish.attribute or 'nothing'}'.")
    if missing := [name for name in (wish.toward, wish.against) if name not in (*column.classes, "")] or ["nothing"] * (not wish.toward):
        raise DataError(f"'{column.name}' in '{table.name}' has the classes {', '.join(column.classes)}; --toward or --against names {missing[0]}.")
    goal = column.classes.index(wish.toward)
    source = [column.classes.index(wish.against)] if wish.against else [c for c in range(len(column.classes)) if c != goal]
    ones, zeros = ([int(row) for row, value in enumerate(column.values) if value in wanted] for wanted in ([goal], source))
    name = wish.name or f"{column.name}: {wish.toward}"
    return replace(wish, attribute="", toward="", against="", ones=tuple(ones), zeros=tuple(zeros), name=name)


def _writable(out: Path | None) -> None:
    """Makes sure, before long work begins, that its result can be kept."""
    from explorer.directions import SUFFIX

    if out is not None:
        if not out.name.endswith(SUFFIX):
            raise DataError(f"'{out.name}' should end in {SUFFIX}.")
        make(out.absolute().parent)


def _keep(out: Path | None, found: Sequence) -> None:
    from explorer import directions

    if out is not None:
        directions.write(out, found)
        typer.echo(f"Wrote {out}")


def _said() -> Callable[[int, int, str], None]:
    last = [""]

    def report(done: int, of: int, words: str) -> None:
        text = f"{words} ({100 * done // max(1, of)} %)"
        if text != last[0] and done % max(1, of // 10) == 0:
            typer.echo(text, err=True)
        last[0] = text

    return report


def _table(found: Sequence) -> str:
    """What each direction does, a line each."""
    rows = [("direction", "method", "changes", "reaches", "at", "also changes", "typical from … to")]
    for direction in found:
        told, matched = direction.evidence, direction.evidence.get("matched") or {}
        ends, target = told.get("ends", {}), told.get("target")
        rows.append((
            direction.name, direction.method, f"{target['question']}: {target['class']}" if target else "–",
            _share(matched.get("reached")), _number(matched.get("amount")), _share(matched.get("leakage_mean")),
            f"{_number(ends.get('back'), '…')} to {_number(ends.get('forth'), '…')}",
        ))  # fmt: skip
    return _aligned(rows)


def _aligned(rows: Sequence[tuple[str, ...]]) -> str:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows)


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.0%}"


def _number(value: float | None, nothing: str = "–") -> str:
    return nothing if value is None else f"{value:g}"


def _identity(where, text: str) -> str:
    """The identity of the direction that a text names. Raises DataError or CheckpointError saying which there are."""
    from explorer import directions

    file, mark, name = text.rpartition("#")
    if mark and file.endswith(directions.SUFFIX):
        held = {each.name: each for each in directions.read(Path(file), where.model)}
        if name not in held:
            raise DataError(f"'{file}' holds no direction '{name}'. It holds: {', '.join(held)}.")
        return where.compass.keep(held[name])
    known = {direction.name: identity for identity, direction in where.compass.bundled(where).items()}
    if text in known:
        return known[text]
    try:
        where.direction(text)  # an identity
    except SessionError:
        there = ", ".join(known) or "none"
        raise DataError(f"'{where.model.card.name}' has no direction '{text}'. Those that came with it: {there}. In a file: FILE#NAME.") from None
    return text


def _picture(studio, opened: str, text: str):
    """The photo that a text names, or None where it names a code, and the spot of its code."""
    from explorer.studio.photo import fitted
    from explorer.studio.session import Spot, Values

    if not Path(text).is_file() or text.lower().endswith(".json"):
        return None, spot_of(studio.model(opened), text)
    photo = fitted(studio, opened, Path(text))
    if photo.code is None:
        raise DataError(
            f"'{opened}' has no encoder. Search for the code first: `explorer photo {opened} {text} --json code.json`, then edit code.json."
        )
    return photo, Spot(Values(tuple(photo.code.tolist())))


def _edited(spot, edits):
    from dataclasses import replace

    return replace(spot, edits=edits)


def _compared(photo, before, after):
    """Pictures side by side `(H, W, C)`: the photo where there is one, before, after, and how much each place has changed."""
    import numpy as np

    from explorer import render

    change = np.abs(after.astype(np.int16) - before.astype(np.int16)).max(axis=-1, keepdims=True).astype(np.uint8)
    pictures = [before, after, np.repeat(change, before.shape[-1], axis=-1)]
    return render.grid(np.stack([photo.pixels[0], *pictures] if photo is not None else pictures), 4)
