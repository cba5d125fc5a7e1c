"""Formats and models that other packages bring: entry points of the group `explorer.models`.

    [project.entry-points."explorer.models"]
    mine = "my_package.explorer"

An entry point leads to a module or object with `card(path) -> Card` and `load(path, device) -> Model`, or to a callable that returns one.
With `recognises(path) -> bool` it is a format, asked before ours; without, it is one model, opened by the entry point's name with the
path None. `weigh(path) -> int`, the bytes its weights take in memory, may be there too. A plug-in that fails is reported and left out.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

import torch

from explorer.core.errors import CheckpointError, ExplorerError
from explorer.core.model import Card, Model
from explorer.models.adapters.adapter import Adapter, Source

__all__ = ["GROUP", "PlugIns", "found"]

GROUP = "explorer.models"


@dataclass(frozen=True)
class PlugIns:
    """What is installed: adapters of formats and of single models, the names of the latter, and why others cannot be used."""

    adapters: tuple[Adapter, ...]
    models: tuple[str, ...]
    broken: dict[str, str]


@cache
def found() -> PlugIns:
    """Every plug-in that is installed, each imported once."""
    adapters, models, broken = [], [], {}
    for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.name):
        try:
            plug_in = _loaded(entry)
        except Exception as error:  # a stranger's package may fail in any way
            package = entry.dist.name if entry.dist else entry.value
            broken[entry.name] = f"The plug-in '{entry.name}' of the package '{package}' cannot be used: {type(error).__name__}: {error}"
            continue
        adapters.append(_adapter(entry.name, plug_in, broken))
        if not hasattr(plug_in, "recognises"):
            models.append(entry.name)
    return PlugIns(tuple(adapters), tuple(models), broken)


def _loaded(entry: EntryPoint) -> Any:
    """What an entry point leads to, made where it is something that makes it."""
    plug_in = entry.load()
    if not hasattr(plug_in, "load") or isinstance(plug_in, type):
        plug_in = plug_in() if callable(plug_in) else plug_in
    missing = [name for name in ("card", "load") if not callable(getattr(plug_in, name, None))]
    if missing:
        raise TypeError(f"it should have a function '{missing[0]}'.")
    return plug_in


def _adapter(name: str, plug_in: Any, broken: dict[str, str]) -> Adapter:
    def path(source: Source) -> Path | None:
        return None if source.plug_in else source.path

    def recognises(source: Source) -> bool:
        if not hasattr(plug_in, "recognises"):
            return source.plug_in == name
        if source.net is not None or source.plug_in:
            return False
        try:
            return bool(_asked(name, plug_in.recognises, source.path))
        except CheckpointError as error:  # it must not keep files from being opened that are not its own
            broken[name] = str(error)
            return False

    def card(source: Source) -> Card:
        return _of_kind(name, Card, _asked(name, plug_in.card, path(source)))

    def weigh(source: Source) -> int:
        return int(_asked(name, plug_in.weigh, path(source))) if hasattr(plug_in, "weigh") else _size(path(source))

    def load(source: Source, device: torch.device) -> Model:
        return _of_kind(name, Model, _asked(name, plug_in.load, path(source), device))

    return Adapter(f"what the plug-in '{name}' knows", recognises, card, weigh, load)


def _asked(name: str, function: Callable[..., Any], *arguments: Any) -> Any:
    """What a plug-in answers. Raises CheckpointError when it fails, for a reason that is not its own to tell."""
    try:
        return function(*arguments)
    except ExplorerError:
        raise
    except Exception as error:
        raise CheckpointError(f"The plug-in '{name}' failed: {type(error).__name__}: {error}.") from error


def _of_kind(name: str, kind: type, answer: Any) -> Any:
    if not isinstance(answer, kind):
        raise CheckpointError(f"The plug-in '{name}' should give a {kind.__name__}, got {type(answer).__name__}.")
    return answer


def _size(path: Path | None) -> int:
    """Bytes of a file, or of all files in a folder."""
    if path is None:
        return 0
    return sum(file.stat().st_size for file in (path.rglob("*") if path.is_dir() else (path,)) if file.is_file())
