"""Edits along directions, as a session holds them: which, how far, and what must stay."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from explorer.core.direction import Direction, Field, Guarded
from explorer.core.errors import SessionError
from explorer.methods.directions.heads import Head

__all__ = ["MOST_BENCH", "MOST_EDITS", "Edit", "Held", "HeadField", "edited", "protecting", "read_identity"]

MOST_EDITS = 16
MOST_BENCH = 128
FARTHEST = 8.0  # units
LETTERS = frozenset("0123456789abcdef")

Edit = tuple[str, float]  # the identity of a direction, and how far along it, in its units


@dataclass(frozen=True)
class Held:
    """A direction on the bench: its identity, the name that the visitor gave it ("": its own), and whether it stays on top."""

    id: str
    name: str = ""
    pinned: bool = False


@dataclass(frozen=True, eq=False)
class HeadField(Field):
    """The slope of what a head says of a code: the way in which an attribute would change, to be protected from."""

    head: Head
    stride: float = 1.0

    @property
    def size(self) -> int:
        return self.head.size

    def velocity(self, z: Tensor, t: int) -> Tensor:
        return self.head.slope(z, self.head.named(z))


def edited(z: Tensor, edits: Sequence[Edit], direction: Callable[[str], Direction], guards: Mapping[str, Head] | None = None) -> Tensor:
    """Flat codes `(B, D)` after all edits, in their order.

    Where attributes are protected, each edit goes without what would change those; what it is itself meant to change is not protected from it.
    """
    for identity, amount in edits:
        z = protecting(direction(identity), guards).step(z, amount)
    return z


def protecting(direction: Direction, guards: Mapping[str, Head] | None) -> Direction:
    """A direction without what would change protected attributes, but for the one that it is meant to change."""
    meant = direction.target.partition(": ")[0]
    heads = [head for name, head in (guards or {}).items() if name != meant]
    return direction.but(field=Guarded(direction.field, tuple(HeadField(head) for head in heads))) if heads else direction


def read_identity(value: Any, name: str) -> str:
    """The identity of a direction. Raises SessionError for anything else."""
    if not isinstance(value, str) or len(value) != 24 or not set(value) <= LETTERS:
        raise SessionError(f"'{name}' must name directions by 24 hexadecimal digits, got {str(value)[:40]}.")
    return value


def read_edits(value: Any, name: str) -> tuple[Edit, ...]:
    """Edits as a view sends them. Raises SessionError naming what is wrong."""
    if not isinstance(value, (list, tuple)) or len(value) > MOST_EDITS:
        raise SessionError(f"'{name}' must be a list of at most {MOST_EDITS} edits, got {str(value)[:40]}.")
    edits: dict[str, float] = {}
    for pair in value:
        if not isinstance(pair, (list, tuple)) or len(pair) != 2:
            raise SessionError(f"'{name}' must hold pairs of a direction and an amount, got {str(pair)[:40]}.")
        amount = pair[1]
        if isinstance(amount, bool) or not isinstance(amount, (int, float)) or not abs(amount) <= FARTHEST:
            raise SessionError(f"'{name}' must hold amounts within ±{FARTHEST:g}, got {str(amount)[:40]}.")
        edits[read_identity(pair[0], name)] = float(amount)
    return tuple(edits.items())


def read_bench(value: Any, name: str) -> tuple[Held, ...]:
    """The bench as a view sends it. Raises SessionError naming what is wrong."""
    if not isinstance(value, (list, tuple)) or len(value) > MOST_BENCH:
        raise SessionError(f"'{name}' must be a list of at most {MOST_BENCH} directions, got {str(value)[:40]}.")
    held: dict[str, Held] = {}
    for each in value:
        if not isinstance(each, dict) or not isinstance(each.get("name", ""), str) or not isinstance(each.get("pinned", False), bool):
            raise SessionError(f"'{name}' must hold objects with an id, a name and 'pinned', got {str(each)[:40]}.")
        identity = read_identity(each.get("id"), name)
        held[identity] = Held(identity, each.get("name", "")[:80], each.get("pinned", False))
    return tuple(held.values())


def read_protected(value: Any, name: str) -> tuple[str, ...]:
    """Names of attributes. Raises SessionError for anything else."""
    if not isinstance(value, (list, tuple)) or len(value) > 32 or not all(isinstance(each, str) and len(each) <= 200 for each in value):
        raise SessionError(f"'{name}' must be a list of at most 32 attributes, got {str(value)[:40]}.")
    return tuple(dict.fromkeys(value))
