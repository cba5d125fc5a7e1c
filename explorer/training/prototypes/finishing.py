"""What follows the descent: prototypes become training patches, those that do not speak for their class go, the head is fitted again.

Projection:  p_j <- z(h*, w*), the most similar cell among training pictures of the prototype's own class (of any, where it has none).
Pruning:     a prototype stays when at least 3 of the 6 pictures with its most similar patches, of all classes, are of its own.
"""

from collections.abc import Iterator

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from explorer import render
from explorer.core.prototypes import Reasoning, Source, matches
from explorer.models.prototypes.net import PrototypeNet
from explorer.training.prototypes import losses

__all__ = ["Shown", "project", "prune", "refit", "scores_of", "vouch"]

TOGETHER = 100
NEIGHBOURS, VOTES = 6, 3
FITTING, FIT_BATCH, FIT_RATE = 400, 1024, 1e-2


class Shown:
    """Training pictures and their classes: `pixels` `(n, H, W, C)` uint8 at the places `chosen` `(m,)`, and `labels` `(m,)` of those."""

    def __init__(self, pixels: np.ndarray, chosen: np.ndarray, labels: np.ndarray):
        self.pixels, self.chosen, self.labels = pixels, chosen, torch.from_numpy(labels.astype(np.int64))

    def first(self, n: int) -> "Shown":
        return Shown(self.pixels, self.chosen[:n], self.labels[:n].numpy())

    def batches(self) -> Iterator[tuple[slice, Tensor]]:
        """Pieces, and their pictures `(B, C, H, W)`."""
        for start in range(0, len(self.chosen), TOGETHER):
            piece = slice(start, min(start + TOGETHER, len(self.chosen)))
            yield piece, render.from_pixels(self.pixels[self.chosen[piece]])


@torch.no_grad()
def project(net: PrototypeNet, shown: Shown) -> dict[str, float]:
    """Moves every prototype to its most similar training patch, the first of equals; returns how far they moved in similarity."""
    net.eval()
    before, places, patches = _most_alike(net, shown)
    for j in range(net.count):
        if torch.isfinite(before[j]):
            net.place(j, patches[j])
    for j in range(net.count):
        if torch.isfinite(before[j]):
            _note(net, shown, j, places[j])
    gained = net.likeness - before
    return {
        "similarity_before": float(before[before.isfinite()].mean()),
        "similarity_after": float(net.likeness.mean()),
        "gained": float(gained.mean()),
    }


@torch.no_grad()
def vouch(net: PrototypeNet, shown: Shown) -> dict[str, float]:
    """Notes for every prototype the training picture most like it, and leaves the prototype where it is."""
    net.eval()
    best, places, _ = _most_alike(net, shown)
    for j in range(net.count):
        if torch.isfinite(best[j]):
            _note(net, shown, j, places[j])
    return {"similarity": float(best[best.isfinite()].mean())}


def _most_alike(net: PrototypeNet, shown: Shown) -> tuple[Tensor, list[tuple[int, int, int]], list[Tensor]]:
    """Of every prototype the highest similarity among pictures it may come from, where that is (place in `shown`, row, column), and its vector."""
    best = torch.full((net.count,), -torch.inf)
    places: list[tuple[int, int, int]] = [(0, 0, 0)] * net.count
    patches = list(net.vectors.detach().clone())
    for piece, x in shown.batches():
        described = net.described(x)
        found = matches(net.similarities(described))
        allowed = (net.owner[None] < 0) | (net.owner[None] == shown.labels[piece, None])
        value, which = torch.where(allowed, found.scores, -torch.inf).max(dim=0)
        for j in (value > best).nonzero().flatten().tolist():
            b = int(which[j])
            row, column = found.cells[b, j].tolist()
            best[j], places[j] = value[j], (piece.start + b, row, column)
            if net.LOCAL or net.TOTAL == "agreement":
                patches[j] = net.patch(described[b], j, row, column).clone()
    return best, places, patches


def _note(net: PrototypeNet, shown: Shown, j: int, place: tuple[int, int, int]) -> None:
    """Records the source of a prototype, its similarity measured as the prototype now is."""
    number, row, column = place
    pixels = shown.pixels[shown.chosen[number : number + 1]]
    maps = net.similarities(net.described(render.from_pixels(pixels)), torch.tensor([j]))
    source = Source(int(shown.chosen[number]), row, column, float(maps[0, 0, row, column]))
    net.found(j, source, torch.from_numpy(np.array(pixels[0])).permute(2, 0, 1))


@torch.no_grad()
def scores_of(net: PrototypeNet, shown: Shown) -> Tensor:
    """The scores `(m, P)` of pictures, to be kept: everything about the head follows from them."""
    net.eval()
    return torch.cat([matches(net.similarities(net.described(x))).scores for _, x in shown.batches()])


@torch.no_grad()
def prune(net: PrototypeNet, shown: Shown) -> dict[str, float]:
    """Lets prototypes go whose closest patches are mostly of other classes; a class always keeps its best. Returns how many there were and are."""
    before = net.count
    scores = scores_of(net, shown)
    near = scores.topk(min(NEIGHBOURS, len(scores)), dim=0).indices  # (k, P)
    votes = (shown.labels[near] == net.owner[None]).sum(dim=0)
    keep = (votes >= VOTES) | (net.owner < 0)
    for owner in net.owner.unique():
        mine = (net.owner == owner).nonzero().flatten()
        if not keep[mine].any():
            keep[mine[votes[mine].argmax()]] = True
    if not keep.all():
        net.keep(keep.nonzero().flatten())
    return {"prototypes_before": float(before), "prototypes": float(net.count)}


def refit(net: PrototypeNet, shown: Shown, *, gap: float = 0.1, sparse: float = 1e-4, positive: bool = False, seed: int = 0) -> dict[str, float]:
    """Fits the head alone, on scores that are computed once; returns the accuracy on these pictures before and after.

    `positive` keeps weights from becoming negative.
    """
    scores, labels = scores_of(net, shown), shown.labels
    name = "reasons" if isinstance(net.head(), Reasoning) else "weight"
    for parameter in net.parameters():
        parameter.requires_grad_(False)
    fitted = getattr(net, name).requires_grad_(True)
    before = _accuracy(net, scores, labels)
    adam = torch.optim.Adam([fitted], lr=FIT_RATE)
    generator = torch.Generator().manual_seed(seed)
    for step in range(FITTING):
        adam.param_groups[0]["lr"] = FIT_RATE * (1 - step / FITTING)
        rows = torch.randint(len(labels), (min(FIT_BATCH, len(labels)),), generator=generator)
        totals = net.head().totals(scores[rows])
        loss = losses.margin(totals, labels[rows], gap) if name == "reasons" else F.cross_entropy(totals, labels[rows])
        if name == "weight" and sparse:
            loss = loss + sparse * losses.off_class(fitted, net.owner)
        adam.zero_grad()
        loss.backward()
        adam.step()
        if positive:
            fitted.data.clamp_(min=0)
    fitted.requires_grad_(False)
    return {"accuracy_projected": before, "accuracy_refitted": _accuracy(net, scores, labels)}


@torch.no_grad()
def _accuracy(net: PrototypeNet, scores: Tensor, labels: Tensor) -> float:
    return float((net.head().totals(scores).argmax(dim=1) == labels).float().mean())
