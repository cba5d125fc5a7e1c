"""Files that were made for visitors and wait to be fetched, in memory: the newest few of each, within a limit for all."""

import secrets
import threading
from collections import OrderedDict
from dataclasses import dataclass, field

from explorer.core.errors import DataError, SessionError

__all__ = ["PART", "Made", "Outbox"]

PART = 4 << 20  # bytes handed over at a time
MOST_OF_ONE = 3  # files of one visitor
MOST_BYTES = 64 << 20  # of one file
MOST_IN_ALL = 256 << 20


@dataclass(frozen=True)
class Made:
    """A file: its name, its media type as in "video/mp4", and its bytes."""

    name: str
    type: str
    content: bytes = field(repr=False)

    @property
    def parts(self) -> int:
        """How many parts of 4 MB it has."""
        return max(1, -(-len(self.content) // PART))

    def part(self, index: int) -> bytes:
        """One of its parts. Raises SessionError for one there is not."""
        if not 0 <= index < self.parts:
            raise SessionError(f"'{self.name}' has parts 0 to {self.parts - 1}, got {index}.")
        return self.content[index * PART : (index + 1) * PART]


class Outbox:
    """All visitors' files. The oldest are forgotten beyond the limits."""

    def __init__(self):
        self._files: OrderedDict[str, tuple[str, Made]] = OrderedDict()
        self._lock = threading.Lock()

    def put(self, owner: str, made: Made) -> str:
        """Keeps a file for its owner; returns its id, a secret. Raises DataError for one of more than 64 MB."""
        if len(made.content) > MOST_BYTES:
            raise DataError(
                f"'{made.name}' would have {len(made.content) >> 20} MB, expected at most {MOST_BYTES >> 20}: make it smaller or shorter."
            )
        with self._lock:
            key = secrets.token_hex(12)
            self._files[key] = (owner, made)
            own = [other for other, (whose, _) in self._files.items() if whose == owner]
            for other in own[:-MOST_OF_ONE]:
                del self._files[other]
            while sum(len(kept.content) for _, kept in self._files.values()) > MOST_IN_ALL:
                self._files.popitem(last=False)
            return key

    def find(self, owner: str, key: str) -> Made:
        """A visitor's own file. Raises SessionError for one that is forgotten, and for another visitor's alike."""
        whose, made = self._files.get(key, ("", None))
        if made is None or whose != owner:
            raise SessionError("This file is no longer kept here. Make it again.")
        return made

    def drop(self, owner: str) -> None:
        """Forgets all files of a visitor."""
        with self._lock:
            for key in [key for key, (whose, _) in self._files.items() if whose == owner]:
                del self._files[key]
