"""Where sessions live: one tree of steps a visitor, seen by every view, tab and transport of that visitor.

A session id is a secret of 192 bits; whoever knows it may look and act. Steps are values, so undoing is moving a pointer.
With a file, every change is in it before anybody is told of it (`ledger.py`); without one, all is forgotten at the end.
"""

import contextlib
import json
import logging
import secrets
import sqlite3
import threading
import time
import zlib
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from explorer.core.errors import SessionError
from explorer.studio.allowance import Allowance
from explorer.studio.ledger import Ledger, Record, Row
from explorer.studio.session import Session

__all__ = ["DAYS", "MOST_STEPS", "History", "SessionStore", "Step"]

log = logging.getLogger(__name__)

MOST_VISITORS = 2000
MOST_STEPS = 300  # of one visitor, besides the bookmarks
MOST_BYTES = 8 << 20  # of one visitor's packed steps
MOST_STARS = 60
DAYS = 90  # without a visit
MOST_PACKED = 16 << 20  # bytes of one session once unpacked


@dataclass(frozen=True)
class Step:
    """One committed state: its number, the step it was made from, what was done in a few words, when (seconds since 1970), and its bookmark's name."""

    number: int
    parent: int | None
    session: Session
    label: str
    made: float = 0.0
    star: str | None = None

    @cached_property
    def packed(self) -> bytes:
        """The session as it is kept in a file."""
        return zlib.compress(json.dumps(self.session.to_json(), separators=(",", ":")).encode(), 1)


@dataclass
class History:
    """The steps of one visitor and the one that is shown."""

    steps: dict[int, Step]
    now: int = 0
    next: int = 1
    ahead: dict[int, int] = field(default_factory=dict)  # from a step to the child that redo leads to
    allowance: Allowance = field(default_factory=Allowance)
    watchers: list[tuple[object, Callable[["History"], None]]] = field(default_factory=list)
    unsaved: set[int] = field(default_factory=set)  # numbers of steps that a file does not hold as they are here, or no longer should
    kept: bool = False  # whether a file holds any of it
    epoch: int = 0  # up to which change by another process it is true

    @property
    def session(self) -> Session:
        """The state that is shown."""
        return self.steps[self.now].session

    @property
    def undo_label(self) -> str | None:
        """What undo would take back, or None."""
        step = self.steps[self.now]
        return None if step.parent is None else step.label

    @property
    def redo_label(self) -> str | None:
        """What redo would bring back, or None."""
        child = self.ahead.get(self.now)
        return None if child is None else self.steps[child].label

    @property
    def stars(self) -> list[Step]:
        """The bookmarked steps, oldest first."""
        return [step for step in self.steps.values() if step.star is not None]

    def put(self, step: Step) -> None:
        """Sets a step, to be saved."""
        self.steps[step.number] = step
        self.unsaved.add(step.number)

    def lead(self, parent: int, child: int) -> None:
        """Sets where redo leads from a step, to be saved."""
        if self.ahead.get(parent) != child:
            self.ahead[parent] = child
            self.unsaved.add(parent)


