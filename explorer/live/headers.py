"""Reading the fields of a request's header, and beginning its answer."""

from typing import Any

import torch

from explorer.core.errors import ProtocolError

__all__ = ["count", "flag", "number", "optional_text", "reply", "rounded", "text"]


def reply(header: dict[str, Any], kind: str) -> dict[str, Any]:
    """The header of an answer: its type, and what tells the view which request it answers."""
    return {"type": kind, "seq": header.get("seq"), "view": header.get("view")}


def rounded(value: float | torch.Tensor) -> float:
    """Five digits are more than a screen shows, and half the bytes."""
    return float(f"{float(value):.5g}")


def text(header: dict[str, Any], name: str) -> str:
    """A field that must be a text. Raises ProtocolError."""
    value = header.get(name)
    if not isinstance(value, str):
        raise ProtocolError(f"'{header['type']}' needs '{name}', a text; got {str(value)[:40]}.")
    return value


def optional_text(header: dict[str, Any], name: str) -> str | None:
    """A field that may be missing. Raises ProtocolError when it is there and no text."""
    return None if header.get(name) is None else text(header, name)


def flag(header: dict[str, Any], name: str) -> bool:
    """A field that is true or false, and false when missing. Raises ProtocolError."""
    value = header.get(name, False)
    if not isinstance(value, bool):
        raise ProtocolError(f"'{name}' must be true or false, got {str(value)[:40]}.")
    return value


def number(header: dict[str, Any], name: str, least: float, most: float, *, default: float | None = None) -> float:
    """A number from `least` to `most`. Raises ProtocolError."""
    value = header.get(name, default)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not least <= value <= most:
        raise ProtocolError(f"'{name}' must be a number from {least:g} to {most:g}, got {str(value)[:40]}.")
    return float(value)


def count(header: dict[str, Any], name: str, least: int, most: int) -> int:
    """A whole number from `least` to `most`. Raises ProtocolError."""
    value = header.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise ProtocolError(f"'{name}' must be a whole number from {least} to {most}, got {str(value)[:40]}.")
    return value
