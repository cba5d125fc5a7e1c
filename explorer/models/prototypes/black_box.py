"""A classifier of the same backbone without prototypes: what the others are compared with."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from explorer.core.model import Card, Model
from explorer.models.prototypes.net import backbone

__all__ = ["BlackBox", "build", "network"]


class BlackBox(nn.Module):
    """Backbone, a 1x1 convolution, the mean and the highest of every channel, a linear layer."""

    def __init__(self, config: Mapping[str, Any]):
        super().__init__()
        self.config = dict(config)
        self.backbone = backbone(config["channels"], list(config["widths"]), list(config["strides"]))
        self.add_on = nn.Sequential(nn.Conv2d(config["widths"][-1], config["depth"], 1), nn.ReLU())
        self.last = nn.Linear(2 * config["depth"], len(config["classes"]))

    def features(self, x: Tensor) -> Tensor:
        """`(B, 2 depth)`."""
        found = self.add_on(self.backbone(x))
        return torch.cat([found.mean(dim=(2, 3)), found.amax(dim=(2, 3))], dim=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.features(x))


@dataclass(frozen=True, eq=False)
class BlackBoxParts:
    """The network as the explorer sees it: a classifier and a feature space."""

    net: BlackBox
    questions: Mapping[str, tuple[str, ...]]

    def logits(self, x: Tensor) -> dict[str, Tensor]:
        return {question: self.net(x) for question in self.questions}

    def features(self, x: Tensor) -> Tensor:
        return self.net.features(x)


def build(card: Card, state: Mapping[str, Tensor], device: torch.device) -> Model:
    """Rebuilds the model of `card` around its weights."""
    with torch.device("meta"):  # nothing is allocated that the file does not hold
        net = BlackBox(card.config)
    net.load_state_dict(dict(state), assign=True)
    net.to(device).eval().requires_grad_(False)
    parts = BlackBoxParts(net, {card.config["question"]: tuple(card.config["classes"])})
    return Model(card, classifier=parts, features=parts)


def network(config: Mapping[str, Any]) -> BlackBox:
    """An untrained network of that configuration."""
    return BlackBox(config)
