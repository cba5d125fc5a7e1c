"""What visitors lend: their pictures, and what is made of them. In memory only, never in a file, and for an hour at most."""

import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

from explorer.core.errors import DataError

__all__ = ["HOUR", "Loans"]

HOUR = 3600.0  # seconds after which what is not used is dropped
MOST_BYTES = 512 << 20  # of all visitors; beyond it what was not used for longest goes
MOST_OF_ONE = 160 << 20


@dataclass
class Loan:
    thing: Any
    size: int
    used: float


class Loans:
    """Things by visitor and by a word for what they are; safe to use from several threads.

    Args:
        seconds: without use, after which a thing is dropped.
    """

    def __init__(self, *, seconds: float = HOUR):
        self._seconds = seconds
        self._kept: OrderedDict[tuple[str, str], Loan] = OrderedDict()
        self._lock = threading.Lock()
        self._clock: threading.Timer | None = None

    def keep(self, visitor: str, what: str, thing: Any, size: int) -> None:
        """Keeps a thing of `size` bytes in place of what was kept under that word. Raises DataError when one visitor's things grow too large."""
        with self._lock:
            others = sum(loan.size for key, loan in self._kept.items() if key[0] == visitor and key != (visitor, what))
            if others + size > MOST_OF_ONE:
                raise DataError(f"Your pictures would take {(others + size) >> 20} MB of this server's memory; {MOST_OF_ONE >> 20} MB is the most.")
            self._kept[visitor, what] = Loan(thing, size, time.monotonic())
            self._kept.move_to_end((visitor, what))
            while sum(loan.size for loan in self._kept.values()) > MOST_BYTES:
                self._kept.popitem(last=False)
            self._wind()

    def find(self, visitor: str, what: str) -> Any | None:
        """What is kept under that word, or None."""
        with self._lock:
            self._tidy()
            loan = self._kept.get((visitor, what))
            if loan is None:
                return None
            loan.used = time.monotonic()
            self._kept.move_to_end((visitor, what))
            return loan.thing

    def drop(self, visitor: str, what: str | None = None) -> None:
        """Forgets one thing of a visitor, or all of them."""
        with self._lock:
            for key in [key for key in self._kept if key[0] == visitor and what in (None, key[1])]:
                del self._kept[key]

    def close(self) -> None:
        """Forgets everything."""
        with self._lock:
            self._kept.clear()
            if self._clock:
                self._clock.cancel()
                self._clock = None

    def __len__(self) -> int:
        return len(self._kept)

    def _tidy(self) -> None:
        now = time.monotonic()
        for key in [key for key, loan in self._kept.items() if now - loan.used >= self._seconds]:
            del self._kept[key]

    def _wind(self) -> None:
        """Looks again when the oldest thing may be due, so that nothing stays only because nobody asks."""
        if self._clock is not None or not self._kept:
            return
        due = min(loan.used for loan in self._kept.values()) + self._seconds - time.monotonic()
        self._clock = threading.Timer(max(due, 0.0) + 0.01, self._ring)
        self._clock.daemon = True
        self._clock.start()

    def _ring(self) -> None:
        with self._lock:
            self._clock = None
            self._tidy()
            self._wind()
