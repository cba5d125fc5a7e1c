"""How well a model redraws pictures that it knows, beside how well it redrew a given one.

Where the atlas has thumbnails of the pictures it was made of, each is compared with what the model draws for its code, at the
thumbnails' size. Elsewhere the model's own draws are encoded and drawn once more. Neither is the error on held-out pictures, and
whoever shows the share says which it is.
"""

import io
import threading
import weakref
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from explorer import render
from explorer.atlases import THUMB, THUMB_QUALITY
from explorer.core.model import Model
from explorer.methods.inversion import mean_square
from explorer.render import from_pixels
from explorer.studio.codes import as_code
from explorer.studio.photo import Photo, encoded
from explorer.studio.studio import Studio

__all__ = ["Usual", "usual"]

MOST, LEAST = 128, 12  # pictures compared with
PATIENCE = 2500.0  # milliseconds that drawing them may take
TOGETHER = 8

_ERRORS: "weakref.WeakKeyDictionary[Model, tuple[str, Tensor]]" = weakref.WeakKeyDictionary()
_TURN = threading.Lock()


@dataclass(frozen=True)
class Usual:
    """The share of `count` known pictures that the model redraws better than the given one, and what they are: "atlas" or "draws"."""

    share: float
    count: int
    kind: str


def usual(studio: Studio, photo: Photo, drawn: np.ndarray) -> Usual | None:
    """Compares the error of a photo, redrawn as pixels `(H, W, C)`, with those of known pictures; None for a model that encodes nothing or is too slow."""
    opened = studio.open(photo.model)
    if opened.model.encoder is None:
        return None
    with _TURN:  # two visitors need not both measure the same
        if opened.model not in _ERRORS:
            _ERRORS[opened.model] = _measured(studio, photo.model)
    kind, errors = _ERRORS[opened.model]
    if len(errors) < LEAST:
        return None
    own = _at_thumb(photo.pixels, drawn[None]) if kind == "atlas" else mean_square(from_pixels(drawn[None]), photo.picture)
    return Usual(float((errors < own).float().mean()), len(errors), kind)


def _measured(studio: Studio, name: str) -> tuple[str, Tensor]:
    """What known pictures there are, and the error `(N,)` of each; fewer than twelve where the model is too slow."""
    opened = studio.open(name)
    studio.decode(name, opened.model.working(opened.model.space.sample(2, 0)))  # so that there is a time to go by
    took = studio.engine.milliseconds(name) or _timed(studio, name)
    count = min(MOST, int(PATIENCE / max(took, 0.1)))
    if count < LEAST:
        return "draws", torch.zeros(0)
    atlas = opened.atlas
    if atlas is None or atlas.nothing or atlas.thumbnails is None:
        return "draws", _draws_again(studio, name, count // 2)
    rows = torch.linspace(0, len(atlas) - 1, min(count, len(atlas))).round().long().tolist()
    errors = []
    for start in range(0, len(rows), TOGETHER):
        some = rows[start : start + TOGETHER]
        drawn = studio.decode(name, as_code(opened.model, atlas.codes[some]))
        errors.append(mean_square(_small(drawn), from_pixels(_like(np.stack([studio.thumbnail(name, row) for row in some]), drawn.shape[3]))))
    return "atlas", torch.cat(errors)


def _timed(studio: Studio, name: str) -> float:
    """Milliseconds that one picture takes, for a model that has drawn too few to tell."""
    model = studio.model(name)
    for seed in range(3):
        studio.decode(name, model.working(model.space.sample(1, seed)))
    return studio.engine.milliseconds(name) or 1.0


def _draws_again(studio: Studio, name: str, count: int) -> Tensor:
    model, errors = studio.model(name), []
    for start in range(0, max(count, LEAST), TOGETHER):
        drawn = studio.decode(name, model.working(model.space.sample(TOGETHER, start)))
        again = studio.decode(name, as_code(model, encoded(model, drawn)))
        errors.append(mean_square(from_pixels(again), from_pixels(drawn)))
    return torch.cat(errors)


def _at_thumb(pixels: np.ndarray, drawn: np.ndarray) -> Tensor:
    """The error `(1,)` at the size of a thumbnail, of a picture that was packed as thumbnails are."""
    small = render.to_pixels(_small(pixels))[0]
    buffer = render.encode(small, "webp", quality=THUMB_QUALITY)
    return mean_square(_small(drawn), from_pixels(_like(_unpacked(buffer)[None], pixels.shape[3])))


def _small(pixels: np.ndarray) -> Tensor:
    return F.adaptive_avg_pool2d(from_pixels(pixels), THUMB)


def _unpacked(file: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(file)).convert("RGB"))


def _like(pixels: np.ndarray, channels: int) -> np.ndarray:
    """Colour pixels `(B, H, W, 3)` with as many channels as asked for."""
    return pixels if channels == 3 else pixels.mean(axis=3, keepdims=True).round().astype(np.uint8)
