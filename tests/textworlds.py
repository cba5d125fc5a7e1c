"""Worlds of captions in which everything is known: exact denoisers of Gaussian mixtures, and a tiny untrained transformer."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from explorer.core.model import Card, Model
from explorer.core.text import Condition
from explorer.models import dit

CONFIG = {
    "size": 16,
    "channels": 3,
    "patch": 4,
    "width": 32,
    "depth": 2,
    "heads": 2,
    "length": 6,
    "vocabulary": ["a", "face", "hat", "red", "t-shirt", "with"],
}


@dataclass(frozen=True, eq=False)
class Mixture:
    """What is behind noisy points of a Gaussian mixture on the straight path, exactly, whatever shape the points have.

    `centres` `(K, D)`, `spread` the standard deviation around each, `shares` `(K,)` or one row a point `(B, K)`.
    """

    centres: Tensor
    spread: float
    shares: Tensor

    def posterior(self, z: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        """Weights `(B, K)` and means `(B, K, D)` of the components, given flat points `(B, D)` at times `(B,)`."""
        a, s = 1 - t[:, None, None], t[:, None, None]
        variance = (a * self.spread).square() + s.square()
        off = z[:, None] - a * self.centres
        weights = torch.softmax(self.shares.log() - off.square().sum(dim=2) / (2 * variance[..., 0]), dim=1)
        return weights, self.centres + a * self.spread**2 / variance * off

    def __call__(self, z: Tensor, t: Tensor) -> Tensor:
        weights, means = self.posterior(z.flatten(1), t)
        return torch.einsum("bk,bkd->bd", weights, means).view(z.shape)

    def covariance(self, z: Tensor, t: Tensor) -> Tensor:
        """Cov[x | z] `(B, D, D)`."""
        z = z.flatten(1)
        weights, means = self.posterior(z, t)
        off = means - torch.einsum("bk,bkd->bd", weights, means)[:, None]
        a, s = 1 - t, t
        within = self.spread**2 * s.square() / ((a * self.spread).square() + s.square())
        return torch.einsum("bk,bki,bkj->bij", weights, off, off) + within[:, None, None] * torch.eye(z.shape[1], dtype=z.dtype)


@dataclass(frozen=True, eq=False)
class Pairs:
    """A world of two attributes of +-1, A and B, which agree with probability `together`: A moves coordinate 0 by `step`, B coordinate 1.

    Captions say "on" or "off" of A and "with" or "without" of B, or nothing.
    """

    together: float
    step: float = 1.5
    spread: float = 0.25
    size: int = 10

    vocabulary = ("on", "off", "with", "without")

    @property
    def picture_shape(self) -> tuple[int, int, int]:
        return 1, 1, self.size

    def centre(self, a: int, b: int) -> Tensor:
        return torch.tensor([a * self.step, b * self.step, *[0.0] * (self.size - 2)], dtype=torch.float64)

    def words(self, caption: str) -> tuple[str, ...]:
        return tuple(word for word in caption.split() if word in self.vocabulary)[:2]

    def embed(self, captions: Sequence[str]) -> Condition:
        """One row a component (a, b): the log of its share, so that captions mix as log-densities do."""
        rows = torch.stack([self._shares(self.words(caption)).log() for caption in captions])
        return Condition(rows[..., None], torch.ones(rows.shape, dtype=torch.float64), rows)

    def _shares(self, words: tuple[str, ...]) -> Tensor:
        shares = torch.tensor([self.together, 1 - self.together, 1 - self.together, self.together], dtype=torch.float64) / 2
        for word, kept in (("on", (2, 3)), ("off", (0, 1)), ("with", (1, 3)), ("without", (0, 2))):
            if word in words:
                shares = shares * torch.tensor([1.0 if k in kept else 1e-30 for k in range(4)], dtype=torch.float64)
        return shares / shares.sum()

    def mixture(self, condition: Condition) -> Mixture:
        centres = torch.stack([self.centre(a, b) for a in (-1, 1) for b in (-1, 1)])
        return Mixture(centres, self.spread, torch.softmax(condition.rows[..., 0], dim=-1))

    def clean(self, z: Tensor, t: Tensor, condition: Condition) -> Tensor:
        assert len(condition) == len(z)
        return self.mixture(condition)(z, t)


def transformer(seed: int = 0, *, moved: float = 0.1) -> Model:
    """A tiny transformer with random weights everywhere, also where training begins at zero."""
    torch.manual_seed(seed)
    net = dit.network(CONFIG)
    for parameter in net.parameters():
        parameter.data.add_(moved * torch.randn_like(parameter))
    card = Card("toy-dit", "Toy", "dit", CONFIG, ({"name": "noise", "shape": [3, 16, 16], "prior": "normal"},))
    return dit.build(card, net.state_dict(), torch.device("cpu"))
