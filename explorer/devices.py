"""Where networks compute: the one place that chooses a device, knows how much room it has, and carries tensors there and back.

Everything else in the explorer stays on the processor. A model on another device takes what it is handed, computes there, and
returns its answer to where the question came from.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from explorer.core.errors import CheckpointError, ExplorerError
from explorer.core.model import Model
from explorer.core.space import Code

__all__ = ["available", "choose", "free_memory", "make_room", "place"]

SETTING = "EXPLORER_DEVICE"
WORKING_SHARE = 1.25  # of the weights: what computing takes besides


def available() -> tuple[str, ...]:
    """The kinds of device that this torch can compute on, the fastest first."""
    found = (("cuda", torch.cuda.is_available()), ("mps", torch.backends.mps.is_available()), ("cpu", True))
    return tuple(kind for kind, there in found if there)


def choose(preferred: str | torch.device | None = None) -> torch.device:
    """The device to compute on: the preferred one, else that of the setting EXPLORER_DEVICE, else the fastest there is.

    Raises:
        ExplorerError: a device that this machine or this torch does not have.
    """
    wanted = str(preferred) if preferred is not None else os.environ.get(SETTING, "")
    if not wanted:
        return torch.device(available()[0])
    try:
        device = torch.device(wanted)
    except RuntimeError as error:
        raise ExplorerError(f"'{wanted}' is not a device. Here there are: {', '.join(available())}.") from error
    if device.type not in available() or (device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count()):
        raise ExplorerError(f"Device '{wanted}' was asked for, but this torch can use only: {', '.join(available())}.")
    return device


def free_memory(device: torch.device) -> int | None:
    """How many bytes can still be had on a device, None where nobody says."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    limits = [free for free in (_machine(), _container()) if free is not None]
    return min(limits, default=None)


def make_room(name: str, needed: int, device: torch.device) -> None:
    """Raises CheckpointError when a model of `needed` bytes of weights does not fit into the memory that is free, before it is loaded."""
    free = free_memory(device)
    wanted = int(needed * WORKING_SHARE)
    if free is not None and wanted > free:
        raise CheckpointError(
            f"'{name}' is too large to open here: it needs about {_size(wanted)} of memory, and {_size(free)} are free ({device.type}). "
            "Close other programs, or use a smaller model."
        )


def place(model: Model, device: torch.device) -> Model:
    """The same model for callers that know nothing of devices: codes and pictures are carried to `device`, answers back to the caller's."""
    if device.type == "cpu":
        return model
    parts = {name: getattr(model, name) for name in model.parts}
    return replace(model, **{name: part if isinstance(part, _Carried) else _Carried(part, device) for name, part in parts.items()})


class _Carried:
    """A part whose methods take tensors from anywhere and answer where the first of them lay."""

    def __init__(self, part: Any, device: torch.device):
        self._part, self._device = part, device

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._part, name)
        if isinstance(found, Mapping):
            return {key: self._method(value) if callable(value) else value for key, value in found.items()}
        return self._method(found) if callable(found) else found

    def _method(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def method(*arguments: Any, **named: Any) -> Any:
            home = _home([*arguments, *named.values()]) or torch.device("cpu")
            there = [_moved(value, self._device) for value in arguments]
            return _moved(function(*there, **{key: _moved(value, self._device) for key, value in named.items()}), home)

        return method

    def __repr__(self) -> str:
        return f"{self._part!r} on {self._device}"


def _home(values: list[Any]) -> torch.device | None:
    """Where the first tensor among the arguments lies."""
    tensors = (value.values if isinstance(value, Code) else value for value in values)
    return next((value.device for value in tensors if isinstance(value, Tensor)), None)


def _moved(value: Any, device: torch.device) -> Any:
    """A value with every tensor in it on `device`: inside codes, posteriors and other records, dictionaries, lists and tuples."""
    if isinstance(value, Tensor):
        return value.to(device)
    if isinstance(value, dict):
        return {key: _moved(inner, device) for key, inner in value.items()}
    if isinstance(value, (list, tuple)) and not hasattr(value, "_fields"):
        return type(value)(_moved(inner, device) for inner in value)
    if is_dataclass(value) and not isinstance(value, type):
        held = {f.name: getattr(value, f.name) for f in fields(value) if f.init}
        moved = {name: _moved(inner, device) for name, inner in held.items() if isinstance(inner, (Tensor, dict, list, tuple))}
        return replace(value, **{name: inner for name, inner in moved.items() if inner is not held[name]}) if moved else value
    return value


def _machine() -> int | None:
    """Bytes that programs can still have: what Linux says is available, elsewhere all that is built in."""
    meminfo = Path("/proc/meminfo")
    if meminfo.exists():
        lines = (line.split() for line in meminfo.read_text().splitlines())
        return next((int(words[1]) * 1024 for words in lines if words[0] == "MemAvailable:"), None)
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # Windows
        return None


def _container() -> int | None:
    """Bytes left of a control group's limit, as in a container, files that are only cached counted as free; None without a limit."""
    group = Path("/sys/fs/cgroup")
    try:
        most, used = int((group / "memory.max").read_text()), int((group / "memory.current").read_text())
        cached = dict(line.split() for line in (group / "memory.stat").read_text().splitlines()).get("inactive_file", 0)
        return most - used + int(cached)
    except (OSError, ValueError):  # no such files, or "max"
        return None


def _size(count: int) -> str:
    return f"{count / 2**30:.1f} GiB" if count >= 2**30 else f"{count / 2**20:.0f} MiB"
