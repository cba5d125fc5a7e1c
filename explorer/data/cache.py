"""Where the explorer keeps what it can make again."""

import os
from pathlib import Path

__all__ = ["cache_folder"]


def cache_folder() -> Path:
    """The folder for renders, downloads, training states and exports: `$LATENT_EXPLORER_CACHE`, or one in the user's cache."""
    chosen = os.environ.get("LATENT_EXPLORER_CACHE")
    folder = Path(chosen) if chosen else Path.home() / ".cache" / "latent-explorer"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
