"""Reading and writing checkpoints: safetensors files that carry their own card.

The header is read and checked before anything else (`models/weights.py`), and the SHA-256 of the tensors (what the header says
of them, and their bytes) must be the one in the card. A file that lies about itself is refused with a sentence that says how.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from explorer import devices
from explorer.core.errors import CheckpointError, ExplorerError
from explorer.core.model import Card, Model
from explorer.models import dit, gan, judge, vae
from explorer.models.prototypes import black_box, cbc, pipnet, prob_psenn, protopnet, st_protopnet
from explorer.models.weights import SUFFIX, Header, digest, floating, in_memory, read_header, tensors, write
from explorer.places import checkpoints as bundled_folder

__all__ = ["BUILDERS", "Header", "bundled", "find", "load", "read", "read_header", "save", "tensors", "write"]

BUILDERS: dict[str, Callable[[Card, Mapping[str, Tensor], torch.device], Model]] = {
    "vae": vae.build, "gan": gan.build, "judge": judge.build, "black-box": black_box.build, "protopnet": protopnet.build,
    "dit": dit.build, "st-protopnet": st_protopnet.build, "prob-psenn": prob_psenn.build, "cbc": cbc.build, "pipnet": pipnet.build,
}  # fmt: skip

COMPANIONS = (".atlas" + SUFFIX, ".directions" + SUFFIX)  # files that stand beside a checkpoint
CARD = "latent-explorer"  # the key of the card among the header's metadata
KINDS = {"config": dict, "spaces": list, "data": dict, "training": dict, "quality": dict}  # every other field of a card is a text


def bundled() -> list[Path]:
    """The checkpoints that come with the explorer, by name."""
    return sorted(file for file in bundled_folder().glob("*" + SUFFIX) if not file.name.endswith(COMPANIONS))


def find(name_or_path: str | Path) -> Path:
    """The file of a bundled model's name, or of a path. Raises CheckpointError naming what there is."""
    path = Path(name_or_path)
    if path.is_file():
        return path
    names = {file.stem: file for file in bundled()}
    if str(name_or_path) in names:
        return names[str(name_or_path)]
    raise CheckpointError(f"No checkpoint '{name_or_path}': it is neither a file nor a bundled model. Bundled: {', '.join(names) or 'none'}.")


def read(file: str | Path) -> Card:
    """The card of a checkpoint, without loading its weights. Raises CheckpointError."""
    return _card(find(file), read_header(find(file)))


def load(name_or_path: str | Path, device: torch.device | str = "cpu") -> Model:
    """Rebuilds the model that a file describes in its header, weights included.

    Raises:
        CheckpointError: no such file, a pickle, a header that is corrupt or lies, an unknown family, weights that do not fit it or the memory.
    """
    file = find(name_or_path)
    header = read_header(file)
    card = _card(file, header)
    if card.family not in BUILDERS:
        raise CheckpointError(f"'{file.name}' is of family '{card.family}'. Known: {', '.join(BUILDERS)}.")
    if card.weights and (found := digest(file, header)) != card.weights:
        raise CheckpointError(
            f"The weights of '{file.name}' are not those its card vouches for: expected SHA-256 {card.weights[:12]}…, got {found[:12]}…."
        )
    devices.make_room(file.name, in_memory(header), torch.device(device))
    try:
        return devices.place(BUILDERS[card.family](card, floating(tensors(file)), torch.device(device)), torch.device(device))
    except Exception as error:  # whatever a stranger's config does to a builder, the file is to blame
        raise CheckpointError(f"'{file.name}' does not hold what its card says: {str(error).splitlines()[0]}") from error


def save(file: Path, card: Card, state: Mapping[str, Tensor], *, half: bool = False) -> Card:
    """Writes weights and card; returns the card with the hash of the weights in it.

    `half` stores floating-point weights as float16. The file appears whole or not at all.
    """
    kept = {name: (t.half() if half and t.is_floating_point() else t).detach().cpu().contiguous() for name, t in state.items()}
    write(file, kept, {CARD: json.dumps(card.but(weights="0" * 64).to_dict())})
    sealed = card.but(weights=digest(file, read_header(file)))
    write(file, kept, {CARD: json.dumps(sealed.to_dict())})
    return sealed


def _card(file: Path, header: Header) -> Card:
    if CARD not in header.metadata:
        raise CheckpointError(f"'{file.name}' has no card: expected '{CARD}' in its metadata, got {', '.join(header.metadata) or 'no metadata'}.")
    try:
        return card_of(json.loads(header.metadata[CARD], parse_constant=_refuse))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, OverflowError, ExplorerError) as error:
        raise CheckpointError(f"The card of '{file.name}' cannot be read: {error}.") from error


def card_of(values: dict[str, Any]) -> Card:
    """A card from plain values, every field of which is what it should be. Raises ValueError, TypeError, KeyError or SpaceError."""
    kept = {f.name: values[f.name] for f in fields(Card) if f.name in values}
    for name, value in kept.items():
        if not isinstance(value, KINDS.get(name, str)):
            raise TypeError(
                f"'{name}' must be {'a list' if name == 'spaces' else 'an object' if KINDS.get(name) is dict else 'a text'}, got {str(value)[:40]}"
            )
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", kept["name"]):  # it becomes part of file names
        raise ValueError(f"'name' must be letters, digits, dots and dashes, got '{kept['name'][:40]}'")
    card = Card(**kept | {"spaces": tuple(kept.get("spaces", ()))})
    for space in card.latent_spaces:
        if not all(isinstance(side, int) for side in space.shape) or not isinstance(space.name, str):
            raise TypeError(f"a space needs a name and a shape of whole numbers, got {space}")
    if not isinstance(card.data.get("judge", ""), str) or not isinstance(card.data.get("name", ""), str):
        raise TypeError("'data' must name its dataset and its judge by texts")
    return card


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not a number")
