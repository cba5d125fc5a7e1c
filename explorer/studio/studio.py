"""The studio: what all visitors share. Opened models and atlases, the engine, and the store of their sessions."""

import secrets
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from explorer import devices, formats
from explorer.core.atlas import Atlas
from explorer.core.errors import CapabilityError, CheckpointError, SessionError
from explorer.core.model import Card, Model
from explorer.core.space import Code
from explorer.methods.directions.ground import Ground
from explorer.studio.compass import ground_of
from explorer.studio.engine import Ask, Engine, LocalEngine
from explorer.studio.glance import Glances
from explorer.studio.jobs import Jobs
from explorer.studio.loans import Loans
from explorer.studio.outbox import Outbox
from explorer.studio.session import Session
from explorer.studio.shelf import BUDGET, Opened, Shelf
from explorer.studio.store import SessionStore
from explorer.studio.trust import Trust

__all__ = ["Opened", "Studio"]

SIDE, SPRITE_COLUMNS = 32, 100  # of the thumbnails


class Studio:
    """Opens models by name, keeps the most recently used ones within a memory budget, and owns engine and sessions.

    `cards` are the models that can be opened, by name; `unreadable` says of bundled files that cannot be read what is wrong.

    Args:
        files: models besides the bundled ones, whatever `explorer.open` takes; a name taken twice means the later one.
        first: the model that sessions start with, by name or as `explorer.open` takes it; without it, the first one that has a latent space.
        budget: bytes of weights and atlases to keep; the newest model stays even when it alone is larger.
        engine: another engine than the local one.
        store: where sessions are kept; without one, in memory.
        trust: whether code that comes with `files` and `first` may run.
        device: where models compute; without one, `devices.choose` does.
    """

    def __init__(
        self,
        files: tuple[formats.Thing, ...] = (),
        *,
        first: str | Path | None = None,
        budget: int = BUDGET,
        engine: Engine | None = None,
        store: SessionStore | None = None,
        trust: bool = False,
        device: str | torch.device | None = None,
    ):
        self.device = devices.choose(device)
        self._shelf = Shelf(self.device, budget=budget)
        for file in files:
            self._shelf.know(file, trust=trust, instead=True)
        self._first = first if first is None or first in self.cards else self._shelf.know(first, trust=trust)
        self.store = store or SessionStore()
        self.jobs = Jobs()
        self.outbox = Outbox()
        self.trust = Trust()
        self.glances = Glances()
        self.loans = Loans()
        self.engine: Engine = engine or LocalEngine(self.model)

    @property
    def cards(self) -> Mapping[str, Card]:
        """The cards of the models that can be opened, by name; not changed by what is added later."""
        return self._shelf.cards

    @property
    def unreadable(self) -> Mapping[str, str]:
        """What is wrong with bundled files and plug-ins that cannot be used, by name."""
        return self._shelf.unreadable

    def know(self, thing: formats.Thing, *, trust: bool = False, spec: Mapping[str, Any] | None = None) -> str:
        """Makes a model known that can then be opened, and returns its name here. Takes and raises what `explorer.open` does."""
        return self._shelf.know(thing, trust=trust, spec=spec)

    def add(self, text: str, *, trust: bool = False) -> str:
        """The same for a path as someone types or pastes it, or a model's id on the Hub.

        Only for whoever sits at this computer: a text from elsewhere must never be used as a path.
        """
        typed = text.strip().strip("\"'").removeprefix("file://")
        if not typed:
            raise CheckpointError("Give the path of a file or folder, or a model's id on the Hub like 'owner/name'.")
        return self.know(typed, trust=trust)

    @property
    def first(self) -> str:
        """The name of the model to start with. Raises CheckpointError when there is none."""
        if self._first is not None:
            self.file(self._first)
            return self._first
        for name, card in self.cards.items():
            if card.spaces:
                return name
        raise CheckpointError(f"No model to start with: expected one with a latent space, got {', '.join(self.cards) or 'no checkpoint at all'}.")

    def file(self, name: str) -> Path:
        """The file or folder of a model. Raises CheckpointError naming the models there are; a path is never taken from a visitor."""
        return self._shelf.source(name).path

    def weight(self, name: str) -> int:
        """How many bytes a model's weights take in memory, without loading them."""
        return formats.weigh(self._shelf.source(name))

    def open(self, name: str) -> Opened:
        """A model with its atlas, from memory or from its file. Loading one holds up only those who want the same one."""
        return self._shelf.open(name)

    def holds(self, name: str) -> bool:
        """Whether a model is in memory, so that opening it takes no time."""
        return self._shelf.holds(name)

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

    def ground(self, name: str) -> Ground:
        """What directions of a model are found and measured on."""
        return ground_of(self.open(name), self.judge(name))

    def forget(self, visitor: str) -> None:
        """Removes all that is kept of a visitor: jobs, pictures, small and lent ones, and the history from memory and file. Raises SessionError when the file cannot be written."""
        self.jobs.drop(visitor)
        self.glances.drop(visitor)
        self.outbox.drop(visitor)
        self.loans.drop(visitor)
        self.store.forget(visitor)

    def close(self) -> None:
        """Ends the engine's workers and all jobs, and the file of the histories."""
        self.jobs.close()
        self.trust.close()
        self.loans.close()
        self.engine.close()
        self.store.close()
