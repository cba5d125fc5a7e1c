"""How far a search has come, kept in a file when it is cancelled, so that the same search goes on from there to the same end.

    done = keep.resume(net, optimiser)
    with keep.safe(lambda: done, net, optimiser):
        for update in range(done, updates): ...; done = update + 1

Whatever an update draws must follow from its number.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError
from typing import Any, Protocol

import torch

from explorer.core.errors import DataError

__all__ = ["NOWHERE", "Keep"]


class Part(Protocol):
    """A network or an optimiser."""

    def state_dict(self) -> dict[str, Any]: ...
    def load_state_dict(self, state: dict[str, Any], /) -> Any: ...


@dataclass(frozen=True)
class Keep:
    """Where a cancelled search is kept; without a file it is not."""

    file: Path | None = None

    def resume(self, *parts: Part) -> int:
        """Brings the parts to where they were and returns how many updates that took; 0 where nothing fits."""
        if self.file is None or not self.file.is_file():
            return 0
        before = [deepcopy(part.state_dict()) for part in parts]
        try:
            kept = torch.load(self.file, weights_only=True)
            for part, state in zip(parts, kept["parts"], strict=True):
                part.load_state_dict(state)
            return int(kept["done"])
        except (RuntimeError, LookupError, ValueError, TypeError, EOFError, UnpicklingError):  # torn, or of another version
            for part, state in zip(parts, before, strict=True):
                part.load_state_dict(state)
            return 0

    @contextmanager
    def safe(self, done: Callable[[], int], *parts: Part) -> Iterator[None]:
        """Keeps the parts if what is inside is left early, other than by a DataError: that would come again. Forgets them at its end."""
        try:
            yield
        except DataError:
            self._forget()
            raise
        except BaseException:
            self._save(done(), *parts)
            raise
        self._forget()

    def _save(self, done: int, *parts: Part) -> None:
        if self.file is not None and done:
            partial = self.file.with_suffix(".partial")
            torch.save({"done": done, "parts": [part.state_dict() for part in parts]}, partial)
            partial.replace(self.file)

    def _forget(self) -> None:
        if self.file is not None:
            self.file.unlink(missing_ok=True)


NOWHERE = Keep()
