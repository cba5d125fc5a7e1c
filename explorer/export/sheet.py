"""Many pictures as one: a strip, a contact sheet with captions, a table with named axes."""

import io
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont, PngImagePlugin

from explorer.core.errors import DataError
from explorer.export.film import enlarged

__all__ = ["png", "sheet", "strip", "table"]

PAPER, INK, FAINT = (255, 255, 255), (17, 24, 39), (75, 85, 99)
GAP = 6  # pixels between pictures
MOST_PIXELS = 64_000_000
MOST_SIDE = 30_000  # beyond which programs refuse to open a picture


def png(image: Image.Image, about: dict[str, str] | None = None) -> bytes:
    """A picture as a PNG file, with texts written into it by keyword."""
    texts = PngImagePlugin.PngInfo()
    for keyword, text in (about or {}).items():
        texts.add_itxt(keyword, text)
    buffer = io.BytesIO()
    image.save(buffer, "png", pnginfo=texts, compress_level=6)
    return buffer.getvalue()


def strip(pixels: np.ndarray, *, scale: int = 1, smooth: bool = False) -> Image.Image:
    """Frames `(N, H, W, C)` side by side, without a gap."""
    return sheet(pixels, columns=len(pixels), scale=scale, smooth=smooth, gap=0)


def sheet(
    pixels: np.ndarray, *, columns: int, captions: Sequence[str] = (), title: str = "", scale: int = 1, smooth: bool = False, gap: int = GAP
) -> Image.Image:
    """Frames `(N, H, W, C)` row by row, each with a caption of one or more lines below it, and a title above all.

    Raises:
        DataError: for a sheet of more than 64 million pixels.
    """
    height, width = (side * scale for side in pixels.shape[1:3])
    font = _font(width)
    line = _line(font)
    below = line * max((caption.count("\n") + 1 for caption in captions), default=0)
    above = line * 2 if title else 0
    rows = -(-len(pixels) // columns)
    paper = _paper(columns * (width + gap) + gap, rows * (height + below + gap) + gap + above)
    pen = ImageDraw.Draw(paper)
    if title:
        pen.text((gap, gap), _fitted(title, font, paper.width - 2 * gap), fill=INK, font=font)
    for index, picture in enumerate(pixels):
        row, column = divmod(index, columns)
        left, top = gap + column * (width + gap), gap + above + row * (height + below + gap)
        paper.paste(enlarged(picture, scale, smooth=smooth), (left, top))
        for i, words in enumerate(captions[index].split("\n") if captions else ()):
            pen.text((left, top + height + i * line), _fitted(words, font, width), fill=FAINT, font=font)
    return paper


def table(
    pixels: np.ndarray, *, across: Sequence[str], down: Sequence[str], x: str, y: str, title: str = "", scale: int = 1, smooth: bool = False
) -> Image.Image:
    """Pictures `(rows * columns, H, W, C)`, the highest row first, as a table: `across` names the columns, `down` the rows, `x` and `y` the axes."""
    height, width = (side * scale for side in pixels.shape[1:3])
    font = _font(min(width, 160))
    line = _line(font)
    left = 2 * GAP + int(max(font.getlength(words) for words in (*down, y)))
    above, below = line * 2 if title else GAP, 2 * line + GAP
    paper = _paper(left + len(across) * (width + GAP), above + len(down) * (height + GAP) + below)
    pen = ImageDraw.Draw(paper)
    if title:
        pen.text((GAP, GAP), _fitted(title, font, paper.width - 2 * GAP), fill=INK, font=font)
    for index, picture in enumerate(pixels):
        row, column = divmod(index, len(across))
        paper.paste(enlarged(picture, scale, smooth=smooth), (left + column * (width + GAP), above + row * (height + GAP)))
    for row, words in enumerate(down):
        pen.text((left - GAP, above + row * (height + GAP) + height / 2), words, fill=FAINT, font=font, anchor="rm")
    for column, words in enumerate(across):
        pen.text((left + column * (width + GAP) + width / 2, paper.height - below), words, fill=FAINT, font=font, anchor="ma")
    pen.text((left - GAP, above), y, fill=INK, font=font, anchor="ra")
    pen.text((left + (paper.width - left) / 2, paper.height - GAP / 2), x, fill=INK, font=font, anchor="md")
    return paper


def _paper(width: int, height: int) -> Image.Image:
    if width * height > MOST_PIXELS or max(width, height) > MOST_SIDE:
        raise DataError(
            f"This would be a picture of {width}×{height} pixels, expected at most {MOST_PIXELS // 10**6} million, and {MOST_SIDE} a side: take fewer or smaller ones."
        )
    return Image.new("RGB", (width, height), PAPER)


def _font(width: int) -> ImageFont.FreeTypeFont:
    return ImageFont.load_default(max(9, min(20, width // 9)))


def _line(font: ImageFont.FreeTypeFont) -> int:
    return sum(font.getmetrics()) + 1


def _fitted(words: str, font: ImageFont.FreeTypeFont, width: int) -> str:
    """As much of the words as has room, with an ellipsis where some are missing."""
    if font.getlength(words) <= width:
        return words
    kept = len(words)
    while kept and font.getlength(words[:kept] + "…") > width:
        kept -= 1
    return words[:kept].rstrip() + "…"
