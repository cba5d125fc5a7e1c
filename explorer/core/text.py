"""Captions in a latent space, and networks that clean a noisy picture given one.

Every Gaussian path a x + s e is, divided by a + s, the straight one: the nouns here know no other.

    z_t = (1 - t) x + t e,   t from 0 (picture) to 1 (noise)
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from explorer.core.errors import DataError

__all__ = ["Clean", "Condition", "Denoiser", "led", "velocity"]

Clean = Callable[[Tensor, Tensor], Tensor]  # from noisy pictures (B, C, H, W) and times (B,) to the expected clean ones
LONGEST = 2_000  # characters of a caption
FLOOR = 0.05  # times below this count as this where one divides by them


@dataclass(frozen=True, eq=False)
class Condition:
    """Embedded captions.

    Args:
        rows: what stands for each of m words, `(B, m, d)`.
        presence: how far each word is there, `(B, m)` in [0, 1].
        pooled: one vector a caption `(B, p)`, or None where the model has none.
    """

    rows: Tensor
    presence: Tensor
    pooled: Tensor | None = None

    def __len__(self) -> int:
        return len(self.rows)

    def towards(self, other: "Condition", amount: float) -> "Condition":
        """Moved from this caption (0) to the other (1) or beyond, rows and pooled vector alike. A word that only one of them has comes or goes."""
        _same(self, other)
        pooled = None if self.pooled is None else self.pooled + amount * (other.pooled - self.pooled)
        presence = (self.presence + amount * (other.presence - self.presence)).clamp(0, 1)
        new = (self.presence == 0) & (other.presence > 0)
        return Condition(torch.where(new[..., None], other.rows, self.rows) + amount * self.difference(other)[0], presence, pooled)

    def difference(self, other: "Condition") -> tuple[Tensor, Tensor | None]:
        """What leads from this caption to the other: of the rows that both have `(B, m, d)`, and of the pooled vector."""
        shared = (self.presence > 0) & (other.presence > 0)
        rows = torch.where(shared[..., None], other.rows - self.rows, torch.zeros_like(self.rows))
        return rows, None if self.pooled is None else other.pooled - self.pooled

    def to(self, other: "Condition", *, rows: bool = True, pooled: bool = True) -> "Condition":
        """This caption with the other's rows, its pooled vector, or both."""
        _same(self, other)
        return Condition(other.rows if rows else self.rows, other.presence if rows else self.presence, other.pooled if pooled else self.pooled)

    def repeated(self, n: int) -> "Condition":
        """One caption for `n` pictures. Captions that are as many already stay; raises DataError for any other number."""
        if len(self) == n:
            return self
        if len(self) != 1:
            raise DataError(f"{len(self)} captions do not fit {n} pictures: expected one, or as many.")
        return Condition(*(None if part is None else part.expand(n, *part.shape[1:]) for part in (self.rows, self.presence, self.pooled)))

    def joined(self, other: "Condition") -> "Condition":
        """These captions and then the others."""
        _same(self, other)
        pooled = None if self.pooled is None else torch.cat([self.pooled, other.pooled])
        return Condition(torch.cat([self.rows, other.rows]), torch.cat([self.presence, other.presence]), pooled)


def _same(first: Condition, second: Condition) -> None:
    if first.rows.shape[1:] != second.rows.shape[1:] or (first.pooled is None) != (second.pooled is None):
        raise DataError(f"These captions are of different models: rows of shape {tuple(first.rows.shape[1:])} and {tuple(second.rows.shape[1:])}.")


class Denoiser(Protocol):
    """A network that cleans noisy pictures, told by a caption what they show."""

    picture_shape: tuple[int, int, int]  # (C, H, W)
    vocabulary: tuple[str, ...]  # the words it knows, or nothing where it reads any text

    def words(self, caption: str) -> tuple[str, ...]:
        """The words of a caption as the model splits it, without those beyond its length."""

    def embed(self, captions: Sequence[str]) -> Condition:
        """Captions in the joint latent space; an empty one is the null caption. Raises DataError for texts that are too long."""

    def clean(self, z: Tensor, t: Tensor, condition: Condition) -> Tensor:
        """The expected pictures `(B, C, H, W)` behind noisy ones at times `(B,)`, for as many captions."""


def led(denoiser: Denoiser, condition: Condition, guidance: float | Tensor = 1.0) -> Clean:
    """What a network cleans under captions, led away from the null caption: null + guidance (caption - null).

    `guidance` is one number or one a picture `(B,)`. Where it is 1 throughout this is one evaluation, else two.

    References: Ho & Salimans 2022, Classifier-free diffusion guidance (arXiv 2207.12598).
    """
    guidance = torch.as_tensor(guidance)
    if bool((guidance == 1).all()):
        return lambda z, t: denoiser.clean(z, t, condition.repeated(len(z)))
    null = denoiser.embed([""])

    def clean(z: Tensor, t: Tensor) -> Tensor:
        both = condition.repeated(len(z)).joined(null.repeated(len(z)))
        told, untold = denoiser.clean(torch.cat([z, z]), torch.cat([t, t]), both).chunk(2)
        return untold + guidance.to(z).view(-1, *[1] * (z.ndim - 1)) * (told - untold)

    return clean


def velocity(clean: Clean, z: Tensor, t: float, *, floor: float = FLOOR) -> Tensor:
    """The velocity dz/dt of the rectified flow at one time for all; below `floor` the network is asked there."""
    at = max(t, floor)
    return (z - clean(z, z.new_full((len(z),), at))) / at
