"""A course in stages: some descend, some act once. The whole is one walk of numbered steps, and resumes like any other."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from explorer.models.prototypes.net import PrototypeNet
from explorer.training.loop import schedule

__all__ = ["Act", "Descend", "Stages"]

CLIP = 10.0


@dataclass(frozen=True, eq=False)
class Descend:
    """So many steps down a loss.

    Args:
        name: of the stage.
        steps: how many.
        loss: from the number of the whole walk's step to a loss and figures.
        rates: the highest learning rate of each group of parameters, by the first words of their names; all others stay as they are.
        decay: of weights that are matrices or kernels.
        frozen: parts of the network that keep their batch statistics.
        after: what is done to the network after every step.
    """

    name: str
    steps: int
    loss: Callable[[int], tuple[Tensor, dict[str, float]]]
    rates: Mapping[str, float]
    decay: float = 1e-4
    frozen: tuple[str, ...] = ()
    after: Callable[[], None] = lambda: None


@dataclass(frozen=True, eq=False)
class Act:
    """One step that is not a descent: a projection, a pruning, a fit on kept scores. Returns its figures."""

    name: str
    act: Callable[[], dict[str, float]]
    steps: int = 1


class Stages:
    """Takes `net` through its stages: a `Course`."""

    def __init__(self, net: PrototypeNet, stages: Sequence[Descend | Act]):
        self.net, self.stages = net, tuple(stage for stage in stages if stage.steps)
        self._current = -1
        self._optimiser: torch.optim.Optimizer | None = None
        self.told: dict[str, dict[str, float]] = {}  # what each act had to say

    @property
    def steps(self) -> int:
        """How many there are."""
        return sum(stage.steps for stage in self.stages)

    def step(self, step: int) -> dict[str, float]:
        index, inside = self._find(step)
        stage = self.stages[index]
        if isinstance(stage, Act):
            self.net.eval()
            self.told[stage.name] = stage.act()
            return self.told[stage.name]
        if index != self._current:
            self._begin(index)
        optimiser = self._optimiser
        assert optimiser is not None
        for group in optimiser.param_groups:
            group["lr"] = group["highest"] * schedule(inside, stage.steps)
        loss, figures = stage.loss(step)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_([p for group in optimiser.param_groups for p in group["params"]], CLIP)
        optimiser.step()
        stage.after()
        return figures

    def state(self) -> dict[str, Any]:
        optimiser = None if self._optimiser is None else self._optimiser.state_dict()
        return {"net": self.net.state_dict(), "count": self.net.count, "stage": self._current, "optimiser": optimiser, "told": self.told}

    def restore(self, state: Mapping[str, Any]) -> None:
        if state["count"] != self.net.count:
            self.net.keep(torch.arange(state["count"]))
        self.net.load_state_dict(state["net"])
        self.told = dict(state["told"])
        if state["optimiser"] is not None and isinstance(self.stages[state["stage"]], Descend):
            self._begin(state["stage"])
            self._optimiser.load_state_dict(state["optimiser"])

    def _find(self, step: int) -> tuple[int, int]:
        """The stage of a step, and its number within it."""
        for index, stage in enumerate(self.stages):
            if step < stage.steps:
                return index, step
            step -= stage.steps
        raise ValueError(f"There are {self.steps} steps.")

    def _begin(self, index: int) -> None:
        stage = self.stages[index]
        self._current = index
        groups = []
        for name, parameter in self.net.named_parameters():
            rate = next((rate for prefix, rate in stage.rates.items() if name.startswith(prefix)), 0.0)
            parameter.requires_grad_(rate > 0)
            if rate > 0:
                kernel = parameter.ndim > 1 and not name.startswith(("vectors", "weight", "reasons", "factors"))
                groups.append({"params": [parameter], "lr": rate, "highest": rate, "weight_decay": stage.decay if kernel else 0.0})
        self._optimiser = torch.optim.AdamW(groups)
        self.net.train()
        for name in stage.frozen:
            getattr(self.net, name).eval()
