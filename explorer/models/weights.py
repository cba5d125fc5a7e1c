"""Weights in safetensors files: `u64 header length | JSON header | tensor bytes`.

The header is read and checked before anything else: its length is capped, every tensor must lie inside the file, tensors may
not overlap or leave holes. A file that lies about itself is refused with a sentence that says how.
"""

import hashlib
import json
import math
import os
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from explorer.core.errors import CheckpointError

__all__ = ["SUFFIX", "Header", "digest", "floating", "hashed", "hashed_tensors", "in_memory", "read_header", "tensors", "write"]

SUFFIX = ".safetensors"
MOST_HEADER = 1 << 20  # bytes
MOST_TENSORS = 10_000
MOST_BYTES = 8 << 30
WIDTHS = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U8": 1, "BOOL": 1}
FLOATS = {"F64", "F32", "F16", "BF16"}
PICKLES = {b"\x80": "a Python pickle", b"PK": "a zip archive, as torch.save writes, with pickles inside"}


@dataclass(frozen=True)
class Header:
    """What a safetensors file says before its tensors: shapes, and metadata; and where the tensors' bytes start."""

    tensors: dict[str, dict[str, Any]]
    metadata: dict[str, str]
    start: int


def tensors(file: Path) -> dict[str, Tensor]:
    """The tensors of a file whose header has been read and found honest."""
    from safetensors.torch import load_file

    return load_file(file)


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


def digest(file: Path, header: Header) -> str:
    """SHA-256 of what the tensors are: their descriptions in the header, and their bytes."""
    hashed = hashlib.sha256(json.dumps(header.tensors, sort_keys=True).encode())
    with file.open("rb") as stream:
        stream.seek(header.start)
        while piece := stream.read(1 << 20):
            hashed.update(piece)
    return hashed.hexdigest()


def hashed(files: Iterable[Path]) -> str:
    """SHA-256 of files, one after the other: the identity of a model that brings no card of ours."""
    together = hashlib.sha256()
    for file in files:
        with file.open("rb") as stream:
            while piece := stream.read(1 << 20):
                together.update(piece)
    return together.hexdigest()


def hashed_tensors(state: Mapping[str, Tensor]) -> str:
    """SHA-256 of tensors and their names: the identity of a network that came from no file."""
    together = hashlib.sha256()
    for name, tensor in sorted(state.items()):
        together.update(f"{name} {tensor.dtype} {list(tensor.shape)}".encode())
        together.update(tensor.detach().cpu().reshape(-1).view(torch.uint8).numpy().tobytes())
    return together.hexdigest()


def floating(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The same tensors, those of half or double precision as float32: what a CPU computes with."""
    return {name: tensor.float() if tensor.is_floating_point() else tensor for name, tensor in state.items()}


def in_memory(header: Header) -> int:
    """How many bytes the tensors of a file take once they are loaded as float32."""
    return sum(math.prod(entry["shape"]) * (4 if entry["dtype"] in FLOATS else WIDTHS[entry["dtype"]]) for entry in header.tensors.values())