class SessionStore:
    """All visitors' histories, forgotten beyond a limit, those without an open page first; safe to use from several threads.

    Args:
        file: where they are kept; None for memory only.
    """

    def __init__(self, file: Path | None = None):
        self.trouble = ""  # why nothing is kept in the file, or what was wrong with it
        self._histories: OrderedDict[str, History] = OrderedDict()
        self._lock = threading.RLock()
        self._ledger: Ledger | None = None
        self._pruned = 0.0
        self._epoch = 0  # how often another process was seen to write
        if file is not None:
            self._open(file)

    def _open(self, file: Path) -> None:
        try:
            self._ledger = Ledger(file)
            self.trouble = self._ledger.note
        except (sqlite3.Error, OSError) as error:
            self.trouble = f"Your steps cannot be kept in a file ({error}), so they last only until the program ends."
        if self.trouble:
            log.warning("%s: %s", file, self.trouble)

    def about(self, *, local: bool = False) -> str:
        """Where a visitor's steps are kept and for how long, in one sentence or two; with `local`, to whoever owns this computer."""
        if self._ledger is None:
            return self.trouble or "Your steps are kept in this program's memory, and are gone when it ends."
        limits = f"for {DAYS} days after your last visit, the last {MOST_STEPS} steps and up to {MOST_STARS} bookmarks of them"
        where = f"on this computer, in {self._ledger.file}" if local else "on this server"
        return " ".join(filter(None, (self.trouble, f"Your steps are kept {where}, {limits}.")))

    def create(self, session: Session) -> str:
        """Starts a history; returns its id. It comes into the file with its first step."""
        with self._lock:
            visitor = secrets.token_urlsafe(24)
            self._take_in(visitor, History({0: Step(0, None, session, "start", time.time())}))
            self._prune()
            return visitor

    def _take_in(self, visitor: str, history: History) -> None:
        history.epoch = self._epoch
        self._histories[visitor] = history
        while len(self._histories) > MOST_VISITORS:
            del self._histories[self._idlest()]

    def _idlest(self) -> str:
        """The visitor to forget: the one not heard of for longest, those with an open page last."""
        return next((visitor for visitor, history in self._histories.items() if not history.watchers), next(iter(self._histories)))

    def _prune(self) -> None:
        """Once an hour, removes from the file what is too old or too much."""
        if self._ledger is None or time.time() - self._pruned < 3600:
            return
        self._pruned = time.time()
        with self._saving(), self._ledger.turn():
            self._ledger.prune(before=time.time() - DAYS * 86400, most=MOST_VISITORS)

    def knows(self, visitor: object) -> bool:
        """Whether there is a history of that id."""
        if not isinstance(visitor, str):
            return False
        with self._lock:
            return visitor in self._histories or self._load(visitor)

    def history(self, visitor: str) -> History:
        """The history of that id. Raises SessionError when it has been forgotten."""
        with self._lock:
            self._refresh(visitor)
            if not self.knows(visitor):
                raise SessionError("This session is no longer known here. Reload the page to start a new one.")
            self._histories.move_to_end(visitor)
            return self._histories[visitor]

    def commit(self, visitor: str, session: Session, label: str, *, by: object = None) -> History:
        """Adds a step after the present one and shows it. A state equal to the present one adds nothing."""
        with self._change(visitor) as history:
            if session == history.session:
                return history
            step = Step(history.next, history.now, session, label, time.time())
            history.put(step)
            history.lead(history.now, step.number)
            history.now, history.next = step.number, step.number + 1
            _forget(history)
        return self._tell(history, by)

    def undo(self, visitor: str, *, by: object = None) -> History:
        """Shows the step that the present one was made from; at the first step nothing happens."""
        with self._change(visitor) as history:
            parent = history.steps[history.now].parent
            if parent is not None:
                history.lead(parent, history.now)
                history.now = parent
        return self._tell(history, by)

    def redo(self, visitor: str, *, by: object = None) -> History:
        """Shows the step that was last undone or made from here; at the end nothing happens."""
        with self._change(visitor) as history:
            history.now = history.ahead.get(history.now, history.now)
        return self._tell(history, by)

    def go(self, visitor: str, number: int, *, by: object = None) -> History:
        """Shows a step of any branch. Raises SessionError when it is not kept."""
        with self._change(visitor) as history:
            history.now = _step(history, number).number
        return self._tell(history, by)

    def star(self, visitor: str, number: int, name: str | None, *, by: object = None) -> History:
        """Bookmarks a step under a name, or with None takes the bookmark away. Raises SessionError for a step not kept, or too many bookmarks."""
        with self._change(visitor) as history:
            step = _step(history, number)
            if name is not None and step.star is None and len(history.stars) >= MOST_STARS:
                raise SessionError(f"There may be {MOST_STARS} bookmarks. Remove one first.")
            if step.star != name:
                history.put(replace(step, star=name))
                _forget(history)
        return self._tell(history, by)

    def forget(self, visitor: str) -> None:
        """Removes everything of a visitor, from the file for good. Raises SessionError when the file cannot be written."""
        with self._lock:
            self._histories.pop(visitor, None)
            if self._ledger is None:
                return
            try:
                self._ledger.forget(visitor)
            except sqlite3.Error as error:
                raise SessionError(f"Your steps could not be removed from the file: {error}. Try again.") from error

    def watch(self, visitor: str, told: Callable[[History], None], *, owner: object = None) -> Callable[[], None]:
        """Calls `told` when the shown step changes, unless `owner` changed it (`by`) and so knows; returns how to stop that."""
        history, entry = self.history(visitor), (owner, told)
        history.watchers.append(entry)
        return lambda: history.watchers.remove(entry) if entry in history.watchers else None

    def close(self) -> None:
        """Ends the file; what was committed is in it. From then on nothing more is."""
        with self._lock:
            if self._ledger is not None:
                self._ledger.close()
            self._ledger = None

    def _tell(self, history: History, by: object) -> History:
        for owner, told in list(history.watchers):
            if owner is None or owner is not by:
                told(history)
        return history

    @contextlib.contextmanager
    def _change(self, visitor: str) -> Iterator[History]:
        """One change of a history: in the file, if there is one, before anybody hears of it."""
        with self._lock, contextlib.ExitStack() as turn:
            self.history(visitor)
            if self._ledger is not None:
                with self._saving():
                    turn.enter_context(self._ledger.turn())
            history = self.history(visitor)  # as it is now that nobody else can write
            yield history
            if self._ledger is None:
                history.unsaved.clear()
                return
            with self._saving(), turn.pop_all() as own:
                self._save(visitor, history, own)

    def _save(self, visitor: str, history: History, turn: contextlib.ExitStack) -> None:
        if not self._ledger.in_turn:  # it did not come, and `trouble` says why
            return
        kept = self._ledger.touch(visitor, history.now, history.next)
        numbers = history.unsaved if kept else history.unsaved | set(history.steps)
        rows = (_row(history, number) for number in numbers if number in history.steps)
        self._ledger.write(visitor, rows, (number for number in numbers if number not in history.steps))
        turn.close()  # commits
        history.unsaved, history.kept, self.trouble = set(), True, self._ledger.note

    @contextlib.contextmanager
    def _saving(self) -> Iterator[None]:
        """What cannot be saved stays in memory, and the visitor is told."""
        try:
            yield
        except sqlite3.Error as error:
            log.warning("Steps cannot be saved: %s", error)
            self.trouble = f"Your steps cannot be saved at the moment ({error}); they are kept in memory until they can."

    def _load(self, visitor: str) -> bool:
        """Takes a visitor's history from the file into memory; returns whether there was one."""
        if self._ledger is None:
            return False
        try:
            record = self._ledger.read(visitor)
        except sqlite3.Error as error:
            log.warning("Steps cannot be read: %s", error)
            return False
        history = None if record is None else _history(record)
        if history is None:
            return False
        self._take_in(visitor, history)
        with self._saving():
            self._ledger.touch(visitor, history.now, history.next)  # a visit
        return True

    def _refresh(self, visitor: str) -> None:
        """Takes over what another process wrote or removed of a visitor."""
        history = self._histories.get(visitor)
        if self._ledger is None or history is None:
            return
        try:
            self._epoch += self._ledger.changed()
            if history.epoch == self._epoch or history.unsaved or not history.kept:
                return
            record = self._ledger.read(visitor)
        except sqlite3.Error as error:
            log.warning("Steps cannot be read: %s", error)
            return
        other = None if record is None else _history(record)
        if other is None:
            del self._histories[visitor]
        else:
            history.steps, history.now, history.next, history.ahead, history.epoch = other.steps, other.now, other.next, other.ahead, self._epoch


