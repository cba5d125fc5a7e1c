"""Trains a text-conditional diffusion transformer by rectified flow.

    t logit-normal,  z_t = (1 - t) x + t e,   loss = |v^ - (e - x)|^2 = |x - x^|^2 / max(t, 0.05)^2

One caption in ten is dropped, so that the network also draws without one and guidance has something to lead away from. What is
kept is a running mean of the weights.
"""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from explorer import render
from explorer.data.dataset import Dataset
from explorer.models.dit import EARLIEST, DiT, tokens
from explorer.training.loop import batch_rows, step_generator

__all__ = ["Denoising", "vocabulary"]

DROPPED = 0.1
WARM = 500  # steps over which the rate grows
COOL = 0.3  # the last share of the steps, over which it falls to zero


def vocabulary(data: Dataset) -> list[str]:
    """Every word of many captions, sorted."""
    words = set()
    for caption in data.captions(data.sample(20_000, 0), 0):
        words |= set(caption.lower().replace(",", " ").split())
    return sorted(words)


@dataclass
class Denoising:
    """The course of training a `DiT` on pictures `(n, H, W, C)` uint8 and their rows.

    Args:
        words: the vocabulary; length: words of a caption.
        steps, rate, batch: how long, at which highest rate, on how many pictures at a time.
        remembered: the share of the running mean that a step keeps, once it has run for long.
    """

    net: DiT
    pixels: np.ndarray
    rows: np.ndarray
    data: Dataset
    words: list[str]
    length: int
    steps: int
    rate: float
    batch: int
    seed: int = 0
    remembered: float = 0.999
    mean: DiT = field(init=False)

    def __post_init__(self):
        self.mean = deepcopy(self.net).eval().requires_grad_(False)
        self.optimiser = torch.optim.AdamW(self.net.parameters(), lr=self.rate, weight_decay=0.01, betas=(0.9, 0.99))
        self._pick = batch_rows(len(self.rows), self.batch, self.seed)

    def step(self, step: int) -> dict[str, float]:
        for group in self.optimiser.param_groups:
            group["lr"] = self.rate * min(1.0, (step + 1) / WARM, (self.steps - step) / (COOL * self.steps))
        chosen, generator = self._pick(step), step_generator(self.seed, step)
        x = render.from_pixels(self.pixels[chosen]).contiguous(memory_format=torch.channels_last)
        loss = self._loss(x, self._captions(chosen, step, generator), generator)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.net.parameters(), 1.0)
        self.optimiser.step()
        self._follow(step)
        return {"loss": float(loss.detach())}

    def _captions(self, chosen: np.ndarray, step: int, generator: torch.Generator) -> Tensor:
        said = tokens(self.data.captions(self.rows[chosen], self.seed * 1_000_003 + step), self.words, self.length)
        return said * (torch.rand(len(said), 1, generator=generator) >= DROPPED)

    def _loss(self, x: Tensor, said: Tensor, generator: torch.Generator) -> Tensor:
        t = torch.sigmoid(torch.randn(len(x), generator=generator))
        z = (1 - t).view(-1, 1, 1, 1) * x + t.view(-1, 1, 1, 1) * torch.randn(x.shape, generator=generator)
        with torch.autocast("cpu", torch.bfloat16):
            clean = self.net(z, t, said)
        missed = (clean.float() - x).square().mean(dim=(1, 2, 3))
        return (missed / t.clamp_min(EARLIEST).square()).mean()

    @torch.no_grad()
    def _follow(self, step: int) -> None:
        kept = min(self.remembered, (1 + step) / (10 + step))
        for mine, theirs in zip(self.mean.parameters(), self.net.parameters(), strict=True):
            mine.lerp_(theirs, 1 - kept)

    def state(self) -> dict[str, Any]:
        return {"net": self.net.state_dict(), "mean": self.mean.state_dict(), "optimiser": self.optimiser.state_dict()}

    def restore(self, state: Mapping[str, Any]) -> None:
        self.net.load_state_dict(state["net"])
        self.mean.load_state_dict(state["mean"])
        self.optimiser.load_state_dict(state["optimiser"])
