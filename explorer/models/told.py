"""A generator made of a network that cleans noisy pictures: seed noise and a caption in, a picture out.

With the caption held, noise is a latent space like any other: the same noise under another caption is the same picture otherwise.
"""

from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from explorer.core.errors import DataError, SpaceError
from explorer.core.space import Code, LatentSpace
from explorer.core.text import Denoiser, led
from explorer.models.solvers import solve, times

__all__ = ["Told"]

MOST_STEPS = 200
HURRIED = 3  # times fewer steps while a hand moves


@dataclass(frozen=True, eq=False)
class Told:
    """What a network draws from noise under one caption.

    Args:
        name: of the model, for errors.
        denoiser: the network. space: of the noise, shaped like a picture.
        caption: what is to be drawn; "" leaves it to the noise.
        steps, solver, guidance: how it is drawn; a guidance above 1 leads away from what is drawn without a caption and takes twice as long.
    """

    name: str
    denoiser: Denoiser
    space: LatentSpace
    caption: str = ""
    steps: int = 12
    solver: str = "dpm++"
    guidance: float = 2.0

    differentiable = True
    first = None

    def __post_init__(self):
        if not 1 <= self.steps <= MOST_STEPS:
            raise DataError(f"A picture is drawn in 1 to {MOST_STEPS} steps, got {self.steps}.")
        if self.space.shape != tuple(self.denoiser.picture_shape):
            raise SpaceError(f"'{self.name}' says its noise has shape {self.space.shape}, but it draws {tuple(self.denoiser.picture_shape)}.")
        self.denoiser.embed([self.caption])

    @property
    def picture_shape(self) -> tuple[int, int, int]:
        return self.denoiser.picture_shape

    def decode(self, code: Code) -> Tensor:
        """Pictures `(B, C, H, W)` in [-1, 1] for seed noise. Raises SpaceError for codes of another space, ModelError when a solution diverges."""
        if code.space != self.space:
            raise SpaceError(
                f"'{self.name}' draws from {self.space.name}{list(self.space.shape)}, got a code of {code.space.name}{list(code.space.shape)}."
            )
        condition = self.denoiser.embed([self.caption])
        guidance = self.guidance if self.caption.strip() else 1.0
        return solve(led(self.denoiser, condition, guidance), code.values, times(self.steps), solver=self.solver).clamp(-1, 1)

    def saying(self, caption: str) -> "Told":
        """The same noise under another caption. Raises DataError for a text that is too long."""
        return replace(self, caption=caption)

    def guided(self, guidance: float) -> "Told":
        """The same, led away from the null caption by another amount."""
        return replace(self, guidance=guidance)

    def hurried(self) -> "Told":
        """The same in fewer steps, for previews while a hand moves."""
        return replace(self, steps=max(2, self.steps // HURRIED))

    def preview(self, code: Code) -> Tensor:
        """Pictures of half the sides, in fewer steps."""
        return F.avg_pool2d(self.hurried().decode(code), 2)

    def drawn(self, captions: list[str], noise: Tensor) -> Tensor:
        """One picture a caption, from noise `(B, C, H, W)`."""
        condition = self.denoiser.embed(captions)
        with torch.inference_mode():
            return solve(led(self.denoiser, condition, self.guidance), noise, times(self.steps), solver=self.solver).clamp(-1, 1)
