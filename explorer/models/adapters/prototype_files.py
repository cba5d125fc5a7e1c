"""ProtoPNet and ST-ProtoPNet as their authors' code saves them, and folders that CaBRNet 1.2 saves.

The weights are read (`pickles.py`), the backbone is recognised by their names (`prototypes/graph.py`) and built by our own code. Who owns
a prototype is not among the weights of a plain dictionary; then it is inferred, and marked as such.

    official     features.*  add_on_layers.*  prototype_vectors (P, D, 1, 1)  last_layer.weight (C, P)   prototype_class_identity (P, C)
    ST           the last three twice, with _trivial and _support
    CaBRNet      extractor.convnet.*  extractor.add_on.*  classifier.prototypes  classifier.proto_class_map  classifier.last_layer.weight
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from explorer.core.errors import CheckpointError
from explorer.core.model import Card, Model
from explorer.models.adapters import pickles
from explorer.models.prototypes import graph, protopnet, st_protopnet
from explorer.models.weights import SUFFIX, hashed_tensors, read_header, tensors

__all__ = ["cabrnet", "official"]

MEAN, DEVIATION = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]  # what their backbones expect
NAMES = ("trivial", "support")
CABRNET_FILES = ("model_arch.yml", "model_state.pth")
MOST_TEXT = 1 << 20
SIMILARITIES = {"ProtoPNetSimilarity", "LegacyProtoPNetSimilarity"}


@dataclass(frozen=True)
class _Found:
    """What a file says, under the names of our own nets."""

    family: str
    config: dict[str, Any]
    state: dict[str, Tensor]


def official(file: Path, *, size: int | None = None, classes: Sequence[str] = (), device: torch.device | str = "cpu") -> Model:
    """The classifier in a file of the official ProtoPNet or ST-ProtoPNet code: a pickled module, a pickled dictionary or a safetensors file.

    Args:
        size: the side of pictures, where the file does not say: 224.
        classes: their names; without, "class 0" and so on.

    Raises:
        CheckpointError: a file that asks for more than modules and tensors, an unknown backbone, or tensors that do not fit together.
    """
    try:
        if file.suffix == SUFFIX:
            read_header(file)
            contents = pickles.Contents(tensors(file))
        else:
            contents = pickles.read(file)
        state = contents.tensors
        two = "prototype_vectors_trivial" in state
        if not two and "prototype_vectors" not in state:
            raise CheckpointError(f"'{file.name}' has no 'prototype_vectors': it is not what the code of ProtoPNet or ST-ProtoPNet saves.")
        found = (_two_sets if two else _one_set)(state, contents.values, size or _whole(contents.values.get("img_size"), 224), classes)
        return _opened(file.stem, found, torch.device(device))
    except CheckpointError:
        raise
    except (KeyError, ValueError, RuntimeError, IndexError, TypeError) as error:
        raise CheckpointError(f"'{file.name}' does not fit together: {str(error).splitlines()[0]}.") from error


def _whole(value: Any, otherwise: int) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and 8 <= value <= 4096 else otherwise


def _one_set(state: Mapping[str, Tensor], values: Mapping[str, Any], size: int, classes: Sequence[str]) -> _Found:
    weight, vectors = state["last_layer.weight"].float(), _points(state["prototype_vectors"])
    last = "sigmoid"
    config, kept = _common(state, "features.", ["add_on_layers."], between="relu", last=last, outer=("add_on",))
    owner, inferred = _owners(state.get("prototype_class_identity"), weight)
    activation = str(values.get("prototype_activation_function", "log"))
    if activation not in ("log", "linear"):
        raise CheckpointError(f"Its similarity is '{activation}'; known are 'log' and 'linear'.")
    bias = {"bias": state["last_layer.bias"].float()} if "last_layer.bias" in state else {}
    config |= {
        "depth": vectors.shape[1],
        "activation": activation,
        "epsilon": float(values.get("epsilon", protopnet.EPSILON)),
        "expanded": True,
        "bias": bool(bias),
    }
    return _finished("protopnet", config, {**kept, "vectors": vectors, "weight": weight, **bias}, owner, inferred, size, classes)


def _two_sets(state: Mapping[str, Tensor], values: Mapping[str, Any], size: int, classes: Sequence[str]) -> _Found:
    weight = torch.cat([state[f"last_layer_{name}.weight"].float() for name in NAMES], dim=1)
    sets = [_points(state[f"prototype_vectors_{name}"]) for name in NAMES]
    kinds = [str(value) for name, value in values.items() if name.startswith("variant")]
    projection = kinds == ["projection"]
    between = {"between": "tanh", "last": "tanh"} if projection else {"between": "", "last": None}
    config, kept = _common(state, "features.", [f"add_on_layers_{name}." for name in NAMES], outer=NAMES, **between)
    if not projection and any(node[0] == "residual" for node in config["graph"]):
        config["graph"] = [*config["graph"], ["upsample", 2]]
    identity = state.get("prototype_class_identity")
    if identity is not None and len(identity) == len(sets[0]) and len(sets[0]) == len(sets[1]):
        identity = torch.cat([identity, identity])
    owner, inferred = _owners(identity, weight)
    group = torch.cat([torch.full((len(one),), k) for k, one in enumerate(sets)])
    config |= {"depth": sets[0].shape[1], "variant": "projection" if projection else "cosine"}
    return _finished("st-protopnet", config, {**kept, "vectors": torch.cat(sets), "weight": weight, "group": group}, owner, inferred, size, classes)


def _points(vectors: Tensor) -> Tensor:
    """Prototypes `(P, D)`. Larger ones than a cell are not supported, and that is said."""
    if vectors.ndim != 4 or tuple(vectors.shape[2:]) != (1, 1):
        raise CheckpointError(f"Prototypes of one cell were expected, shape (P, D, 1, 1), got {list(vectors.shape)}.")
    return vectors[:, :, 0, 0].float()


def _common(
    state: Mapping[str, Tensor], trunk: str, branches: Sequence[str], *, outer: Sequence[str], between: str, last: str | None
) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """The configuration and the weights, under our names, of backbone and the layers after it."""
    inside = {name.removeprefix(trunk): tensor for name, tensor in state.items() if name.startswith(trunk)}
    nodes, names = graph.recognised(inside)
    kept = _renamed("backbone", graph.built(nodes), names, inside)
    config: dict[str, Any] = {"graph": nodes, "channels": int(nodes[0][1]), "mean": MEAN, "deviation": DEVIATION}
    if config["channels"] != 3:
        config |= {"mean": [0.0] * config["channels"], "deviation": [1.0] * config["channels"]}
    for branch, own in zip(branches, outer):
        layers, places = graph.pointwise_of(state, branch, between, last)
        config["add_on"] = layers
        kept |= _renamed(own, graph.built(layers), places, state)
    return config, kept


def _renamed(own: str, net: nn.Module, names: Sequence[str], state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights of `state` under the names that they have in our network."""
    paths = {id(module): path for path, module in net.named_modules()}
    leaves = graph.leaves(net)
    if len(leaves) != len(names):
        raise CheckpointError(f"'{own}' has {len(leaves)} layers with weights, its file {len(names)}.")
    kept = {}
    for module, name in zip(leaves, names):
        for key, wanted in module.state_dict().items():
            if f"{name}.{key}" not in state and key == "num_batches_tracked":
                kept[f"{own}.{paths[id(module)]}.{key}"] = wanted
                continue
            tensor = state[f"{name}.{key}"]
            if tensor.shape != wanted.shape:
                raise CheckpointError(f"'{name}.{key}' should have shape {list(wanted.shape)}, got {list(tensor.shape)}.")
            kept[f"{own}.{paths[id(module)]}.{key}"] = tensor.float() if tensor.is_floating_point() else tensor
    return kept