def _step(history: History, number: int) -> Step:
    if number not in history.steps:
        raise SessionError(f"Step {number} is no longer kept: the last {MOST_STEPS} are, and bookmarks.")
    return history.steps[number]


def _forget(history: History) -> None:
    """Drops the oldest steps beyond the limits, bookmarks aside; what was made from a dropped step becomes a beginning."""
    bytes_kept = sum(len(step.packed) for step in history.steps.values())
    plain = sorted(number for number, step in history.steps.items() if step.star is None and number != history.now)
    spare = len(plain) + 1 - MOST_STEPS
    for oldest in plain:
        if spare <= 0 and bytes_kept <= MOST_BYTES:
            return
        spare -= 1
        bytes_kept -= len(history.steps.pop(oldest).packed)
        history.unsaved.add(oldest)
        history.unsaved |= {number for number, child in history.ahead.items() if child == oldest}
        history.ahead = {a: b for a, b in history.ahead.items() if oldest not in (a, b)}
        for step in [step for step in history.steps.values() if step.parent == oldest]:
            history.put(replace(step, parent=None))


def _row(history: History, number: int) -> Row:
    step = history.steps[number]
    return Row(number, step.parent, history.ahead.get(number), step.made, step.label, step.star, step.packed)


def _history(record: Record) -> History | None:
    """What a file holds, without steps that this version cannot read; None when that is nothing."""
    steps: dict[int, Step] = {}
    for row in record.steps:
        with contextlib.suppress(SessionError, ValueError, zlib.error, RecursionError):
            session = Session.from_json(json.loads(_unpacked(row.session)))
            steps[row.number] = Step(row.number, row.parent, session, row.label, row.made, row.star)
            steps[row.number].__dict__["packed"] = row.session
    if not steps:
        return None
    steps = {n: step if step.parent in steps or step.parent is None else replace(step, parent=None) for n, step in steps.items()}
    ahead = {row.number: row.ahead for row in record.steps if row.number in steps and row.ahead in steps}
    now = record.now if record.now in steps else max(steps)
    return History(steps, now, max(record.next, max(steps) + 1), ahead, kept=True)


def _unpacked(content: bytes) -> bytes:
    unpacker = zlib.decompressobj()
    text = unpacker.decompress(content, MOST_PACKED)
    if unpacker.unconsumed_tail:
        raise ValueError("too large")
    return text
