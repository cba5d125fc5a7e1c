"""The one training loop: resumable after a kill, reproducible from a seed, cancellable.

Everything random in step `s` comes from the pair `(seed, s)`: the batch, the noise, and what a network draws itself (dropout).
So a run that was killed and resumed walks the same way, to the last bit, as one that was not.
"""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError
from typing import Any, Protocol
from zipfile import BadZipFile

import numpy as np
import torch
from torch import Tensor, nn

from explorer.core.errors import DataError, ExplorerError
from explorer.core.progress import Progress

__all__ = ["Course", "Descent", "Stopped", "batch_rows", "schedule", "step_generator", "walk"]


class Stopped(ExplorerError):
    """A training was stopped before its end; its state is kept."""


class Course(Protocol):
    """What is trained: it knows how to take one step, and everything that has to be remembered for the next."""

    def step(self, step: int) -> dict[str, float]:
        """Takes step number `step` and returns its figures. Whatever it draws must follow from that number."""

    def state(self) -> dict[str, Any]:
        """Tensors and plain values that `restore` reads."""

    def restore(self, state: Mapping[str, Any]) -> None:
        """Goes back to a state. Raises RuntimeError, KeyError or ValueError for one of something else."""


@dataclass
class Descent:
    """Trains `net` by AdamW with a warm-up and a cosine decay.

    Args:
        loss: from the step number to the loss of that step's batch and the figures to report.
        steps, rate: how many steps there will be, and the highest learning rate.
    """

    net: nn.Module
    loss: Callable[[int], tuple[Tensor, dict[str, float]]]
    steps: int
    rate: float
    decay: float = 1e-4
    clip: float = 100.0

    def __post_init__(self):
        self.optimiser = torch.optim.AdamW(self.net.parameters(), lr=self.rate, weight_decay=self.decay)

    def step(self, step: int) -> dict[str, float]:
        for group in self.optimiser.param_groups:
            group["lr"] = self.rate * schedule(step, self.steps)
        loss, figures = self.loss(step)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.net.parameters(), self.clip)
        self.optimiser.step()
        return figures

    def state(self) -> dict[str, Any]:
        return {"net": self.net.state_dict(), "optimiser": self.optimiser.state_dict()}

    def restore(self, state: Mapping[str, Any]) -> None:
        self.net.load_state_dict(state["net"])
        self.optimiser.load_state_dict(state["optimiser"])


def walk(
    course: Course,
    *,
    steps: int,
    file: Path,
    report: Callable[[Progress], None],
    seed: int = 0,
    stop: Callable[[], bool] = lambda: False,
    every: float = 120.0,
) -> Progress:
    """Takes a course's steps up to `steps` and returns the last progress. The whole state is saved into `file` every `every` seconds.

    Args:
        file: where the state lives; an existing one is resumed.
        report: called every 50 steps, and at the end.
        seed: of what a network itself draws.
        stop: asked before every step; when true, the state is saved and Stopped is raised.

    Raises:
        Stopped: when `stop` says so.
        DataError: the state in `file` is torn, or that of another course.
    """
    progress = _resume(course, file, steps)
    before, began, saved = progress.minutes, time.monotonic(), time.monotonic()
    with torch.random.fork_rng(devices=[]):
        for step in range(progress.step, steps):
            if stop():
                _save(course, file, progress)
                raise Stopped(f"Training stopped at step {step} of {steps}. Its state is kept: the same command goes on from there.")
            torch.manual_seed(_mixed(seed, step))
            figures = course.step(step)
            progress = Progress(step + 1, steps, figures, before + (time.monotonic() - began) / 60)
            if step % 50 == 0:
                report(progress)
            if time.monotonic() - saved > every:
                _save(course, file, progress)
                saved = time.monotonic()
    _save(course, file, progress)
    report(progress)
    return progress


def _save(course: Course, file: Path, progress: Progress) -> None:
    partial = file.with_suffix(".partial")
    torch.save({**course.state(), "step": progress.step, "minutes": progress.minutes}, partial)
    partial.replace(file)


def _resume(course: Course, file: Path, steps: int) -> Progress:
    if not file.exists():
        return Progress(0, steps, {}, 0.0)
    try:
        state = torch.load(file, weights_only=True)
        course.restore(state)
        return Progress(state["step"], steps, {}, state["minutes"])
    except (RuntimeError, LookupError, ValueError, EOFError, UnpicklingError, BadZipFile) as error:
        why = str(error).splitlines()[0]
        raise DataError(f"The training state '{file}' does not fit this network: {why} Delete it to start again.") from error


def schedule(step: int, steps: int) -> float:
    """The share of the highest learning rate: up over the first 2 % of the steps, then down a cosine to zero."""
    warm = max(1, steps // 50)
    if step < warm:
        return (step + 1) / warm
    return 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, steps - warm)))


def step_generator(seed: int, step: int) -> torch.Generator:
    """The source of everything that a loss draws in one step."""
    return torch.Generator().manual_seed(_mixed(seed, step))


def _mixed(seed: int, step: int) -> int:
    return seed * 1_000_003 + step


def batch_rows(n: int, size: int, seed: int) -> Callable[[int], np.ndarray]:
    """From a step number to the sorted indices of its batch: every epoch visits all `n` in a new order.

    Raises:
        DataError: when there are fewer than `size` rows.
    """
    if n < size:
        raise DataError(f"A batch of {size} pictures needs at least as many to draw from, got {n}.")
    per_epoch = n // size
    orders: dict[int, np.ndarray] = {}

    def rows(step: int) -> np.ndarray:
        epoch, place = divmod(step, per_epoch)
        if epoch not in orders:
            orders.clear()
            orders[epoch] = np.random.default_rng([seed, epoch]).permutation(n)
        return np.sort(orders[epoch][place * size : (place + 1) * size])

    return rows
