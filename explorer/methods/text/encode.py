"""Encode: a picture and the caption that describes it, as one point of the joint latent space.

The picture is taken to the noise level `level` by the flow under its own caption, without guidance; from there captions can change it.
What the way there and back loses is kept, and comes back in full where nothing is edited.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from explorer.core.errors import ModelError
from explorer.core.text import Condition, Denoiser, led
from explorer.methods.diffusion.inversion import Inverted, invert
from explorer.methods.text.edited import Request
from explorer.models.solvers import Report, solve, times

__all__ = ["Encoded", "encode"]


@dataclass(frozen=True, eq=False)
class Encoded:
    """A picture in the joint latent space.

    Args:
        denoiser: the network. picture: `(1, C, H, W)`.
        before, after: the embedded captions.
        found: the noisy picture and what the way loses.
    """

    denoiser: Denoiser
    picture: Tensor
    before: Condition
    after: Condition
    found: Inverted

    @property
    def level(self) -> float:
        """The noise level at which it lies, in (0, 1)."""
        return self.found.at[-1]

    def falling(self, steps: int | None = None) -> list[float]:
        """The times from this level to the picture: those of the inversion, or fewer for a preview."""
        return self.found.at[::-1] if steps is None else times(steps, start=self.level)

    def drawn(self, z: Tensor, condition: Condition, *, guidance: float | Tensor = 1.0, steps: int | None = None) -> Tensor:
        """Pictures `(B, C, H, W)` from noisy ones at this level under captions; fewer `steps` than the inversion took are a preview."""
        return self.along(z, condition, self.falling(steps), guidance)

    @torch.no_grad()
    def along(self, z: Tensor, condition: Condition, falling: list[float], guidance: float | Tensor) -> Tensor:
        """Noisy pictures taken through falling times."""
        return solve(led(self.denoiser, condition, guidance), z, falling, solver=self.found.solver)


def encode(
    denoiser: Denoiser,
    request: Request,
    *,
    level: float = 0.65,
    steps: int = 30,
    solver: str = "euler",
    refine: int = 0,
    worst: float = 15.0,
    report: Report = lambda done, steps: None,
) -> Encoded:
    """Takes a picture to a noise level.

    Args:
        steps: of the whole flow; up to `level` there are as many of them as fall below it.
        worst: decibels; a picture that comes back less like itself is refused.

    Raises:
        ModelError: the inversion diverges, or the picture does not come back.
        DataError: captions or levels that cannot be.
    """
    before, after = denoiser.embed([request.said]), denoiser.embed([request.wanted])
    found = invert(
        led(denoiser, before), request.picture, until=level, steps=max(1, round(steps * level)), solver=solver, refine=refine, report=report
    )
    if float(found.likeness.min()) < worst:
        raise ModelError(
            f"The model cannot hold this picture: it comes back with {float(found.likeness.min()):.1f} dB, expected at least {worst:g}. "
            "Describe it more fully, lower the noise level, or use more steps."
        )
    return Encoded(denoiser, request.picture, before, after, found)
