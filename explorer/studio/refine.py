"""Finding a better code for a photo than the encoder's, or one at all where there is no encoder."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from explorer.core.errors import ModelError
from explorer.core.model import Model, differentiable
from explorer.core.space import Code
from explorer.methods.inversion import Glimpse, Problem, decibels, refine, search
from explorer.studio.jobs import Job
from explorer.studio.photo import Photo
from explorer.studio.studio import Studio

__all__ = ["MOST_STEPS", "Refined", "Wishes", "follow", "refined"]

MOST_STEPS = 2000
DRAWS, SLOW_DRAWS = 256, 64  # compared where there is no encoder; the fewer for generators without gradients
PATIENCE = 15.0  # seconds that comparing draws may take
TOLD = 0.4  # seconds between two codes that are told while the search runs


@dataclass(frozen=True)
class Wishes:
    """What matters in a search.

    Args:
        closeness: in [0, 1]; at 0 the code must stay ordinary, at 1 only the likeness counts.
        steps: at most.
        seen: whether what the judge sees in the photo should be kept, too.
        seed: of the draws and of the searches that need chance.
    """

    closeness: float = 0.3
    steps: int = 200
    seen: bool = False
    seed: int = 0

    @property
    def ordinary(self) -> float:
        """The weight of the prior: from 1, where codes stay as short as draws are, down to a thousandth."""
        return 10 ** (-3 * self.closeness)


@dataclass(frozen=True, eq=False)
class Refined:
    """What a search found.

    Args:
        code: flat, `(D,)`.
        error, typicality: of it; `first_error` and `first_typicality` of the encoder's code, or None without an encoder.
        steps: that were made; `stopped` whether it was ended early by whoever asked.
        seconds: that it took.
        exact: whether gradients led the way.
    """

    code: Tensor
    error: float
    typicality: float
    first_error: float | None
    first_typicality: float | None
    steps: int
    stopped: bool
    seconds: float
    exact: bool

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "values": self.code.tolist(), "error": self.error, "psnr": decibels(self.error), "typicality": self.typicality,
            "first_error": self.first_error, "first_psnr": None if self.first_error is None else decibels(self.first_error),
            "first_typicality": self.first_typicality, "steps": self.steps, "stopped": self.stopped, "seconds": self.seconds, "exact": self.exact,
        }  # fmt: skip


def refined(studio: Studio, photo: Photo, wishes: Wishes = Wishes(), *, watch: Callable[[Glimpse], bool] = lambda glimpse: True) -> Refined:
    """Searches the code of a photo: from its encoder's code, or from the best of many draws. The same wishes give the same code.

    `watch` hears of every step; where it answers False, the best code so far is the result.

    Raises:
        CapabilityError: the model has no generator.
        ModelError: it draws pictures that are not numbers.
    """
    model, began, glimpses = studio.model(photo.model), time.monotonic(), []
    problem = _problem(studio, model, photo, wishes)
    space, stopped = model.workspace, False

    def follow(glimpse: Glimpse) -> bool:
        nonlocal stopped
        if not glimpses and not glimpse.trying:
            glimpses.append(glimpse)
        stopped = not watch(glimpse)
        return not stopped

    options = {"steps": wishes.steps, "seed": wishes.seed, "watch": follow}
    if photo.code is not None:
        found = refine(problem, photo.code.view(space.shape), **options)
        first = glimpses[0].error, float(space.typicality(photo.code.view(1, *space.shape))[0])
    else:
        found = search(problem, _candidates(studio, model, photo, wishes, problem.differentiable), **options)
        first = None, None
    typicality = float(space.typicality(found.values[None])[0])
    return Refined(found.values.flatten(), found.error, typicality, *first, found.step, stopped, time.monotonic() - began, problem.differentiable)


def follow(job: Job, model: Model) -> Callable[[Glimpse], bool]:
    """Tells a job of every step, and now and then of the best code. Cancelling the job ends the search, and its best is the result."""
    told = 0.0

    def watch(glimpse: Glimpse) -> bool:
        nonlocal told
        if job.stopped():
            return False
        if time.monotonic() - told > TOLD:
            typicality = float(model.workspace.typicality(glimpse.values[None])[0])
            job.so_far, told = {"values": glimpse.values.flatten().tolist(), "error": glimpse.error, "typicality": typicality}, time.monotonic()
        words = "Comparing with draws…" if glimpse.trying else f"{decibels(glimpse.error):.1f} dB after {glimpse.step} of {glimpse.steps} steps."
        job.report(glimpse.step, glimpse.steps, words, psnr=decibels(glimpse.error))
        return True

    return watch


def _problem(studio: Studio, model: Model, photo: Photo, wishes: Wishes) -> Problem:
    generator, space = model.need("generator"), model.workspace
    judge = studio.judge(photo.model) if wishes.seen else None
    return Problem(
        lambda values: generator.decode(Code(values, space)), space, photo.picture, ordinary=wishes.ordinary,
        features=judge.features.features if judge is not None and judge.features is not None else None, differentiable=differentiable(generator),
    )  # fmt: skip


def _candidates(studio: Studio, model: Model, photo: Photo, wishes: Wishes, fast: bool) -> Tensor:
    """Codes `(N, *shape)` to begin with: draws, as many as there is time for. Raises ModelError where the mapper gives no numbers."""
    count = DRAWS if fast else SLOW_DRAWS
    if (took := studio.engine.milliseconds(photo.model)) is not None:
        count = max(8, min(count, int(PATIENCE * 1000 / max(took, 0.01))))
    values = model.working(model.space.sample(count, wishes.seed)).values
    if not torch.isfinite(values).all():
        raise ModelError(f"The mapper of '{photo.model}' gives codes that are not numbers.")
    return values
