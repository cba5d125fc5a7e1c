"""Reading and writing checkpoints: safetensors files that carry their own card.

A file is `u64 header length | JSON header | tensor bytes`. The header is read and checked before anything else: its length
is capped, every tensor must lie inside the file, tensors may not overlap or leave holes, and the SHA-256 of the tensors (what
the header says of them, and their bytes) must be the one in the card. A file that lies about itself is refused with a sentence that says how.
"""

import hashlib
import json
import math
import os
import re
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from explorer.core.errors import CheckpointError, ExplorerError
from explorer.core.model import Card, Model
from explorer.models import judge, vae
from explorer.places import checkpoints as bundled_folder

__all__ = ["BUILDERS", "Header", "bundled", "find", "load", "read", "read_header", "save", "write"]

BUILDERS: dict[str, Callable[[Card, Mapping[str, Tensor], torch.device], Model]] = {"vae": vae.build, "judge": judge.build}

SUFFIX = ".safetensors"
MOST_HEADER = 1 << 20  # bytes
MOST_TENSORS = 10_000
MOST_BYTES = 8 << 30
CARD = "latent-explorer"  # the key of the card among the header's metadata
WIDTHS = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U8": 1, "BOOL": 1}
KINDS = {"config": dict, "spaces": list, "data": dict, "training": dict, "quality": dict}  # every other field of a card is a text
PICKLES = {b"\x80": "a Python pickle", b"PK": "a zip archive, as torch.save writes, with pickles inside"}


@dataclass(frozen=True)
class Header:
    """What a safetensors file says before its tensors: shapes, and metadata; and where the tensors' bytes start."""

    tensors: dict[str, dict[str, Any]]
    metadata: dict[str, str]
    start: int


