"""What a checkpoint's header tells before any weight is read: parts, picture, number of parameters, memory, work a picture.

The network is built on torch's `meta` device, where every tensor has a shape and no numbers, so this takes milliseconds and no
memory whatever the size of the file.
"""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from explorer import checkpoints
from explorer.core.errors import CheckpointError
from explorer.core.model import Card, Decoder, Generator, Model
from explorer.models.weights import SUFFIX, Header, in_memory, read_header

__all__ = ["Blueprint", "blueprint", "multiply_adds"]


@dataclass(frozen=True)
class Blueprint:
    """What is known of a model that has not been loaded. None: not to be known without loading it.

    Args:
        parts: the names of the parts it will have.
        picture: (C, H, W) of what it draws.
        parameters: numbers in its weights.
        memory: bytes that the weights take once they are loaded.
        work: multiply-adds of one picture.
    """

    parts: tuple[str, ...] | None = None
    picture: tuple[int, int, int] | None = None
    parameters: int | None = None
    memory: int | None = None
    work: int | None = None


def blueprint(file: Path, card: Card) -> Blueprint:
    """Reads the header of a checkpoint's file, and builds its network without numbers. Raises CheckpointError for a broken header."""
    if file.suffix != SUFFIX or card.family not in checkpoints.BUILDERS:
        return Blueprint()
    header = read_header(file)
    sizes = {"parameters": sum(_numel(entry["shape"]) for entry in header.tensors.values()), "memory": in_memory(header)}
    try:
        model = checkpoints.BUILDERS[card.family](card, _shapes(header), torch.device("meta"))
    except Exception as error:  # whatever a stranger's config does to a builder, the file is to blame
        raise CheckpointError(f"'{file.name}' does not hold what its card says: {str(error).splitlines()[0]}") from error
    picture = model.generator.picture_shape if model.generator is not None else None
    return Blueprint(model.parts, picture, **sizes, work=multiply_adds(model))


def multiply_adds(model: Model) -> int | None:
    """Multiplications with an addition that one picture takes, from the first space that is decoded directly; None where they cannot be counted."""
    generator: Generator | None = model.generator
    if not isinstance(generator, Decoder) or not generator.functions:
        return None
    space, draw = next(iter(generator.functions.items()))
    try:
        with FlopCounterMode(display=False) as counter, torch.inference_mode():
            draw(torch.empty(1, *space.shape, device="meta"))
    except (RuntimeError, NotImplementedError):  # an operation that needs numbers, or weights that have some
        return None
    return counter.get_total_flops() // 2 or None


def _shapes(header: Header) -> dict[str, Tensor]:
    """Tensors of the file's shapes, without numbers."""
    return {name: torch.empty(entry["shape"], dtype=_kind(entry["dtype"]), device="meta") for name, entry in header.tensors.items()}


def _kind(dtype: str) -> torch.dtype:
    """As the weights will be loaded: every floating-point type as float32."""
    whole = {"I64": torch.int64, "I32": torch.int32, "I16": torch.int16, "I8": torch.int8, "U8": torch.uint8, "BOOL": torch.bool}
    return whole.get(dtype, torch.float32)


def _numel(shape: list[int]) -> int:
    return torch.Size(shape).numel()
