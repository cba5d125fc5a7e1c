"""Principal directions: PCA of codes (GANSpace in W; of an atlas for autoencoders), or of what a first layer makes of them.

    C = U diag(s^2) U^T,   the k-th direction is u_k, one unit is s_k

For a space whose codes are isotropic (samples of a normal prior) PCA means nothing, and is refused. In a plain generator the
activations y of an early layer are decomposed instead, and each component is carried back to codes by least squares.

References: Harkonen et al., GANSpace (2020, arXiv 2004.02546).
"""

import math

import torch
from torch import Tensor

from explorer.core.direction import Direction, Straight
from explorer.core.errors import DataError
from explorer.core.space import LatentSpace

__all__ = ["STABLE", "of_activations", "principal", "spread_evenly"]

STABLE = 0.9  # the |cosine| between two halves of the data from which a component counts as settled


def principal(codes: Tensor, space: LatentSpace, *, count: int, seed: int = 0) -> list[Direction]:
    """The `count` directions in which codes `(N, D)` vary most, first the widest.

    `settings` says of each its share of the variance, and `split_half`: the |cosine| between the same component of two random
    halves of the codes, low where the spread of neighbours is too alike to tell them apart.

    Raises:
        DataError: fewer codes than coordinates, more components than coordinates, or codes that spread evenly.
    """
    n, size = codes.shape
    if n <= size:
        raise DataError(f"Principal directions in {size} dimensions need more than {size} codes, got {n}.")
    if not 1 <= count <= size:
        raise DataError(f"Space '{space.name}' has 1 to {size} principal directions, got {count}.")
    spread, vectors = _components(codes)
    if spread_evenly(spread, n):
        raise DataError(f"These {n} codes of '{space.name}' spread evenly in every direction, as draws of a normal prior do: no axis is principal.")
    halves = torch.randperm(n, generator=torch.Generator().manual_seed(seed)).chunk(2)
    first, second = (_components(codes[half])[1] for half in halves)
    stable = (first * second).sum(dim=0).abs()
    share = spread / spread.sum()
    return [
        Direction(
            f"component {k + 1}", "pca", space, Straight(_signed(vectors[:, k]).float()), length=math.sqrt(float(spread[k]) + 1e-12),
            unit="one standard deviation of the codes along it",
            settings={"codes": n, "seed": seed, "variance_share": float(share[k]), "split_half": float(stable[k])},
        )
        for k in range(count)
    ]  # fmt: skip


def of_activations(codes: Tensor, activations: Tensor, space: LatentSpace, *, count: int) -> list[Direction]:
    """The directions of codes `(N, D)` whose steps change activations `(N, F)` along their principal components.

    One unit is one standard deviation of the component.
    """
    centred = (activations - activations.mean(dim=0)).double()
    spread, vectors = _components(activations)
    kept = min(count, int((spread > 1e-12 * spread[0]).sum()))
    scores = centred @ vectors[:, :kept] / spread[:kept].sqrt()  # standardised coordinates
    back = torch.linalg.lstsq(scores, (codes - codes.mean(dim=0)).double()).solution  # (kept, D)
    share = spread / spread.sum()
    return [
        Direction(
            f"component {k + 1}", "pca", space, Straight(_signed(row / row.norm()).float()), length=float(row.norm()),
            unit="one standard deviation of the activations along it", settings={"codes": len(codes), "variance_share": float(share[k])},
        )
        for k, row in enumerate(back)
    ]  # fmt: skip


def spread_evenly(spread: Tensor, n: int) -> bool:
    """Whether variances `(D,)` of `n` codes differ no more than those of isotropic noise: within 5 % of the Marchenko-Pastur edge."""
    edge = (1 + math.sqrt(len(spread) / n)) ** 2
    return float(spread.max()) <= 1.05 * edge * float(spread.mean())


def _components(codes: Tensor) -> tuple[Tensor, Tensor]:
    """Variances, largest first, and the unit vectors `(D, D)` in the columns."""
    values, vectors = torch.linalg.eigh(codes.double().T.cov())
    return values.flip(0).clamp_min(0), vectors.flip(1)


def _signed(vector: Tensor) -> Tensor:
    """The sign is arbitrary: the largest coordinate becomes positive."""
    return vector * vector[vector.abs().argmax()].sign()
