"""The compass: the directions that a model's codes can be moved along, bundled or found, and how they are found.

A direction is named by its identity, a hash of what it does; sessions refer to directions by that alone. What is found is kept
in a folder under its identity, so that a session still finds it after a restart; results of a search are kept by what was
asked, so that asking again costs nothing.
"""

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from explorer import directions
from explorer.core.direction import Direction, composed
from explorer.core.errors import CheckpointError, DataError, ExplorerError, SessionError
from explorer.core.progress import Progress
from explorer.data.cache import cache_folder
from explorer.data.catalogue import DATASETS
from explorer.methods.directions.agreement import CHEAP, with_agreement
from explorer.methods.directions.find import Wish, find, why_not
from explorer.methods.directions.ground import Ground
from explorer.methods.directions.heads import Head, fit
from explorer.methods.keep import Keep
from explorer.methods.measure.evidence import Scene
from explorer.places import checkpoints as bundled_folder
from explorer.places import user_data
from explorer.studio.haste import Haste
from explorer.studio.steering import Edit
from explorer.training import directions as training

if TYPE_CHECKING:
    from explorer.studio.shelf import Opened

__all__ = ["QUICK", "Compass", "ground_of"]

QUICK, THOROUGH = 12, 256  # starts of the first evidence, and of the refined one
LEAST_UNIT = 1e-5  # of pictures in [-1, 1]; below it nothing can be seen to change
MOST_KEPT, TIDY = 5000, 50  # directions and wishes kept in the folder; it is looked through every so many
LETTERS = frozenset("0123456789abcdef")

Report = Callable[[int, int, str], None]
Stop = Callable[[], bool]


def ground_of(opened: "Opened", judge) -> Ground:
    """What directions of an open model stand on; `judge` is the model that names what its pictures show, or None."""
    model = opened.model
    seen = DATASETS.get(model.card.data.get("name", ""))

    def decode(z):
        return model.need("generator").decode(model.code(z.reshape(len(z), *model.workspace.shape), model.workspace.name))

    options = {} if judge is None else {"judge": judge.classifier}
    if judge is not None and seen is not None:
        options["visible"] = seen.visible
    return Ground(model, opened.atlas, Scene(decode, model.workspace, encoder=model.encoder if model.mapper is None else None, **options))


