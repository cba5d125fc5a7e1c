"""Linear directions that a network can tell apart (Voynov & Babenko).

    A = the first K columns of exp(S - S^T),   pair (G(z), G(z + e A_k)),   loss = cross-entropy of k + 0.25 |e' - e| / reach

A is orthogonal whatever S, so no two directions become the same. How often the network names the direction of a fresh pair (RCA) says
that directions can be told apart, not that each means something: a random frame can score as high, and stands beside it as control.

References: Voynov & Babenko, Unsupervised Discovery of Interpretable Directions in the GAN Latent Space (2020, arXiv 2002.03754).
"""

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from explorer.core.direction import Direction, Straight
from explorer.core.errors import DataError
from explorer.core.space import LatentSpace
from explorer.methods.keep import NOWHERE, Keep
from explorer.methods.pairs import PairNet, told_apart

__all__ = ["Frame", "learned"]

Decode = Callable[[Tensor], Tensor]
LEAST = 1 / 6  # of the reach: the shortest shift
DEAD = 0.01  # of the change of the strongest direction
FRESH = 512  # pairs by which a frame is judged


class Frame(nn.Module):
    """K orthonormal directions `(K, D)`, learned, or given and kept."""

    def __init__(self, size: int, count: int, *, fixed: Tensor | None = None):
        super().__init__()
        self.count, self.fixed = count, fixed
        self.skew = nn.Parameter(0.1 * torch.randn(size, size), requires_grad=fixed is None)

    def forward(self) -> Tensor:
        return torch.linalg.matrix_exp(self.skew - self.skew.T)[: self.count] if self.fixed is None else self.fixed


def learned(
    decode: Decode,
    space: LatentSpace,
    *,
    channels: int,
    count: int = 8,
    updates: int = 1500,
    batch: int = 32,
    reach: float = 0.0,
    rate: float = 1e-3,
    seed: int = 0,
    fixed: Tensor | None = None,
    sample: Callable[[int, int], Tensor] | None = None,
    report: Callable[[int, int, dict[str, float]], None] = lambda done, of, figures: None,
    keep: Keep = NOWHERE,
) -> tuple[list[Direction], float]:
    """`count` directions, and how often the network names the direction of a fresh pair, in [0, 1].

    `settings` says of each how much it changes the picture, over the median, and whether it is `dead`.

    Args:
        reach: the longest latent shift of a training pair; 0 takes three eighths of the square root of the dimension, on either side.
        fixed: a frame `(count, D)` that is not learned, only told apart: the control.

    Raises:
        DataError: more directions than coordinates, or a loss that stopped being a number.
    """
    if not 1 <= count <= space.size:
        raise DataError(f"Space '{space.name}' has room for 1 to {space.size} orthogonal directions, got {count}.")
    sample, reach = sample or (lambda n, seed: space.sample(n, seed).values.flatten(1)), reach or 3 * math.sqrt(space.size) / 8
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        frame, judge = Frame(space.size, count, fixed=fixed), PairNet(channels, count)
    told_apart(
        lambda update: pairs(decode, sample, frame(), judge, batch, reach, seed * 1_000_003 + update)[:4], (frame, judge),
        what="The directions", updates=updates, rate=rate, reach=reach, report=report, keep=keep,
    )  # fmt: skip
    with torch.no_grad():
        told, _, k, _, moved = pairs(decode, sample, frame(), judge, FRESH, reach, 10**9 + seed)
        vectors = F.normalize(frame(), dim=1)
    right = float((told.argmax(dim=1) == k).float().mean())
    change = torch.stack([moved[k == i].mean() if bool((k == i).any()) else torch.tensor(0.0) for i in range(count)])
    common = {"seed": seed, "updates": updates, "accuracy": right}
    return [
        Direction(
            f"told apart {i + 1}", "linear", space, Straight(vector),
            settings=common | {"change_over_median": float(change[i] / change.median().clamp_min(1e-12)), "dead": bool(change[i] < DEAD * change.max())},
        )
        for i, vector in enumerate(vectors)
    ], right  # fmt: skip


def pairs(
    decode: Decode, sample: Callable[[int, int], Tensor], frame: Tensor, judge: PairNet, n: int, reach: float, seed: int
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """What the network says of `n` fresh pairs, direction `(n, K)` and amount; the truth; and how far the pictures moved, `(n,)`."""
    generator = torch.Generator().manual_seed(seed)
    z = sample(n, seed)
    k = torch.randint(len(frame), (n,), generator=generator)
    shift = reach * (LEAST + (1 - LEAST) * torch.rand(n, generator=generator)) * (torch.randint(0, 2, (n,), generator=generator) * 2 - 1)
    first, second = decode(torch.cat([z, z + shift[:, None] * frame[k]])).chunk(2)
    told, amount = judge(first, second)
    return told, amount, k, shift, (second - first).detach().flatten(1).square().mean(dim=1).sqrt()
