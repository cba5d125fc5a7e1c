"""What prototype classifiers are trained for; each a number for a batch.

ProtoPNet      CE + 0.8 mean min_own d - 0.08 mean min_other d + 1e-4 |W off|_1
ST-ProtoPNet   CE - 0.8 cluster + (0.08 | 0.48) separation + (discrimination | closeness) + 1e-3 orthogonality + 1e-4 |W off|_1
Prob-PSENN     NLL over draws + 10 reconstruction + 0.05 mean clip(-log q_y(z), -1, 1e4)
CBC            max(0, best other p - own p + margin)
PIP-Net        alignment of two views, -log tanh of what each prototype gathers, and CE on log(1 + (p w)^2)
"""

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = [
    "alignment", "closeness", "discrimination", "likelihood", "margin", "nearest", "off_class", "orthogonality", "sheet", "spread_out",
    "telling",
]  # fmt: skip

FAR = 1e9


def nearest(values: Tensor, own: Tensor, *, smallest: bool = True) -> Tensor:
    """The mean over the batch of the smallest (or largest) of `values` `(B, P)` where `own` `(B, P)` is true; pictures without any do not count."""
    some = own.any(dim=1)
    if not some.any():
        return values.sum() * 0
    masked = torch.where(own, values, torch.full_like(values, FAR if smallest else -FAR))
    found = masked.amin(dim=1) if smallest else masked.amax(dim=1)
    return found[some].mean()


def off_class(weight: Tensor, owner: Tensor) -> Tensor:
    """The sum of the sizes of the weights `(C, P)` of prototypes for classes that do not own them."""
    own = owner[None] == torch.arange(len(weight), device=owner.device)[:, None]
    return weight[~own].abs().sum()


def discrimination(vectors: Tensor, owner: Tensor) -> Tensor:
    """The mean over pairs of classes of the closest pair of their prototypes: trivial prototypes are pushed apart."""
    return _pairs(vectors, owner, largest=True)


def closeness(vectors: Tensor, owner: Tensor) -> Tensor:
    """Minus the mean over pairs of classes of the farthest pair of their prototypes: support prototypes are pulled to the boundary."""
    return -_pairs(vectors, owner, largest=False)


def _pairs(vectors: Tensor, owner: Tensor, *, largest: bool) -> Tensor:
    inner = vectors @ vectors.T
    classes = owner.unique()
    terms = []
    for a in classes:
        for b in classes:
            if a != b:
                block = inner[owner == a][:, owner == b]
                terms.append(block.max() if largest else block.min())
    return torch.stack(terms).mean() if terms else vectors.sum() * 0


def orthogonality(vectors: Tensor, owner: Tensor) -> Tensor:
    """The sum over classes of the entries of |P P' - 1| of their prototypes."""
    inner = vectors @ vectors.T
    same = owner[:, None] == owner[None]
    return ((inner - torch.eye(len(vectors), device=vectors.device)).abs() * same).sum()


def margin(totals: Tensor, labels: Tensor, gap: float) -> Tensor:
    """max(0, best wrong - own + gap), averaged."""
    own = totals.gather(1, labels[:, None])
    others = totals.scatter(1, labels[:, None], -FAR)
    return (others.amax(dim=1) - own[:, 0] + gap).relu().mean()


def likelihood(z: Tensor, mean: Tensor, cholesky: Tensor) -> Tensor:
    """log N(z; mean, L L') of vectors `(B, D)` under a Gaussian each, `mean` `(B, D)` and `cholesky` `(B, D, D)`."""
    return torch.distributions.MultivariateNormal(mean, scale_tril=cholesky, validate_args=False).log_prob(z)


def alignment(first: Tensor, second: Tensor) -> Tensor:
    """-log of how far two views of a cell choose the same prototype, averaged over cells of `(B, P, h, w)`."""
    return -((first * second).sum(dim=1).clamp_min(1e-7)).log().mean()


def spread_out(presence: Tensor) -> Tensor:
    """-log tanh of what each prototype gathers in a batch of presences `(B, P)`: none may be left without work."""
    return -(torch.tanh(presence.sum(dim=0)).clamp_min(1e-7)).log().mean()


def sheet(totals: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy on log(1 + o^2), which lets small totals be sparse."""
    return F.cross_entropy(torch.log1p(totals.square()), labels)


def telling(scores: Tensor, labels: Tensor, classes: int) -> Tensor:
    """The variance between classes of the mean of each of `scores` `(B, P)` in a class, averaged over prototypes."""
    member = F.one_hot(labels, classes).to(scores)
    counts = member.sum(dim=0)
    means = (member.T @ scores)[counts > 0] / counts[counts > 0, None]
    return means.var(dim=0, unbiased=False).mean()
