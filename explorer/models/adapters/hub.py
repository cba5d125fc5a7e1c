"""Models by their id on the Hugging Face Hub, "owner/name": fetched once into the Hub's own cache, found there without a network.

Only descriptions and weights in open formats are fetched, of a pipeline only its autoencoder; never code, never pickles.
"""

import re
from pathlib import Path

from explorer.core.errors import CheckpointError
from explorer.models.adapters.diffusers_folder import PARTS
from explorer.models.adapters.needed import package

__all__ = ["fetched", "is_id"]

WANTED = ("*.json", "*.toml", "*.safetensors", "*.onnx", "*.onnx.data", "*.onnx_data")
PIPELINE = "model_index.json"


def is_id(text: str) -> bool:
    """Whether a text can be the id of a model: an owner and a name."""
    return re.fullmatch(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}", text) is not None and ".." not in text


def fetched(name: str) -> Path:
    """The folder of a model of the Hub. Raises CheckpointError where there is no such model, or no network and it is not in the cache."""
    hub = package("huggingface_hub", needed_by=f"'{name}', a model of the Hub,")
    try:
        return Path(hub.snapshot_download(name, allow_patterns=_patterns(hub, name)))
    except hub.errors.RepositoryNotFoundError as error:
        raise CheckpointError(f"'{name}' is no file or folder here, and the Hub has no public model of that id.") from error
    except hub.errors.LocalEntryNotFoundError as error:
        raise CheckpointError(f"'{name}' is no file or folder here, and as a model of the Hub it cannot be fetched without a network.") from error
    except Exception as error:  # servers fail in many ways
        words = str(error).strip().splitlines() or [type(error).__name__]
        raise CheckpointError(f"'{name}' cannot be fetched from the Hub: {words[0][:300]}") from error


def _patterns(hub, name: str) -> list[str]:
    """The files worth fetching: of a pipeline those of its autoencoder, else all descriptions and weights."""
    try:
        hub.hf_hub_download(name, PIPELINE)
    except (hub.errors.EntryNotFoundError, hub.errors.LocalEntryNotFoundError):
        return list(WANTED)
    return [PIPELINE, *(f"{part}/{kind}" for part in PARTS if part for kind in WANTED)]
