"""Latent Explorer: traverse what a neural network has learned.

import explorer
model = explorer.load("avatars-vae")
picture = model.generator.decode(model.space.sample(1, seed=0))
"""

from typing import Any

__all__ = ["Code", "ExplorerError", "LatentSpace", "Model", "Studio", "atlas", "load", "open", "through", "to_pixels"]

HOMES = {
    "Code": "explorer.core.space", "ExplorerError": "explorer.core.errors", "LatentSpace": "explorer.core.space", "Model": "explorer.core.model",
    "Studio": "explorer.studio.studio", "atlas": "explorer.atlases", "load": "explorer.checkpoints", "open": "explorer.formats",
    "through": "explorer.core.path", "to_pixels": "explorer.render",
}  # fmt: skip


def __getattr__(name: str) -> Any:
    """Imports a public name when it is first asked for: torch takes seconds, and a command line may not need it."""
    if name not in HOMES:
        raise AttributeError(f"module 'explorer' has no attribute '{name}'")
    from importlib import import_module

    return getattr(import_module(HOMES[name]), name)
