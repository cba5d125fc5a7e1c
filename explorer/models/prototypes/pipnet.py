"""PIP-Net: each cell chooses one of D prototypes, a sparse sheet of non-negative weights counts which are present (Nauta et al. 2023).

    presence_d = max over cells of softmax_d(f(x)),   below 0.1 it counts as 0,   logit_c = sum_d presence_d w_cd,  w >= 0

A prototype is a channel: it has no vector that could be moved, only the weights that read it out of the backbone.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from explorer.core.errors import ModelError
from explorer.core.model import Card, Model
from explorer.core.prototypes import Linear
from explorer.models.prototypes.net import PrototypeNet, backbone, built

__all__ = ["FAINT", "PIPNet", "build", "network"]

FAINT = 0.1  # a lower presence counts as none, except in training


class PIPNet(PrototypeNet):
    """Channels as prototypes."""

    def __init__(self, config: Mapping[str, Any]):
        super().__init__(config)
        count, classes = config["prototypes"], len(config["classes"])
        self.backbone = backbone(config["channels"], list(config["widths"]), list(config["strides"]))
        self.vectors = nn.Parameter(torch.randn(count, config["widths"][-1]) * config["widths"][-1] ** -0.5)  # of the last 1x1 convolution
        self.owner = torch.full((count,), -1)
        self.weight = nn.Parameter((torch.randn(classes, count) * 0.1 + 1.0).relu())

    def described(self, x: Tensor) -> Tensor:
        return self.backbone(x)

    def chosen(self, described: Tensor) -> Tensor:
        """The share `(B, P, h, w)` that each cell gives to each prototype; a cell's shares add up to 1."""
        with torch.autocast(described.device.type, enabled=False):
            return torch.einsum("bfhw,pf->bphw", described.to(torch.promote_types(described.dtype, torch.float32)), self.vectors).softmax(dim=1)

    def similarities(self, described: Tensor, only: Tensor | None = None) -> Tensor:
        shares = self.chosen(described)
        shares = shares if only is None else shares[:, only]
        return shares if self.training else torch.where(shares < FAINT, torch.zeros_like(shares), shares)

    def place(self, index: int, vector: Tensor) -> None:
        raise ModelError(f"Prototype {index} is a channel of the network: all channels share the softmax, so none can be replaced by a patch.")

    def keep(self, indices: Tensor) -> None:
        raise ModelError("The channels of this network share a softmax, so none can be cut out. Take its weights to 0 instead.")

    def head(self) -> Linear:
        return Linear(self.weight)

    def take_head(self, head: Linear) -> None:
        self.weight = nn.Parameter(head.weight.detach().clone(), requires_grad=self.weight.requires_grad)


def build(card: Card, state: Mapping[str, Tensor], device: torch.device) -> Model:
    """Rebuilds the model of `card` around its weights."""
    return built(PIPNet, card, state, device)


def network(config: Mapping[str, Any]) -> PIPNet:
    """An untrained network of that configuration."""
    return PIPNet(config)
