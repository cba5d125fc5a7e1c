"""The variation-predictability score: how well a fresh classifier learns, from few pairs, which direction changed a picture.

Pairs of pictures (before, after) with the direction as label; a tenth of them trains a small network on the difference, the rest
tests it. Chance is 1/K, so scores compare only at equal K, equal image change, pairs and split. The published score is the
highest test accuracy over epochs, which is chosen on the test data; the last one is reported beside it.

References: Zhu, Xu & Tao, Learning Disentangled Representations with Latent Variation Predictability (2020, arXiv 2007.12885).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from explorer.core.direction import Direction
from explorer.core.errors import DataError
from explorer.methods.pairs import shrunk

__all__ = ["Variation", "pairs", "predictability"]


@dataclass(frozen=True)
class Variation:
    """Test accuracies in [0, 1], one a seed: after the last epoch, and the highest of those scored."""

    last: tuple[float, ...]
    highest: tuple[float, ...]
    chance: float


@torch.no_grad()
def pairs(
    directions: Sequence[Direction],
    decode: Callable[[Tensor], Tensor],
    sample: Callable[[int, int], Tensor],
    *,
    n: int = 4000,
    amount: float = 1.0,
    seed: int = 0,
) -> tuple[Tensor, Tensor]:
    """Differences of `n` pairs of pictures at 32 pixels `(n, C, 32, 32)`, and which direction made each, `(n,)`."""
    which = torch.randint(len(directions), (n,), generator=torch.Generator().manual_seed(seed))
    differences = torch.empty(0)
    for k, direction in enumerate(directions):
        rows = torch.nonzero(which == k)[:, 0]
        for i, piece in enumerate(rows.split(128)):
            z = sample(len(piece), seed * 1_000_003 + k * 1009 + i)
            made = shrunk(decode(direction.step(z, amount))) - shrunk(decode(z))
            differences = differences if len(differences) else torch.empty(n, *made.shape[1:])
            differences[piece] = made
    return differences, which


def predictability(
    differences: Tensor,
    which: Tensor,
    *,
    count: int,
    train: float = 0.1,
    epochs: int = 40,
    every: int = 10,
    batch: int = 32,
    rate: float = 1e-3,
    seeds: int = 3,
) -> Variation:
    """The score of pairs: their differences `(n, C, S, S)` and directions `(n,)` of `count`.

    Raises:
        DataError: too few pairs to train on.
    """
    few = int(len(which) * train)
    if few < 2 * count or len(which) - few < count:
        raise DataError(f"The score needs at least {int(2 * count / train)} pairs for {count} directions, got {len(which)}.")
    runs = [_run(differences, which, count, few, epochs, every, batch, rate, seed) for seed in range(seeds)]
    return Variation(tuple(last for last, _ in runs), tuple(best for _, best in runs), 1 / count)


def _run(x: Tensor, y: Tensor, count: int, few: int, epochs: int, every: int, batch: int, rate: float, seed: int) -> tuple[float, float]:
    generator = torch.Generator().manual_seed(seed)
    order = torch.randperm(len(y), generator=generator)
    learn, test = order[:few], order[few:]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = _network(x.shape[1], count)
    optimiser = torch.optim.Adam(net.parameters(), lr=rate)
    scores = []
    for epoch in range(epochs):
        net.train()
        for rows in learn[torch.randperm(few, generator=generator)].split(batch):
            if len(rows) > 1:  # a batch of one has no variance to normalise by
                loss = F.cross_entropy(net(x[rows]), y[rows])
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
        if (epoch + 1) % every == 0 or epoch == epochs - 1:
            scores.append(_accuracy(net.eval(), x[test], y[test]))
    return scores[-1], max(scores)


@torch.no_grad()
def _accuracy(net: nn.Module, x: Tensor, y: Tensor) -> float:
    said = torch.cat([net(piece).argmax(dim=1) for piece in x.split(64)])
    return float((said == y).float().mean())


def _network(channels: int, count: int) -> nn.Sequential:
    """The published layers; the first stride and the pooling are kept, so 32 pixels end as 8."""

    def block(inside: int, outside: int, kernel: int, stride: int) -> list[nn.Module]:
        return [nn.Conv2d(inside, outside, kernel, stride, kernel // 2), nn.BatchNorm2d(outside), nn.ReLU()]

    layers = [*block(channels, 64, 7, 2), *block(64, 64, 3, 1), nn.MaxPool2d(3, 2, 1), *block(64, 128, 3, 1), *block(128, 256, 3, 1)]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(256, count))
