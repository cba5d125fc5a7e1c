"""Small classifiers of codes, one an attribute, whose slopes are walked by `gradient.py`.

    f(z) = W_2 silu(W_1 z + b_1) + b_2   (or W z + b),   the log-odds of class c:  f_c - log sum_{j != c} exp f_j

The slope of the log-odds has the direction of the slope of the probability, and does not vanish where that saturates. Slopes are
in closed form.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from explorer.core.errors import DataError

__all__ = ["Head", "Panel", "fit"]

LEAST = 4  # codes of a class


@dataclass(frozen=True, eq=False)
class Head:
    """A classifier of flat codes.

    Args:
        classes: their names.
        layers: W_1, b_1, W_2, b_2, or W, b for a linear one.
        accuracy: balanced, on held-out codes; `middle` on the half of them nearest to the boundary.
    """

    classes: tuple[str, ...]
    layers: tuple[Tensor, ...]
    accuracy: float = math.nan
    middle: float = math.nan

    @property
    def size(self) -> int:
        return self.layers[0].shape[1]

    def scores(self, z: Tensor) -> Tensor:
        """f `(B, C)`."""
        if len(self.layers) == 2:
            return z @ self.layers[0].T + self.layers[1]
        return F.silu(z @ self.layers[0].T + self.layers[1]) @ self.layers[2].T + self.layers[3]

    def odds(self, z: Tensor, c: Tensor | int) -> Tensor:
        """The log-odds `(B,)` of class `c` against all others."""
        f, mine = self.scores(z), _mine(c, len(z), len(self.classes))
        return f.masked_fill(~mine, 0).sum(dim=1) - f.masked_fill(mine, -math.inf).logsumexp(dim=1)

    def slope(self, z: Tensor, c: Tensor | int) -> Tensor:
        """The gradient `(B, D)` of `odds`."""
        mine = _mine(c, len(z), len(self.classes))
        return self.gradient(z, mine.to(z) - self.scores(z).masked_fill(mine, -math.inf).softmax(dim=1))

    def gradient(self, z: Tensor, weight: Tensor) -> Tensor:
        """The gradient `(B, D)` of the scores' sum weighted by `weight`, `(B, C)` or `(C,)`."""
        if len(self.layers) == 2:
            return (weight @ self.layers[0]).expand_as(z)
        inner = z @ self.layers[0].T + self.layers[1]
        gate = torch.sigmoid(inner)
        return (weight @ self.layers[2] * (gate * (1 + inner * (1 - gate)))) @ self.layers[0]

    def named(self, z: Tensor) -> Tensor:
        """The likeliest class `(B,)`."""
        return self.scores(z).argmax(dim=1)


class Panel:
    """Several heads of the same codes as one network, so that a step by all of them costs little more than by one."""

    def __init__(self, heads: Sequence[Head]):
        bent, counts = [head.layers for head in heads], [len(head.classes) for head in heads]
        size, deep = heads[0].size, [layers for layers in bent if len(layers) == 4]
        self._first = torch.cat([layers[0] for layers in deep] or [torch.zeros(0, size)])
        self._inner = torch.cat([layers[1] for layers in deep] or [torch.zeros(0)])
        self._second, self._straight = torch.zeros(sum(counts), len(self._first)), torch.zeros(sum(counts), size)
        row = column = 0
        for layers, count in zip(bent, counts):
            if len(layers) == 4:
                self._second[row : row + count, column : column + len(layers[0])] = layers[2]
                column += len(layers[0])
            else:
                self._straight[row : row + count] = layers[0]
            row += count
        self._outer = torch.cat([layers[-1] for layers in bent])
        mine = torch.repeat_interleave(torch.arange(len(counts)), torch.tensor(counts))
        self._same = mine[:, None] == mine[None]  # (C, C): classes of the same head

    def information(self, z: Tensor) -> Tensor:
        """The Fisher information `(B, D, D)` of all heads about their classes, summed, at codes `(B, D)`."""
        inner = z @ self._first.T + self._inner
        gate = torch.sigmoid(inner)
        scores = (inner * gate) @ self._second.T + z @ self._straight.T + self._outer  # (B, C)
        slopes = (self._second * (gate * (1 + inner * (1 - gate)))[:, None]) @ self._first + self._straight  # (B, C, D)
        p = (scores - scores[:, None].masked_fill(~self._same, -math.inf).logsumexp(dim=2)).exp()
        centred = slopes - (self._same * p[:, None]) @ slopes
        return (centred * p[..., None]).transpose(1, 2) @ centred


