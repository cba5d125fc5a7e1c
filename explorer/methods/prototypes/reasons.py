"""Why two patches are alike, in words: what is lost when one characteristic of the picture changes (Nauta et al. 2020, arXiv 2011.02863).

    local    phi(x, j, m) = s(x, j) - s^m(x, j), s^m in the cell that was best in x
    global   phi(j, m)    = sum_x s(x, j) phi(x, j, m) / sum_x s(x, j)

Positive: the characteristic supports the match. Units are those of the similarity. `pooled` is the drop of the highest cell anywhere,
which is what moves a total. Similarities below zero (minus distances) are weighted as 1.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from explorer.core.prototypes import Prototype, PrototypeClassifier, matches
from explorer.methods.prototypes.changes import CHANGES, change

__all__ = ["Global", "Local", "blended", "local", "ranked", "redundant", "sentence", "summed", "warnings"]

HARDLY = 0.1  # of the largest importance, or less, hardly matters
TOGETHER = 64
RESAMPLED = 200
ALIKE, LIKE_SCORES, LIKE_REASONS = 0.95, 0.95, 0.1


@dataclass(frozen=True, eq=False)
class Local:
    """Importances for pictures.

    Args:
        names: of the characteristics, M.
        scores: similarities `(B, P)` of the pictures as they are.
        fixed: phi in the cell that was best, `(B, P, M)`.
        pooled: the drop of the best cell anywhere, `(B, P, M)`.
        moved: by how much each change moved the pixels, mean absolute of [0, 1], `(B, M)`.
    """

    names: tuple[str, ...]
    scores: Tensor
    fixed: Tensor
    pooled: Tensor
    moved: Tensor


@dataclass(frozen=True, eq=False)
class Global:
    """Importances of a set of pictures: mean `(P, M)`, a 95 % interval by resampling pictures, `low` and `high`."""

    names: tuple[str, ...]
    mean: Tensor
    low: Tensor
    high: Tensor


@torch.inference_mode()
def local(
    prototypes: PrototypeClassifier, x: Tensor, *, strengths: Mapping[str, float] | None = None, names: Sequence[str] = tuple(CHANGES),
    nearby: int = 0,
) -> Local:  # fmt: skip
    """What each characteristic does for the match of every prototype in pictures `(B, C, H, W)` in [-1, 1].

    `strengths` are in units of the usual dose, 1 each by default. `nearby` lets the cell be looked for again within so many cells.
    """
    if len(x) > TOGETHER:
        pieces = [local(prototypes, piece, strengths=strengths, names=names, nearby=nearby) for piece in x.split(TOGETHER)]
        joined = {key: torch.cat([getattr(piece, key) for piece in pieces]) for key in ("scores", "fixed", "pooled", "moved")}
        return Local(tuple(names), **joined)
    found = matches(prototypes.similarities(prototypes.described(x)))
    fixed, pooled, moved = [], [], []
    for name in names:
        changed = change(name, x, 1.0 if strengths is None else strengths[name])
        maps = prototypes.similarities(prototypes.described(changed))
        fixed.append(found.scores - _at(maps, found.cells, nearby))
        pooled.append(found.scores - maps.amax(dim=(2, 3)))
        moved.append((changed - x).abs().mean(dim=(1, 2, 3)) / 2)
    return Local(tuple(names), found.scores, torch.stack(fixed, dim=2), torch.stack(pooled, dim=2), torch.stack(moved, dim=1))


def _at(maps: Tensor, cells: Tensor, nearby: int) -> Tensor:
    """The values `(B, P)` of maps in cells `(B, P, 2)`, or the highest within so many cells around."""
    if nearby:
        maps = torch.nn.functional.max_pool2d(maps, 2 * nearby + 1, 1, nearby)
    flat = cells[..., 0] * maps.shape[3] + cells[..., 1]
    return maps.flatten(2).gather(2, flat[..., None])[..., 0]


def summed(found: Local, *, without: Tensor | None = None, seed: int = 0) -> Global:
    """The importances over a set of pictures, weighted by similarity.

    `without`, bool `(B, P)`, leaves out pictures for some prototypes, as their sources.
    """
    weight = found.scores.double()
    weight = torch.where(weight > 0, weight, torch.zeros_like(weight)) if bool((weight > 0).any()) else torch.ones_like(weight)
    weight = weight if without is None else weight * ~without
    phi = found.fixed.double()
    generator = torch.Generator().manual_seed(seed)
    again = torch.randint(len(phi), (RESAMPLED, len(phi)), generator=generator)
    counts = torch.zeros(RESAMPLED, len(phi), dtype=torch.float64).scatter_add_(1, again, torch.ones(1, dtype=torch.float64).expand(again.shape))
    means = torch.einsum("rb,bp,bpm->rpm", counts, weight, phi) / (counts @ weight).clamp_min(1e-12)[..., None]
    mean = torch.einsum("bp,bpm->pm", weight, phi) / weight.sum(dim=0).clamp_min(1e-12)[:, None]
    return Global(found.names, mean, means.quantile(0.025, dim=0), means.quantile(0.975, dim=0))


def ranked(names: Sequence[str], phi: Tensor) -> list[tuple[str, float]]:
    """Characteristics and their importances `(M,)`, the most important first."""
    return sorted(zip(names, phi.tolist()), key=lambda pair: -pair[1])


def sentence(names: Sequence[str], phi: Tensor, *, subject: str, similarity: float | None = None) -> str:
    """What importances `(M,)` say, in words with numbers. When nothing lowers the similarity, that is said, and no cause is invented."""
    order = ranked(names, phi)
    for_it = [pair for pair in order if pair[1] > max(HARDLY * max(order[0][1], 0), 1e-6)]
    if not for_it:
        return f"{subject}: no change of {_listed([name for name, _ in order], 'or')} makes it less alike, so what the match rests on is not known."
    first, *rest = for_it
    share = "" if similarity is None or similarity <= 0 else f", {100 * first[1] / similarity:.0f} % of its {similarity:.2f}"
    words = f"{subject} rests mainly on {first[0]} ({first[1]:.2f}{share})"
    if rest:
        words += ", then on " + _listed([f"{name} ({value:.2f})" for name, value in rest], "and")
    faint = [f"{name} ({value:.2f})" for name, value in order if (name, value) not in for_it and value >= -HARDLY * first[1]]
    against = [f"{name} ({value:.2f})" for name, value in order if value < -HARDLY * first[1]]
    words += f"; {_listed(faint, 'and')} hardly {'matters' if len(faint) == 1 else 'matter'}" if faint else ""
    return words + (f"; changing {_listed(against, 'or')} makes it more alike" if against else "") + "."


def _listed(words: Sequence[str], last: str) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {last} {words[-1]}"


def redundant(prototypes: Sequence[Prototype], scores: Tensor, phi: Tensor | None = None) -> list[tuple[int, int]]:
    """Pairs of prototypes that say the same: same owner and group, cosine of their vectors and correlation of their `scores` `(N, P)` at
    least 0.95, and, where given, importances `phi` `(P, M)` apart by at most a tenth of their usual length."""
    vectors = torch.stack([p.mean for p in prototypes]).double()
    cosine = torch.nn.functional.normalize(vectors, dim=1) @ torch.nn.functional.normalize(vectors, dim=1).T
    centred = scores.double() - scores.double().mean(dim=0)
    together = torch.nn.functional.normalize(centred, dim=0).T @ torch.nn.functional.normalize(centred, dim=0)
    same = (cosine >= ALIKE) & (together >= LIKE_SCORES)
    if phi is not None:
        same &= torch.cdist(phi.double(), phi.double()) <= LIKE_REASONS * phi.double().norm(dim=1).mean()
    pairs = same.triu(1).nonzero().tolist()
    return [(i, j) for i, j in pairs if prototypes[i].owner == prototypes[j].owner and prototypes[i].group == prototypes[j].group]


def warnings(
    prototypes: PrototypeClassifier, x: Tensor, sources: Tensor, found: Local, *, alike: float = 0.5, unlike: float = 0.4
) -> list[tuple[int, int]]:
    """Matches that mislead: pictures and prototypes that the network calls alike and whose patches have other colours.

    A match is at least `alike` of the prototype's best in these pictures; its patch and the prototype's source `(P, C, H, W)` overlap in
    their histograms of colours by at most `unlike`. Both in [-1, 1].
    """
    from explorer.methods.prototypes.patches import cut, histogram, overlap

    best = found.scores.amax(dim=0).clamp_min(1e-12)
    cells = matches(prototypes.similarities(prototypes.described(x))).cells
    grid = tuple(prototypes.described(x[:1]).shape[2:])
    misleading = []
    for p in prototypes.prototypes:
        if p.source is None:
            continue
        own = histogram(cut(sources[p.index], p.source.row, p.source.column, grid))
        for b in (found.scores[:, p.index] >= alike * best[p.index]).nonzero().flatten().tolist():
            if overlap(own, histogram(cut(x[b], *cells[b, p.index].tolist(), grid))) <= unlike:
                misleading.append((b, p.index))
    return misleading


@torch.inference_mode()
def blended(prototypes: PrototypeClassifier, x: Tensor, attention: Tensor, name: str, *, strength: float = 1.0) -> tuple[Tensor, Tensor]:
    """CaBRNet's stricter variant: the relative drop (s - s') / s in the best cell when a picture changes where `attention` `(B, 1, H, W)` in
    [0, 1] is high (focused), and where it is low (dual), both `(B, P)`."""
    found = matches(prototypes.similarities(prototypes.described(x)))
    changed = change(name, x, strength)
    drops = []
    for share in (attention, 1 - attention):
        maps = prototypes.similarities(prototypes.described(share * changed + (1 - share) * x))
        drops.append((found.scores - _at(maps, found.cells, 0)) / found.scores.abs().clamp_min(1e-12))
    return drops[0], drops[1]
