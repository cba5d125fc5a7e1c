"""Packages that only some formats need: imported when one is opened, and named when they are missing."""

from importlib import import_module
from types import ModuleType

from explorer.core.errors import CheckpointError

__all__ = ["package"]

EXTRAS = {"diffusers": "latent-explorer[diffusers]", "onnxruntime": "latent-explorer[onnx]"}


def package(name: str, *, needed_by: str) -> ModuleType:
    """The package of that name. Raises CheckpointError saying how to install it."""
    try:
        return import_module(name)
    except ImportError as error:
        raise CheckpointError(f"{needed_by} needs the package '{name}': `pip install \"{EXTRAS.get(name, name)}\"`.") from error
