"""Anybody's picture file as pixels of a given shape.

What a file may be: JPEG, PNG, WebP, BMP, GIF or TIFF (no format whose reader runs other programs), of any colour mode and depth, of which
the first frame counts. It is turned upright as its camera says, laid on white where it is transparent, cut to the proportions
of the shape around its middle, and scaled. The size is checked before anything is unpacked.
"""

from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from explorer.core.errors import DataError

__all__ = ["read"]

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF")
MOST_PIXELS = 64_000_000
AHEAD = 8  # a JPEG is unpacked to at least so many times the sides that are asked for, not to all it has


def read(file: Path, shape: tuple[int, int, int]) -> np.ndarray:
    """A picture file as pixels `(1, H, W, C)` uint8 of a `shape` (C, H, W) with one or three channels.

    Raises:
        DataError: no such file, not a picture, a damaged one, or one of more than 64 million pixels.
    """
    channels, height, width = shape
    if file.is_dir():
        raise DataError(f"'{file}' is a folder, expected one picture.")
    if not file.is_file():
        raise DataError(f"There is no file '{file}'.")
    try:
        with Image.open(file, formats=FORMATS) as opened:
            _check(file, opened)
            opened.draft(None, (AHEAD * width, AHEAD * height))
            picture = _flat(_upright(opened)).convert("L" if channels == 1 else "RGB")
    except DataError:
        raise
    except Exception as error:  # whatever a stranger's file does to a decoder, the file is to blame
        raise DataError(f"'{file.name}' cannot be read as a picture: {error}.") from error
    scale = min(picture.width / width, picture.height / height)
    left, top = (picture.width - width * scale) / 2, (picture.height - height * scale) / 2
    fitted = picture.resize((width, height), Image.Resampling.LANCZOS, box=(left, top, left + width * scale, top + height * scale))
    return np.asarray(fitted, dtype=np.uint8).reshape(1, height, width, channels)


def _check(file: Path, opened: Image.Image) -> None:
    if opened.width * opened.height > MOST_PIXELS:
        raise DataError(f"'{file.name}' has {opened.width}×{opened.height} pixels, expected at most {MOST_PIXELS // 10**6} million.")


def _upright(opened: Image.Image) -> Image.Image:
    """Turned as the camera was held."""
    opened.load()
    try:
        return ImageOps.exif_transpose(opened)
    except Exception:  # what a camera notes is often wrong, and no reason to refuse a picture that could be unpacked
        return opened


def _flat(picture: Image.Image) -> Image.Image:
    """With eight bits a channel and nothing transparent."""
    if picture.mode == "F" or picture.mode.startswith("I"):
        return Image.fromarray(_eight_bits(np.asarray(picture), sixteen=";16" in picture.mode))
    if not picture.has_transparency_data:
        return picture
    seen = picture.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", seen.size, "white"), seen)


def _eight_bits(values: np.ndarray, *, sixteen: bool) -> np.ndarray:
    """Grey values of another depth as uint8; of 32 bits, what goes beyond 255 is taken for sixteen, and fractions up to 1 for shares."""
    values = np.nan_to_num(values.astype(np.float64))
    most = values.max(initial=0)
    scale = 1 / 257 if sixteen or most > 255 else 255 if most <= 1 else 1
    return (values * scale).clip(0, 255).round().astype(np.uint8)
