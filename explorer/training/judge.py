"""Trains a judge: the attributes of a picture, from clean and from slightly spoiled renders.

A third of each batch is blurred and noisy, so that the judge also reads what a generator draws a little softly. What cannot
be seen in a picture (eyes behind sunglasses) is neither trained on nor scored.
"""

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from explorer import render
from explorer.data.factors import Factor
from explorer.models.judge import Judge
from explorer.training.loop import batch_rows, step_generator

__all__ = ["objective", "spoil"]

HIDDEN = -100  # the label of what cannot be seen

Loss = Callable[[int], tuple[Tensor, dict[str, float]]]


def objective(net: Judge, pixels: np.ndarray, *, rows: np.ndarray, seen: np.ndarray, factors: tuple[Factor, ...], batch: int, seed: int) -> Loss:
    """The loss of a step: cross-entropy summed over questions, visible answers only.

    Args:
        pixels: `(n, H, W, C)` uint8.
        rows, seen: class indices `(n, K or more)` and which of them can be seen, `(n, K)`.
    """
    pick = batch_rows(len(rows), batch, seed)
    labels = torch.from_numpy(np.where(seen, rows[:, : len(factors)], HIDDEN))

    def loss(step: int) -> tuple[Tensor, dict[str, float]]:
        chosen = pick(step)
        x = spoil(render.from_pixels(pixels[chosen]), step_generator(seed, step)).contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16):
            scores = net(x)
        terms = [F.cross_entropy(scores[f.name].float(), labels[chosen, k], ignore_index=HIDDEN) for k, f in enumerate(factors)]
        total = torch.stack(terms).sum()
        return total, {"loss": float(total.detach())}

    return loss


def spoil(x: Tensor, generator: torch.Generator) -> Tensor:
    """Softens and dirties the first third of a batch `(B, C, H, W)` by random amounts."""
    third = len(x) // 3
    amount = torch.rand(third, 1, 1, 1, generator=generator)
    soft = F.avg_pool2d(F.pad(x[:third], (1, 1, 1, 1), mode="replicate"), 3, stride=1)
    noise = torch.randn(soft.shape, generator=generator) * 0.1 * torch.rand(third, 1, 1, 1, generator=generator)
    return torch.cat([(1 - amount) * x[:third] + amount * soft + noise, x[third:]])
