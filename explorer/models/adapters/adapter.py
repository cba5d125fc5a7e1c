"""What an adapter is: five functions that know one format. And what they are handed: a file or folder, with what is said of it."""

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from explorer.core.errors import CheckpointError
from explorer.core.model import Card, Model
from explorer.models.adapters.spec import Spec

__all__ = ["Adapter", "Source", "card_for", "clean"]

MOST_NUMBERS = 1 << 16  # of a code
PLAIN = {"vae", "vqvae", "movq", "model", "decoder", "weights", "explorer"}  # names that say nothing without their folder's


@dataclass(frozen=True)
class Source:
    """A model somewhere: its file or folder, and the spec that lies beside it or was given with it.

    `net` is a network that a program made itself, `plug_in` the name of a model that a plug-in brings; the `path` is then only a name.
    """

    path: Path
    spec: Spec = field(default_factory=Spec)
    net: Any = None
    plug_in: str = ""

    @property
    def name(self) -> str:
        """A name for commands: the spec's, or that of the file or folder, with its folder's where it alone says nothing."""
        if self.spec.name:
            return clean(self.spec.name)
        stem = self.path.stem if self.path.is_file() else self.path.name
        return clean(f"{self.path.absolute().parent.name}-{stem}" if stem.lower() in PLAIN else stem)


@dataclass(frozen=True)
class Adapter:
    """One format.

    Args:
        title: what it opens, as in "a folder saved by diffusers".
        recognises: whether a source is of this format; looks at names and first bytes only.
        card: what can be said before anything is loaded: from headers, without running anything.
        weigh: how many bytes the weights take in memory.
        load: the model.
        runs: what of a stranger's would be run by loading, in words; "" where nothing is.
    """

    title: str
    recognises: Callable[[Source], bool]
    card: Callable[[Source], Card]
    weigh: Callable[[Source], int]
    load: Callable[[Source, torch.device], Model]
    runs: Callable[[Source], str] = lambda source: ""


def clean(name: str) -> str:
    """A name of letters, digits, dots and dashes, as cards have."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-._")[:100] or "model"


def card_for(
    source: Source, family: str, *, latent: Sequence[int], config: dict[str, Any] | None = None, draws: bool = True, notes: Sequence[str] = ()
) -> Card:
    """The card of a model that came without one of ours, with what had to be assumed said in `data["notes"]`.

    `latent` is the shape of a code; `draws` is false for one that only encodes. Raises CheckpointError for codes that are too long.
    """
    spec = source.spec
    if math.prod(latent) > MOST_NUMBERS:
        raise CheckpointError(
            f"The codes of '{source.name}' have {math.prod(latent)} numbers ({list(latent)}); at most {MOST_NUMBERS} can be traversed."
        )
    assumed = [] if spec.prior else ["Nothing says how its codes are distributed; a standard normal prior is assumed."]
    return Card(
        name=source.name, title=spec.title or source.name, family=family, config=dict(config or {}),
        spaces=({"name": "z", "shape": list(latent), "prior": spec.prior or "normal"},),
        data={"prior_assumed": bool(assumed), "draws": draws, "notes": [*notes, *assumed]}, licence=spec.licence, credits=spec.credits,
    )  # fmt: skip
