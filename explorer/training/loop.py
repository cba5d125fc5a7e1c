"""The one training loop: resumable after a kill, reproducible from a seed, cancellable.

Everything random in step `s` comes from the pair `(seed, s)`: the batch, the noise, and what a network draws itself (dropout).
So a run that was killed and resumed walks the same way, to the last bit, as one that was not.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError
from zipfile import BadZipFile

import numpy as np
import torch
from torch import Tensor, nn

from explorer.core.errors import DataError, ExplorerError
from explorer.core.progress import Progress

__all__ = ["Loop", "Stopped", "batch_rows", "step_generator"]


class Stopped(ExplorerError):
    """A training was stopped before its end; its state is kept."""


@dataclass
class Loop:
    """Trains `net` by AdamW with a warm-up and a cosine decay, saving its whole state into `file` every `every` seconds.

    Args:
        loss: from the step number to the loss of that step's batch and the figures to report.
        steps, rate: how many steps, and the highest learning rate.
        file: where the state lives; an existing one is resumed.
        report: called every 50 steps, and at the end.
        seed: of what the network itself draws.
        stop: asked before every step; when true, the state is saved and `Stopped` is raised.
    """

    net: nn.Module
    loss: Callable[[int], tuple[Tensor, dict[str, float]]]
    steps: int
    rate: float
    file: Path
    report: Callable[[Progress], None]
    seed: int = 0
    stop: Callable[[], bool] = lambda: False
    every: float = 120.0
    decay: float = 1e-4
    clip: float = 100.0

    def run(self) -> Progress:
        """Trains to the end and returns the last progress. Raises Stopped when `stop` says so."""
        optimiser = torch.optim.AdamW(self.net.parameters(), lr=self.rate, weight_decay=self.decay)
        progress = self._resume(optimiser)
        before, began, saved = progress.minutes, time.monotonic(), time.monotonic()
        with torch.random.fork_rng(devices=[]):
            for step in range(progress.step, self.steps):
                if self.stop():
                    self._save(optimiser, progress)
                    raise Stopped(f"Training stopped at step {step} of {self.steps}. Its state is kept: the same command goes on from there.")
                figures = self._step(optimiser, step)
                progress = Progress(step + 1, self.steps, figures, before + (time.monotonic() - began) / 60)
                if step % 50 == 0:
                    self.report(progress)
                if time.monotonic() - saved > self.every:
                    self._save(optimiser, progress)
                    saved = time.monotonic()
        self._save(optimiser, progress)
        self.report(progress)
        return progress

    def _step(self, optimiser: torch.optim.Optimizer, step: int) -> dict[str, float]:
        torch.manual_seed(_mixed(self.seed, step))
        for group in optimiser.param_groups:
            group["lr"] = self.rate * schedule(step, self.steps)
        loss, figures = self.loss(step)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.net.parameters(), self.clip)
        optimiser.step()
        return figures

    def _save(self, optimiser: torch.optim.Optimizer, progress: Progress) -> None:
        partial = self.file.with_suffix(".partial")
        state = {"net": self.net.state_dict(), "optimiser": optimiser.state_dict()}
        torch.save({**state, "step": progress.step, "minutes": progress.minutes}, partial)
        partial.replace(self.file)

    def _resume(self, optimiser: torch.optim.Optimizer) -> Progress:
        if not self.file.exists():
            return Progress(0, self.steps, {}, 0.0)
        try:
            state = torch.load(self.file, weights_only=True)
            self.net.load_state_dict(state["net"])
            optimiser.load_state_dict(state["optimiser"])
        except (RuntimeError, KeyError, ValueError, EOFError, UnpicklingError, BadZipFile) as error:
            why = str(error).splitlines()[0]
            raise DataError(f"The training state '{self.file}' does not fit this network: {why} Delete it to start again.") from error
        return Progress(state["step"], self.steps, {}, state["minutes"])


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