class Compass:
    """All directions of all models; safe to use from several threads. `folder` is where what is found is kept."""

    def __init__(self, folder: Path | None = None):
        self._folder = folder
        self._bundled: dict[str, dict[str, Direction]] = {}  # by the weights' hash, then by identity
        self._found: dict[str, Direction] = {}
        self._heads: dict[tuple[str, str], Head] = {}
        self._lock = threading.RLock()
        self._written = 0
        self.haste = Haste()

    @property
    def folder(self) -> Path:
        """Where found directions lie; made when first needed."""
        folder = self._folder or user_data() / "directions"
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def bundled(self, opened: "Opened") -> dict[str, Direction]:
        """The directions that came with a model, by identity; none where their file is missing or belongs to other weights."""
        card = opened.model.card
        with self._lock:
            if card.weights not in self._bundled:
                self._bundled[card.weights] = self._read(bundled_folder() / f"{card.name}{directions.SUFFIX}", opened)
            return self._bundled[card.weights]

    @staticmethod
    def _read(file: Path, opened: "Opened") -> dict[str, Direction]:
        if not file.is_file():
            return {}
        try:
            return {directions.identity(direction): direction for direction in directions.read(file, opened.model)}
        except CheckpointError:  # an outdated file is no reason to refuse the model
            return {}

    def get(self, opened: "Opened", identity: str) -> Direction:
        """A direction by its identity. Raises SessionError when it is not known, or belongs to another model."""
        known = self._held(opened, identity)
        if known is None:
            raise SessionError("A direction of this state is not known here: it was found on another computer, or has been removed. Find it again.")
        if known.weights and known.weights != opened.model.card.weights:
            raise SessionError(f"'{known.name}' is a direction of '{known.model}', not of '{opened.model.card.name}'.")
        if known.space != opened.model.workspace:
            raise SessionError(
                f"'{known.name}' moves codes of '{known.space.name}', the workspace of '{opened.model.card.name}' is '{opened.model.workspace.name}'."
            )
        return known

    def _held(self, opened: "Opened", identity: str) -> Direction | None:
        """What came with the model or was found, whichever was measured from more starts."""
        found = [self.bundled(opened).get(identity), self._found.get(identity) or self._load(identity)]
        return max((each for each in found if each is not None), key=lambda each: each.evidence.get("starts", 0), default=None)

    def find_quietly(self, opened: "Opened", identity: str) -> Direction | None:
        """A direction by its identity, or None where it is not known or belongs to another model."""
        try:
            return self.get(opened, identity)
        except SessionError:
            return None

    def head(self, opened: "Opened", attribute: str) -> Head:
        """A classifier of codes for an attribute that the atlas labels, learned when first asked for. Raises SessionError for another one."""
        atlas = opened.atlas
        if atlas is None or attribute not in atlas.labels:
            known = ", ".join(atlas.labels) if atlas is not None else ""
            raise SessionError(
                f"'{opened.model.card.name}' has no labels of '{attribute}', so it cannot be protected. Labelled: {known or 'nothing'}."
            )
        key = (opened.model.card.weights, attribute)
        with self._lock:
            if key not in self._heads:
                self._heads[key] = fit(atlas.codes.float(), atlas.labels[attribute], atlas.classes[attribute], seed=0)
            return self._heads[key]

    def _load(self, identity: str) -> Direction | None:
        if len(identity) != 24 or not set(identity) <= LETTERS:  # it becomes part of a file's name
            return None
        file = self.folder / f"{identity}{directions.SUFFIX}"
        try:
            (found,) = directions.read(file)
        except (ExplorerError, ValueError):
            return None
        with self._lock:
            self._found[identity] = found
        return found

    def keep(self, direction: Direction) -> str:
        """Keeps a direction for later, unless it is kept with as much evidence already; returns its identity."""
        identity = directions.identity(direction)
        known = self._found.get(identity) or self._load(identity)
        if known is not None and known.evidence.get("starts", 0) >= direction.evidence.get("starts", 0):
            return identity
        directions.write(self.folder / f"{identity}{directions.SUFFIX}", [direction])
        with self._lock:
            self._found[identity] = direction
            self._written += 1
            if self._written % TIDY == 0:
                self._tidy()
        return identity

    def _tidy(self) -> None:
        """Lets go of what was kept longest ago, where there is too much."""
        for identity in list(self._found)[: max(0, len(self._found) - MOST_KEPT)]:
            del self._found[identity]
        files = sorted(self.folder.glob(f"*{directions.SUFFIX}"), key=lambda file: file.stat().st_mtime)
        for file in files[: max(0, len(files) - MOST_KEPT)]:
            file.unlink(missing_ok=True)

    def find(self, ground: Ground, wish: Wish, report: Report, *, starts: int = QUICK, stop: Stop = lambda: False) -> list[str]:
        """Finds directions, measures each from `starts` starts and keeps them; returns their identities. The same wish is granted once.

        Raises:
            DataError, CapabilityError: as `methods.directions.find.find` does.
            Stopped: `stop` said so while a flow was learned; asking again goes on from there, as after any cancel.
        """
        file = self.folder / f"wish-{wish.key(ground.model.card.weights)}{directions.SUFFIX}"
        try:
            return [self.keep(direction) for direction in directions.read(file, ground.model)]
        except CheckpointError:
            pass
        if ground.unit < LEAST_UNIT:
            raise DataError(
                f"Pictures of '{ground.model.card.name}' do not depend on the code: two drawn at random are the same, so no direction changes them."
            )
        found = []
        for i, direction in enumerate(raw := _raw(ground, wish, report, stop)):
            report(i, len(raw), f"Measuring '{direction.name}'")
            found.append(ground.measured(direction, starts=starts))
        directions.write(file, found)
        return [self.keep(direction) for direction in found]

    def compose(self, ground: Ground, opened: "Opened", edits: Sequence[Edit], name: str, *, starts: int = QUICK) -> str:
        """Keeps several edits as one direction, of which one unit changes the picture as much as of any other; returns its identity.

        Raises:
            DataError: fewer than two edits, or edits that cancel each other.
        """
        if len(edits) < 2:
            raise DataError(f"One direction is made of at least two edits, got {len(edits)}. Move two sliders first.")
        parts = [(self.get(opened, identity), amount) for identity, amount in edits]
        return self.keep(ground.measured(composed(parts, name=name), starts=starts))

    def refine(self, ground: Ground, opened: "Opened", identities: list[str], report: Report, *, starts: int = THOROUGH) -> list[str]:
        """Measures directions again, from more starts; returns those that were."""
        starts = len(ground.starts(starts))  # a small atlas has fewer
        wanted = [known for known in (self.get(opened, identity) for identity in identities) if known.evidence.get("starts", 0) < starts]
        done = []
        for i, direction in enumerate(wanted):
            report(i, len(wanted), f"Measuring '{direction.name}' from {starts} pictures")
            done.append(self.keep(ground.measured(direction, starts=starts)))
        return done


def _raw(ground: Ground, wish: Wish, report: Report, stop: Stop) -> list[Direction]:
    """What a method finds, before it is measured. What was learned of something that takes long outlives a stop."""
    if wish.method != "flow" or why_not(ground, "flow"):
        found = find(ground, wish, report=report, keep=Keep(cache_folder() / f"search-{wish.key(ground.model.card.weights)}.state"))
        return with_agreement(ground, wish, found) if wish.method in CHEAP else found
    found = training.flow(ground, report=lambda now: None if stop() else report(now.step, now.steps, _learning(now)), stop=stop, wish=wish)
    card = ground.model.card
    return [direction.but(model=card.name, weights=card.weights) for direction in found]


def _learning(now: Progress) -> str:
    return f"Learning: {now.figures['right']:.0%} of the flows told apart" if "right" in now.figures else "Learning…"
