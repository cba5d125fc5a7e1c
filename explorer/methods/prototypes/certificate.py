"""How far what is compared can be moved, in the L2 norm, without any change of the class: for components d = exp(-distance / s).

    t = exp(e / s), s = min_k s_k;   for class c, another c':   p_c - p_c' >= a t + b - a' / t
    a = -(d.R-_c + d.R+_c'),  a' = -(d.R-_c' + d.R+_c),  b = sum R-_c - sum R-_c'
    t* = -(b + sqrt(b^2 + 4 a a')) / 2a,   e* = s ln min over c' max over the reasons of c of t*;   not above 0 when c is not the answer

It holds where distances are Euclidean and not squared. For squared distances, R = s ln t* bounds their change: e = -m + sqrt(m^2 + R),
m the largest distance; the authors' code has the smaller -m/3 + sqrt(m^2/9 + R/3). In a deep model this is about the features, not
about the pixels: a radius in pixels would need a bound of how fast features change.
"""

import torch
from torch import Tensor

from explorer.core.errors import ModelError
from explorer.core.prototypes import Linear, Reasoning

__all__ = ["certified", "radius", "squared", "squared_of_the_authors"]

TINY = 1e-12


def radius(head: Reasoning | Linear, scores: Tensor, labels: Tensor, spread: Tensor | None) -> Tensor:
    """The radius `(B,)` within which pictures with `scores` `(B, P)` keep the class `labels` `(B,)`; not above 0 for those that do not have it.

    Raises:
        ModelError: a head of weights, or similarities that are not exponentials of distances: nothing can be certified.
    """
    if not isinstance(head, Reasoning) or spread is None:
        raise ModelError(
            "A certificate needs components that fade exponentially with distance, and shares of evidence that add up to 1. "
            "This model has other ones."
        )
    d = scores.double()
    present, absent = head.present.double(), head.absent.double()  # (C, V, P)
    for_absent, for_present = torch.einsum("bp,cvp->bcv", d, absent), torch.einsum("bp,cvp->bcv", d, present)
    missing = absent.sum(dim=2)  # (C, V)
    rows, classes = torch.arange(len(d)), len(present)
    a = -(for_absent[rows, labels][:, :, None, None] + for_present[:, None])  # (B, V own, C, V other)
    b = missing[labels][:, :, None, None] - missing[None, None]
    back = -(for_absent[:, None] + for_present[rows, labels][:, :, None, None])
    least = -(b + (b.square() + 4 * a * back).clamp_min(0).sqrt()) / (2 * a.clamp_max(-TINY))
    least = least.amin(dim=3)  # every reason of the other class counts
    own = torch.nn.functional.one_hot(labels, classes).bool()[:, None]
    worst = least.masked_fill(own, torch.inf).amin(dim=2).amax(dim=1)
    return float(spread.min()) * worst.clamp_min(TINY).log()


def squared(reach: Tensor, farthest: Tensor) -> Tensor:
    """The radius for squared distances, from how much these may change, `reach`, and the largest distance `farthest`; 0 where nothing may."""
    return torch.where(reach > 0, -farthest + (farthest.square() + reach).clamp_min(0).sqrt(), torch.zeros_like(reach))


def squared_of_the_authors(reach: Tensor, farthest: Tensor) -> Tensor:
    """The same by the authors' formula."""
    return torch.where(reach > 0, -farthest / 3 + (farthest.square() / 9 + reach / 3).clamp_min(0).sqrt(), torch.zeros_like(reach))


def certified(radii: Tensor, at: Tensor) -> Tensor:
    """The share of pictures that keep their true class within each radius of `at` `(E,)`."""
    return (radii[None] > at[:, None]).float().mean(dim=1)
