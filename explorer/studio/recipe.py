"""A recipe: all that is needed to draw a picture again, and to tell whether it is the same one.

It holds the session, for going on from there, and the code itself, so that the picture can be drawn without the atlas. It holds
numbers and names only: of an uploaded photo at most the code that was found for it.
"""

import base64
import binascii
import hashlib
import json
import math
import platform
import re
import sys
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed
from typing import Any

import numpy as np
import torch

from explorer import render
from explorer.core.errors import ExplorerError, SessionError
from explorer.core.model import Model
from explorer.core.space import Code
from explorer.studio.codes import code_of
from explorer.studio.session import Session, Spot, Values
from explorer.studio.studio import Studio

__all__ = ["ELSEWHERE", "MOST_TEXT", "SAME", "VERSION", "Check", "Recipe", "check"]

FORMAT, VERSION = "latent-explorer-recipe", 1
SAME, ELSEWHERE = 1, 3  # grey levels a channel by which a picture may differ on the machine that drew it, and on any other
MOST_TEXT = 900_000  # letters of JSON
MOST_NUMBERS = 1 << 17
MOST_SIDE = 1 << 16
HASH = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Recipe:
    """What one picture was drawn from.

    Args:
        model, weights: the model's name, and the SHA-256 of its weights.
        session: what the visitor had chosen.
        space: the name of the space that the code is of.
        shape: of the code; `numbers` are its values as float32.
        picture: height, width and channels of the picture; `pixels` is the SHA-256 of its RGB values.
        explorer: the version that drew it, on which `machine`, and when (`made`, ISO 8601).
    """

    model: str
    weights: str
    session: Session
    space: str
    shape: tuple[int, ...]
    numbers: tuple[float, ...]
    picture: tuple[int, int, int]
    pixels: str
    explorer: str
    machine: str
    made: str

    @staticmethod
    def of(model: Model, session: Session, code: Code, pixels: np.ndarray) -> "Recipe":
        """The recipe of the picture `(H, W, C)` that a model drew of a code (a batch of one), as a session asked for it."""
        values = code.values[0].detach().cpu().float()
        return Recipe(
            model.card.name, model.card.weights, session, code.space.name, tuple(values.shape), tuple(values.flatten().tolist()),
            tuple(pixels.shape), fingerprint(pixels), _version(), machine(), datetime.now(UTC).isoformat(timespec="seconds"),
        )  # fmt: skip

    @staticmethod
    def make(studio: Studio, session: Session) -> tuple["Recipe", np.ndarray]:
        """The recipe of what a session shows, and the picture `(H, W, C)`, for callers that can wait."""
        opened = studio.open(session.model)
        code = code_of(opened, session)
        pixels = studio.decode(session.model, code)[0]
        return Recipe.of(opened.model, session, code, pixels), pixels

    def to_json(self) -> dict[str, Any]:
        """Plain values; `Recipe.from_json` reads them back."""
        numbers = base64.b64encode(np.asarray(self.numbers, "<f4").tobytes()).decode()
        height, width, channels = self.picture
        return {
            "format": FORMAT, "version": VERSION, "explorer": self.explorer, "machine": self.machine, "made": self.made,
            "model": {"name": self.model, "weights": self.weights},
            "code": {"space": self.space, "shape": list(self.shape), "float32": numbers},
            "picture": {"width": width, "height": height, "channels": channels, "sha256": self.pixels},
            "session": self.session.to_json(),
        }  # fmt: skip

    @property
    def text(self) -> str:
        """The recipe as one line of JSON; a lasso's selection is left out where it would make it too long."""
        text = json.dumps(self.to_json(), separators=(",", ":"))
        return (
            text
            if len(text) <= MOST_TEXT
            else json.dumps(replace(self, session=replace(self.session, selection=())).to_json(), separators=(",", ":"))
        )

    @staticmethod
    def read(text: str) -> "Recipe":
        """Reads a line of JSON, perhaps a stranger's. Raises SessionError saying what is wrong with it."""
        if len(text) > MOST_TEXT:
            raise SessionError(f"A recipe has at most {MOST_TEXT} letters, got {len(text)}.")
        try:
            values = json.loads(text, parse_constant=_refuse)
        except (ValueError, RecursionError) as error:
            raise SessionError(f"This is no recipe: {str(error)[:80]}.") from error
        return Recipe.from_json(values)

    @staticmethod
    def from_json(values: Any) -> "Recipe":
        """Reads what `to_json` wrote. Raises SessionError naming the field at fault."""
        if not isinstance(values, dict) or values.get("format") != FORMAT:
            raise SessionError(f"This is no recipe: expected 'format' to be '{FORMAT}', got {str(values)[:40]}.")
        version = values.get("version")
        if version != VERSION or isinstance(version, bool):
            newer = isinstance(version, int) and version > VERSION
            told = "It was made by a newer Latent Explorer; update this one." if newer else "It cannot be read."
            raise SessionError(f"This recipe is of version {str(version)[:20]}, expected {VERSION}. {told}")
        model, code, picture = (_part(values, name) for name in ("model", "code", "picture"))
        shape = tuple(_whole(side, "code: shape", MOST_NUMBERS) for side in _list(code, "shape"))
        return Recipe(
            model=_text(model, "name"), weights=_text(model, "weights"), session=Session.from_json(values.get("session")),
            space=_text(code, "space"), shape=shape, numbers=_numbers(code.get("float32"), shape),
            picture=tuple(_whole(picture.get(name), f"picture: {name}", MOST_SIDE) for name in ("height", "width", "channels")),
            pixels=_hash(picture.get("sha256")), explorer=_text(values, "explorer"), machine=_text(values, "machine"), made=_text(values, "made"),
        )  # fmt: skip

    def code(self, studio: Studio) -> Code:
        """The code, for the model it was made with. Raises ExplorerError for another model or other weights, a space it lacks or a wrong length."""
        if self.model not in studio.cards:
            raise SessionError(f"This recipe is of the model '{self.model}', which is not here. There are: {', '.join(studio.cards)}.")
        model = studio.model(self.model)
        if model.card.weights != self.weights:
            raise SessionError(
                f"This recipe is of other weights of '{self.model}': SHA-256 {self.weights[:12] or 'unknown'}…, here are {model.card.weights[:12]}…. "
                "The same code would give another picture."
            )
        space = model.space_named(self.space)
        if self.shape != space.shape:
            raise SessionError(f"'{self.model}' takes codes of shape {space.shape} in {space.name}, the recipe's is {self.shape}.")
        return Code(torch.tensor(self.numbers, dtype=torch.float32).reshape(1, *self.shape), space)

    def replay(self, studio: Studio) -> np.ndarray:
        """The picture `(H, W, C)`, drawn again. Raises as `code` does."""
        return studio.decode(self.model, self.code(studio))[0]

    def session_for(self, studio: Studio) -> Session:
        """The session to go on from: the recipe's own where it leads to the recipe's code here too, otherwise one given by its numbers."""
        code = self.code(studio)
        opened = studio.open(self.model)
        if self.session.model == self.model:
            try:
                found = code_of(opened, self.session)
            except ExplorerError:  # an atlas that has changed since, or none
                found = None
            if found is not None and found.space == code.space and torch.allclose(found.values.cpu(), code.values, atol=1e-4):
                return self.session
        values = opened.model.working(code).values.flatten().tolist()
        return replace(studio.session(self.model), spot=Spot(Values(tuple(values))))


