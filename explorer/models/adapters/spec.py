"""What a person says of a model that cannot say it itself: about six lines of JSON or TOML, or a dictionary.

    {"class": "my_package.nets:Decoder", "args": {"width": 64}, "weights": "weights.safetensors",
     "decode": "decode", "latent": [64], "values": [0, 1]}

It stands in a file of its own, beside the model (`NAME.json` for `NAME.onnx`, `explorer.json` in a folder), or in a program.
"""

import json
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from explorer.core.errors import CheckpointError
from explorer.core.space import PRIORS

__all__ = ["IN_FOLDER", "SUFFIXES", "Spec", "beside", "from_file", "from_values"]

IN_FOLDER = "explorer"  # .json or .toml: the spec of the folder that it lies in
SUFFIXES = (".json", ".toml")
MOST_SIDE = 1 << 16
MOST_BYTES = 1 << 20


@dataclass(frozen=True)
class Spec:
    """Everything is optional; a format says what it cannot do without.

    Args:
        network: the Python class that draws, as "module:Class" (in files: `class`); `args` are what it is called with.
        weights: the file or folder of the weights, from where the spec lies.
        encoder: a second file, of the encoder, where decoder and encoder are apart.
        decode, encode: the names of the methods.
        latent: the shape of one code; `prior` how codes are distributed ("normal", "sphere", "uniform").
        picture: the shape (C, H, W) of one picture; `size` its (H, W) where the network draws any size.
        values: the range of the network's pictures, (0, 1) or (-1, 1), or "logits".
        name, title, licence, credits: for the card.
        folder: where `weights` and `encoder` are counted from.
    """

    network: str = ""
    args: dict[str, Any] = field(default_factory=dict)
    weights: str = ""
    encoder: str = ""
    decode: str = ""
    encode: str = ""
    latent: tuple[int, ...] = ()
    prior: str = ""
    picture: tuple[int, ...] = ()
    size: tuple[int, ...] = ()
    values: tuple[float, float] | str | None = None
    name: str = ""
    title: str = ""
    licence: str = ""
    credits: str = ""
    folder: Path = Path()

    def over(self, other: "Spec") -> "Spec":
        """This spec, with what it leaves open taken from another."""
        default, names_files = Spec(), self.weights or self.encoder or self.network
        open_ = [f.name for f in fields(Spec) if f.name != "folder" and getattr(self, f.name) == getattr(default, f.name)]
        return replace(self, **{name: getattr(other, name) for name in open_}, folder=self.folder if names_files else other.folder)


def beside(path: Path) -> Spec:
    """The spec that lies beside a model's file, or inside its folder; an empty one where there is none."""
    candidates = [path / f"{IN_FOLDER}{s}" for s in SUFFIXES] if path.is_dir() else [path.with_suffix(s) for s in SUFFIXES]
    found = next((file for file in candidates if file.is_file() and file != path), None)
    return from_file(found) if found else Spec(folder=path if path.is_dir() else path.parent)


def from_file(file: Path) -> Spec:
    """Reads a spec. Raises CheckpointError saying what is wrong with it."""
    try:
        if file.stat().st_size > MOST_BYTES:
            raise CheckpointError(f"'{file.name}' is too long for the description of a model: expected at most {MOST_BYTES} bytes.")
        text = file.read_text("utf-8")
        values = tomllib.loads(text) if file.suffix == ".toml" else json.loads(text)
    except (OSError, ValueError, RecursionError) as error:  # both parsers' errors are ValueErrors, as are undecodable letters
        raise CheckpointError(f"'{file.name}' cannot be read as the description of a model: {error}.") from error
    return from_values(values, folder=file.parent, source=file.name)


def from_values(values: Any, *, folder: Path = Path(), source: str = "The description of a model") -> Spec:
    """A spec from plain values. Raises CheckpointError naming the field at fault, or the fields that there are."""
    if not isinstance(values, Mapping):
        raise CheckpointError(f"{source} must be an object with fields like 'weights' and 'latent', got {type(values).__name__}.")
    unknown = [str(key) for key in values if key not in READERS]
    if unknown:
        raise CheckpointError(f"{source} has a field '{unknown[0][:40]}' that means nothing here. Known: {', '.join(READERS)}.")
    read = {}
    for key, value in values.items():
        try:
            read["network" if key == "class" else key] = READERS[key](value)
        except (TypeError, ValueError) as error:
            raise CheckpointError(f"'{key}' in {source} should be {error}, got {str(value)[:60]}.") from error
    return Spec(**read, folder=folder)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("a text")
    return value


def _class(value: Any) -> str:
    module, _, name = _text(value).partition(":")
    if not all(word.isidentifier() for word in module.split(".")) or not all(word.isidentifier() for word in name.split(".")):
        raise ValueError("a Python class like 'package.module:Class'")
    return value


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise TypeError("an object of named arguments")
    return value


def _sides(count: int | None, words: str) -> Callable[[Any], tuple[int, ...]]:
    def read(value: Any) -> tuple[int, ...]:
        sides = (value,) if isinstance(value, int) else value
        whole = isinstance(sides, (list, tuple)) and all(isinstance(s, int) and not isinstance(s, bool) and 1 <= s <= MOST_SIDE for s in sides)
        if not whole or not sides or (count is not None and len(sides) != count):
            raise ValueError(words)
        return tuple(sides)

    return read


def _values(value: Any) -> tuple[float, float] | str:
    if value == "logits":
        return value
    if isinstance(value, (list, tuple)) and len(value) == 2 and all(isinstance(v, (int, float)) for v in value) and value[0] < value[1]:
        return (float(value[0]), float(value[1]))
    raise ValueError("the lowest and the highest value of a picture, as [0, 1] or [-1, 1], or the word 'logits'")


def _prior(value: Any) -> str:
    if value not in PRIORS:
        raise ValueError(f"one of {', '.join(PRIORS)}")
    return value


READERS: dict[str, Callable[[Any], Any]] = {
    "class": _class, "args": _object, "weights": _text, "encoder": _text, "decode": _text, "encode": _text,
    "latent": _sides(None, "the shape of one code, as [64] or [4, 8, 8]"), "prior": _prior,
    "picture": _sides(3, "the channels, height and width of one picture, as [3, 64, 64]"), "size": _sides(2, "height and width, as [256, 256]"),
    "values": _values, "name": _text, "title": _text, "licence": _text, "credits": _text,
}  # fmt: skip
