"""The noisy picture from which a given one would be drawn: the rectified flow, gone against its course.

    z_s = z_t + (s - t) v(z_t, t)           Euler; Heun takes the mean of the velocities at both ends
    z_s = z_t + (s - t) v(z_s, s)           refined: the exact inverse of the Euler step that draws, by fixed-point iteration

What is drawn back is never quite the picture; the difference is kept as the residual.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from explorer.core.errors import DataError
from explorer.core.text import FLOOR, Clean, velocity
from explorer.models.solvers import Report, checked, solve, times

__all__ = ["Inverted", "invert", "likeness"]

GOING_BACK = ("euler", "heun")


@dataclass(frozen=True, eq=False)
class Inverted:
    """Where pictures `(B, C, H, W)` lie at a time of the flow.

    Args:
        z: the noisy pictures at the last of the rising times `at`, the first of which is 0.
        residual: the pictures, less what is drawn from `z`.
        likeness: of what is drawn to the pictures, in decibels `(B,)`.
        solver: which one draws.
    """

    z: Tensor
    at: list[float]
    residual: Tensor
    likeness: Tensor
    solver: str


def likeness(first: Tensor, second: Tensor) -> Tensor:
    """The peak signal-to-noise ratio `(B,)` of pictures in [-1, 1], in decibels, at most 99."""
    error = (first - second).square().flatten(1).mean(dim=1)
    return (10 * torch.log10(4 / error.clamp_min(1e-12))).clamp(max=99)


@torch.no_grad()
def invert(
    clean: Clean, x: Tensor, *, until: float, steps: int = 20, solver: str = "euler", refine: int = 0, report: Report = lambda done, steps: None
) -> Inverted:
    """Goes from pictures `x` to time `until` and back.

    `refine` is the number of fixed-point iterations of each Euler step; each costs one evaluation.

    Raises:
        DataError: a solver that cannot go back, or a time outside (0, 1).
        ModelError: the inversion diverges.
    """
    if solver not in GOING_BACK:
        raise DataError(f"'{solver}' cannot go from picture to noise; these can: {', '.join(GOING_BACK)}.")
    if not 0 < until < 1:
        raise DataError(f"An inversion ends between picture (0) and noise (1), got {until:g}.")
    at = times(steps, start=until)[::-1]
    z = x
    for i, (t, s) in enumerate(zip(at, at[1:])):
        z = checked(_back(clean, z, t, s, solver, refine), s)
        report(i + 1, 2 * steps)
    drawn = solve(clean, z, at[::-1], solver=solver, report=lambda done, of: report(steps + done, 2 * steps))
    return Inverted(z, at, x - drawn, likeness(drawn, x), solver)


def _back(clean: Clean, z: Tensor, t: float, s: float, solver: str, refine: int) -> Tensor:
    here = velocity(clean, z, t, floor=FLOOR)
    there = z + (s - t) * here
    if solver == "heun":
        return z + (s - t) / 2 * (here + velocity(clean, there, s, floor=FLOOR))
    for _ in range(refine):
        there = z + (s - t) * velocity(clean, there, s, floor=s)
    return there
