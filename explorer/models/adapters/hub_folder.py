"""Folders as `PyTorchModelHubMixin` writes them: `config.json`, the arguments of a class, and `model.safetensors`, its weights.

Such a folder does not say which class. An `explorer.json` in it can (`{"class": "module:Class", "latent": [64]}`), or a plug-in that
recognises the folder; a folder whose configuration names a class of diffusers is opened by that adapter instead.
"""

import json
from pathlib import Path
from typing import Any

import torch

from explorer.core.errors import CheckpointError
from explorer.core.model import Card, Model
from explorer.models.adapters.adapter import Adapter, Source, card_for
from explorer.models.adapters.own_class import around, filled, imported, runs
from explorer.models.weights import floating, hashed, in_memory, read_header, tensors

__all__ = ["ADAPTER"]

CONFIG, WEIGHTS = "config.json", "model.safetensors"
MOST_CONFIG = 1 << 20


def recognises(source: Source) -> bool:
    return source.path.is_dir() and (source.path / CONFIG).is_file() and ((source.path / WEIGHTS).is_file() or bool(source.spec.network))


def card(source: Source) -> Card:
    config, name = _config(source.path), source.path.name
    if not source.spec.network:
        kind = config.get("model_type") or next(iter(config.get("architectures") or []), None)
        known = f" Its configuration names '{kind}', as transformers writes." if isinstance(kind, str) else ""
        raise CheckpointError(
            f"'{name}' holds weights and the arguments of a class, but not which class.{known} Say it in '{name}/explorer.json': "
            '{"class": "module:Class", "latent": [64]}; or install a plug-in that knows it (docs/bring-your-own-model.md).'
        )
    if not source.spec.latent:
        raise CheckpointError(f"Nothing says what the codes of '{name}' look like: '{name}/explorer.json' needs \"latent\", the shape of one code.")
    read_header(_weights(source.path))
    return card_for(source, "hub", latent=source.spec.latent, config={"class": source.spec.network})


def weigh(source: Source) -> int:
    return in_memory(read_header(_weights(source.path)))


def load(source: Source, device: torch.device) -> Model:
    described, file = card(source), _weights(source.path)
    kind, args = imported(source.spec), {k: v for k, v in _config(source.path).items() if not k.startswith("_")} | source.spec.args
    try:
        if hasattr(kind, "from_pretrained"):  # the mixin's own way knows arguments that JSON had to encode
            net = kind.from_pretrained(str(source.path), local_files_only=True, strict=True, **source.spec.args)
        else:
            net = kind(**args)
            filled(source.name, net, floating(tensors(file)))
    except CheckpointError:
        raise
    except Exception as error:  # a stranger's class may fail in any way
        words = " ".join(str(error).split())[:300]
        raise CheckpointError(f"'{source.path.name}' does not fit its class '{source.spec.network}': {type(error).__name__}: {words}") from error
    return around(described.but(weights=hashed([source.path / CONFIG, file])), net, source.spec, device)


def _config(folder: Path) -> dict[str, Any]:
    file = folder / CONFIG
    if file.stat().st_size > MOST_CONFIG:
        raise CheckpointError(f"'{folder.name}/{CONFIG}' is too long for a configuration: expected at most {MOST_CONFIG} bytes.")
    try:
        found = json.loads(file.read_text("utf-8"))
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"'{folder.name}/{CONFIG}' is not JSON: {error}.") from error
    if not isinstance(found, dict):
        raise CheckpointError(f"'{folder.name}/{CONFIG}' must hold a JSON object, got {type(found).__name__}.")
    return found


def _weights(folder: Path) -> Path:
    if not (folder / WEIGHTS).is_file():
        pickled = next((name for name in ("pytorch_model.bin", "model.bin") if (folder / name).is_file()), None)
        why = f"only a Python pickle ({pickled}), which can run any program it contains and is refused" if pickled else "none"
        raise CheckpointError(f"'{folder.name}' should hold its weights as {WEIGHTS}, got {why}.")
    return folder / WEIGHTS


ADAPTER = Adapter("a folder of config.json and model.safetensors, as PyTorchModelHubMixin writes it", recognises, card, weigh, load, runs)
