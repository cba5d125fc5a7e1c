"""Small prototype classifiers of every family, untrained but for what a test does to them."""

import torch

from explorer.core.model import Card, Model
from explorer.models.prototypes import cbc, pipnet, prob_psenn, protopnet, st_protopnet

SIZE = 16
CLASSES = ["round", "square", "neither"]
COMMON = {"size": SIZE, "channels": 3, "question": "shape", "classes": CLASSES}
PATCHES = {**COMMON, "widths": [8, 12], "strides": [2, 2], "depth": 6}
FAMILIES = {
    "protopnet": (protopnet, {**PATCHES, "prototypes": 6}),
    "protopnet-expanded": (protopnet, {**PATCHES, "prototypes": 6, "expanded": True}),
    "st-protopnet": (st_protopnet, {**PATCHES, "prototypes": 12}),
    "st-protopnet-projection": (st_protopnet, {**PATCHES, "prototypes": 12, "variant": "projection"}),
    "prob-psenn": (prob_psenn, {**COMMON, "widths": [8, 12], "depth": 5, "prototypes": 3}),
    "cbc": (cbc, {**PATCHES, "prototypes": 7, "reasons": 2}),
    "cbc-positive": (cbc, {**PATCHES, "prototypes": 7, "positive": True}),
    "cbc-shallow": (cbc, {**COMMON, "components": "pixels", "spread": 3.0, "prototypes": 5, "reasons": 2}),
    "pipnet": (pipnet, {**PATCHES, "prototypes": 9}),
}
PRUNABLE = tuple(name for name in FAMILIES if name != "pipnet")
LOCAL = ("protopnet", "st-protopnet", "st-protopnet-projection", "cbc", "pipnet")


def card(name: str) -> Card:
    """The card of a family's toy."""
    family, config = FAMILIES[name]
    return Card(name=f"toy-{name}", title="A toy", family=family.__name__.rpartition(".")[2].replace("_", "-"), config=config, licence="Apache-2.0")


def model(name: str, *, seed: int = 0) -> Model:
    """A model of that family with random weights, batch statistics included."""
    family, config = FAMILIES[name]
    torch.manual_seed(seed)
    net = family.network(config)
    for layer in net.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.running_mean.uniform_(-0.1, 0.1)
            layer.running_var.uniform_(0.5, 1.5)
            torch.nn.init.uniform_(layer.weight, 0.5, 1.5)
    if name == "pipnet":  # an untrained softmax of nine channels has hardly a presence that counts
        net.vectors.data *= 6
    return family.build(card(name), net.state_dict(), torch.device("cpu"))


def pictures(n: int = 5, *, seed: int = 0) -> torch.Tensor:
    """Random pictures `(n, 3, 16, 16)`, made of blobs."""
    small = torch.rand(n, 3, 5, 5, generator=torch.Generator().manual_seed(seed)) * 2 - 1
    return torch.nn.functional.interpolate(small, (SIZE, SIZE), mode="bilinear", align_corners=False)
