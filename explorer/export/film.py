"""Moving pictures as files: GIF, WebP and MP4."""

import io
import tempfile
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
from PIL import Image

from explorer.core.errors import CapabilityError, DataError
from explorer.render import rgb

__all__ = ["KINDS", "MOST_SIDE", "encode", "enlarged", "gif", "mp4", "possible", "webp"]

MOST_SIDE = 2048  # pixels of a film
COLOURS = 256
LOOKED_AT = 16  # frames that a GIF's colours are chosen from
LOOKED_SIDE = 128

Report = Callable[[int, int], None]  # frames written, of how many; may raise to stop


def enlarged(picture: np.ndarray, scale: int, *, smooth: bool) -> Image.Image:
    """One picture `(H, W, C)` at a whole multiple of its size, as sharp squares or smooth. Raises DataError beyond 2048 pixels a side."""
    height, width = (side * scale for side in picture.shape[:2])
    if max(height, width) > MOST_SIDE:
        raise DataError(f"Pictures would be {width}×{height} pixels, expected at most {MOST_SIDE} a side: choose a smaller size.")
    image = Image.fromarray(rgb(picture))
    return image if scale == 1 else image.resize((width, height), Image.Resampling.LANCZOS if smooth else Image.Resampling.NEAREST)


def gif(pixels: np.ndarray, *, fps: float, scale: int = 1, smooth: bool = False, report: Report = lambda done, of: None) -> bytes:
    """Frames `(N, H, W, C)` as a GIF that repeats.

    All frames share 256 colours chosen from the whole film, and nothing is dithered: a still place stays still. A GIF counts time in
    hundredths of a second, and players take less than two for a mistake, so the pace is the nearest one that it can have.
    """
    chosen = _palette(pixels)
    frames = []
    for index, image in enumerate(_images(pixels, scale, smooth)):
        report(index, len(pixels))
        frames.append(image.quantize(palette=chosen, dither=Image.Dither.NONE))
    return _animation(frames, "GIF", duration=10 * max(2, round(100 / fps)), disposal=1, optimize=False)


def webp(pixels: np.ndarray, *, fps: float, scale: int = 1, smooth: bool = False, report: Report = lambda done, of: None) -> bytes:
    """Frames `(N, H, W, C)` as an animated WebP that repeats; finer in colour than a GIF, and smaller."""
    frames = []
    for index, image in enumerate(_images(pixels, scale, smooth)):
        report(index, len(pixels))
        frames.append(image)
    return _animation(frames, "WEBP", duration=round(1000 / fps), quality=90, method=3)


def mp4(pixels: np.ndarray, *, fps: float, scale: int = 1, smooth: bool = False, about: str = "", report: Report = lambda done, of: None) -> bytes:
    """Frames `(N, H, W, C)` as an MP4 film (H.264), which plays everywhere; `about` is written into it as its comment.

    Sides are made even by repeating the last row or column, as the format asks for.

    Raises:
        CapabilityError: without the package "av".
    """
    av = _av()
    with tempfile.TemporaryDirectory() as folder:  # with the table of frames in front, so that players need not wait, it is written in two passes
        file = Path(folder) / "film.mp4"
        _write(av, file, pixels, fps, scale, smooth, about, report)
        return file.read_bytes()


def _write(av, file: Path, pixels: np.ndarray, fps: float, scale: int, smooth: bool, about: str, report: Report) -> None:
    with av.open(str(file), "w", format="mp4", options={"movflags": "faststart"}) as container:
        if about:
            container.metadata["comment"] = about
        stream = container.add_stream("libx264", rate=Fraction(fps).limit_denominator(1000), options={"crf": "17", "preset": "medium"})
        stream.pix_fmt = "yuv420p"
        for index, image in enumerate(_images(pixels, scale, smooth)):
            report(index, len(pixels))
            frame = _even(np.asarray(image))
            if not index:
                stream.height, stream.width = frame.shape[:2]
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())


KINDS: dict[str, tuple[str, Callable[..., bytes]]] = {"mp4": ("video/mp4", mp4), "gif": ("image/gif", gif), "webp": ("image/webp", webp)}


def possible() -> tuple[str, ...]:
    """The kinds of film that can be written here."""
    try:
        _av()
    except CapabilityError:
        return tuple(kind for kind in KINDS if kind != "mp4")
    return tuple(KINDS)


def encode(kind: str, pixels: np.ndarray, *, fps: float, back: bool = False, **options) -> bytes:
    """A film of a kind; with `back` it returns the same way, its ends shown once. Raises DataError for an unknown kind."""
    if kind not in KINDS:
        raise DataError(f"No film of kind '{kind}'. Known: {', '.join(KINDS)}.")
    there_and_back = np.concatenate([pixels, pixels[-2:0:-1]]) if back else pixels
    return KINDS[kind][1](there_and_back, fps=fps, **options)


def _av():
    try:
        import av
    except ImportError as error:
        raise CapabilityError("MP4 films need the package 'av': `pip install av`. GIF and WebP need nothing more.") from error
    return av


def _images(pixels: np.ndarray, scale: int, smooth: bool) -> Iterator[Image.Image]:
    return (enlarged(picture, scale, smooth=smooth) for picture in pixels)


def _palette(pixels: np.ndarray) -> Image.Image:
    """The colours that suit a whole film, chosen from frames spread over it."""
    chosen = pixels[np.linspace(0, len(pixels) - 1, min(LOOKED_AT, len(pixels))).round().astype(int)]
    images = [Image.fromarray(rgb(picture)) for picture in chosen]
    for image in images:
        image.thumbnail((LOOKED_SIDE, LOOKED_SIDE))
    mosaic = Image.fromarray(np.concatenate([np.asarray(image) for image in images], axis=0))
    return mosaic.quantize(COLOURS, method=Image.Quantize.MEDIANCUT, kmeans=2)


def _even(pixels: np.ndarray) -> np.ndarray:
    height, width = pixels.shape[:2]
    return np.ascontiguousarray(np.pad(pixels, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge"))


def _animation(frames: list[Image.Image], kind: str, **options) -> bytes:
    buffer = io.BytesIO()
    frames[0].save(buffer, kind, save_all=True, append_images=frames[1:], loop=0, **options)
    return buffer.getvalue()
