"""Other people's backbones as plain lists, so that a card can hold them: built here, by our own code, and never by theirs.

    ["conv", in, out, kernel, stride, padding, bias]   ["norm", width]   ["relu"]   ["sigmoid"]   ["tanh"]
    ["pool", kernel, stride, padding]   ["upsample", factor]   ["residual", [main…], [shortcut…]]

`of_resnet` and `of_vgg` read the list off the names and shapes of weights, which those networks are known by.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from explorer.core.errors import CheckpointError
from explorer.core.heat import Layer

__all__ = ["built", "layers", "leaves", "of_resnet", "of_vgg", "pointwise_of", "recognised"]

Node = Sequence[Any]
MOST_NODES = 2000


class Residual(nn.Module):
    """relu(main(x) + shortcut(x))."""

    def __init__(self, main: nn.Module, shortcut: nn.Module):
        super().__init__()
        self.main, self.shortcut = main, shortcut

    def forward(self, x: Tensor) -> Tensor:
        return (self.main(x) + self.shortcut(x)).relu()


def built(graph: Sequence[Node]) -> nn.Sequential:
    """The network of a list. Raises CheckpointError for a node that there is not."""
    return nn.Sequential(*(_node(node) for node in graph))


def _node(node: Node) -> nn.Module:
    match list(node):
        case ["conv", inside, outside, kernel, stride, padding, bias]:
            return nn.Conv2d(inside, outside, kernel, stride, padding, bias=bool(bias))
        case ["norm", width]:
            return nn.BatchNorm2d(width)
        case ["relu"]:
            return nn.ReLU()
        case ["sigmoid"]:
            return nn.Sigmoid()
        case ["tanh"]:
            return nn.Tanh()
        case ["pool", kernel, stride, padding]:
            return nn.MaxPool2d(kernel, stride, padding)
        case ["upsample", factor]:
            return nn.Upsample(scale_factor=factor, mode="bilinear", align_corners=False)
        case ["residual", main, shortcut]:
            return Residual(built(main), built(shortcut))
    raise CheckpointError(f"There is no layer {str(node)[:60]}.")


def layers(graph: Sequence[Node]) -> list[Layer]:
    """What the layers do to places, along the longest way."""
    found = []
    for node in graph:
        match list(node):
            case ["conv", _, _, kernel, stride, padding, _] | ["pool", kernel, stride, padding]:
                found.append(Layer(kernel, stride, padding))
            case ["residual", main, _]:
                found += layers(main)
    return found


def leaves(net: nn.Module) -> list[nn.Module]:
    """The layers with weights, in the order of the list."""
    return [module for module in net.modules() if isinstance(module, (nn.Conv2d, nn.BatchNorm2d))]


def recognised(state: Mapping[str, Tensor]) -> tuple[list[Node], list[str]]:
    """The list of a backbone, and the names of its layers with weights in that order. Raises CheckpointError when it is none that is known."""
    if len(state) > MOST_NODES:
        raise CheckpointError(f"A backbone of {len(state)} tensors was expected to have at most {MOST_NODES}.")
    if "conv1.weight" in state and "layer1.0.conv1.weight" in state:
        return of_resnet(state)
    if any(re.fullmatch(r"(features\.)?0\.weight", name) for name in state):
        return of_vgg(state)
    raise CheckpointError(f"The backbone is neither a ResNet nor a VGG: its first tensors are {', '.join(sorted(state)[:4]) or 'none'}.")


def _conv(state: Mapping[str, Tensor], name: str, stride: int = 1) -> Node:
    weight = state[f"{name}.weight"]
    if weight.ndim != 4 or weight.shape[2] != weight.shape[3]:
        raise CheckpointError(f"'{name}.weight' must be a square kernel, got shape {list(weight.shape)}.")
    outside, inside, kernel, _ = weight.shape
    return ["conv", inside, outside, kernel, stride, kernel // 2, f"{name}.bias" in state]


def of_resnet(state: Mapping[str, Tensor]) -> tuple[list[Node], list[str]]:
    """Stride 2 in the first convolution, the pooling, and the first block of every layer but the first; in the second convolution of three."""
    graph: list[Node] = [_conv(state, "conv1", 2), ["norm", len(state["bn1.weight"])], ["relu"], ["pool", 3, 2, 1]]
    names = ["conv1", "bn1"]
    for layer in range(1, 5):
        block = 0
        while f"layer{layer}.{block}.conv1.weight" in state:
            prefix, stride = f"layer{layer}.{block}", 2 if layer > 1 and block == 0 else 1
            count = 3 if f"{prefix}.conv3.weight" in state else 2
            main: list[Node] = []
            for k in range(1, count + 1):
                main += [
                    _conv(state, f"{prefix}.conv{k}", stride if k == count - 1 else 1), ["norm", len(state[f"{prefix}.bn{k}.weight"])],
                    *([["relu"]] if k < count else []),
                ]  # fmt: skip
                names += [f"{prefix}.conv{k}", f"{prefix}.bn{k}"]
            shortcut: list[Node] = []
            if f"{prefix}.downsample.0.weight" in state:
                shortcut = [_conv(state, f"{prefix}.downsample.0", stride), ["norm", len(state[f"{prefix}.downsample.1.weight"])]]
                names += [f"{prefix}.downsample.0", f"{prefix}.downsample.1"]
            graph.append(["residual", main, shortcut])
            block += 1
    return graph, names


def of_vgg(state: Mapping[str, Tensor]) -> tuple[list[Node], list[str]]:
    """Convolution, perhaps normalisation, ReLU; where a number is left out before the next, there is a pooling; and one at the end."""
    lead = "features." if any(name.startswith("features.") for name in state) else ""
    numbers = sorted({int(m[1]) for name in state if (m := re.match(re.escape(lead) + r"(\d+)\.", name))})
    if not numbers:
        raise CheckpointError("The backbone has no numbered layers, as a VGG has.")
    graph: list[Node] = []
    names, expected = [], 0
    for number in numbers:
        if number > expected:
            graph.append(["pool", 2, 2, 0])
        name = f"{lead}{number}"
        names.append(name)
        if f"{name}.running_mean" in state:
            graph[-1:] = [["norm", len(state[f"{name}.weight"])], ["relu"]]
            expected = number + 2
        else:
            graph += [_conv(state, name), ["relu"]]
            expected = number + (1 if f"{lead}{number + 1}.running_mean" in state else 2)
    return [*graph, ["pool", 2, 2, 0]], names


def pointwise_of(state: Mapping[str, Tensor], prefix: str, between: str, last: str | None) -> tuple[list[Node], list[str]]:
    """1x1 convolutions `prefix`0, 2, 4 …, with an activation between and perhaps one at the end."""
    numbers = sorted({int(m[1]) for name in state if (m := re.match(re.escape(prefix) + r"(\d+)\.weight", name))})
    if not numbers:
        raise CheckpointError(f"There are no layers '{prefix}0.weight' between backbone and prototypes.")
    graph: list[Node] = []
    for number in numbers:
        adjacent = number + 1 in numbers  # nothing between two convolutions with neighbouring numbers
        graph += [_conv(state, f"{prefix}{number}"), *([] if adjacent or (number == numbers[-1] and last is None) else [[between]])]
    if last is not None:
        graph[-1] = [last]
    return graph, [f"{prefix}{number}" for number in numbers]
