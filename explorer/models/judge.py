"""A small convolutional classifier that answers several questions about a picture: the judge of generated pictures.

Its last hidden layer is also a feature space, in which Fréchet distances between sets of pictures are measured.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from explorer.core.model import Card, Model

__all__ = ["Judge", "build"]


class Judge(nn.Module):
    """`(B, channels, size, size)` pictures to features `(B, features)` and to scores for each of `questions`."""

    def __init__(self, *, size: int, channels: int, widths: list[int], features: int, questions: Mapping[str, list[str]]):
        super().__init__()
        halved = [nn.Sequential(nn.Conv2d(i, o, 3, 2, 1), nn.BatchNorm2d(o), nn.ReLU()) for i, o in zip([channels, *widths], widths)]
        side = size >> len(widths)
        last = nn.Sequential(nn.Conv2d(widths[-1], widths[-1], 3, 1, 1), nn.BatchNorm2d(widths[-1]), nn.ReLU())
        described = nn.Linear(widths[-1] * side * side, features)
        self.body = nn.Sequential(*halved, last, nn.Flatten(), nn.Dropout(0.2), described, nn.BatchNorm1d(features), nn.ReLU())
        self.heads = nn.ModuleDict({name: nn.Linear(features, len(classes)) for name, classes in questions.items()})

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        described = self.body(x)
        return {name: head(described) for name, head in self.heads.items()}


@dataclass(frozen=True, eq=False)
class JudgeParts:
    """The judge as the explorer sees it: a classifier and a feature space."""

    net: Judge
    questions: Mapping[str, tuple[str, ...]]

    def logits(self, x: Tensor) -> dict[str, Tensor]:
        return self.net(x)

    def features(self, x: Tensor) -> Tensor:
        return self.net.body(x)


def build(card: Card, state: Mapping[str, Tensor], device: torch.device) -> Model:
    """Rebuilds the judge of `card` around its weights."""
    with torch.device("meta"):  # nothing is allocated that the file does not hold
        net = network(card.config)
    net.load_state_dict(dict(state), assign=True)
    net.to(device).eval().requires_grad_(False)
    parts = JudgeParts(net, {name: tuple(classes) for name, classes in card.config["questions"].items()})
    return Model(card, classifier=parts, features=parts)


def network(config: Mapping[str, Any]) -> Judge:
    """An untrained network of that configuration."""
    shape = {"size": config["size"], "channels": config["channels"]}
    return Judge(**shape, widths=list(config["widths"]), features=config["features"], questions=config["questions"])
