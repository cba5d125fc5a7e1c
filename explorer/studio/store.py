"""Where sessions live: one tree of steps a visitor, seen by every view, tab and transport of that visitor.

A session id is a secret of 192 bits; whoever knows it may look and act. Steps are values, so undoing is moving a pointer.
"""

import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from explorer.core.errors import SessionError
from explorer.studio.allowance import Allowance
from explorer.studio.session import Session

__all__ = ["History", "SessionStore", "Step"]

MOST_VISITORS = 2000
MOST_STEPS = 300


@dataclass(frozen=True)
class Step:
    """One committed state: its number, the step it was made from, and what was done, in a few words."""

    number: int
    parent: int | None
    session: Session
    label: str


@dataclass
class History:
    """The steps of one visitor and the one that is shown."""

    steps: dict[int, Step]
    now: int = 0
    next: int = 1
    ahead: dict[int, int] = field(default_factory=dict)  # from a step to the child that redo leads to
    allowance: Allowance = field(default_factory=Allowance)
    watchers: list[tuple[object, Callable[["History"], None]]] = field(default_factory=list)

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


class SessionStore:
    """All visitors' histories, forgotten beyond a limit, those without an open page first; safe to use from several threads."""

    def __init__(self):
        self._histories: OrderedDict[str, History] = OrderedDict()
        self._lock = threading.RLock()

    def create(self, session: Session) -> str:
        """Starts a history; returns its id."""
        with self._lock:
            visitor = secrets.token_urlsafe(24)
            self._histories[visitor] = History({0: Step(0, None, session, "start")})
            while len(self._histories) > MOST_VISITORS:
                del self._histories[self._idlest()]
            return visitor

    def _idlest(self) -> str:
        """The visitor to forget: the one not heard of for longest, those with an open page last."""
        return next((visitor for visitor, history in self._histories.items() if not history.watchers), next(iter(self._histories)))

    def knows(self, visitor: object) -> bool:
        """Whether there is a history of that id."""
        return isinstance(visitor, str) and visitor in self._histories

    def history(self, visitor: str) -> History:
        """The history of that id. Raises SessionError when it has been forgotten."""
        with self._lock:
            if visitor not in self._histories:
                raise SessionError("This session is no longer known here. Reload the page to start a new one.")
            self._histories.move_to_end(visitor)
            return self._histories[visitor]

    def commit(self, visitor: str, session: Session, label: str, *, by: object = None) -> History:
        """Adds a step after the present one and shows it. A state equal to the present one adds nothing."""
        with self._lock:
            history = self.history(visitor)
            if session == history.session:
                return history
            step = Step(history.next, history.now, session, label)
            history.steps[step.number] = step
            history.ahead[history.now] = step.number
            history.now, history.next = step.number, step.number + 1
            _forget(history)
        return self._tell(history, by)

    def undo(self, visitor: str, *, by: object = None) -> History:
        """Shows the step that the present one was made from; at the first step nothing happens."""
        with self._lock:
            history = self.history(visitor)
            parent = history.steps[history.now].parent
            if parent is not None:
                history.ahead[parent] = history.now
                history.now = parent
        return self._tell(history, by)

    def redo(self, visitor: str, *, by: object = None) -> History:
        """Shows the step that was last undone or made from here; at the end nothing happens."""
        with self._lock:
            history = self.history(visitor)
            history.now = history.ahead.get(history.now, history.now)
        return self._tell(history, by)

    def watch(self, visitor: str, told: Callable[[History], None], *, owner: object = None) -> Callable[[], None]:
        """Calls `told` when the shown step changes, unless `owner` changed it (`by`) and so knows; returns how to stop that."""
        history, entry = self.history(visitor), (owner, told)
        history.watchers.append(entry)
        return lambda: history.watchers.remove(entry) if entry in history.watchers else None

    def _tell(self, history: History, by: object) -> History:
        for owner, told in list(history.watchers):
            if owner is None or owner is not by:
                told(history)
        return history


def _forget(history: History) -> None:
    """Drops the oldest steps beyond the limit; what was made from a dropped step becomes a beginning."""
    while len(history.steps) > MOST_STEPS:
        oldest = min(number for number in history.steps if number != history.now)
        del history.steps[oldest]
        history.ahead = {a: b for a, b in history.ahead.items() if oldest not in (a, b)}
        history.steps |= {n: Step(n, None, s.session, s.label) for n, s in history.steps.items() if s.parent == oldest}