@dataclass(frozen=True)
class Check:
    """What came of drawing a recipe again.

    Args:
        difference: of the picture drawn now from the one in the file, in grey levels of the worst channel of the worst pixel.
        different: the share of pixels that differ at all.
        untouched: whether the file still holds the very pixels that were drawn.
        here: whether it was drawn on a machine like this one, with the same torch.
    """

    difference: int
    different: float
    untouched: bool
    here: bool

    def within(self, tolerance: int = ELSEWHERE) -> bool:
        """Whether the picture is the same, to so many grey levels a channel."""
        return self.difference <= tolerance


def check(studio: Studio, recipe: Recipe, pixels: np.ndarray) -> Check:
    """Draws a recipe again and compares with the picture `(H, W, C)` it came with. Raises SessionError when sizes differ, and as `code` does."""
    shown, drawn = render.rgb(pixels), render.rgb(recipe.replay(studio))
    if shown.shape != drawn.shape:
        (h, w), (height, width) = shown.shape[:2], drawn.shape[:2]
        raise SessionError(f"The picture has {w}×{h} pixels, the recipe draws {width}×{height}: it was scaled or cut after it was made.")
    apart = np.abs(shown.astype(int) - drawn.astype(int))
    return Check(int(apart.max()), float(apart.any(axis=-1).mean()), fingerprint(pixels) == recipe.pixels, recipe.machine == machine())


def fingerprint(pixels: np.ndarray) -> str:
    """The SHA-256 of a picture's RGB values `(H, W, C)`, row by row."""
    return hashlib.sha256(np.ascontiguousarray(render.rgb(pixels)).tobytes()).hexdigest()


def machine() -> str:
    """What rounding depends on: system, processor, torch."""
    return f"{platform.system()} {platform.machine()}, Python {sys.version_info[0]}.{sys.version_info[1]}, torch {torch.__version__}"


def _version() -> str:
    try:
        return installed("latent-explorer")
    except PackageNotFoundError:  # a source tree that was never installed
        return "source"


def _part(values: dict[str, Any], name: str) -> dict[str, Any]:
    if not isinstance(values.get(name), dict):
        raise SessionError(f"A recipe's '{name}' must be a JSON object, got {str(values.get(name))[:40]}.")
    return values[name]


def _text(values: dict[str, Any], name: str) -> str:
    value = values.get(name)
    if not isinstance(value, str) or len(value) > 200:
        raise SessionError(f"A recipe's '{name}' must be a text of at most 200 letters, got {str(value)[:40]}.")
    return value


def _list(values: dict[str, Any], name: str) -> list[Any]:
    value = values.get(name)
    if not isinstance(value, list) or not 1 <= len(value) <= 8:
        raise SessionError(f"A recipe's '{name}' must be a list of 1 to 8 numbers, got {str(value)[:40]}.")
    return value


def _whole(value: Any, name: str, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
        raise SessionError(f"A recipe's '{name}' must be a whole number from 1 to {most}, got {str(value)[:40]}.")
    return value


def _hash(value: Any) -> str:
    if not isinstance(value, str) or not HASH.fullmatch(value):
        raise SessionError(f"A recipe's 'sha256' must be 64 hexadecimal digits, got {str(value)[:40]}.")
    return value


def _numbers(value: Any, shape: tuple[int, ...]) -> tuple[float, ...]:
    try:
        content = base64.b64decode(value, validate=True)
    except (TypeError, ValueError, binascii.Error) as error:
        raise SessionError(f"A recipe's 'float32' must be numbers in base64, got {str(value)[:40]}.") from error
    if len(content) != 4 * math.prod(shape):
        raise SessionError(f"A recipe's code of shape {shape} needs {math.prod(shape)} numbers, got {len(content) / 4:g}.")
    numbers = np.frombuffer(content, "<f4")
    if not np.isfinite(numbers).all():
        raise SessionError("A recipe's code must be finite numbers, some are not.")
    return tuple(numbers.tolist())


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not a number")
