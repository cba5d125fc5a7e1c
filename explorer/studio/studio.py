"""The studio: what all visitors share. Opened models and atlases, the engine, and the store of their sessions."""

import secrets
import threading
from collections import OrderedDict
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from explorer import atlases, checkpoints
from explorer.core.atlas import Atlas
from explorer.core.errors import CapabilityError, CheckpointError, ExplorerError, SessionError
from explorer.core.model import Card, Model
from explorer.core.space import Code
from explorer.methods.maps.labels import most_telling
from explorer.studio.engine import Ask, Engine, LocalEngine
from explorer.studio.jobs import Jobs
from explorer.studio.session import Session
from explorer.studio.store import SessionStore

__all__ = ["Opened", "Studio"]

SIDE, SPRITE_COLUMNS = 32, 100  # of the thumbnails
BUDGET = 2 << 30  # bytes of weights and atlases kept open


@dataclass(frozen=True, eq=False)
class Opened:
    """A model in memory, with its atlas where it has one (else `without` says why), and about how many bytes both take.

    `layout` and `colour` are the map to begin with, the one that keeps most neighbourhoods, and the label that it tells most about.
    """

    model: Model
    atlas: Atlas | None
    bytes: int
    without: str | None = None
    layout: str = ""
    colour: str = ""


class Studio:
    """Opens models by name, keeps the most recently used ones within a memory budget, and owns engine and sessions.

    `cards` are the models that can be opened, by name; `unreadable` says of bundled files that cannot be read what is wrong.

    Args:
        files: checkpoints besides the bundled ones; a name taken twice means the later file.
        first: the model that sessions start with; without it, the first bundled one that has a latent space.
        budget: bytes of weights and atlases to keep; the newest model stays even when it alone is larger.
        engine: another engine than the local one.
        store: where sessions are kept; without one, in memory.
    """

    def __init__(
        self,
        files: tuple[Path, ...] = (),
        *,
        first: str | None = None,
        budget: int = BUDGET,
        engine: Engine | None = None,
        store: SessionStore | None = None,
    ):
        self._files: dict[str, Path] = {}
        self.cards: dict[str, Card] = {}
        self.unreadable: dict[str, str] = {}
        for file in checkpoints.bundled():
            try:
                self._know(file)
            except ExplorerError as error:  # one bad file must not keep the others from being opened
                self.unreadable[file.stem] = str(error)
        for file in files:
            self._know(Path(file))
        self._first = first
        self._opened: OrderedDict[str, Opened] = OrderedDict()
        self._budget = budget
        self._turns: dict[str, threading.Lock] = {}
        self._lock = threading.Lock()
        self.device = torch.device("cpu")
        self.store = store or SessionStore()
        self.jobs = Jobs()
        self.engine: Engine = engine or LocalEngine(self.model)

    def _know(self, file: Path) -> None:
        card = checkpoints.read(file)
        self._files[card.name], self.cards[card.name] = file, card

    @property
    def first(self) -> str:
        """The name of the model to start with. Raises CheckpointError when there is none."""
        if self._first is not None:
            self.file(self._first)
            return self._first
        for name, card in self.cards.items():
            if card.spaces:
                return name
        raise CheckpointError(f"No model to start with: expected one with a latent space, got {', '.join(self._files) or 'no checkpoint at all'}.")

    def file(self, name: str) -> Path:
        """The file of a model. Raises CheckpointError naming the models there are; a path is never taken from a visitor."""
        if name not in self._files:
            raise CheckpointError(f"No model '{name}' here. There are: {', '.join(self._files) or 'none'}.")
        return self._files[name]

    def open(self, name: str) -> Opened:
        """A model with its atlas, from memory or from its file. Loading one holds up only those who want the same one."""
        file = self.file(name)
        with self._lock:
            turn = self._turns.setdefault(name, threading.Lock())
        with turn:
            opened = self._opened.get(name) or _open(file, self.device)
            self._keep(name, opened)
        return opened

    def _keep(self, name: str, opened: Opened) -> None:
        with self._lock:
            self._opened[name] = opened
            self._opened.move_to_end(name)
            while len(self._opened) > 1 and sum(kept.bytes for kept in self._opened.values()) > self._budget:
                self._opened.popitem(last=False)

    def holds(self, name: str) -> bool:
        """Whether a model is in memory, so that opening it takes no time."""
        return name in self._opened

    def model(self, name: str) -> Model:
        """A model, from memory or from its file."""
        return self.open(name).model

    def atlas(self, name: str) -> Atlas | None:
        """A model's atlas, or None where it has none."""
        return self.open(name).atlas

    def decode(self, name: str, code: Code) -> np.ndarray:
        """Pixels `(B, H, W, C)` of codes, through the engine, for callers that can wait."""
        drawn = self.engine.submit(Ask("python", secrets.token_hex(8), name, code)).result()
        if drawn is None:
            raise SessionError("The studio has been closed.")
        return drawn.pixels

    def thumbnail(self, name: str, row: int) -> np.ndarray:
        """The 32 px thumbnail `(32, 32, 3)` of one atlas row. Raises CapabilityError without thumbnails."""
        atlas = self.atlas(name)
        if atlas is None or atlas.thumbnails is None:
            raise CapabilityError(f"'{name}' has no thumbnails.")
        top, left = divmod(row, SPRITE_COLUMNS)
        return self._sprite(atlas.thumbnails)[top * SIDE : (top + 1) * SIDE, left * SIDE : (left + 1) * SIDE]

    @staticmethod
    @lru_cache(maxsize=4)
    def _sprite(file: Path) -> np.ndarray:
        return np.asarray(Image.open(file).convert("RGB"))

    def session(self, name: str) -> Session:
        """A fresh session with a model: a draw from its prior, the map that keeps most neighbourhoods, coloured by what it tells most about."""
        opened = self.open(name)
        return Session(name, layout=opened.layout, colour=opened.colour)

    def judge(self, name: str) -> Model | None:
        """The bundled model that names what a model's pictures show, as its card says, or None."""
        judge = self.model(name).card.data.get("judge")
        return self.model(judge) if judge in self.cards else None

    def forget(self, visitor: str) -> None:
        """Removes all that is kept of a visitor: jobs, and the history from memory and file. Raises SessionError when the file cannot be written."""
        self.jobs.drop(visitor)
        self.store.forget(visitor)

    def close(self) -> None:
        """Ends the engine's workers and all jobs, and the file of the histories."""
        self.jobs.close()
        self.engine.close()
        self.store.close()


def _open(file: Path, device: torch.device) -> Opened:
    model = checkpoints.load(file, device)
    size = file.stat().st_size * 2
    try:
        atlas = atlases.beside(file, model)
    except CheckpointError as error:  # a bad or outdated atlas is no reason to refuse the model
        return Opened(model, None, size, str(error))
    if atlas is None:
        return Opened(model, None, size, f"'{model.card.name}' has no atlas. `explorer atlas` makes one.")
    best = max(atlas.layouts.values(), key=lambda layout: layout.honesty.get("r_nx", {}).get("value", 0.0), default=None)
    colour = most_telling(best.xy, atlas.labels) if best else ""
    return Opened(model, atlas, size + atlas.codes.numel() * 8, layout=best.name if best else "", colour=colour)
