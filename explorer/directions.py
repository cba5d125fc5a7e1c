"""Reading and writing directions: `NAME.directions.safetensors`, one file for any number of directions of one model.

Whatever the method, a direction is its description in the header (JSON) and the tensors of its field; fields of one network share
its tensors. A file is checked like a checkpoint before anything is read, and belongs to the weights it was found with.
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from explorer import checkpoints
from explorer.core.direction import Composed, Direction, Field, Straight
from explorer.core.errors import CheckpointError, ExplorerError
from explorer.core.model import Model
from explorer.core.space import LatentSpace
from explorer.methods.directions.gradient import GradientField
from explorer.methods.directions.heads import Head
from explorer.methods.directions.warped import Bumps, WarpedField
from explorer.methods.flows.potentials import PotentialField, Potentials
from explorer.places import checkpoints as checkpoints_folder

__all__ = ["SUFFIX", "bundled", "file_of", "identity", "read", "write"]

SUFFIX = ".directions.safetensors"
ABOUT = "latent-explorer-directions"
MOST = 512
MOST_PARTS = 16
Parts = tuple[dict[str, Any], dict[str, Tensor]]


def file_of(checkpoint: Path) -> Path:
    """Where the directions of a checkpoint's file are expected: beside it."""
    return checkpoint.with_name(checkpoint.name.removesuffix(checkpoints.SUFFIX) + SUFFIX)


def bundled(model: Model) -> dict[str, Direction]:
    """The directions that came with a model, by name: `bundled(model)["mouth: smiling"]`. Raises CheckpointError where there are none for its weights."""
    found = read(checkpoints_folder() / f"{model.card.name}{SUFFIX}", model)
    return {direction.name: direction for direction in found}


def identity(direction: Direction) -> str:
    """What names a direction whatever it is called: a hash of how it moves codes of which weights, 24 hexadecimal digits."""
    tensors: dict[str, Tensor] = {}
    kind, config = _written(direction.field, tensors, {})
    digest = hashlib.sha256(
        json.dumps([direction.weights, direction.space.name, direction.method, direction.length, kind, config], sort_keys=True).encode()
    )
    for name in sorted(tensors):
        digest.update(tensors[name].detach().float().contiguous().numpy().tobytes())
    return digest.hexdigest()[:24]


def write(file: Path, directions: Sequence[Direction]) -> None:
    """Writes directions; the file appears whole or not at all. Raises CheckpointError for a field that cannot be written."""
    tensors: dict[str, Tensor] = {}
    nets: dict[int, str] = {}
    entries = [_entry(direction, tensors, nets) for direction in directions]
    checkpoints.write(file, {name: t.detach().float().contiguous() for name, t in tensors.items()}, {ABOUT: json.dumps(entries)})


def _entry(direction: Direction, tensors: dict[str, Tensor], nets: dict[int, str]) -> dict[str, Any]:
    kind, config = _written(direction.field, tensors, nets)
    return {
        "name": direction.name, "method": direction.method, "space": direction.space.to_dict(), "length": direction.length, "unit": direction.unit,
        "target": direction.target, "model": direction.model, "weights": direction.weights, "settings": dict(direction.settings),
        "evidence": dict(direction.evidence), "kind": kind, "field": config,
    }  # fmt: skip


