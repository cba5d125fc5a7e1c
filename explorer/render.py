"""Between pictures as tensors and pictures as pixels: the only place that knows both.

A picture tensor is `(B, C, H, W)` in [-1, 1] with one or three channels; pixels are uint8, `(B, H, W, C)`.
"""

import io

import numpy as np
import torch
from PIL import Image
from torch import Tensor

__all__ = ["encode", "from_pixels", "grid", "halved", "resized", "rgba", "to_pixels"]


def from_pixels(pixels: np.ndarray) -> Tensor:
    """Pixels `(B, H, W, C)` uint8 to pictures `(B, C, H, W)` in [-1, 1]."""
    return torch.from_numpy(np.array(pixels, dtype=np.float32)).permute(0, 3, 1, 2).div_(127.5).sub_(1)


def to_pixels(pictures: Tensor) -> np.ndarray:
    """Pictures `(B, C, H, W)` to pixels `(B, H, W, C)` uint8; what lies outside [-1, 1] is cut, NaN becomes mid-grey."""
    scaled = pictures.detach().float().nan_to_num(0.0).clamp(-1, 1).add(1).mul(127.5).round()
    return scaled.to(torch.uint8).permute(0, 2, 3, 1).contiguous().cpu().numpy()


def rgb(pixels: np.ndarray) -> np.ndarray:
    """The same pixels with exactly three channels."""
    return np.repeat(pixels, 3, axis=-1) if pixels.shape[-1] == 1 else pixels


def rgba(pixels: np.ndarray) -> bytes:
    """One picture `(H, W, C)` as raw RGBA rows, the fastest thing a canvas can show."""
    full = np.full((*pixels.shape[:2], 4), 255, np.uint8)
    full[..., :3] = rgb(pixels)
    return full.tobytes()


def encode(pixels: np.ndarray, kind: str = "png", *, quality: int = 85) -> bytes:
    """One picture `(H, W, C)` as a PNG, JPEG or WebP file."""
    buffer = io.BytesIO()
    options = {"png": {"compress_level": 4}, "jpeg": {"quality": quality}, "webp": {"quality": quality, "method": 4}}[kind]
    Image.fromarray(rgb(pixels)).save(buffer, kind, **options)
    return buffer.getvalue()


def resized(pixels: np.ndarray, height: int, width: int) -> np.ndarray:
    """Pictures `(B, H, W, C)` at another size, each new pixel the mean of those it covers."""
    if pixels.shape[1:3] == (height, width):
        return pixels
    small = [np.asarray(Image.fromarray(rgb(picture)).resize((width, height), Image.Resampling.BOX)) for picture in pixels]
    return np.stack(small)[..., : pixels.shape[3]]


def halved(pixels: np.ndarray) -> np.ndarray:
    """Pictures `(B, H, W, C)` at half their sides; a side of one pixel stays."""
    return resized(pixels, *(max(1, side // 2) for side in pixels.shape[1:3]))


def grid(pixels: np.ndarray, columns: int) -> np.ndarray:
    """Pictures `(B, H, W, C)` tiled row by row into one `(rows*H, columns*W, C)`; what is left over stays black."""
    n, height, width, channels = pixels.shape
    rows = -(-n // columns)
    padded = np.zeros((rows * columns, height, width, channels), np.uint8)
    padded[:n] = pixels
    return padded.reshape(rows, columns, height, width, channels).transpose(0, 2, 1, 3, 4).reshape(rows * height, columns * width, channels)
