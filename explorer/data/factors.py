"""Ground-truth factors: what a dataset says it varies."""

from dataclasses import dataclass

__all__ = ["Factor"]


@dataclass(frozen=True)
class Factor:
    """One attribute that a dataset varies: its name and the names of its classes, in the order of their indices."""

    name: str
    classes: tuple[str, ...]