def bundled() -> list[Path]:
    """The checkpoints that come with the explorer, by name."""
    return sorted(file for file in bundled_folder().glob("*" + SUFFIX) if not file.name.endswith(".atlas" + SUFFIX))


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
        CheckpointError: no such file, a pickle, a header that is corrupt or lies, an unknown family, weights that do not fit.
    """
    file = find(name_or_path)
    header = read_header(file)
    card = _card(file, header)
    if card.family not in BUILDERS:
        raise CheckpointError(f"'{file.name}' is of family '{card.family}'. Known: {', '.join(BUILDERS)}.")
    if card.weights and (found := _digest(file, header)) != card.weights:
        raise CheckpointError(
            f"The weights of '{file.name}' are not those its card vouches for: expected SHA-256 {card.weights[:12]}…, got {found[:12]}…."
        )
    try:
        state = {name: tensor.float() if tensor.is_floating_point() else tensor for name, tensor in tensors(file).items()}
        return BUILDERS[card.family](card, state, torch.device(device))
    except Exception as error:  # whatever a stranger's config does to a builder, the file is to blame
        raise CheckpointError(f"'{file.name}' does not hold what its card says: {str(error).splitlines()[0]}") from error


def tensors(file: Path) -> dict[str, Tensor]:
    """The tensors of a file whose header has been read and found honest."""
    from safetensors.torch import load_file

    return load_file(file)


def save(file: Path, card: Card, state: Mapping[str, Tensor], *, half: bool = False) -> Card:
    """Writes weights and card; returns the card with the hash of the weights in it.

    `half` stores floating-point weights as float16. The file appears whole or not at all.
    """
    kept = {name: (t.half() if half and t.is_floating_point() else t).detach().cpu().contiguous() for name, t in state.items()}
    write(file, kept, {CARD: json.dumps(card.but(weights="0" * 64).to_dict())})
    sealed = card.but(weights=_digest(file, read_header(file)))
    write(file, kept, {CARD: json.dumps(sealed.to_dict())})
    return sealed


def write(file: Path, kept: Mapping[str, Tensor], metadata: dict[str, str]) -> None:
    """Writes tensors and metadata beside `file`, then renames: a reader never sees half a file."""
    from safetensors.torch import save_file

    partial = file.with_name(f".{file.name}.{os.getpid()}.partial")
    save_file(dict(kept), partial, metadata)
    partial.chmod(0o644)  # what is bundled must be readable by whoever runs it
    partial.replace(file)


def read_header(file: Path) -> Header:
    """Reads and checks the header of a safetensors file. Raises CheckpointError saying what is wrong with it."""
    size = file.stat().st_size
    with file.open("rb") as stream:
        first = stream.read(8)
        for magic, what in PICKLES.items():
            if first.startswith(magic) and not _plausible(first, size):
                raise CheckpointError(
                    f"'{file.name}' is {what}. Opening one can run any program it contains, so it is refused. Expected a safetensors file."
                )
        if len(first) < 8:
            raise CheckpointError(f"'{file.name}' is not a safetensors file: expected at least 8 bytes, got {size}.")
        (length,) = struct.unpack("<Q", first)
        if length > MOST_HEADER:
            raise CheckpointError(
                f"'{file.name}' is not a readable safetensors file: it announces a header of {length} bytes, expected at most {MOST_HEADER}."
            )
        if 8 + length > size:
            raise CheckpointError(f"'{file.name}' is cut off: its header should be {length} bytes long, but the whole file has {size}.")
        raw = stream.read(length)
    try:
        parsed = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"The header of '{file.name}' is not JSON: {error}.") from error
    if not isinstance(parsed, dict):
        raise CheckpointError(f"The header of '{file.name}' must be a JSON object, got {type(parsed).__name__}.")
    metadata = parsed.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise CheckpointError(f"The metadata of '{file.name}' must map names to texts.")
    _check_tensors(file.name, parsed, size - 8 - length)
    return Header(parsed, metadata, 8 + length)


def _plausible(first: bytes, size: int) -> bool:
    """Whether eight bytes can be the length of a header in a file of that size."""
    return len(first) == 8 and struct.unpack("<Q", first)[0] <= min(MOST_HEADER, size)


def _check_tensors(name: str, entries: dict[str, Any], available: int) -> None:
    """Every tensor must be described wholly and lie, side by side with the others, inside the file."""
    if len(entries) > MOST_TENSORS:
        raise CheckpointError(f"'{name}' holds {len(entries)} tensors, expected at most {MOST_TENSORS}.")
    if available > MOST_BYTES:
        raise CheckpointError(f"'{name}' holds {available / 2**30:.1f} GiB of weights, expected at most {MOST_BYTES >> 30}.")
    end = 0
    for tensor, (start, stop) in sorted(((key, _extent(name, key, entry)) for key, entry in entries.items()), key=lambda pair: pair[1]):
        if start != end:
            raise CheckpointError(f"Tensor '{tensor}' of '{name}' should start at byte {end}, but its header says {start}.")
        end = stop
    if end != available:
        raise CheckpointError(
            f"'{name}' is {'cut off' if end > available else 'too long'}: its header describes {end} bytes of weights, the file has {available}."
        )


def _extent(name: str, tensor: str, entry: Any) -> tuple[int, int]:
    """Start and end of a tensor's bytes, after checking them against its type and shape."""
    try:
        width, shape, (start, stop) = WIDTHS[entry["dtype"]], entry["shape"], entry["data_offsets"]
        sound = all(isinstance(v, int) and not isinstance(v, bool) and v >= 0 for v in (*shape, start, stop))
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f"Tensor '{tensor}' of '{name}' needs a known dtype, a shape and two data_offsets, got {str(entry)[:80]}.") from error
    if not sound or stop - start != width * math.prod(shape):
        raise CheckpointError(f"Tensor '{tensor}' of '{name}' is {entry['dtype']} of shape {shape}, which does not fill bytes {start} to {stop}.")
    return start, stop


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


def _digest(file: Path, header: Header) -> str:
    """SHA-256 of what the tensors are: their descriptions in the header, and their bytes."""
    digest = hashlib.sha256(json.dumps(header.tensors, sort_keys=True).encode())
    with file.open("rb") as stream:
        stream.seek(header.start)
        while piece := stream.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()
