"""What the launcher says, and pip's flood of lines turned into a few plain ones."""

import re
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

__all__ = ["LaunchError", "in_words", "narrate", "say", "still_here"]

QUIET_SECONDS = 20.0


class LaunchError(Exception):
    """The start cannot go on; the message says why and what to do, and `code` is the exit code."""

    def __init__(self, message: str, *, code: int = 1) -> None:
        super().__init__(message)
        self.code = code


def say(text: str, *, end: str = "\n") -> None:
    """One line for the visitor, at once."""
    sys.stdout.write(text + end)
    sys.stdout.flush()


def in_words(line: str) -> str | None:
    """What a line of pip's output means to a visitor; None for the many that mean nothing to one."""
    if found := re.match(r"\s*(?:Downloading|Using cached) (?:\S*/)?([A-Za-z0-9_.]+)-([^-\s]+)-\S+\.whl \(([\d.]+ [kMG]?B)\)", line):
        name, version, size = found.groups()
        return f"  {name.replace('_', '-')} {version} ({size})" if size.endswith(("MB", "GB")) else None
    if line.startswith("Installing collected packages:"):
        return f"  Unpacking {line.count(',') + 1} packages. This is the last step and takes a minute or two."
    return None


def narrate(lines: Iterable[str], *, speak: Callable[[str], None] = say) -> Iterator[str]:
    """Passes pip's lines on, saying the ones worth saying, and that it is still at work where none comes for a while."""
    with still_here(speak) as heard:
        for line in lines:
            if words := in_words(line):
                speak(words)
                heard()
            yield line


@contextmanager
def still_here(speak: Callable[[str], None], *, after: float = QUIET_SECONDS) -> Iterator[Callable[[], None]]:
    """Says how long it has been whenever `after` seconds pass in silence; call what it yields to say that silence was broken."""
    began = last = time.monotonic()
    done = threading.Event()

    def heard() -> None:
        nonlocal last
        last = time.monotonic()

    def watch() -> None:
        while not done.wait(max(0.05, last + after - time.monotonic())):
            if time.monotonic() >= last + after:
                speak(f"  ... still at work ({duration(time.monotonic() - began)})")
                heard()

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield heard
    finally:
        done.set()
        thread.join()


def duration(seconds: float) -> str:
    """75 seconds are '1 min 15 s'."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
