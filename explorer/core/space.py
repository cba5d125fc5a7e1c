"""Latent spaces, and codes that know which space they are from."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from explorer.core.errors import SpaceError

__all__ = ["PRIORS", "Code", "LatentSpace"]

PRIORS = ("normal", "sphere", "uniform", "radial")
FARTHEST = 100.0  # prior standard deviations; beyond it a code is a mistake, not a question


@dataclass(frozen=True)
class LatentSpace:
    """Where codes live: a name, a shape and a prior.

    Args:
        name: as in "z" or "w".
        shape: of one code, without the batch.
        prior: "normal" (standard), "sphere" (uniform on radius sqrt(D)), "uniform" (on [-1, 1]), or "radial": all directions alike, with
            lengths as they were measured.
        axis_names: one a coordinate of the flattened code, or empty.
        lengths: of a radial prior, evenly spaced quantiles, from the shortest to the longest, of the length of a code over sqrt(D).
    """

    name: str
    shape: tuple[int, ...]
    prior: str = "normal"
    axis_names: tuple[str, ...] = ()
    lengths: tuple[float, ...] = ()

    def __post_init__(self):
        if not self.shape or any(side < 1 for side in self.shape):
            raise SpaceError(f"Space '{self.name}' needs a shape of positive sides, got {self.shape}.")
        if self.prior not in PRIORS:
            raise SpaceError(f"Space '{self.name}' has prior '{self.prior}'. Known: {', '.join(PRIORS)}.")
        if self.axis_names and len(self.axis_names) != self.size:
            raise SpaceError(f"Space '{self.name}' has {self.size} axes, but {len(self.axis_names)} axis names were given.")

        if (self.prior == "radial") != bool(self.lengths):
            raise SpaceError(
                f"Space '{self.name}' has a {self.prior} prior and {len(self.lengths)} lengths; a radial one needs them, no other has any."
            )
        if self.lengths and (len(self.lengths) < 2 or self.lengths[0] < 0 or not all(a < b for a, b in zip(self.lengths, self.lengths[1:]))):
            raise SpaceError(f"The lengths of space '{self.name}' must be at least two, positive and rising, got {str(self.lengths)[:80]}.")

    @staticmethod
    def from_dict(values: Mapping[str, Any]) -> "LatentSpace":
        """Reads what `to_dict` wrote. Raises SpaceError, KeyError, TypeError or ValueError for anything else."""
        lengths = tuple(float(length) for length in values.get("lengths", ()))
        shape = tuple(values["shape"])
        if not all(isinstance(side, int) and not isinstance(side, bool) for side in shape):
            raise TypeError(f"a space needs a shape of whole numbers, got {list(shape)[:8]}")
        return LatentSpace(str(values["name"]), shape, values.get("prior", "normal"), tuple(values.get("axis_names", ())), lengths)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        more = {"axis_names": list(self.axis_names), "lengths": list(self.lengths)}
        return {"name": self.name, "shape": list(self.shape), "prior": self.prior, **{name: value for name, value in more.items() if value}}

    @property
    def size(self) -> int:
        """The number of coordinates D of one code."""
        return math.prod(self.shape)

    @property
    def axes(self) -> tuple[str, ...]:
        """A name for every coordinate."""
        return self.axis_names or tuple(f"{self.name}{i + 1}" for i in range(self.size))

    def sample(self, n: int, seed: int, *, truncation: float = 1.0) -> "Code":
        """Draws `n` codes from the prior, the same ones for the same seed.

        `truncation` in [0, 1] pulls codes towards the centre (a factor on the code; spheres keep their radius and ignore it).
        """
        generator = torch.Generator().manual_seed(seed)
        if self.prior == "uniform":
            return Code((torch.rand(n, *self.shape, generator=generator) * 2 - 1) * truncation, self)
        values = torch.randn(n, *self.shape, generator=generator)
        if self.prior == "normal":
            return Code(values * truncation, self)
        length = values.flatten(1).norm(dim=1).clamp_min(1e-12)
        wanted = math.sqrt(self.size) * (truncation * self._length(torch.rand(n, generator=generator)) if self.prior == "radial" else 1.0)
        return Code(values * (wanted / length).view(-1, *[1] * len(self.shape)), self)

    def _length(self, share: Tensor) -> Tensor:
        """The lengths over sqrt(D) below which shares `(B,)` of a radial prior lie."""
        lengths = torch.tensor(self.lengths)
        place = share * (len(lengths) - 1)
        below = place.long().clamp_max(len(lengths) - 2)
        return torch.lerp(lengths[below], lengths[below + 1], place - below)

    def _share(self, length: Tensor) -> Tensor:
        """The shares `(B,)` of a radial prior that are shorter than lengths over sqrt(D); `_length` the other way."""
        lengths = torch.tensor(self.lengths).to(length)
        below = (torch.searchsorted(lengths, length) - 1).clamp(0, len(lengths) - 2)
        place = below + (length - lengths[below]) / (lengths[below + 1] - lengths[below])
        return (place / (len(lengths) - 1)).clamp(0, 1)

    def typicality(self, values: Tensor) -> Tensor:
        """How ordinary codes `(B, *shape)` are under the prior, `(B,)` in [0, 1]: 1 at the typical length, 0 far from it.

        For a normal prior it is the two-sided tail probability of the squared length, which is chi-square distributed with D
        degrees of freedom: a code is atypical when it is too long *or too short*. For a sphere the relative deviation of the
        radius, for a uniform prior the share of coordinates inside the cube. For a radial prior the tail probability of the length, too.
        """
        flat = values.flatten(1)
        if self.prior == "uniform":
            return (flat.abs() <= 1).float().mean(dim=1)
        if self.prior == "sphere":
            return (1 - (flat.norm(dim=1) / math.sqrt(self.size) - 1).abs()).clamp(0, 1)
        if self.prior == "radial":
            below = self._share(flat.norm(dim=1) / math.sqrt(self.size))
            return 2 * torch.minimum(below, 1 - below)
        below = torch.special.gammainc(torch.tensor(self.size / 2.0, dtype=torch.float64), flat.double().square().sum(dim=1) / 2)
        return (2 * torch.minimum(below, 1 - below)).float()

    def check(self, values: Tensor) -> Tensor:
        """Returns codes `(B, *shape)` as they came.

        Raises:
            SpaceError: wrong shape, NaN or infinity, or farther than 100 prior standard deviations from the centre.
        """
        if values.ndim != len(self.shape) + 1 or tuple(values.shape[1:]) != self.shape:
            raise SpaceError(
                f"Space '{self.name}' holds codes of shape {self.shape}, got {tuple(values.shape[1:])} (batch of {len(values) if values.ndim else 0})."
            )
        if not torch.isfinite(values).all():
            bad = int((~torch.isfinite(values)).sum())
            raise SpaceError(f"A code in space '{self.name}' must be finite numbers, got {bad} of {values.numel()} NaN or infinite.")
        if len(values) and (far := float(values.detach().abs().max())) > FARTHEST:
            raise SpaceError(f"A code in space '{self.name}' reaches {far:.3g}; expected within {FARTHEST:g} standard deviations of the prior.")
        return values


@dataclass(frozen=True, eq=False)
class Code:
    """Codes `(B, *shape)` together with the space they live in."""

    values: Tensor
    space: LatentSpace

    def __post_init__(self):
        self.space.check(self.values)

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, index: slice) -> "Code":
        return Code(self.values[index], self.space)

    def __repr__(self) -> str:
        return f"Code({len(self)} of {self.space.name}{list(self.space.shape)})"

    @property
    def typicality(self) -> Tensor:
        """How ordinary each code is under its prior, `(B,)` in [0, 1]."""
        return self.space.typicality(self.values)