def _owners(identity: Tensor | None, weight: Tensor) -> tuple[Tensor, bool]:
    """Whose each prototype is, -1 for nobody's, and whether that is a guess."""
    classes, count = weight.shape
    if identity is not None:
        if tuple(identity.shape) != (count, classes):
            raise CheckpointError(f"'prototype_class_identity' should have shape {[count, classes]}, got {list(identity.shape)}.")
        return torch.where(identity.any(dim=1), identity.float().argmax(dim=1), torch.full((count,), -1)), False
    by_weight = weight.argmax(dim=0)
    if count % classes == 0:
        in_turn = torch.arange(count) // (count // classes)
        if bool((by_weight == in_turn).float().mean() >= 0.5):
            return in_turn, True
    return by_weight, True


def _finished(
    family: str, config: dict[str, Any], state: dict[str, Tensor], owner: Tensor, inferred: bool, size: int, classes: Sequence[str]
) -> _Found:
    count, answers = state["vectors"].shape[0], state["weight"].shape[0]
    if classes and len(classes) != answers:
        raise CheckpointError(f"It tells {answers} classes apart, got {len(classes)} names.")
    names = list(classes) or [f"class {c}" for c in range(answers)]
    config |= {"size": size, "question": "class", "classes": names, "prototypes": count, "owners_inferred": inferred, "gallery": 0}
    state |= {
        "owner": owner, "source": torch.full((count, 3), -1), "likeness": torch.zeros(count),
        "gallery": torch.zeros(count, config["channels"], 0, 0, dtype=torch.uint8),
    }  # fmt: skip
    return _Found(family, config, state)


