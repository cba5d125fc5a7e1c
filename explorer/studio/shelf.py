"""The shelf: which models there are and under which names, and those that are open; the least recently used goes first when room is short."""

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

from explorer import atlases, checkpoints, formats
from explorer.core.atlas import Atlas
from explorer.core.direction import Direction
from explorer.core.errors import CheckpointError, ExplorerError
from explorer.core.model import Card, Model
from explorer.methods.directions.heads import Head
from explorer.methods.maps.labels import most_telling
from explorer.models.adapters import plug_ins
from explorer.models.adapters.adapter import Source
from explorer.studio.compass import Compass

__all__ = ["Opened", "Shelf"]

BUDGET = 2 << 30  # bytes of weights and atlases kept open


@dataclass(frozen=True, eq=False)
class Opened:
    """A model in memory, with its atlas where it has one (else `without` says why), and about how many bytes both take.

    `layout` and `colour` are the map to begin with, the one that keeps most neighbourhoods, and the label that it tells most about;
    `compass` knows the directions.
    """

    model: Model
    atlas: Atlas | None
    bytes: int
    without: str | None = None
    layout: str = ""
    colour: str = ""
    compass: Compass = field(default_factory=Compass)

    def direction(self, identity: str) -> Direction:
        """One of the model's directions, by its identity. Raises SessionError when it is not known."""
        return self.compass.get(self, identity)

    def heads(self, attributes: Sequence[str]) -> dict[str, Head]:
        """Classifiers of codes for attributes that the atlas labels, by name. Raises SessionError for one that it does not label."""
        return {name: self.compass.head(self, name) for name in attributes}


@dataclass(frozen=True)
class Known:
    """A model that can be opened: where it lies, and whether code that comes with it may run."""

    source: Source
    trust: bool = False


class Shelf:
    """Opens models by name and keeps the most recently used ones within a memory budget.

    `cards` are the models that can be opened, by name: a dictionary that is replaced, never changed, so that it can be walked
    while models come in.

    Args:
        device: where they compute.
        budget: bytes of weights and atlases to keep; the newest model stays even when it alone is larger.
    """

    def __init__(self, device: torch.device, *, budget: int = BUDGET):
        self.device, self.budget, self.compass = device, budget, Compass()
        self.cards: dict[str, Card] = {}
        self._unreadable: dict[str, str] = {}
        self._known: dict[str, Known] = {}
        self._opened: OrderedDict[str, Opened] = OrderedDict()
        self._turns: dict[str, threading.Lock] = {}
        self._lock = threading.Lock()
        for thing in (*checkpoints.bundled(), *plug_ins.found().models):
            try:
                self.know(thing)
            except ExplorerError as error:  # one bad file or plug-in must not keep the others from being opened
                self._unreadable[Path(thing).stem] = str(error)

    @property
    def unreadable(self) -> dict[str, str]:
        """What is wrong with bundled files and plug-ins that cannot be used, by name."""
        return self._unreadable | plug_ins.found().broken

    def know(self, thing: formats.Thing, *, trust: bool = False, spec: Mapping[str, Any] | None = None, instead: bool = False) -> str:
        """Adds a model to the shelf without loading it, and returns its name here. What is known already is read again.

        Args:
            thing, trust, spec: as `explorer.open` takes them.
            instead: takes the place of another model of the same name, which otherwise keeps it.

        Raises:
            CheckpointError: as `explorer.open` does, as far as can be seen without loading.
        """
        source = formats.source_of(thing, spec=spec)
        formats.check_trust(source, trust=trust)
        card = formats.card_of(source)
        with self._lock:
            name = card.name if instead else self._free_name(card.name, source)
            self._known = self._known | {name: Known(source, trust)}
            self.cards = self.cards | {name: card.but(name=name)}
            self._opened.pop(name, None)
        return name

    def _free_name(self, wanted: str, source: Source) -> str:
        """The name that a source has already, or else the wanted one, numbered where another model has it."""
        names = [wanted, *(f"{wanted[:90]}-{i}" for i in range(2, len(self._known) + 3))]
        return next(name for name in names if name not in self._known or _same(self._known[name].source, source))

    def source(self, name: str) -> Source:
        """Where a model lies. Raises CheckpointError naming the models there are; a path is never taken from a visitor."""
        return self._entry(name).source

    def _entry(self, name: str) -> Known:
        if name not in self._known:
            raise CheckpointError(f"No model '{name}' here. There are: {', '.join(self._known) or 'none'}.")
        return self._known[name]

    def open(self, name: str) -> Opened:
        """A model with its atlas, from memory or from its file. Loading one holds up only those who want the same one."""
        known = self._entry(name)
        with self._lock:
            turn = self._turns.setdefault(name, threading.Lock())
        with turn:
            opened = self._opened.get(name) or self._load(name, known)
            with self._lock:
                self._opened[name] = opened
                self._opened.move_to_end(name)
                self._make_way(0)
        return opened

    def holds(self, name: str) -> bool:
        """Whether a model is in memory, so that opening it takes no time."""
        return name in self._opened

    def _load(self, name: str, known: Known) -> Opened:
        with self._lock:
            self._make_way(formats.weigh(known.source))
        with torch.inference_mode(False):  # whoever asks first: weights made in that mode could never take part in a search by gradients
            model = formats.load(known.source, self.device, trust=known.trust)
        if model.card.name != name:
            model = replace(model, card=model.card.but(name=name))
        with self._lock:
            self.cards = self.cards | {name: model.card}  # loading tells more than a header does
        return _with_atlas(model, known.source, self.compass)

    def _make_way(self, needed: int) -> None:
        """Closes models, the least recently used first, until `needed` bytes more fit the budget; the newest stays when nothing is to come."""
        keep = 0 if needed else 1
        while len(self._opened) > keep and needed + sum(opened.bytes for opened in self._opened.values()) > self.budget:
            self._opened.popitem(last=False)


def _same(one: Source, other: Source) -> bool:
    """Whether two sources lead to the same model."""
    return one.net is other.net and one.path.resolve() == other.path.resolve()


def _with_atlas(model: Model, source: Source, compass: Compass) -> Opened:
    size = formats.weigh(source)
    try:
        atlas = atlases.beside(source.path, model)
    except CheckpointError as error:  # a bad or outdated atlas is no reason to refuse the model
        return Opened(model, None, size, str(error), compass=compass)
    if atlas is None:
        why = "`explorer atlas` makes one." if model.card.data.get("name") else "Its card names no pictures to make one from."
        return Opened(model, None, size, f"'{model.card.name}' has no atlas. {why}", compass=compass)
    best = max(atlas.layouts.values(), key=lambda layout: layout.honesty.get("r_nx", {}).get("value", 0.0), default=None)
    colour = most_telling(best.xy, atlas.labels) if best else ""
    return Opened(model, atlas, size + atlas.codes.numel() * 8, layout=best.name if best else "", colour=colour, compass=compass)
