"""Prototypes without classes: a dictionary of atoms in which features are written sparsely, and what it tells of two sets of pictures.

    z = TopK(relu(E (a - b))),   a ~ D z + b,   |D_k| = 1                                   (TopK sparse autoencoder)
    evidence of a linear read-out <w_c, .>:  row_k = mean over cells of z_k <w_c, D_k>, and the rows "bias" and "residual": they add up
    prevalence:  delta_k = sigmoid((mean generated - mean real) / pooled sd);   below 0.5: less active in generated pictures

The last is decided by those words; the published note gives two forms of opposite sign (arXiv 2506.19708). Atoms below a share of active
pictures are "not enough data", and p-values are corrected for the number of atoms (Benjamini and Hochberg).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from explorer.core.errors import DataError

__all__ = ["Dictionary", "Prevalence", "evidence", "fit", "matched", "prevalence", "split", "steered"]

BATCH, RATE = 256, 3e-3
DEAD = 200  # steps without use
CROWDED = 0.75  # the cosine of two atoms of which one is spare
LEAST = 20  # active pictures in either set
LEVEL = 0.05


@dataclass(frozen=True, eq=False)
class Dictionary:
    """Atoms `(K, D)` of length 1, the encoder `(K, D)`, the offset `(D,)`, and how many atoms a vector is written with.

    `scale` is the size features are divided by first.
    """

    atoms: Tensor
    encoder: Tensor
    offset: Tensor
    active: int
    scale: float = 1.0

    def encode(self, a: Tensor) -> Tensor:
        """Activations `(N, K)` of vectors `(N, D)`: never negative, at most `active` of them not 0."""
        raw = ((a / self.scale - self.offset) @ self.encoder.T).relu()
        value, index = raw.topk(min(self.active, raw.shape[1]), dim=1)
        return torch.zeros_like(raw).scatter(1, index, value)

    def decode(self, z: Tensor) -> Tensor:
        """Vectors `(N, D)` again."""
        return self.scale * (z @ self.atoms + self.offset)

    def maps(self, described: Tensor) -> Tensor:
        """The activations of every cell of features `(B, D, h, w)`, `(B, K, h, w)`: exact, on the grid."""
        batch, _, height, width = described.shape
        z = self.encode(described.permute(0, 2, 3, 1).flatten(0, 2))
        return z.view(batch, height, width, -1).permute(0, 3, 1, 2)

    def explained(self, a: Tensor) -> float:
        """The share of the variance of vectors that is written down."""
        again = self.decode(self.encode(a))
        return 1 - float((again - a).square().sum() / (a - a.mean(dim=0)).square().sum().clamp_min(1e-12))


def fit(
    a: Tensor,
    *,
    atoms: int,
    active: int,
    steps: int = 3000,
    tries: int = 4,
    seed: int = 0,
    watch: Callable[[int, int], bool] = lambda step, steps: True,
) -> Dictionary:
    """A dictionary for vectors `(N, D)`: of several tries, each of so many steps, the one that writes down most.

    Atoms begin at data; those that nothing uses, or that are almost another's, begin again where reconstruction is worst.

    Raises:
        DataError: fewer vectors than atoms, values that are not numbers, or more active atoms than there are.
    """
    if len(a) < atoms or not 1 <= active <= atoms:
        raise DataError(f"A dictionary of {atoms} atoms, {active} at a time, needs at least as many vectors, got {len(a)}.")
    if not torch.isfinite(a).all():
        raise DataError(f"Features must be finite numbers, got {int((~torch.isfinite(a)).sum())} of {a.numel()} that are not.")
    found = [_tried(a, atoms, active, steps, tries * seed + k, watch) for k in range(tries)]
    return max(found, key=lambda one: one.explained(a))


def _tried(a: Tensor, atoms: int, active: int, steps: int, seed: int, watch: Callable[[int, int], bool]) -> Dictionary:
    generator = torch.Generator().manual_seed(seed)
    scale = float((a - a.mean(dim=0)).norm(dim=1).mean().clamp_min(1e-12))
    data = a.detach().float() / scale
    offset = data.mean(dim=0).clone()
    first = F.normalize(data[torch.randperm(len(data), generator=generator)[:atoms]] - offset, dim=1)
    decoder, encoder = first.clone().requires_grad_(), first.clone().requires_grad_()
    offset.requires_grad_()
    adam = torch.optim.Adam([decoder, encoder, offset], lr=RATE)
    idle = torch.zeros(atoms)
    for step in range(steps):
        if not watch(step, steps):
            break
        for group in adam.param_groups:
            group["lr"] = RATE * min(1.0, 2 * (1 - step / steps))
        x = data[torch.randint(len(data), (min(BATCH, len(data)),), generator=generator)]
        now = Dictionary(decoder, encoder, offset, active)
        z = now.encode(x)
        error = (now.decode(z) - x).square().sum(dim=1)
        adam.zero_grad()
        error.mean().backward()
        adam.step()
        with torch.no_grad():
            decoder.copy_(F.normalize(decoder, dim=1))
            idle = torch.where((z > 0).any(dim=0), torch.zeros_like(idle), idle + 1)
            dead = _spare(decoder, idle, crowded=step % DEAD == DEAD - 1) if step < 0.8 * steps else torch.zeros(0, dtype=torch.long)
            if len(dead):
                worst = error.topk(min(len(dead), len(x))).indices
                again = F.normalize((x - now.decode(z))[worst], dim=1)
                decoder[dead[: len(again)]] = encoder[dead[: len(again)]] = again
                idle[dead] = 0
    return Dictionary(decoder.detach(), encoder.detach(), offset.detach(), active, scale)


def _spare(atoms: Tensor, idle: Tensor, *, crowded: bool) -> Tensor:
    """The atoms that nothing has used for long, and, when it is time to look, the second of every two that are almost the same."""
    spare = idle >= DEAD
    if crowded:
        spare |= ((atoms @ atoms.T).triu(1) >= CROWDED).any(dim=0)
    return spare.nonzero().flatten()


def matched(one: Tensor, other: Tensor) -> Tensor:
    """The cosines of atoms `(K, D)` with their partners in another dictionary, each used once, so that their sum is largest, `(min(K, K'),)`."""
    from scipy.optimize import linear_sum_assignment

    cosines = F.normalize(one, dim=1) @ F.normalize(other, dim=1).T
    rows, columns = linear_sum_assignment(-cosines.numpy())
    return cosines[rows, columns]


def evidence(dictionary: Dictionary, described: Tensor, weight: Tensor, bias: Tensor) -> tuple[Tensor, Tensor]:
    """Rows `(B, C, K + 2)` of a read-out of mean features, atoms first, then "bias" and "residual", and the totals `(B, C)` that they add up to.

    `described` are features `(B, D, h, w)`; `weight` `(C, D)`, `bias` `(C,)`. The offset of the dictionary counts as bias; the residual is
    what no atom explains.
    """
    mean = described.mean(dim=(2, 3))
    z = dictionary.maps(described).mean(dim=(2, 3))
    rows = dictionary.scale * z[:, None, :] * (weight @ dictionary.atoms.T)[None]
    constant = (bias + dictionary.scale * (weight @ dictionary.offset))[None].expand(len(mean), -1)
    residual = (mean - dictionary.scale * (z @ dictionary.atoms + dictionary.offset)) @ weight.T
    return torch.cat([rows, constant[..., None], residual[..., None]], dim=2), F.linear(mean, weight, bias)


def steered(dictionary: Dictionary, described: Tensor, atom: int, amount: float, mask: Tensor | None = None) -> Tensor:
    """Features `(B, D, h, w)` with so much of an atom (in units of its activation) instead of what there is, where `mask` `(h, w)` is true."""
    change = amount - dictionary.maps(described)[:, atom : atom + 1]
    change = change if mask is None else change * mask
    return described + dictionary.scale * change * dictionary.atoms[atom].view(1, -1, 1, 1)


def split(dictionary: Dictionary, a: Tensor, atom: int, *, seed: int = 0, rounds: int = 50) -> Tensor:
    """Two directions `(2, D)` in place of an atom: the means of two groups (2-means by angle) of the vectors that use it."""
    used = dictionary.encode(a)[:, atom] > 0
    if int(used.sum()) < 4:
        raise DataError(f"Atom {atom} is used by {int(used.sum())} vectors; at least 4 are needed to split it.")
    vectors = F.normalize(a[used] / dictionary.scale - dictionary.offset, dim=1)
    first = vectors[int(torch.randint(len(vectors), (1,), generator=torch.Generator().manual_seed(seed)))]
    centres = torch.stack([vectors[int((vectors @ first).argmin())], first])
    centres[1] = vectors[int((vectors @ centres[0]).argmin())]
    for _ in range(rounds):
        near = (vectors @ centres.T).argmax(dim=1)
        if not 0 < int(near.sum()) < len(near):
            break
        centres = F.normalize(torch.stack([vectors[near == k].mean(dim=0) for k in range(2)]), dim=1)
    return centres


@dataclass(frozen=True, eq=False)
class Prevalence:
    """How often and how strongly atoms are used in real and in generated pictures, each `(K,)`.

    Args:
        delta: below 0.5, less active in generated pictures.
        real, generated: mean activations.
        share_real, share_generated: of pictures in which it is active.
        p: of the difference of these shares.
        differs: whether it does, at a false discovery rate of 5 %; never where too few pictures are active.
        enough: whether there are 20 active pictures in either set.
    """

    delta: Tensor
    real: Tensor
    generated: Tensor
    share_real: Tensor
    share_generated: Tensor
    p: Tensor
    differs: Tensor
    enough: Tensor


def prevalence(real: Tensor, generated: Tensor) -> Prevalence:
    """Compares activations `(N, K)` in real pictures and `(M, K)` in generated ones, one row a picture."""
    if real.shape[1] != generated.shape[1] or not len(real) or not len(generated):
        raise DataError(f"Two sets of pictures in the same atoms are compared, got shapes {list(real.shape)} and {list(generated.shape)}.")
    n, m = len(real), len(generated)
    active = [(x > 0).double().sum(dim=0) for x in (real, generated)]
    shares = [count / len(x) for count, x in zip(active, (real, generated))]
    both = (active[0] + active[1]) / (n + m)
    error = (both * (1 - both) * (1 / n + 1 / m)).clamp_min(1e-18).sqrt()
    p = torch.special.erfc(((shares[0] - shares[1]) / error).abs() / math.sqrt(2))
    enough = (active[0] >= LEAST) | (active[1] >= LEAST)
    deviation = ((real.double().var(dim=0) + generated.double().var(dim=0)) / 2).clamp_min(1e-18).sqrt()
    delta = torch.sigmoid((generated.double().mean(dim=0) - real.double().mean(dim=0)) / deviation)
    return Prevalence(delta, real.mean(dim=0), generated.mean(dim=0), *shares, p, _discoveries(p, enough), enough)


def _discoveries(p: Tensor, enough: Tensor) -> Tensor:
    """Benjamini and Hochberg's procedure among those with enough data."""
    found = torch.zeros_like(enough)
    chosen = enough.nonzero().flatten()
    if not len(chosen):
        return found
    ordered, order = p[chosen].sort()
    below = ordered <= LEVEL * torch.arange(1, len(chosen) + 1) / len(chosen)
    if below.any():
        found[chosen[order[: int(below.nonzero().max()) + 1]]] = True
    return found
