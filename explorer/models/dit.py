"""A multimodal diffusion transformer: patches of a noisy picture and words of a caption attend to each other.

    z_t = (1 - t) x + t e,   x^ = f(z_t, t, caption),   v = (z_t - x^) / max(t, 0.05)

Each stream has its own weights; attention is joint (Esser et al. 2024, arXiv 2403.03206). Time and the pooled caption scale, shift
and gate every layer, the gates beginning at zero (adaLN-zero, Peebles & Xie 2023, arXiv 2212.09748). The network predicts the clean
picture and the velocity of the rectified flow is formed from that: a patch holds more numbers than the streams are wide, and
noise cannot be squeezed through. Patches overlap on the way in, and a small convolution mends their borders on the way out.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from explorer.core.errors import DataError, SpaceError
from explorer.core.model import Card, Model
from explorer.core.text import LONGEST, Condition
from explorer.models.told import Told

__all__ = ["DiT", "EARLIEST", "Reader", "build", "network", "tokens", "velocity"]

EARLIEST = 0.05  # times below this count as this where one divides by them
OVERLAP = 2  # pixels by which a patch reaches into its neighbours
WORD = re.compile(r"[a-z0-9][a-z0-9\-]*")


def velocity(z: Tensor, clean: Tensor, t: Tensor) -> Tensor:
    """The velocity `(B, C, H, W)` at noisy pictures `z` and times `(B,)`, from the predicted clean ones."""
    return (z - clean) / t.clamp_min(EARLIEST).view(-1, 1, 1, 1)


def tokens(captions: Sequence[str], words: Sequence[str], length: int) -> Tensor:
    """Numbers of the words of captions, `(B, length)`: 0 where there is none, 1 for a word that is not known, then the place in `words` + 2."""
    number = {word: i + 2 for i, word in enumerate(words)}
    rows = [[number.get(word, 1) for word in WORD.findall(caption.lower())][:length] for caption in captions]
    return torch.tensor([row + [0] * (length - len(row)) for row in rows], dtype=torch.long).view(len(rows), length)


def _waves(t: Tensor, width: int) -> Tensor:
    """A sinusoidal embedding `(B, width)` of times `(B,)` in [0, 1]."""
    angles = t.float()[:, None] * 1000 * torch.exp(torch.arange(width // 2, device=t.device) * (-math.log(10_000) / (width // 2)))
    return torch.cat([angles.cos(), angles.sin()], dim=1)


class Stream(nn.Module):
    """One stream's half of a layer: its projections around the joint attention, its perceptron, its modulation."""

    def __init__(self, width: int):
        super().__init__()
        self.into, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.inner = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(approximate="tanh"), nn.Linear(4 * width, width))
        self.modulation = nn.Linear(width, 6 * width)
        nn.init.zeros_(self.modulation.weight)
        nn.init.zeros_(self.modulation.bias)

    def begin(self, x: Tensor, condition: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Queries, keys and values `(B, N, 3 width)`, and what modulates the rest."""
        parts = self.modulation(F.silu(condition))[:, None].chunk(6, dim=2)
        return self.into(_moved(x, parts[0], parts[1])), parts

    def end(self, x: Tensor, attended: Tensor, parts: tuple[Tensor, ...]) -> Tensor:
        x = x + parts[2] * self.out(attended)
        return x + parts[5] * self.inner(_moved(x, parts[3], parts[4]))


def _moved(x: Tensor, shift: Tensor, scale: Tensor) -> Tensor:
    return F.layer_norm(x, x.shape[-1:]) * (1 + scale) + shift


class Layer(nn.Module):
    """Joint attention of both streams, then a perceptron for each."""

    def __init__(self, width: int, heads: int):
        super().__init__()
        self.heads, self.picture, self.text = heads, Stream(width), Stream(width)

    def forward(self, x: Tensor, c: Tensor, condition: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        (qx, px), (qc, pc) = self.picture.begin(x, condition), self.text.begin(c, condition)
        joined = torch.cat([qx, qc], dim=1)
        q, k, v = joined.view(*joined.shape[:2], 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        q, k = F.rms_norm(q, q.shape[-1:]), F.rms_norm(k, k.shape[-1:])
        out = F.scaled_dot_product_attention(q, k, v, attn_mask=mask).transpose(1, 2).flatten(2)
        return self.picture.end(x, out[:, : x.shape[1]], px), self.text.end(c, out[:, x.shape[1] :], pc)


class DiT(nn.Module):
    """Noisy pictures `(B, channels, size, size)`, times `(B,)` and words `(B, length)` to clean pictures.

    `words` numbers of the vocabulary include "none" (0) and "unknown" (1); a caption of nothing is the null caption.
    """

    def __init__(self, *, size: int, channels: int, patch: int, width: int, depth: int, heads: int, length: int, words: int):
        super().__init__()
        self.size, self.channels, self.patch, self.width = size, channels, patch, width
        self.side = size // patch
        self.patches = nn.Conv2d(channels, width, patch + 2 * OVERLAP, patch, OVERLAP)
        self.places = nn.Parameter(torch.randn(1, self.side**2, width) * 0.02)
        self.words = nn.Embedding(words, width)
        self.order = nn.Parameter(torch.randn(1, length, width) * 0.02)
        self.time = nn.Sequential(nn.Linear(width, width), nn.SiLU(), nn.Linear(width, width))
        self.pooled = nn.Sequential(nn.Linear(width, width), nn.SiLU(), nn.Linear(width, width))
        self.layers = nn.ModuleList(Layer(width, heads) for _ in range(depth))
        self.modulation = nn.Linear(width, 2 * width)
        self.head = nn.Linear(width, channels * patch**2)
        self.mend = nn.Sequential(nn.Conv2d(2 * channels, 24, 3, 1, 1), nn.SiLU(), nn.Conv2d(24, channels, 3, 1, 1))
        for layer in (self.modulation, self.head, self.mend[2]):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)
        nn.init.normal_(self.words.weight, std=0.5)

    def embed(self, words: Tensor) -> tuple[Tensor, Tensor]:
        """The caption in the joint latent space: tokens `(B, length, width)` and their pooled vector `(B, width)`."""
        known = (words > 0)[..., None]
        c = self.words(words)
        mean = (c * known).sum(dim=1) / known.sum(dim=1).clamp_min(1)
        return c + self.order, self.pooled(mean)

    def forward(self, z: Tensor, t: Tensor, words: Tensor) -> Tensor:
        return self.denoise(z, t, *self.embed(words), words > 0)

    def denoise(self, z: Tensor, t: Tensor, c: Tensor, pooled: Tensor, known: Tensor) -> Tensor:
        """The clean pictures, for an embedded caption and which of its words there are `(B, length)`: yes or no, or how far, in [0, 1]."""
        condition = self.time(_waves(t, self.width).to(z.dtype)) + pooled
        x = self.patches(z).flatten(2).transpose(1, 2) + self.places
        seen = torch.cat([torch.ones(len(z), x.shape[1], dtype=known.dtype, device=z.device), known], dim=1)[:, None, None]
        seen = seen.log() if seen.is_floating_point() else seen
        for layer in self.layers:
            x, c = layer(x, c, condition, seen)
        shift, scale = self.modulation(F.silu(condition))[:, None].chunk(2, dim=2)
        drawn = self.head(_moved(x, shift, scale))
        drawn = F.pixel_shuffle(drawn.transpose(1, 2).unflatten(2, (self.side, self.side)), self.patch)
        return drawn + self.mend(torch.cat([drawn, z], dim=1))


@dataclass(frozen=True, eq=False)
class Reader:
    """The network as the explorer sees it: captions to conditions, noisy pictures to clean ones."""

    net: DiT
    vocabulary: tuple[str, ...]

    @property
    def picture_shape(self) -> tuple[int, int, int]:
        return self.net.channels, self.net.size, self.net.size

    @property
    def length(self) -> int:
        """The most words of a caption that are read."""
        return self.net.order.shape[1]

    def words(self, caption: str) -> tuple[str, ...]:
        return tuple(WORD.findall(caption.lower())[: self.length])

    def embed(self, captions: Sequence[str]) -> Condition:
        for caption in captions:
            if len(caption) > LONGEST:
                raise DataError(f"A caption may have {LONGEST:,} characters, got {len(caption):,}.")
        said = tokens(captions, self.vocabulary, self.length).to(self.net.order.device)
        rows, pooled = self.net.embed(said)
        return Condition(rows, (said > 0).to(rows.dtype), pooled)

    def clean(self, z: Tensor, t: Tensor, condition: Condition) -> Tensor:
        return self.net.denoise(z, t, condition.rows, condition.pooled, condition.presence)


def build(card: Card, state: Mapping[str, Tensor], device: torch.device) -> Model:
    """Rebuilds the model of `card` around its weights."""
    with torch.device("meta"):  # nothing is allocated that the file does not hold
        net = network(card.config)
    net.load_state_dict(dict(state), assign=True)
    net.to(device).eval().requires_grad_(False)
    reader = Reader(net, tuple(str(word) for word in card.config["vocabulary"]))
    (space,) = card.latent_spaces
    if space.shape != reader.picture_shape:
        raise SpaceError(f"'{card.name}' says its noise has shape {space.shape}, but it draws {reader.picture_shape}.")
    how = {"steps": int(card.config.get("steps", 12)), "guidance": float(card.config.get("guidance", 2.0))}
    return Model(card, (space,), generator=Told(card.name, reader, space, **how), denoiser=reader)


def network(config: Mapping[str, Any]) -> DiT:
    """An untrained network of that configuration."""
    sizes = {name: int(config[name]) for name in ("size", "channels", "patch", "width", "depth", "heads", "length")}
    return DiT(**sizes, words=len(config["vocabulary"]) + 2)
