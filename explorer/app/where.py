"""Whether a page serves only whoever sits at this computer, or may serve strangers."""

import os

from explorer.live.server import LOOPBACK

__all__ = ["local"]

HOSTED = ("EXPLORER_HOSTED", "SPACE_ID")  # set where the page is public, the second by Hugging Face Spaces


def local(host: str) -> bool:
    """Whether a server at this address can be reached from this computer alone, and nobody says that it is hosted."""
    return host in LOOPBACK and not any(os.environ.get(name) for name in HOSTED)
