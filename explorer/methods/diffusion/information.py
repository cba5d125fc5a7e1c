"""How much of a picture, in nats and pixel by pixel, words explain: alone, either one, or only together.

    i(x; y | c) = 1/2 Int snr E_e |x^(x_a | c) - x^(x_a | y, c)|^2 da,   a the log signal-to-noise ratio, snr = e^a       (orthogonal)
    i(x; y | c) = 1/2 Int snr E_e [ |x - x^(x_a | c)|^2 - |x - x^(x_a | y, c)|^2 ] da                                     (standard)

Both are the same on average over pictures for an ideal network; the first is smoother, never negative, and says how much the network
changes its mind, not whether towards this picture. Summed over channels only they are maps; over everything, totals. Of two words:

    redundancy R = min(i1, i2),   unique U_k = i_k - R,   synergy S = i12 - i1 - i2 + R

each pixel by pixel: words that speak of different places share nothing, which the same minimum over whole pictures would deny.
Guidance must be off: guided predictions are no expectations. Values depend on the number of pixels; compare within a model only.

References: Kong et al. 2024, Interpretable Diffusion via Information Decomposition (arXiv 2310.07972); Dewan et al. 2024, DiffusionPID (arXiv
2406.05191), for the decomposition; Williams & Beer 2010 for this redundancy.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from explorer.core.errors import DataError
from explorer.core.text import Condition, Denoiser
from explorer.models.solvers import Report

__all__ = ["Decomposed", "Ratios", "decomposed", "information", "relevance", "without"]

ESTIMATORS = ("orthogonal", "standard")


@dataclass(frozen=True)
class Ratios:
    """The log signal-to-noise ratios that are looked at: `count` of them, logistic around `centre` with `scale`, cut at `clip` scales."""

    count: int = 24
    centre: float = 1.0
    scale: float = 2.0
    clip: float = 3.0
    seed: int = 0

    def __post_init__(self):
        if self.count < 2 or self.scale <= 0 or self.clip <= 0:
            raise DataError(f"At least two ratios and a positive width are needed, got {self}.")

    def drawn(self) -> tuple[Tensor, Tensor]:
        """Times of the flow `(A,)`, and the weights `(A,)` that make of a sum the integral over the log-ratio, snr included."""
        generator = torch.Generator().manual_seed(self.seed)
        share = (torch.arange(self.count, dtype=torch.float64) + torch.rand(self.count, generator=generator, dtype=torch.float64)) / self.count
        ends = 1 / (1 + math.exp(self.clip))
        p = ends + (1 - 2 * ends) * share
        k = torch.logit(p)
        ratio = self.centre + self.scale * k
        weight = self.scale * math.tanh(self.clip / 2) / (torch.sigmoid(k) * torch.sigmoid(-k)) / self.count
        return torch.sigmoid(-ratio / 2), weight * ratio.exp()


@torch.no_grad()
def information(
    denoiser: Denoiser,
    picture: Tensor,
    captions: Sequence[str],
    *,
    given: str = "",
    ratios: Ratios = Ratios(),
    estimator: str = "orthogonal",
    report: Report = lambda done, steps: None,
) -> Tensor:
    """For a picture `(1, C, H, W)`, the maps `(K, H, W)` of what each of K captions says of it beyond `given`.

    All captions see the same noise. Raises DataError for an unknown estimator or no captions.
    """
    if estimator not in ESTIMATORS:
        raise DataError(f"No estimator '{estimator}'. Known: {', '.join(ESTIMATORS)}.")
    if not captions:
        raise DataError("At least one caption is needed, got none.")
    t, weights = (each.to(picture) for each in ratios.drawn())
    noise = torch.randn(len(t), *picture.shape[1:], generator=torch.Generator().manual_seed(ratios.seed + 1)).to(picture)
    wide = t.view(-1, *[1] * (picture.ndim - 1))
    z = (1 - wide) * picture + wide * noise
    embedded = denoiser.embed([given, *captions])
    seen = []
    for i in range(len(captions) + 1):
        seen.append(denoiser.clean(z, t, _one(embedded, i).repeated(len(t))))
        report(i + 1, len(captions) + 1)
    spread = weights.view(wide.shape) / 2
    if estimator == "orthogonal":
        found = [(spread * (own - seen[0]).square()).sum(dim=(0, 1)) for own in seen[1:]]
    else:
        found = [(spread * ((picture - seen[0]).square() - (picture - own).square())).sum(dim=(0, 1)) for own in seen[1:]]
    return torch.stack(found)


def _one(condition: Condition, index: int) -> Condition:
    pooled = None if condition.pooled is None else condition.pooled[index : index + 1]
    return Condition(condition.rows[index : index + 1], condition.presence[index : index + 1], pooled)


def without(words: Sequence[str], *left_out: int) -> str:
    """A caption of words, some left out."""
    return " ".join(word for i, word in enumerate(words) if i not in left_out)


def relevance(denoiser: Denoiser, picture: Tensor, caption: str, *, ratios: Ratios = Ratios(), report: Report = lambda done, steps: None) -> Tensor:
    """For each word of a caption, the map `(words, H, W)` of what it says of a picture beyond all the others.

    Raises DataError for a caption without a word that the model reads.
    """
    words = denoiser.words(caption)
    if not words:
        raise DataError("The caption has no word that this model reads.")
    return information(denoiser, picture, [without(words, i) for i in range(len(words))], given=without(words), ratios=ratios, report=report)


@dataclass(frozen=True, eq=False)
class Decomposed:
    """What two words say of a picture, as maps `(H, W)`: redundant, unique to each, synergetic; they add up to `together`."""

    redundant: Tensor
    first: Tensor
    second: Tensor
    synergy: Tensor
    together: Tensor

    def totals(self) -> dict[str, float]:
        """The parts in nats, of the whole picture."""
        return {name: float(getattr(self, name).sum()) for name in ("redundant", "first", "second", "synergy", "together")}


def decomposed(
    denoiser: Denoiser,
    picture: Tensor,
    first: str,
    second: str,
    *,
    frame: str = "",
    given: str = "",
    ratios: Ratios = Ratios(),
    report: Report = lambda done, steps: None,
) -> Decomposed:
    """Decomposes what two words or phrases say of a picture, each behind the words of `frame`, beyond `given`."""
    said = [" ".join(filter(None, each)) for each in ((frame, first), (frame, second), (frame, first, second))]
    one, two, both = information(denoiser, picture, said, given=given or frame, ratios=ratios, report=report)
    shared = torch.minimum(one, two)
    return Decomposed(shared, one - shared, two - shared, both - one - two + shared, both)
