"""Codes for a hand that moves: stacked edits along fields, near enough and in time.

A walk along a field takes tens of small networks one after another; eight of them on each other take longer than a picture may. While
a hand moves, therefore, every visitor's walks are remembered. The edit that is dragged is read off a table of its own walk. What
stands on it begins elsewhere now, though nearly where it did: it is moved as far as when it was last walked, and as many such
walks as there is time for are taken anew, those first that have waited longest. When the hand rests, the code is exact again: that is `codes.spot_code`.
"""

import asyncio
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from explorer.core.direction import Direction, Straight
from explorer.studio.session import Session
from explorer.studio.steering import protecting

if TYPE_CHECKING:
    from explorer.studio.shelf import Opened

__all__ = ["Haste", "alone"]

TIME = 0.006  # seconds for walks that are taken anew
MOST_VISITORS = 256
EVERY = 0.25  # units between the entries of a table
FARTHEST = 8.0


async def alone(work: Callable[..., Any], *args: Any, **options: Any) -> Any:
    """Runs small work on a thread of its own, where torch computes on one core: matrices of a few dozen rows only wait for each other on several."""
    return await asyncio.get_running_loop().run_in_executor(_POOL, lambda: work(*args, **options))


def _on_one_core() -> None:
    with _TURN:
        several = torch.get_num_threads()
        torch.set_num_threads(1)  # of this thread, and of all that begin later
        again = threading.Thread(target=torch.set_num_threads, args=(several,))  # those that begin later are to have what they had
        again.start()
        again.join()


_TURN = threading.Lock()
_POOL = ThreadPoolExecutor(4, thread_name_prefix="walks", initializer=_on_one_core)


@dataclass
class Walk:
    """An edit as it was walked last: from where, how far, how it moved the code, when; and the table `(N, D)` of its side, once it is dragged."""

    start: Tensor
    amount: float
    moved: Tensor
    turn: int
    table: Tensor | None = None

    def tabled(self, direction: Direction, amount: float) -> Tensor:
        """The code at an amount, between two entries of the table; the table is made, or made longer, when it does not reach."""
        sign, far = (1.0 if amount >= 0 else -1.0), abs(amount) / EVERY
        if self.table is None or sign * self.amount < 0 or far > len(self.table) - 1:
            reach = min(FARTHEST, 2.0 * max(abs(amount), 1.0))
            self.table = direction.along(self.start[None], torch.arange(0, reach + EVERY, EVERY).mul(sign).tolist())[:, 0]
        self.amount = amount
        i = min(int(far), len(self.table) - 2)
        code = torch.lerp(self.table[i], self.table[i + 1], far - i)
        self.moved = code - self.start
        return code


@dataclass
class Hand:
    """What is remembered of one visitor: the walks, by the identity of their directions, of one model with the same things protected."""

    of: tuple
    walks: dict[str, Walk] = field(default_factory=dict)
    turn: int = 0


class Haste:
    """The hands of all visitors; safe to use from several threads."""

    def __init__(self):
        self._hands: OrderedDict[str, Hand] = OrderedDict()
        self._lock = threading.Lock()

    def edited(self, opened: "Opened", session: Session, bare: Tensor, *, visitor: str) -> Tensor:
        """The code `(D,)` that a session's edits make of `bare` `(D,)`, nearly."""
        hand = self._hand(visitor, (opened.model.card.weights, session.protect))
        hand.turn += 1
        guards, until, z = opened.heads(session.protect), time.perf_counter() + TIME, bare
        stale = self._stale(hand, session)
        for identity, amount in session.spot.edits:
            direction = protecting(opened.direction(identity), guards)
            if isinstance(direction.field, Straight):
                z = direction.step(z[None], amount)[0]
                continue
            z = self._walked(hand, identity, direction, z, amount, fresh=identity in stale[:1] or (identity in stale and time.perf_counter() < until))
        hand.walks = {identity: walk for identity, walk in hand.walks.items() if identity in dict(session.spot.edits)}
        return z

    @staticmethod
    def _stale(hand: Hand, session: Session) -> list[str]:
        """The edits that were walked before, those first that have waited longest."""
        known = [identity for identity, _ in session.spot.edits if identity in hand.walks]
        return sorted(known, key=lambda identity: hand.walks[identity].turn)

    @staticmethod
    def _walked(hand: Hand, identity: str, direction: Direction, z: Tensor, amount: float, *, fresh: bool) -> Tensor:
        """The code after one edit: remembered, read off its table, moved as before, or walked."""
        walk = hand.walks.get(identity)
        if walk is not None and torch.equal(walk.start, z):
            walk.turn = hand.turn
            return z + walk.moved if walk.amount == amount else walk.tabled(direction, amount)
        if walk is not None and walk.amount == amount and not fresh:
            return z + walk.moved
        moved = direction.step(z[None], amount)[0] - z
        hand.walks[identity] = Walk(z, amount, moved, hand.turn)
        return z + moved

    def _hand(self, visitor: str, of: tuple) -> Hand:
        with self._lock:
            hand = self._hands.get(visitor)
            if hand is None or hand.of != of:
                hand = self._hands[visitor] = Hand(of)
            self._hands.move_to_end(visitor)
            while len(self._hands) > MOST_VISITORS:
                self._hands.popitem(last=False)
            return hand
