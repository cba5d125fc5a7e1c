"""Pictures of one's own: read, fitted to the model, encoded, and compared with what the model makes of them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from explorer.core.errors import CapabilityError
from explorer.core.model import Model
from explorer.core.space import Code
from explorer.data.pictures import WHOLE, Frame, read
from explorer.methods.inversion import decibels, mean_square
from explorer.render import from_pixels
from explorer.studio import describe
from explorer.studio.codes import as_code
from explorer.studio.studio import Studio

__all__ = ["Likeness", "Photo", "compared", "encode", "encoded", "fitted", "read"]


@dataclass(frozen=True, eq=False)
class Photo:
    """A picture cut to fit a model: its name, pixels `(1, H, W, C)`, and the flat code `(D,)` that the encoder found, if there is one."""

    model: str
    name: str
    pixels: np.ndarray
    code: Tensor | None

    @property
    def picture(self) -> Tensor:
        """The picture `(1, C, H, W)` in [-1, 1]."""
        return from_pixels(self.pixels)


@dataclass(frozen=True, eq=False)
class Likeness:
    """How the picture of a code compares with a photo.

    Args:
        pixels: the code's picture `(H, W, C)`.
        error: the mean square difference of pictures in [-1, 1], and `psnr` the same in decibels.
        typicality: of the code, in [0, 1].
        strangeness: as `Layout.strangeness` tells it, or None without an atlas.
        nearest: row, distance and labels of the nearest code of the atlas, or None.
        seen: for each question that the judge can answer, its class for the photo and for the code's picture (None where it cannot be seen).
    """

    pixels: np.ndarray
    error: float
    psnr: float
    typicality: float
    strangeness: float | None
    nearest: dict[str, Any] | None
    seen: dict[str, tuple[str | None, str | None]]


def fitted(studio: Studio, name: str, file: Path | bytes, *, frame: Frame = WHOLE, title: str = "picture") -> Photo:
    """A picture file, or its bytes, cut to fit model `name`, and encoded where the model can.

    Raises:
        CapabilityError: the model draws no pictures, or pictures of other than one or three channels.
        DataError: the file cannot be read as a picture.
    """
    model = studio.model(name)
    shape = model.need("generator").picture_shape
    if shape[0] not in (1, 3):
        raise CapabilityError(f"'{name}' draws pictures of {shape[0]} channels, so that no photo can be fitted to it: it takes 1 or 3.")
    pixels = read(file, shape, frame=frame, name=title)
    return Photo(name, title, pixels, None if model.encoder is None else encoded(model, pixels)[0])


@torch.inference_mode()
def encoded(model: Model, pixels: np.ndarray) -> Tensor:
    """The flat codes `(B, D)` of pictures `(B, H, W, C)` in the model's workspace. Raises CapabilityError without an encoder."""
    code = model.working(model.need("encoder").encode(from_pixels(pixels)))
    return code.values.flatten(1).float().cpu().clone()


def compared(studio: Studio, photo: Photo, code: Tensor) -> Likeness:
    """How the picture of a flat code `(D,)` compares with a photo. Raises ModelError where the model draws no numbers."""
    opened = studio.open(photo.model)
    whole: Code = as_code(opened.model, code[None])
    pixels = studio.decode(photo.model, whole)
    error = float(mean_square(from_pixels(pixels), photo.picture)[0])
    described = describe.describe(studio, photo.model, whole, pixels[0])
    return Likeness(
        pixels[0], error, decibels(error), float(whole.typicality[0]), described.strangeness, described.nearest, _seen(studio, photo, described)
    )


def _seen(studio: Studio, photo: Photo, drawn: describe.Description) -> dict[str, tuple[str | None, str | None]]:
    judge = studio.judge(photo.model)
    if judge is None:
        return {}
    (before,) = describe.attributes(judge, photo.pixels, studio.model(photo.model).card.data.get("name", ""))
    return {question: (before.get(question), drawn.attributes.get(question)) for question in before | drawn.attributes}


@torch.inference_mode()
def encode(studio: Studio, name: str, file: Path) -> dict[str, Any]:
    """The code of a picture file as plain values: model, space, mean, variance, typicality, and the error of its reconstruction.

    Raises:
        CapabilityError: the model has no encoder.
        DataError: the file cannot be read as a picture.
    """
    model: Model = studio.model(name)
    encoder, generator = model.need("encoder"), model.need("generator")
    x = from_pixels(read(file, generator.picture_shape))
    posterior = encoder.posterior(x)
    code = model.code(posterior.mean)
    error = float((generator.decode(code) - x).square().mean())
    return {
        "model": name, "weights": model.card.weights, "space": code.space.name, "values": posterior.mean.flatten().tolist(),
        "variance": posterior.variance.flatten().tolist(), "typicality": float(code.typicality[0]), "mean_square_error": error,
    }  # fmt: skip
