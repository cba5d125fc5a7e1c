"""Networks that draw odd pictures, or from odd codes: wide, tall, grey, large, slow, of channels with rows and columns, of very many axes, broken.

Classes of a network of one's own, as `{"class": "tests.oddities:Planes", ...}` names them.
"""

import time

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def fixed(*shape: int, seed: int = 0, scale: float = 1.0) -> Tensor:
    """Normal numbers, the same ones every time."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)) * scale


class Mixed(nn.Module):
    """Codes `(B, size)` weigh `size` smooth pictures of `shape`; what comes out is their sum between -1 and 1."""

    def __init__(self, size: int, shape: list[int]):
        super().__init__()
        channels, height, width = shape
        pictures = F.interpolate(fixed(size, channels, 6, 8), size=(height, width), mode="bicubic") / size**0.5
        self.register_buffer("pictures", pictures)

    def forward(self, z: Tensor) -> Tensor:
        return torch.tanh(torch.einsum("bk,kchw->bchw", z, self.pictures))


class Planes(nn.Module):
    """Codes `(B, channels, h, w)` to colour pictures of eight times their sides, each channel an ink; `pause` seconds a picture of full size."""

    def __init__(self, channels: int = 4, pause: float = 0.0, cells: int = 768):
        super().__init__()
        self.pause, self.cells = pause, cells
        self.register_buffer("inks", fixed(3, channels, 1, 1, scale=0.6))

    def forward(self, z: Tensor) -> Tensor:
        time.sleep(self.pause * len(z) * z[0, 0].numel() / self.cells)
        return torch.tanh(F.interpolate(F.conv2d(z, self.inks), scale_factor=8, mode="bilinear"))


class Broken(nn.Module):
    """Draws well until the first number of the code is above 2.5; from there on, NaN."""

    def forward(self, z: Tensor) -> Tensor:
        level = torch.where(z[:, :1] > 2.5, torch.nan, torch.tanh(z[:, :1]))
        return level[:, :, None, None].expand(-1, 3, 48, 48)


def spec(name: str, kind: str, latent: list[int], picture: list[int], **args) -> dict:
    """What the studio is told of one of them."""
    return {
        "class": f"tests.oddities:{kind}",
        "args": args,
        "latent": latent,
        "picture": picture,
        "values": [-1, 1],
        "name": name,
        "title": name.capitalize(),
    }


ODD = (
    spec("wide", "Mixed", [8], [1, 48, 80], size=8, shape=[1, 48, 80]),
    spec("tall", "Mixed", [16], [3, 512, 384], size=16, shape=[3, 512, 384]),
    spec("many", "Mixed", [512], [3, 64, 64], size=512, shape=[3, 64, 64]),
    spec("planes", "Planes", [4, 24, 32], [3, 192, 256]),
    spec("slow", "Planes", [4, 24, 32], [3, 192, 256], pause=0.3),
    spec("deep", "Planes", [40, 6, 8], [3, 48, 64], channels=40),
    spec("broken", "Broken", [3], [3, 48, 48]),
)
