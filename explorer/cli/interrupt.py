"""Ctrl-C during long work: the first asks it to stop where it can go on later, the second ends it at once."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["stoppable"]

SAID = b"\nStopping, and keeping what has been done. Ctrl-C again ends at once.\n"


@contextmanager
def stoppable() -> Iterator[Callable[[], bool]]:
    """Gives a function that says whether Ctrl-C was pressed."""
    pressed = False

    def note(*_) -> None:
        nonlocal pressed
        pressed = True
        signal.signal(signal.SIGINT, before)
        os.write(2, SAID)  # print is not safe here: it may be what was interrupted

    before = signal.signal(signal.SIGINT, note)
    try:
        yield lambda: pressed
    finally:
        signal.signal(signal.SIGINT, before)
