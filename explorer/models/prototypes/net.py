"""What the families of prototype classifiers share: a small backbone, what is known of each prototype, and how the explorer sees it.

A checkpoint carries its gallery: the training pictures that the prototypes come from, as bytes, and where in them. So a file is enough.
"""

import copy
from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn

from explorer.core.errors import ModelError
from explorer.core.heat import Layer, receptive_field
from explorer.core.model import Card, Model
from explorer.core.prototypes import Head, Prototype, Source
from explorer.models.prototypes import graph

__all__ = ["Parts", "PrototypeNet", "backbone", "backbone_of", "built", "fresh", "pointwise", "weights_of"]

NOWHERE = -1  # the picture of a prototype without a source


def backbone(channels: int, widths: list[int], strides: list[int]) -> nn.Sequential:
    """3x3 convolutions with batch normalisation; the grid shrinks by the product of the strides."""
    blocks = zip([channels, *widths], widths, strides)
    return nn.Sequential(*(nn.Sequential(nn.Conv2d(i, o, 3, s, 1, bias=False), nn.BatchNorm2d(o), nn.ReLU()) for i, o, s in blocks))


def backbone_of(config: Mapping[str, Any]) -> nn.Sequential:
    """The backbone of a configuration: of `widths` and `strides`, or another one, as the list `graph`."""
    if "graph" in config:
        return graph.built(config["graph"])
    return backbone(config["channels"], list(config["widths"]), list(config["strides"]))


def pointwise(inside: int, depth: int, *between: nn.Module) -> nn.Sequential:
    """Two 1x1 convolutions: the first activation follows the first, the second the second; without any, none does."""
    first, last = (*between, None, None)[:2]
    layers = [nn.Conv2d(inside, depth, 1), first, nn.Conv2d(depth, depth, 1), last]
    return nn.Sequential(*(layer for layer in layers if layer is not None))


def weights_of(owner: Tensor, classes: int, *, wrong: float = -0.5) -> Tensor:
    """The weights `(C, P)` that training begins with: 1 for the owner, `wrong` for every other class."""
    own = owner[None] == torch.arange(classes, device=owner.device)[:, None]
    return torch.where(own, 1.0, wrong)