def _opened(name: str, found: _Found, device: torch.device) -> Model:
    own = "".join(c if c.isalnum() or c in "._-" else "-" for c in name).strip("._-")[:100] or "classifier"
    card = Card(name=own, title=name, family=found.family, config=found.config, weights=hashed_tensors(found.state))
    build = {"protopnet": protopnet.build, "st-protopnet": st_protopnet.build}[found.family]
    return build(card, found.state, device)


def cabrnet(folder: Path, *, device: torch.device | str = "cpu") -> Model:
    """The classifier in a folder that CaBRNet 1.2 saved: `model_arch.yml` and `model_state.pth`, with `projection_info.csv` where it is there.

    `state.pickle` is never looked at. Architecture ProtoPNet only, with one pipeline, over a ResNet or a VGG.

    Raises:
        CheckpointError: files that are missing or say something else, other architectures, or weights that do not fit.
    """
    missing = [name for name in CABRNET_FILES if not (folder / name).is_file()]
    if missing:
        raise CheckpointError(f"'{folder.name}' is not a folder of CaBRNet: there is no {' and no '.join(missing)}.")
    try:
        arch = _yaml(folder / "model_arch.yml")
        state = pickles.read(folder / "model_state.pth").tensors
        found = _of_cabrnet(arch, state, _size(folder))
        _projections(folder, found.state)
        return _opened(folder.name, found, torch.device(device))
    except CheckpointError:
        raise
    except (KeyError, ValueError, RuntimeError, IndexError, TypeError, AttributeError) as error:
        raise CheckpointError(f"'{folder.name}' does not fit together: {str(error).splitlines()[0]}.") from error


