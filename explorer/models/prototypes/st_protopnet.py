"""ST-ProtoPNet: trivial prototypes far from the boundary between classes, and support prototypes near it (Wang et al. 2023, arXiv 2301.04011).

Two branches of features, each with its own prototypes; their logits are added up. Likeness is the cosine where it is positive
("cosine", for whole pictures), or the projection <z, p/|p|> ("projection", for pictures cut to the object).
"""

import math
from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from explorer.core.model import Card, Model
from explorer.core.prototypes import Linear
from explorer.models.prototypes import graph
from explorer.models.prototypes.net import PrototypeNet, backbone_of, built, pointwise, weights_of

__all__ = ["GROUPS", "STProtoPNet", "build", "network"]

GROUPS = ("trivial", "support")


class STProtoPNet(PrototypeNet):
    """Unit vectors in two branches; the features hold those of the trivial branch first."""

    OF_PROTOTYPES = ("vectors", "group")

    def __init__(self, config: Mapping[str, Any]):
        super().__init__(config)
        depth, count, classes = config["depth"], config["prototypes"], len(config["classes"])
        self.backbone = backbone_of(config)
        self.trivial, self.support = (self._branch(depth) for _ in GROUPS)
        half = count // 2
        self.register_buffer("group", (torch.arange(count) >= half).long())
        place = torch.arange(count) - half * self.group
        self.owner = place * classes // max(half, 1)
        self.owner.clamp_(max=classes - 1)
        self.vectors = nn.Parameter(F.normalize(torch.rand(count, depth), dim=1))
        self.weight = nn.Parameter(weights_of(self.owner, classes))

    def _branch(self, depth: int) -> nn.Sequential:
        if "add_on" in self.config:
            return graph.built(self.config["add_on"])
        return pointwise(self.config["widths"][-1], depth, *((nn.Tanh(), nn.Tanh()) if self.projects else ()))

    @property
    def projects(self) -> bool:
        return self.config.get("variant", "cosine") == "projection"

    @property
    def scale(self) -> tuple[float, float]:
        reach = math.sqrt(self.config["depth"])
        return (-reach, reach) if self.projects else (0.0, 1.0)

    def described(self, x: Tensor) -> Tensor:
        inside = self.backbone(self.entered(x))
        return torch.cat([self.trivial(inside), self.support(inside)], dim=1)

    def similarities(self, described: Tensor, only: Tensor | None = None) -> Tensor:
        return self._projected(described, only, length=True) if self.projects else self.cosines(described, only).relu()

    def cosines(self, described: Tensor, only: Tensor | None = None) -> Tensor:
        """`(B, P, h, w)` in [-1, 1]; what the losses are about."""
        return self._projected(described, only, length=False)

    def _projected(self, described: Tensor, only: Tensor | None, *, length: bool) -> Tensor:
        chosen = torch.arange(self.count, device=described.device) if only is None else only
        units, group = F.normalize(self.vectors[chosen], dim=1), self.group[chosen]
        with torch.autocast(described.device.type, enabled=False):
            branches = described.to(torch.promote_types(described.dtype, torch.float32)).chunk(2, dim=1)
            maps = [torch.einsum("bdhw,pd->bphw", z if length else F.normalize(z, dim=1), units[group == g]) for g, z in enumerate(branches)]
        return torch.cat(maps, dim=1)[:, torch.argsort(torch.argsort(group, stable=True))]

    def patch(self, described: Tensor, prototype: int, row: int, column: int) -> Tensor:
        branch = described.chunk(2, dim=0)[int(self.group[prototype])]
        return F.normalize(branch[:, row, column], dim=0)

    def groups(self) -> list[str]:
        return [GROUPS[g] for g in self.group.tolist()]

    def head(self) -> Linear:
        return Linear(self.weight)

    def take_head(self, head: Linear) -> None:
        self.weight = nn.Parameter(head.weight.detach().clone(), requires_grad=self.weight.requires_grad)


def build(card: Card, state: Mapping[str, Tensor], device: torch.device) -> Model:
    """Rebuilds the model of `card` around its weights."""
    return built(STProtoPNet, card, state, device)


def network(config: Mapping[str, Any]) -> STProtoPNet:
    """An untrained network of that configuration."""
    return STProtoPNet(config)
