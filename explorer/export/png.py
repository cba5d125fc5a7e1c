"""Pictures that carry their recipe: PNG files with an iTXt chunk, which every program that opens PNGs shows or ignores."""

import io

import numpy as np
from PIL import Image, PngImagePlugin, UnidentifiedImageError

from explorer import render
from explorer.core.errors import DataError
from explorer.studio.recipe import Recipe

__all__ = ["CHUNK", "read", "write"]

CHUNK = "latent-explorer"  # the keyword of the chunk; `widgets/views/shared/png.js` looks for the same
MOST_BYTES = 64 << 20
MOST_PIXELS = 64_000_000


def write(pixels: np.ndarray, recipe: Recipe) -> bytes:
    """A picture `(H, W, C)` as a PNG file with its recipe inside."""
    notes = PngImagePlugin.PngInfo()
    notes.add_itxt(CHUNK, recipe.text)
    buffer = io.BytesIO()
    Image.fromarray(render.rgb(pixels)).save(buffer, "png", pnginfo=notes, compress_level=6)
    return buffer.getvalue()


def read(content: bytes, *, name: str = "This file") -> tuple[np.ndarray, Recipe]:
    """The picture `(H, W, 3)` and the recipe of a PNG file, perhaps a stranger's; `name` is what errors call it.

    Raises:
        DataError: no PNG, damaged, too large, or without a recipe.
        SessionError: the recipe cannot be read.
    """
    if len(content) > MOST_BYTES:
        raise DataError(f"{name} has {len(content)} bytes, expected at most {MOST_BYTES}.")
    try:
        with Image.open(io.BytesIO(content), formats=["PNG"]) as opened:
            if opened.width * opened.height > MOST_PIXELS:
                raise DataError(f"{name} has {opened.width}×{opened.height} pixels, expected at most {MOST_PIXELS // 10**6} million.")
            notes = opened.text  # reads to the end of the file, as a chunk may stand behind the picture
            pixels = np.asarray(opened.convert("RGB"))
    except UnidentifiedImageError as error:
        raise DataError(f"{name} is no PNG file. Recipes are in the PNG files that Latent Explorer saves.") from error
    except (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError) as error:
        raise DataError(f"{name} cannot be read as a PNG: {str(error)[:100]}.") from error
    if CHUNK not in notes:
        raise DataError(f"{name} carries no recipe: it was not saved by Latent Explorer, or another program has dropped what was inside.")
    return pixels, Recipe.read(str(notes[CHUNK]))