def _yaml(file: Path) -> dict[str, Any]:
    import yaml

    if file.stat().st_size > MOST_TEXT:
        raise CheckpointError(f"'{file.name}' has {file.stat().st_size} bytes, expected at most {MOST_TEXT}.")
    try:
        found = yaml.safe_load(file.read_text("utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise CheckpointError(f"'{file.name}' is not YAML: {str(error).splitlines()[0]}.") from error
    if not isinstance(found, dict):
        raise CheckpointError(f"'{file.name}' must be a mapping, got {type(found).__name__}.")
    return found


def _of_cabrnet(arch: Mapping[str, Any], state: Mapping[str, Tensor], size: int) -> _Found:
    name = arch["top_arch"]["name"]
    if name != "ProtoPNet":
        raise CheckpointError(f"Its architecture is '{name}'; of those that CaBRNet has, only ProtoPNet is read.")
    extractor = arch["extractor"]
    similarity = arch.get("similarity", {"name": "ProtoPNetSimilarity"})["name"]
    if similarity not in SIMILARITIES:
        raise CheckpointError(f"Its similarity is '{similarity}'; known are {', '.join(sorted(SIMILARITIES))}.")
    chosen = extractor.get("add_on") or {}
    if not all(isinstance(part, dict) and "type" in part for key, part in chosen.items() if key != "init_mode"):
        raise CheckpointError("Its features come by several pipelines; one was expected.")
    kinds = [part["type"] for key, part in chosen.items() if key != "init_mode"]
    weight = state["classifier.last_layer.weight"].float()
    vectors = _points(state["classifier.prototypes"])
    own = {f"add_on_layers.{k}": tensor for k, tensor in _numbered(state, "extractor.add_on.", chosen).items()}
    trunk = {f"features.{key.removeprefix('extractor.convnet.')}": t for key, t in state.items() if key.startswith("extractor.convnet.")}
    last = {"Sigmoid": "sigmoid", "ReLU": "relu", "Tanh": "tanh"}.get(kinds[-1] if kinds else "")
    config, kept = _common({**trunk, **own}, "features.", ["add_on_layers."], outer=("add_on",), between="relu", last=last)
    identity = state.get("classifier.proto_class_map")
    owner, inferred = _owners(identity, weight)
    exact = similarity == "ProtoPNetSimilarity"
    config |= {"depth": vectors.shape[1], "expanded": not exact, "bias": False}
    return _finished("protopnet", config, {**kept, "vectors": vectors, "weight": weight}, owner, inferred, size, ())


def _numbered(state: Mapping[str, Tensor], lead: str, layers: Mapping[str, Any]) -> dict[str, Tensor]:
    """Weights of the layers named in the configuration, numbered by their place in it."""
    places = {name: str(place) for place, name in enumerate(key for key in layers if key != "init_mode")}
    found = {}
    for name, tensor in state.items():
        if name.startswith(lead):
            layer, _, rest = name.removeprefix(lead).partition(".")
            found[f"{places.get(layer, layer)}.{rest}"] = tensor
    return found


def _size(folder: Path) -> int:
    """The side of pictures that the transformations of the test set end with; 224 where they do not say."""
    file = folder / "dataset.yml"
    if not file.is_file():
        return 224
    sides: list[int] = []

    def look(value: Any) -> None:
        if isinstance(value, dict):
            if isinstance(value.get("size"), int):
                sides.append(value["size"])
            elif isinstance(value.get("size"), list) and value["size"] and isinstance(value["size"][0], int):
                sides.append(value["size"][0])
            for inner in value.values():
                look(inner)
        elif isinstance(value, list):
            for inner in value:
                look(inner)

    look(_yaml(file).get("test_set", {}))
    return _whole(sides[-1] if sides else None, 224)


def _projections(folder: Path, state: dict[str, Tensor]) -> None:
    """Where prototypes come from, out of `projection_info.csv`: picture, cell and similarity of each."""
    import csv

    file = folder / "projection_info.csv"
    if not file.is_file() or file.stat().st_size > MOST_TEXT * 16:
        return
    rows = list(csv.DictReader(file.read_text("utf-8").splitlines()))
    if len(rows) != len(state["owner"]):
        return  # of another number of prototypes: pruned since
    for j, row in enumerate(rows):
        state["source"][j] = torch.tensor([int(float(row["img_idx"])), int(float(row["h"])), int(float(row["w"]))])
        state["likeness"][j] = float(row["score"])
