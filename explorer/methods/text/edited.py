"""What is asked of a text-guided edit, and what every method answers with."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import torch
from torch import Tensor, nn

from explorer.core.errors import CapabilityError, DataError
from explorer.core.text import Condition, Denoiser

__all__ = ["Counted", "Edited", "Request", "checked_amounts", "private"]


@dataclass(frozen=True, eq=False)
class Request:
    """One picture `(1, C, H, W)` in [-1, 1], what is said of it, and what is wanted instead."""

    picture: Tensor
    said: str
    wanted: str

    def __post_init__(self):
        if self.picture.ndim != 4 or len(self.picture) != 1 or not torch.isfinite(self.picture).all():
            raise DataError(f"An edit needs one picture of finite numbers, got shape {tuple(self.picture.shape)}.")

    def fitting(self, denoiser: Denoiser) -> "Request":
        """The request as it came. Raises DataError for a picture of another shape than the model's, or an empty wish."""
        if tuple(self.picture.shape[1:]) != tuple(denoiser.picture_shape):
            raise DataError(f"The model edits pictures of shape {tuple(denoiser.picture_shape)}, got {tuple(self.picture.shape[1:])}.")
        if not self.wanted.strip():
            raise DataError("Say what the picture should show: the second caption is empty.")
        return self

    def but(self, **changes: object) -> "Request":
        """The same request with some fields replaced."""
        return replace(self, **changes)


class Edited(Protocol):
    """An edit that was found and can now be shown at any strength: 0 leaves the picture, 1 is the wanted caption.

    Attributes:
        reach: the amounts between which it means something.
        cost: network evaluations of a picture that it took to find.
        figures: what was measured on the way, ready for JSON.
    """

    reach: tuple[float, float]
    cost: int
    figures: dict[str, float]

    def strip(self, amounts: Sequence[float]) -> Tensor:
        """Pictures `(T, C, H, W)` at amounts. Raises DataError for amounts outside the reach."""


def checked_amounts(amounts: Sequence[float], reach: tuple[float, float]) -> list[float]:
    """The amounts as they came. Raises DataError naming the first outside the reach."""
    for amount in amounts:
        if not reach[0] - 1e-9 <= amount <= reach[1] + 1e-9:
            raise DataError(f"This edit goes from {reach[0]:g} to {reach[1]:g}, got {amount:g}.")
    return [float(amount) for amount in amounts]


@dataclass(eq=False)
class Counted:
    """A denoiser that counts how many pictures it has cleaned."""

    inner: Denoiser
    evaluations: int = field(default=0)

    @property
    def net(self) -> object:
        """The network, where the model shows it."""
        return getattr(self.inner, "net", None)

    @property
    def picture_shape(self) -> tuple[int, int, int]:
        return self.inner.picture_shape

    @property
    def vocabulary(self) -> tuple[str, ...]:
        return self.inner.vocabulary

    def words(self, caption: str) -> tuple[str, ...]:
        return self.inner.words(caption)

    def embed(self, captions: Sequence[str]) -> Condition:
        return self.inner.embed(captions)

    def clean(self, z: Tensor, t: Tensor, condition: Condition) -> Tensor:
        self.evaluations += len(z)
        return self.inner.clean(z, t, condition)


def private(denoiser: Denoiser) -> Denoiser:
    """The same denoiser with a network of its own, so that changing it disturbs nobody. Raises CapabilityError for a model that does not show its network."""
    if isinstance(denoiser, Counted):
        denoiser.inner = private(denoiser.inner)
        return denoiser
    net = getattr(denoiser, "net", None)
    if not isinstance(net, nn.Module):
        raise CapabilityError(
            "This model does not show its network: directions inside it, and sliders of its weights, need a transformer of our own kind."
        )
    return replace(denoiser, net=copy.deepcopy(net))
