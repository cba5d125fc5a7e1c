"""The Hessian penalty: how far the effects of directions on a picture depend on each other.

    Var over Rademacher v of v^T H v  =  2 sum over i != j of H_ij^2

by second differences (G(z + e v) - 2 G(z) + G(z - e v)) / e^2 in the coordinates of a frame Q, for every pixel; the penalty is the
largest or the mean over pixels. It is zero for anything that adds up, so for a linear generator it has no preference. Learned
here for a frozen generator: an orthonormal frame Q of least penalty.

References: Peebles et al., The Hessian Penalty (2020, arXiv 2008.10599).
"""

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor, nn

from explorer.core.direction import Direction, Straight
from explorer.core.errors import DataError
from explorer.core.space import LatentSpace
from explorer.methods.keep import NOWHERE, Keep

__all__ = ["crossed", "learned", "penalty"]

Decode = Callable[[Tensor], Tensor]
NOTHING = 1e-9  # a penalty below this share of the picture's own change: no preference


def penalty(decode: Decode, z: Tensor, frame: Tensor, *, draws: int, eps: float, seed: int, over: Literal["max", "mean"] = "mean") -> Tensor:
    """The penalty of each code, `(B,)`, in a frame `(K, D)` of directions; differentiable in the frame.

    Args:
        draws: Rademacher vectors a code; two are the least of which there is a variance.
        over: what is taken over the pixels.
    """
    generator = torch.Generator().manual_seed(seed)
    signs = torch.randint(0, 2, (draws, len(z), len(frame)), generator=generator).to(z) * 2 - 1
    steps = eps * signs @ frame  # (draws, B, D)
    still = decode(z)
    second = torch.stack([decode(z + step) - 2 * still + decode(z - step) for step in steps]) / eps**2
    spread = second.var(dim=0).flatten(1)
    return spread.amax(dim=1) if over == "max" else spread.mean(dim=1)


@torch.no_grad()
def crossed(decode: Decode, z: Tensor, frame: Tensor, *, eps: float = 0.1) -> Tensor:
    """The mean |H_ij| over codes `(B, D)` and pixels, for each pair of directions of a frame `(K, D)`: a table `(K, K)`."""
    table = torch.zeros(len(frame), len(frame))
    for i in range(len(frame)):
        for j in range(i + 1):
            a, b = eps * frame[i], eps * frame[j]
            second = (decode(z + a + b) - decode(z + a - b) - decode(z - a + b) + decode(z - a - b)) / (4 * eps**2)
            table[i, j] = table[j, i] = second.abs().mean()
    return table


def learned(
    decode: Decode,
    space: LatentSpace,
    *,
    count: int,
    seed: int = 0,
    steps: int = 400,
    batch: int = 16,
    draws: int = 4,
    eps: float = 0.1,
    report: Callable[[int, int], None] = lambda done, of: None,
    keep: Keep = NOWHERE,
) -> list[Direction]:
    """An orthonormal frame of `count` directions whose effects depend least on each other, at codes of the prior.

    Raises:
        DataError: the generator's effects add up in every frame (as those of a linear one do), so that none is preferred.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        held = nn.ParameterList([torch.randn(count, space.size)])
    raw = held[0]
    first = _held_out(decode, space, _frame(raw), draws, eps)
    optimiser = torch.optim.Adam([raw], lr=0.03)
    done = keep.resume(held, optimiser)
    with keep.safe(lambda: done, held, optimiser):
        for step in range(done, steps):
            report(step, steps)
            z = space.sample(batch, seed * 100_003 + step + 1).values.flatten(1)
            loss = penalty(decode, z, _frame(raw), draws=draws, eps=eps, seed=seed * 7919 + step).mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            for group in optimiser.param_groups:
                group["lr"] = 0.03 * (1 - step / steps)
            done = step + 1
    frame, last = _frame(raw).detach(), _held_out(decode, space, _frame(raw), draws, eps)
    if max(first, last) < NOTHING * _own_change(decode, space):
        raise DataError("The generator's effects add up whatever the directions, as in a linear one: the Hessian penalty has no preference.")
    settings = {"seed": seed, "steps": steps, "penalty_before": first, "penalty_after": last}
    return [Direction(f"independent {k + 1}", "hessian", space, Straight(vector), settings=settings) for k, vector in enumerate(frame)]


def _frame(raw: Tensor) -> Tensor:
    """Orthonormal rows spanning those of `raw` (by QR, with the signs of Gram-Schmidt)."""
    q, r = torch.linalg.qr(raw.T)
    return (q * r.diagonal().sign()).T


@torch.no_grad()
def _held_out(decode: Decode, space: LatentSpace, frame: Tensor, draws: int, eps: float) -> float:
    return float(penalty(decode, space.sample(64, 0).values.flatten(1), frame.detach(), draws=draws, eps=eps, seed=0).mean())


@torch.no_grad()
def _own_change(decode: Decode, space: LatentSpace) -> float:
    """The variance of a picture's pixels over codes: the size of what could be penalised."""
    return float(decode(space.sample(64, 0).values.flatten(1)).var(dim=0).mean()) + 1e-12
