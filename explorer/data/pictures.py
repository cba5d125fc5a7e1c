"""Anybody's picture file as pixels of a given shape.

What a file may be: JPEG, PNG, WebP, BMP, GIF or TIFF (no format whose reader runs other programs), of any colour mode and depth, of which
the first frame counts. It is turned upright as its camera says, laid on white where it is transparent, cut to the proportions
of the shape around its middle, and scaled. The size is checked before anything is unpacked.
"""

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from explorer.core.errors import DataError

__all__ = ["FORMATS", "WHOLE", "Frame", "read"]

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF")
MOST_PIXELS = 64_000_000
AHEAD = 8  # a JPEG is unpacked to at least so many times the sides that are asked for, not to all it has


@dataclass(frozen=True)
class Frame:
    """What of a picture is kept: a rectangle of the shape's proportions, `size` times the largest that fits, its middle at `x` and `y`.

    All are shares, of the picture turned upright; where the rectangle would reach beyond the picture it is moved back inside.
    """

    x: float = 0.5
    y: float = 0.5
    size: float = 1.0


WHOLE = Frame()


def read(file: Path | bytes, shape: tuple[int, int, int], *, frame: Frame = WHOLE, name: str = "picture") -> np.ndarray:
    """A picture file, or its bytes, as pixels `(1, H, W, C)` uint8 of a `shape` (C, H, W) with one or three channels.

    `name` is what bytes are called in errors.

    Raises:
        DataError: no such file, not a picture, a damaged one, or one of more than 64 million pixels.
    """
    channels, height, width = shape
    name = name if isinstance(file, bytes) else _checked(file).name
    try:
        with Image.open(io.BytesIO(file) if isinstance(file, bytes) else file, formats=FORMATS) as opened:
            _check(name, opened)
            opened.draft(None, tuple(int(AHEAD * side / max(frame.size, 0.01)) for side in (width, height)))
            picture = _flat(_upright(opened)).convert("L" if channels == 1 else "RGB")
    except DataError:
        raise
    except Exception as error:  # whatever a stranger's file does to a decoder, the file is to blame
        raise DataError(f"'{name}' cannot be read as a picture: {_words(error)}.") from error
    fitted = picture.resize((width, height), Image.Resampling.LANCZOS, box=_box(picture, width, height, frame))
    return np.asarray(fitted, dtype=np.uint8).reshape(1, height, width, channels)


def _checked(file: Path) -> Path:
    if file.is_dir():
        raise DataError(f"'{file}' is a folder, expected one picture.")
    if not file.is_file():
        raise DataError(f"There is no file '{file}'.")
    return file


def _words(error: Exception) -> str:
    """What went wrong, without addresses in memory."""
    return "it is none of " + ", ".join(FORMATS) if isinstance(error, UnidentifiedImageError) else str(error)


def _box(picture: Image.Image, width: int, height: int, frame: Frame) -> tuple[float, float, float, float]:
    """The rectangle to keep: left, top, right and bottom in pixels."""
    scale = min(picture.width / width, picture.height / height) * min(max(frame.size, 0.01), 1.0)
    left = min(max(frame.x * picture.width - width * scale / 2, 0.0), picture.width - width * scale)
    top = min(max(frame.y * picture.height - height * scale / 2, 0.0), picture.height - height * scale)
    return left, top, left + width * scale, top + height * scale


def _check(name: str, opened: Image.Image) -> None:
    if opened.width * opened.height > MOST_PIXELS:
        raise DataError(f"'{name}' has {opened.width}×{opened.height} pixels, expected at most {MOST_PIXELS // 10**6} million.")


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
