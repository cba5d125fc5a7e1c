"""Pictures of one's own: read, fitted to the model, and encoded."""

from pathlib import Path
from typing import Any

import torch

from explorer.core.model import Model
from explorer.data.pictures import read
from explorer.render import from_pixels
from explorer.studio.studio import Studio

__all__ = ["encode", "read"]


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
