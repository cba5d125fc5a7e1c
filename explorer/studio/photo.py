"""Pictures of one's own: read, fitted to the model, and encoded."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, UnidentifiedImageError

from explorer.core.errors import DataError
from explorer.core.model import Model
from explorer.render import from_pixels
from explorer.studio.studio import Studio

__all__ = ["encode", "read"]

MOST_PIXELS = 64_000_000


def read(file: Path, shape: tuple[int, int, int]) -> np.ndarray:
    """A picture file as pixels `(1, H, W, C)` of a model's `shape` (C, H, W): cut to its proportions around the centre, then scaled.

    Raises:
        DataError: no such file, not a picture, an empty one, or one of more than 64 million pixels.
    """
    channels, height, width = shape
    if file.is_dir():
        raise DataError(f"'{file}' is a folder, expected one picture.")
    if not file.is_file():
        raise DataError(f"There is no file '{file}'.")
    try:
        with Image.open(file) as opened:
            if opened.width * opened.height > MOST_PIXELS:
                raise DataError(f"'{file.name}' has {opened.width}×{opened.height} pixels, expected at most {MOST_PIXELS // 10**6} million.")
            picture = opened.convert("L" if channels == 1 else "RGB")
    except (UnidentifiedImageError, OSError, Image.DecompressionBombError, SyntaxError, ValueError) as error:
        raise DataError(f"'{file.name}' cannot be read as a picture: {error}.") from error
    scale = min(picture.width / width, picture.height / height)
    left, top = (picture.width - width * scale) / 2, (picture.height - height * scale) / 2
    fitted = picture.resize((width, height), Image.Resampling.LANCZOS, box=(left, top, left + width * scale, top + height * scale))
    return np.asarray(fitted, dtype=np.uint8).reshape(1, height, width, channels)


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
