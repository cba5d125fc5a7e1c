"""Classification by components, which counts what is absent, too (Saralajew et al., arXiv 2412.15499); with positive reasons alone, an RBF network.

    d_k = exp(-dist / s_k) in [0, 1],   p_c = max_v sum_k [ d_k R+_cvk + (1 - d_k) R-_cvk ],   softmax over all 2K shares of a vector

Components are patches of features ("patches", the deep variant) or whole pictures ("pixels", the shallow one). The p_c do not add up
to 1 over the classes. A change of what is compared by no more than e in the L2 norm changes each distance by no more than e, which is
what certificates rest on: for patches that is the norm of the feature maps, not of the picture.
"""

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from explorer.core.heat import Layer
from explorer.core.model import Card, Model
from explorer.core.prototypes import Reasoning
from explorer.models.prototypes.net import PrototypeNet, backbone, built, pointwise
from explorer.models.prototypes.protopnet import squared

__all__ = ["CBC", "build", "network"]

ALMOST_NOTHING = 1e-30  # the share of a component that was taken out, as a logarithm can hold it


class CBC(PrototypeNet):
    """Components with widths; `vectors_per_class` vectors of reasons a class; `positive` leaves absence out."""

    TOTAL = "agreement"

    def __init__(self, config: Mapping[str, Any]):
        super().__init__(config)
        count, classes, vectors = config["prototypes"], len(config["classes"]), config.get("reasons", 1)
        if self.deep:
            self.backbone = backbone(config["channels"], list(config["widths"]), list(config["strides"]))
            self.add_on = pointwise(config["widths"][-1], config["depth"], nn.ReLU(), nn.Sigmoid())
            depth, spread = config["depth"], 0.5
        else:
            depth, spread = config["channels"] * config["size"] ** 2, config.get("spread", 58.0)
        self.owner = torch.full((count,), -1)
        self.vectors = nn.Parameter(torch.rand(count, depth) if self.deep else 0.45 + 0.1 * torch.rand(count, depth))
        self.log_spread = nn.Parameter(torch.full((count,), math.log(spread)))
        self.reasons = nn.Parameter(0.6 - 0.2 * torch.randn(classes, vectors, 2 * count))

    OF_PROTOTYPES = ("vectors", "log_spread")

    @property
    def deep(self) -> bool:
        return self.config.get("components", "patches") == "patches"

    @property
    def LOCAL(self) -> bool:  # noqa: N802 - a constant of the other families
        return self.deep

    @property
    def spread(self) -> Tensor:
        """The widths s `(P,)`."""
        return self.log_spread.exp()

    @property
    def layers(self) -> list[Layer]:
        return super().layers if self.deep else []

    def described(self, x: Tensor) -> Tensor:
        return self.add_on(self.backbone(x)) if self.deep else ((x + 1) / 2).flatten(1)[:, :, None, None]

    def distances(self, described: Tensor, only: Tensor | None = None) -> Tensor:
        """Distances `(B, P, h, w)`, not squared."""
        vectors = self.vectors if only is None else self.vectors[only]
        found = squared(described, vectors, expanded=self.training)
        return (found + 1e-12).sqrt() if self.training else found.sqrt()

    def similarities(self, described: Tensor, only: Tensor | None = None) -> Tensor:
        spread = self.spread if only is None else self.spread[only]
        return torch.exp(-self.distances(described, only) / spread[None, :, None, None])

    def head(self) -> Reasoning:
        count = self.reasons.shape[2] // 2
        if self.config.get("positive", False):
            present = self.reasons[..., :count].softmax(dim=2)
            return Reasoning(present, torch.zeros_like(present))
        shares = self.reasons.softmax(dim=2)
        return Reasoning(shares[..., :count], shares[..., count:])

    def take_head(self, head: Reasoning) -> None:
        shares = torch.cat([head.present, head.absent], dim=2).detach().clamp_min(ALMOST_NOTHING)
        self.reasons = nn.Parameter(shares.log(), requires_grad=self.reasons.requires_grad)


def build(card: Card, state: Mapping[str, Tensor], device: torch.device) -> Model:
    """Rebuilds the model of `card` around its weights."""
    return built(CBC, card, state, device)


def network(config: Mapping[str, Any]) -> CBC:
    """An untrained network of that configuration."""
    return CBC(config)
