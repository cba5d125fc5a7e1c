"""A state as a few lines of Python that draw the same picture, for a notebook or a script."""

from pathlib import Path

from explorer import atlases, checkpoints
from explorer.core.errors import ExplorerError
from explorer.studio.codes import code_of, spot_code
from explorer.studio.session import Entry, Place, Seed, Session, Spot
from explorer.studio.studio import Opened, Studio

__all__ = ["snippet"]

MOST_LINES = 10
FRAMES = 9
WAYS = "ways"
LINE_KINDS = ("chord", "arc", "spline", "geodesic")


def snippet(studio: Studio, session: Session, *, local: bool = False) -> str:
    """Lines of Python, at most ten, that draw what a session shows: `picture` `(H, W, C)` uint8, and on a path also its nine `frames`.

    What the session names is named (seeds, rows, places, axes); where that takes too many lines, or a way of choosing that has no short
    name, the code is given by its numbers.

    Args:
        local: whether the reader sits at this computer, so that paths of its files mean something there.
    """
    writer = _Writer(studio, session, local=local)
    return next(lines for lines in writer.versions() if lines.count("\n") <= MOST_LINES)


class _Writer:
    def __init__(self, studio: Studio, session: Session, *, local: bool):
        self.session, self.opened = session, studio.open(session.model)
        self.model = self.opened.model
        file = studio.file(session.model)
        self.bundled = file in checkpoints.bundled()
        self.thing = repr(session.model if self.bundled else str(file) if local else file.name)
        self.has_atlas_file = _has_atlas(file)
        self.ways = _ways(self.opened) if self.bundled else {}

    def versions(self):
        """The same state written ever more plainly."""
        if self.session.journey.t is not None:
            if self._can_walk():
                yield self._walk([self._spot(spot, name) for spot, name in zip(self.session.journey.points, "abcdefghijklmnopqrstuvwxyz")])
                yield self._walk(None)
        else:
            spot = self.session.spot
            if isinstance(spot.origin, Seed) and spot == Spot(spot.origin) and self.model.mapper is None:
                yield self._text([f"code = {self._sample(spot.origin)}"], torch=False)
            yield self._text([*self._spot(spot, "z"), f"code = {self._code('z')}"])
        code = code_of(self.opened, self.session)
        yield self._text([f"z = torch.tensor([{_numbers(code.values.flatten())}])", f"code = {self._code('z')}"])

    def _text(self, lines: list[str], *, torch: bool = True, frames: bool = False) -> str:
        draw = "explorer.to_pixels(model.generator.decode(code))"
        last = [f"pictures = {draw}", "picture, frames = pictures[0], pictures[1:]"] if frames else [f"picture = {draw}[0]"]
        heads = ["import torch", "import explorer"] if torch else ["import explorer"]
        opened = [f"model = explorer.open({self.thing})"]
        if any(WAYS in line for line in lines):
            heads, opened = [*heads, "from explorer.directions import bundled"], [*opened, f"{WAYS} = bundled(model)"]
        return "\n".join([*heads, *opened, *lines, *last]) + "\n"

    def _walk(self, points: list[list[str]] | None) -> str:
        journey = self.session.journey
        if points is None:
            codes = [spot_code(self.opened, spot, sampled=self.session.sampled, protect=self.session.protect) for spot in journey.points]
            lines, through = [f"points = torch.tensor([{', '.join(_numbers(code) for code in codes)}])"], "points"
        else:
            lines = [line for point in points for line in point]
            through = f"torch.cat([{', '.join('abcdefghijklmnopqrstuvwxyz'[: len(points)])}])"
        lines += [
            f"path = explorer.through({through}, {journey.kind!r})",
            f"z = path(torch.tensor([{journey.t!r}, *torch.linspace(0, 1, {FRAMES})]))",
        ]
        return self._text([*lines, f"code = {self._code('z')}"], frames=True)

    def _can_walk(self) -> bool:
        journey = self.session.journey
        return journey.kind in LINE_KINDS and journey.pace == "code" and len(journey.points) <= 26

    def _spot(self, spot: Spot, name: str) -> list[str]:
        """The lines that make the flat codes `(1, D)` of a spot, under a name."""
        lines = [f"{name} = {self._origin(spot)}"]
        if spot.axes and self._named(spot):
            axes, values = zip(*spot.axes)
            lines.append(f"{name}[:, {list(axes)}] = torch.tensor({list(values)})")
        if spot.edits and self._named(spot):
            edits = [(self.ways[identity], amount) for identity, amount in spot.edits]
            lines.append(f"for way, amount in {edits!r}: {name} = {WAYS}[way].step({name}, amount)")
        return lines

    def _named(self, spot: Spot) -> bool:
        """Whether all that was done to a spot has a name in Python: axes, and edits along directions that came with the model, of which nothing is kept."""
        return not spot.bumps and all(identity in self.ways for identity, _ in spot.edits) and not (spot.edits and self.session.protect)

    def _origin(self, spot: Spot) -> str:
        named = self._named(spot)
        atlas = f"explorer.atlas({self.thing})"
        match spot.origin:
            case Seed() if named and self.model.mapper is None:
                return f"{self._sample(spot.origin)}.values.flatten(1)"
            case Seed() if named:
                return f"model.working({self._sample(spot.origin)}).values.flatten(1)"
            case Entry(row=row) if named and self.has_atlas_file:
                if not self.session.sampled:
                    return f"{atlas}.code({row})[None].clone()"
                return f"{atlas}.code({row}, noise=torch.randn({self.model.workspace.size}, generator=torch.Generator().manual_seed({row})))[None]"
            case Place(layout=layout, x=x, y=y) if named and self.has_atlas_file:
                return f"{atlas}.layout({layout!r}).lift(torch.tensor([[{x!r}, {y!r}]]))"
        return f"torch.tensor([{_numbers(spot_code(self.opened, spot, sampled=self.session.sampled, protect=self.session.protect))}])"

    def _sample(self, origin: Seed) -> str:
        return f"model.space.sample(1, seed={origin.seed}{'' if origin.truncation == 1 else f', truncation={origin.truncation!r}'})"

    def _code(self, name: str) -> str:
        """Flat codes as codes of the workspace."""
        space = self.model.workspace
        values = name if len(space.shape) == 1 else f"{name}.view(-1, {', '.join(map(str, space.shape))})"
        return f"model.code({values})" if space == self.model.space else f"model.code({values}, {space.name!r})"


def _ways(opened: Opened) -> dict[str, str]:
    """The names of the directions that came with a model, by identity; a name that two of them have names neither."""
    found = {identity: direction.name for identity, direction in opened.compass.bundled(opened).items()}
    return {identity: name for identity, name in found.items() if list(found.values()).count(name) == 1}


def _has_atlas(file: Path) -> bool:
    """Whether `explorer.atlas` finds the atlas of a model's file."""
    try:
        return atlases.file_of(checkpoints.find(file)).is_file()
    except ExplorerError:
        return False


def _numbers(values) -> str:
    return f"[{', '.join(f'{value:.9g}' for value in values.tolist())}]"