def _written(field: Field, tensors: dict[str, Tensor], nets: dict[int, str]) -> tuple[str, dict[str, Any]]:
    """The kind of a field and what rebuilds it; its tensors are added to `tensors`, those of a shared network once."""

    def shared(net: nn.Module) -> str:
        if id(net) not in nets:
            nets[id(net)] = f"net{len(nets)}"
            tensors.update({f"{nets[id(net)]}.{name}": t for name, t in net.state_dict().items()})
        return nets[id(net)]

    def head(head: Head) -> dict[str, Any]:
        if id(head) not in nets:
            nets[id(head)] = f"net{len(nets)}"
            tensors.update({f"{nets[id(head)]}.{i}": layer for i, layer in enumerate(head.layers)})
        return {"net": nets[id(head)], "layers": len(head.layers), "classes": list(head.classes), "accuracy": head.accuracy, "middle": head.middle}

    match field:
        case Straight(vector=vector):
            name = f"vector{len(tensors)}"
            tensors[name] = vector
            return "vector", {"vector": name}
        case WarpedField(net=net, k=k, stride=stride, sign=sign):
            config = {"count": len(net.log_gamma), "size": net.size, "dipoles": net.supports.shape[1] // 2}
            return "warped", {"net": shared(net), "config": config, "k": k, "stride": stride, "sign": sign}
        case PotentialField(net=net, k=k, stride=stride, trained=trained, sign=sign):
            return "potential", {"net": shared(net), "config": net.config, "k": k, "stride": stride, "trained": trained, "sign": sign}
        case GradientField():
            guards = {name: head(guard) for name, guard in field.guards.items()}
            return "gradient", {
                "head": head(field.head), "goal": field.goal, "source": field.source, "guards": guards, "mode": field.mode,
                "quotas": dict(field.quotas), "stride": field.stride, "sign": field.sign, "softness": field.softness,
            }  # fmt: skip
        case Composed(parts=parts, lengths=lengths):
            written = [_written(part, tensors, nets) for part in parts]
            return "composed", {"parts": [{"kind": kind, "field": config} for kind, config in written], "lengths": list(lengths)}
    raise CheckpointError(f"A direction along a {type(field).__name__} cannot be written to a file.")


def read(file: Path, model: Model | None = None) -> list[Direction]:
    """Reads directions.

    Args:
        model: the model they must belong to: its weights, and one of its spaces.

    Raises:
        CheckpointError: no such file, not a file of directions, one that lies about itself, or one of another model.
    """
    if not file.is_file():
        raise CheckpointError(f"There is no file of directions '{file.name}' in '{file.parent}'.")
    header = checkpoints.read_header(file)
    if ABOUT not in header.metadata:
        raise CheckpointError(f"'{file.name}' holds no directions: expected '{ABOUT}' in its metadata, got {', '.join(header.metadata) or 'none'}.")
    try:
        entries = json.loads(header.metadata[ABOUT])
        if not isinstance(entries, list) or len(entries) > MOST:
            raise CheckpointError(f"expected a list of at most {MOST} directions")
        reader = _Reader(checkpoints.tensors(file))
        found = [reader.direction(entry) for entry in entries]
    except (ExplorerError, ValueError, TypeError, KeyError, IndexError, AttributeError, RuntimeError, RecursionError) as error:
        raise CheckpointError(
            f"The directions in '{file.name}' cannot be read: {str(error).splitlines()[0] if str(error) else type(error).__name__}."
        ) from error
    for direction in found if model is not None else ():
        _belongs(direction, model, file.name)
    return found


def _belongs(direction: Direction, model: Model, name: str) -> None:
    if direction.weights and direction.weights != model.card.weights:
        raise CheckpointError(
            f"'{direction.name}' in '{name}' was found for weights {direction.weights[:12]}… of '{direction.model}', "
            f"but '{model.card.name}' has {model.card.weights[:12]}…."
        )
    if direction.space not in model.spaces:
        known = ", ".join(f"{space.name}{list(space.shape)}" for space in model.spaces)
        raise CheckpointError(
            f"'{direction.name}' in '{name}' moves codes of {direction.space.name}{list(direction.space.shape)}; '{model.card.name}' has {known}."
        )


class _Reader:
    """Rebuilds fields from descriptions and tensors; a network that several share is built once."""

    def __init__(self, tensors: Mapping[str, Tensor]):
        self._tensors, self._nets = tensors, {}

    def direction(self, entry: Mapping[str, Any]) -> Direction:
        space = LatentSpace.from_dict(entry["space"])
        words = {key: str(entry[key]) for key in ("name", "method", "unit", "target", "model", "weights")}
        if not isinstance(entry["settings"], dict) or not isinstance(entry["evidence"], dict):
            raise TypeError("settings and evidence must be objects")
        return Direction(
            space=space, field=self._field(entry["kind"], entry["field"]), length=float(entry["length"]), settings=entry["settings"],
            evidence=entry["evidence"], **words,
        )  # fmt: skip

    def _field(self, kind: str, config: Mapping[str, Any]) -> Field:
        match kind:
            case "vector":
                return Straight(self._tensors[config["vector"]].float())
            case "warped":
                net = self._net(config["net"], Bumps, config["config"])
                return WarpedField(net, _index(config["k"], len(net.log_gamma)), float(config["stride"]), float(config["sign"]))
            case "potential":
                net = self._net(config["net"], Potentials, config["config"])
                return PotentialField(net, _index(config["k"], net.count), float(config["stride"]), int(config["trained"]), float(config["sign"]))
            case "gradient":
                head = self._head(config["head"])
                source = None if config["source"] is None else _index(config["source"], len(head.classes))
                guards = {name: self._head(guard) for name, guard in config["guards"].items()}
                return GradientField(
                    head, _index(config["goal"], len(head.classes)), source, guards, config["mode"], config["quotas"], float(config["stride"]),
                    float(config["sign"]), float(config.get("softness", 0.1)),
                )  # fmt: skip
            case "composed":
                parts = tuple(self._field(part["kind"], part["field"]) for part in config["parts"])
                lengths = tuple(float(length) for length in config["lengths"])
                if not 1 <= len(parts) == len(lengths) <= MOST_PARTS or any(part.size != parts[0].size for part in parts):
                    raise ValueError(f"{len(parts)} parts with {len(lengths)} lengths")
                return Composed(parts, lengths)
        raise ValueError(f"no field of kind '{kind}'")

    def _net(self, name: str, family: Callable[..., nn.Module], config: Mapping[str, Any]) -> nn.Module:
        if name not in self._nets:
            prefix, sizes = f"{name}.", {str(key): int(value) for key, value in config.items()}
            stored = {key[len(prefix) :]: t.float() for key, t in self._tensors.items() if key.startswith(prefix)}
            if not 0 < _least(**sizes) <= sum(t.numel() for t in stored.values()):  # before anything is built that would fill the memory
                raise ValueError(f"a network of sizes {sizes} with {sum(t.numel() for t in stored.values())} numbers")
            with torch.random.fork_rng(devices=[]):  # what is drawn first is replaced
                net = family(**sizes)
            net.load_state_dict(stored, assign=True)
            self._nets[name] = net.eval().requires_grad_(False)
        return self._nets[name]

    def _head(self, config: Mapping[str, Any]) -> Head:
        name = config["net"]
        if name not in self._nets:
            layers = tuple(self._tensors[f"{name}.{i}"].float() for i in range(int(config["layers"])))
            self._nets[name] = Head(tuple(map(str, config["classes"])), layers, float(config["accuracy"]), float(config["middle"]))
        return self._nets[name]


def _least(*, count: int, size: int, hidden: int = 0, turns: int = 0, dipoles: int = 0) -> int:
    """Fewer numbers than a network of these sizes holds; 0 for sizes of no network."""
    if min(count, size, hidden or dipoles) < 1 or min(hidden, turns, dipoles) < 0:
        return 0
    return count * max((hidden or 2 * dipoles) * max(size, hidden), turns * hidden * max(size, hidden), turns * size * size)


def _index(value: Any, count: int) -> int:
    if not isinstance(value, int) or not 0 <= value < count:
        raise ValueError(f"number {value} of {count}")
    return value
