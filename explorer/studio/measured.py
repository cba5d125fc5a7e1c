"""What was measured of a model, as rows to read: the card's figures with their units and how each was measured."""

import re
from collections.abc import Mapping
from typing import Any

__all__ = ["conditions", "rows"]

# of each figure: what it is called, and what it is counted in ("%": a share in [0, 1])
FIGURES = {
    "psnr_db": ("Likeness of reconstructions", "dB"),
    "agreement": ("Attributes kept by reconstruction", "%"),
    "rarest_class": ("Rarest class in random draws, against the data", "×"),
    "frechet": ("Fréchet distance (less is nearer to the data)", ""),
    "accuracy": ("Right answers", "%"),
    "axes": ("Axes of the code", ""),
    "kl_nats": ("What a code tells of its picture", "nats"),
    "mean_square_error": ("Mean square error of reconstructions", ""),
}
SUMS = {"mean": "on average", "least": "the least"}  # endings of keys that sum up another figure
ASIDE = ("how", "multiply_adds")  # told elsewhere


def rows(quality: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One row a figure: `name`, `unit`, `values` as (name, number or text) pairs, `how` it was measured.

    A single figure has one value without a name. Where the card also gives the mean or the least of several, `sum` is that (word, number).
    """
    _, notes = _notes(quality)
    rows = []
    for key, value in quality.items():
        if key in ASIDE or (_summed(key) in quality and _summed(key) != key):
            continue
        name, unit = FIGURES.get(key, (_readable(key), ""))
        sums = [(word, _plain(quality[f"{key}_{end}"])) for end, word in SUMS.items() if f"{key}_{end}" in quality]
        rows.append({"name": name, "unit": unit, "values": _values(value), "sum": sums[0] if sums else None, "how": notes.get(key, "")})
    return rows


def conditions(quality: Mapping[str, Any]) -> str:
    """On what the figures were measured, as far as it is the same for all."""
    return _notes(quality)[0]


def _notes(quality: Mapping[str, Any]) -> tuple[str, dict[str, str]]:
    """The card's one text on how things were measured, cut into what is common and what is said of each figure ("psnr_db: …")."""
    text = str(quality.get("how", ""))
    keys = "|".join(re.escape(key) for key in quality if key not in ASIDE)
    parts = re.split(rf"(?:^|(?<=\s))({keys}): ", text) if keys else [text]
    notes: dict[str, str] = {}
    for key, words in zip(parts[1::2], parts[2::2]):
        notes[key] = _capital(words.strip())
    return parts[0].strip(), notes


def _summed(key: str) -> str:
    """The figure that a key sums up, or the key itself."""
    return next((key.removesuffix(f"_{end}") for end in SUMS if key.endswith(f"_{end}")), key)


def _values(value: Any) -> list[tuple[str, Any]]:
    if isinstance(value, Mapping) and "value" not in value:
        return [(_readable(str(name)), _plain(inner)) for name, inner in value.items()]
    return [("", _plain(value))]


def _plain(value: Any) -> float | int | str:
    value = value["value"] if isinstance(value, Mapping) and "value" in value else value  # a figure with its interval
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else str(value)


def _readable(key: str) -> str:
    words = key.replace("_", " ")
    return _capital(words)


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]