def _mine(c: Tensor | int, n: int, classes: int) -> Tensor:
    return F.one_hot(torch.as_tensor(c).expand(n), classes).bool()


def fit(
    codes: Tensor,
    labels: Tensor,
    classes: tuple[str, ...],
    *,
    hidden: int | None = 16,
    epochs: int = 200,
    batch: int = 4096,
    rate: float = 0.01,
    decay: float = 1e-3,
    blur: float = 0.0,
    seed: int = 0,
    report: Callable[[int, int], None] = lambda done, of: None,
) -> Head:
    """A head for codes `(N, D)` with class indices `(N,)`; -1 where the class is not known. A fifth is held out to measure it.

    Args:
        blur: of normal noise added to codes while learning, in latent length a coordinate. It smooths the slopes: without, a walk
            comes to rest on local summits.

    Raises:
        DataError: labels that do not fit, fewer than two classes with 4 codes, or values that are not numbers.
    """
    codes, labels, present = _usable(codes, labels, classes)
    held = torch.rand(len(codes), generator=torch.Generator().manual_seed(seed)) < 0.2
    for c in present:  # every class on both sides
        held[torch.nonzero(labels == c)[:1, 0]], held[torch.nonzero(labels == c)[1:2, 0]] = True, False
    x, y = codes[~held], labels[~held]
    weights = torch.zeros(len(classes)).index_copy_(0, present, torch.tensor([len(y) / (len(present) * int((y == c).sum())) for c in present]))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        wide = hidden or len(classes)
        layers = [torch.randn(wide, codes.shape[1]) / math.sqrt(codes.shape[1]), torch.zeros(wide)]
        if hidden:
            layers += [torch.randn(len(classes), hidden) / math.sqrt(hidden), torch.zeros(len(classes))]
    for layer in layers:
        layer.requires_grad_()
    head = Head(classes, tuple(layers))
    optimiser = torch.optim.AdamW(layers, lr=rate, weight_decay=decay)
    order, steps = torch.Generator().manual_seed(seed), epochs * math.ceil(len(x) / batch)
    for epoch in range(epochs):
        report(epoch, epochs)
        for i, rows in enumerate(torch.randperm(len(x), generator=order).split(batch)):
            optimiser.param_groups[0]["lr"] = rate * (1 - (epoch * math.ceil(len(x) / batch) + i) / steps)
            seen = x[rows] + blur * torch.randn(len(rows), x.shape[1], generator=order) if blur else x[rows]
            loss = F.cross_entropy(head.scores(seen), y[rows], weight=weights)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    done = Head(classes, tuple(layer.detach() for layer in layers))
    right = done.named(codes[held]) == labels[held]
    f = done.scores(codes[held])
    margin = f.topk(2, dim=1).values if f.shape[1] > 1 else f
    near = (margin[:, 0] - margin[:, -1]) <= (margin[:, 0] - margin[:, -1]).median()
    balanced = sum(float(right[labels[held] == c].float().mean()) for c in present) / len(present)
    return Head(classes, done.layers, balanced, float(right[near].float().mean()))


def _usable(codes: Tensor, labels: Tensor, classes: tuple[str, ...]) -> tuple[Tensor, Tensor, Tensor]:
    """Codes and labels that are known, and the classes that occur."""
    if labels.shape != (len(codes),):
        raise DataError(f"Labels must be one for each of {len(codes)} codes, got shape {tuple(labels.shape)}.")
    if not torch.isfinite(codes).all() or not torch.isfinite(labels.double()).all():
        raise DataError("Codes and labels must be finite numbers; some are NaN or infinite.")
    if len(labels) and int(labels.max()) >= len(classes):
        raise DataError(f"Labels name class {int(labels.max())}, but there are {len(classes)}.")
    known = labels >= 0
    codes, labels = codes[known].float(), labels[known].long()
    seen = torch.tensor([c for c in range(len(classes)) if int((labels == c).sum()) >= LEAST])
    if len(seen) < 2:
        raise DataError(f"Telling classes apart needs at least two with {LEAST} codes each, got {len(seen)}.")
    kept = torch.isin(labels, seen)
    return codes[kept], labels[kept], seen