class PrototypeNet(nn.Module):
    """A network with `P` prototypes that answers one question.

    Args of `config`: size, channels (of pictures), question, classes, prototypes (how many), depth (D of a prototype), and those of a family;
        gallery: the side of the pictures that are kept of sources, 0 for none.
    """

    TOTAL = "logit"
    LOCAL = True
    vectors: Tensor  # (P, D)

    def __init__(self, config: Mapping[str, Any]):
        super().__init__()
        self.config = dict(config)
        count, classes, size = config["prototypes"], len(config["classes"]), config.get("gallery", config["size"])
        self.register_buffer("owner", torch.arange(count) * classes // max(count, 1))
        self.register_buffer("source", torch.full((count, 3), NOWHERE))  # picture, row, column
        self.register_buffer("likeness", torch.zeros(count))
        self.register_buffer("gallery", torch.zeros(count, config["channels"], size, size, dtype=torch.uint8))

    @property
    def count(self) -> int:
        return len(self.owner)

    @property
    def scale(self) -> tuple[float, float]:
        """The lowest and the highest similarity there can be."""
        return (0.0, 1.0)

    @property
    def layers(self) -> list[Layer]:
        """Between the picture and the cells."""
        if "graph" in self.config:
            return graph.layers(self.config["graph"])
        return [Layer(m.kernel_size[0], m.stride[0], m.padding[0]) for m in self.backbone.modules() if isinstance(m, nn.Conv2d)]

    def entered(self, x: Tensor) -> Tensor:
        """Pictures in [-1, 1] as the backbone wants them: less a mean and over a deviation of its own, where the configuration has these."""
        if "mean" not in self.config:
            return x
        mean, deviation = (torch.tensor(self.config[name]).to(x).view(1, -1, 1, 1) for name in ("mean", "deviation"))
        return ((x + 1) / 2 - mean) / deviation

    @abstractmethod
    def described(self, x: Tensor) -> Tensor:
        """Features `(B, F, h, w)`."""

    @abstractmethod
    def similarities(self, described: Tensor, only: Tensor | None = None) -> Tensor:
        """Maps `(B, P, h, w)`."""

    @abstractmethod
    def head(self) -> Head:
        """How scores count."""

    @abstractmethod
    def take_head(self, head: Head) -> None:
        """Counts scores that way from now on."""

    def place(self, index: int, vector: Tensor) -> None:
        """Moves a prototype."""
        with torch.no_grad():
            self.vectors[index] = vector

    def patch(self, described: Tensor, prototype: int, row: int, column: int) -> Tensor:
        """The vector of a cell, as this prototype would hold it."""
        return described[:, row, column]

    def covariances(self) -> Tensor | None:
        """`(P, D, D)`, of prototypes that are distributions."""
        return None

    def groups(self) -> list[str]:
        """The set that each prototype is of."""
        return [""] * self.count

    @property
    def drawn(self) -> Callable[[Tensor], Tensor] | None:
        """From vectors `(N, D)` to pictures `(N, C, H, W)`, for families that can draw their prototypes."""
        return None

    def totals(self, x: Tensor) -> Tensor:
        """The totals `(B, C)` of pictures."""
        return self.head().totals(self.similarities(self.described(x)).amax(dim=(2, 3)))

    def forward(self, x: Tensor) -> Tensor:
        return self.totals(x)

    OF_PROTOTYPES = ("vectors",)  # parameters with one row a prototype, beside the buffers

    def keep(self, indices: Tensor) -> None:
        """Lets go of all prototypes but these. A family with weights for them does the same to those."""
        head = self.head().kept(indices)
        for name in ("owner", "source", "likeness", "gallery", *self.OF_PROTOTYPES):
            value = getattr(self, name)
            chosen = value.detach()[indices].clone()
            setattr(self, name, nn.Parameter(chosen, requires_grad=value.requires_grad) if isinstance(value, nn.Parameter) else chosen)
        self.config["prototypes"] = len(indices)
        self.take_head(head)

    def found(self, index: int, source: Source | None, picture: Tensor | None = None) -> None:
        """Notes where a prototype comes from; `picture` `(C, H, W)` uint8."""
        if source is None:
            self.source[index], self.likeness[index] = NOWHERE, 0.0
            self.gallery[index] = 0
            return
        self.source[index] = torch.tensor([source.picture, source.row, source.column])
        self.likeness[index] = source.similarity
        if picture is not None and self.gallery.shape[2]:
            self.gallery[index] = picture


@dataclass(frozen=True, eq=False)
class Parts:
    """A network as the explorer sees it: a `PrototypeClassifier`."""

    net: PrototypeNet

    @property
    def question(self) -> str:
        return self.net.config["question"]

    @property
    def classes(self) -> tuple[str, ...]:
        return tuple(self.net.config["classes"])

    @property
    def questions(self) -> Mapping[str, tuple[str, ...]]:
        return {self.question: self.classes}

    @property
    def total(self) -> str:
        return self.net.TOTAL

    @property
    def scale(self) -> tuple[float, float]:
        return self.net.scale

    @property
    def local(self) -> bool:
        return self.net.LOCAL

    @property
    def picture_shape(self) -> tuple[int, int, int]:
        config = self.net.config
        return config["channels"], config["size"], config["size"]

    @property
    def drawn(self) -> Callable[[Tensor], Tensor] | None:
        return self.net.drawn

    @property
    def spread(self) -> Tensor | None:
        return getattr(self.net, "spread", None)

    @cached_property
    def head(self) -> Head:
        return self.net.head()

    @cached_property
    def prototypes(self) -> tuple[Prototype, ...]:
        return tuple(self._prototype(index) for index in range(self.net.count))

    def _prototype(self, index: int) -> Prototype:
        net = self.net
        picture, row, column = net.source[index].tolist()
        found = None if picture == NOWHERE else Source(picture, row, column, float(net.likeness[index]))
        owner, covariances = int(net.owner[index]), net.covariances()
        return Prototype(
            index, net.vectors[index].detach(), None if owner < 0 else owner, None if covariances is None else covariances[index],
            net.groups()[index], found, net.gallery[index] if found and net.gallery.shape[2] else None,
            bool(net.config.get("owners_inferred", False)),
        )  # fmt: skip

    def described(self, x: Tensor) -> Tensor:
        if tuple(x.shape[1:]) != self.picture_shape:
            raise ModelError(f"This classifier looks at pictures of shape {list(self.picture_shape)}, got {list(x.shape[1:])}.")
        return self.net.described(x)

    def similarities(self, described: Tensor, only: Tensor | None = None) -> Tensor:
        return self.net.similarities(described, only)

    def logits(self, x: Tensor) -> dict[str, Tensor]:
        return {self.question: self.head.totals(self.similarities(self.described(x)).amax(dim=(2, 3)))}

    def features(self, x: Tensor) -> Tensor:
        """As `Features`: what is compared, averaged over the picture."""
        return self.described(x).mean(dim=(2, 3))

    def patch(self, described: Tensor, prototype: int, row: int, column: int) -> Tensor:
        return self.net.patch(described, prototype, row, column)

    def field(self, row: int, column: int) -> tuple[int, int, int, int]:
        size = self.picture_shape[1:]
        if not self.local or any(node[0] == "upsample" for node in self.net.config.get("graph", ())):  # then no bound is worked out
            return 0, 0, *size
        found = receptive_field(self.net.layers, row, column, size)
        return found.top, found.left, found.bottom, found.right

    def changed(
        self, *, head: Head | None = None, vectors: Mapping[int, tuple[Tensor, Source | None]] | None = None, keep: Tensor | None = None
    ) -> "Parts":
        net = copy.deepcopy(self.net)
        if head is not None:
            net.take_head(head)
        for index, (vector, source) in (vectors or {}).items():
            net.place(index, vector)
            net.found(index, source)
        if keep is not None:
            net.keep(keep)
        return Parts(net)

    def saved(self) -> tuple[dict[str, Any], dict[str, Tensor]]:
        return dict(self.net.config), dict(self.net.state_dict())


def fresh(family: type[PrototypeNet], config: Mapping[str, Any], state: Mapping[str, Tensor]) -> PrototypeNet:
    """A network of that configuration around its weights."""
    with torch.device("meta"):  # nothing is allocated that the file does not hold
        net = family(config)
    net.load_state_dict(dict(state), assign=True)
    return net


def built(family: type[PrototypeNet], card: Card, state: Mapping[str, Tensor], device: torch.device) -> Model:
    """Rebuilds the model of `card` around its weights."""
    net = fresh(family, card.config, state).to(device).eval().requires_grad_(False)
    parts = Parts(net)
    return Model(card, classifier=parts, features=parts, prototypes=parts)
