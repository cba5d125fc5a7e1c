"""ProtoPNet: this looks like that (Chen et al. 2019, arXiv 1806.10574).

    d_j(h, w) = |z(h, w) - p_j|^2,   similarity log((d + 1) / (d + e)), e = 1e-4,   logit_c = sum_j W_cj max over (h, w)

Distances are computed by differences, not as |z|^2 - 2 z.p + |p|^2, whose rounding near 0 the logarithm would magnify; `expanded`
asks for the latter, as the official code does it.
"""

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from explorer.core.model import Card, Model
from explorer.core.prototypes import Linear
from explorer.models.prototypes import graph
from explorer.models.prototypes.net import PrototypeNet, backbone_of, built, pointwise, weights_of

__all__ = ["EPSILON", "ProtoPNet", "build", "network", "squared"]

EPSILON = 1e-4


class ProtoPNet(PrototypeNet):
    """Patches of features in [0, 1]^D, compared by distance."""

    def __init__(self, config: Mapping[str, Any]):
        super().__init__(config)
        depth, count = config["depth"], config["prototypes"]
        self.backbone = backbone_of(config)
        self.add_on = graph.built(config["add_on"]) if "add_on" in config else pointwise(config["widths"][-1], depth, nn.ReLU(), nn.Sigmoid())
        self.vectors = nn.Parameter(torch.rand(count, depth))
        self.weight = nn.Parameter(weights_of(self.owner, len(config["classes"])))
        self.bias = nn.Parameter(torch.zeros(len(config["classes"]))) if config.get("bias", False) else None
        for layer in self.add_on:
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
                nn.init.zeros_(layer.bias)

    @property
    def scale(self) -> tuple[float, float]:
        return (-math.inf, 0.0) if self.linear else (0.0, -math.log(self.epsilon))

    @property
    def linear(self) -> bool:
        """Whether similarities are minus distances, without a logarithm."""
        return self.config.get("activation", "log") == "linear"

    @property
    def epsilon(self) -> float:
        return float(self.config.get("epsilon", EPSILON))

    def described(self, x: Tensor) -> Tensor:
        return self.add_on(self.backbone(self.entered(x)))

    def similarities(self, described: Tensor, only: Tensor | None = None) -> Tensor:
        distances = self.distances(described, only)
        return -distances if self.linear else likeness(distances, self.epsilon)

    def distances(self, described: Tensor, only: Tensor | None = None) -> Tensor:
        """Squared distances `(B, P, h, w)`."""
        vectors = self.vectors if only is None else self.vectors[only]
        return squared(described, vectors, expanded=self.training or self.config.get("expanded", False))

    def head(self) -> Linear:
        return Linear(self.weight, self.bias)

    def take_head(self, head: Linear) -> None:
        self.weight = nn.Parameter(head.weight.detach().clone(), requires_grad=self.weight.requires_grad)


def likeness(distances: Tensor, epsilon: float = EPSILON) -> Tensor:
    """log((d + 1) / (d + e))."""
    return torch.log((distances + 1) / (distances + epsilon))


def squared(described: Tensor, vectors: Tensor, *, expanded: bool = False) -> Tensor:
    """Squared distances `(B, P, h, w)` of every cell of `(B, D, h, w)` to vectors `(P, D)`, in single precision or better."""
    batch, _, height, width = described.shape
    cells = described.flatten(2).transpose(1, 2).to(torch.promote_types(described.dtype, torch.float32))  # (B, hw, D)
    with torch.autocast(described.device.type, enabled=False):
        if expanded:
            inner = cells @ vectors.T
            found = (cells.square().sum(dim=2, keepdim=True) - 2 * inner + vectors.square().sum(dim=1)).relu()
        else:
            found = torch.cdist(cells, vectors.expand(batch, -1, -1), compute_mode="donot_use_mm_for_euclid_dist").square()
    return found.transpose(1, 2).reshape(batch, len(vectors), height, width)


def build(card: Card, state: Mapping[str, Tensor], device: torch.device) -> Model:
    """Rebuilds the model of `card` around its weights."""
    return built(ProtoPNet, card, state, device)


def network(config: Mapping[str, Any]) -> ProtoPNet:
    """An untrained network of that configuration."""
    return ProtoPNet(config)
