"""Compiled programs: TorchScript (`torch.jit.save`) and exported programs (`torch.export.save`).

Both are programs in a file, and loading one runs what is in it, so they are opened only with trust. An exported program says what its
codes look like; TorchScript does not, and needs a spec: `{"latent": [64]}` in `NAME.json` beside `NAME.pt`.
"""

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from explorer.core.errors import CheckpointError
from explorer.core.model import Card, Model
from explorer.models.adapters.adapter import Adapter, Source, card_for
from explorer.models.adapters.assembled import assemble
from explorer.models.adapters.batches import any_number
from explorer.models.weights import hashed

__all__ = ["ADAPTER"]

SUFFIXES = (".pt", ".pth", ".ts", ".jit", ".pt2")
SCRIPT, EXPORT = "a TorchScript program", "an exported program of torch"
MOST_JSON = 64 << 20


def recognises(source: Source) -> bool:
    return source.path.is_file() and source.path.suffix in SUFFIXES and not source.spec.network


def runs(source: Source) -> str:
    _kind(source.path)
    return f"the program compiled into '{source.path.name}'"


def card(source: Source) -> Card:
    kind = _kind(source.path)
    latent = source.spec.latent or (_exported_input(source.path)[1:] if kind == EXPORT else ())
    if not latent or not all(isinstance(side, int) and side > 0 for side in latent):
        raise CheckpointError(f"Nothing says what the codes of '{source.path.name}' look like: its spec needs \"latent\", the shape of one code.")
    named = {"decoder": source.path.name, "encoder": source.spec.encoder or None}
    return card_for(source, "export" if kind == EXPORT else "torchscript", latent=latent, config=named)


def weigh(source: Source) -> int:
    return sum(file.stat().st_size for file in _files(source))


def load(source: Source, device: torch.device) -> Model:
    described, spec, files = card(source), source.spec, _files(source)
    drawing = _program(files[0], device)
    finding = _program(files[1], device) if len(files) > 1 else drawing
    decode = _function(described.name, drawing, spec.decode, "decode") or drawing
    encode = _function(described.name, finding, spec.encode, "encode") or (finding if len(files) > 1 else None)
    decode, encode = _batched(decode, files[0]), encode and _batched(encode, files[-1])
    described = described.but(weights=hashed(files))
    return assemble(described, decode=decode, encode=encode, picture=spec.picture, values=spec.values, device=device, differentiable=None)


def _kind(file: Path) -> str:
    """What a file is, by the names inside it. Raises CheckpointError for anything that is not a program."""
    try:
        with zipfile.ZipFile(file) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise CheckpointError(f"'{file.name}' is not a file that torch wrote, or one of its old pickles, which are refused: {error}.") from error
    inside = {name.partition("/")[2] for name in names}
    if "models/model.json" in inside or "serialized_exported_program.json" in names:
        return EXPORT
    if any(name.startswith("code/") for name in inside):
        return SCRIPT
    if "data.pkl" in inside:
        raise CheckpointError(
            f"'{file.name}' holds what torch.save wrote: a pickle of weights or objects, no program that can draw. Save the weights as safetensors "
            'and say which class they are of: {"class": "module:Class", "weights": "' + file.name + '", "latent": [64]}.'
        )
    raise CheckpointError(
        f"'{file.name}' is a zip archive, but neither a TorchScript nor an exported program: it holds {', '.join(sorted(names)[:3])}."
    )


def _exported_input(file: Path) -> tuple[int | None, ...]:
    """The sides of an exported program's one input, None where one is open; empty where it does not say them plainly."""
    try:
        with zipfile.ZipFile(file) as archive:
            name = next(n for n in archive.namelist() if n.endswith("models/model.json") or n == "serialized_exported_program.json")
            if archive.getinfo(name).file_size > MOST_JSON:
                return ()
            module = json.loads(archive.read(name))["graph_module"]
        wanted = [spec["user_input"]["arg"]["as_tensor"]["name"] for spec in module["signature"]["input_specs"] if "user_input" in spec]
        sides = module["graph"]["tensor_values"][wanted[0]]["sizes"]
        return tuple(side.get("as_int") for side in sides) if len(wanted) == 1 else ()
    except (StopIteration, LookupError, TypeError, AttributeError, ValueError, zipfile.BadZipFile):
        return ()


def _files(source: Source) -> list[Path]:
    """The program, and that of the encoder where the spec names one."""
    if not source.spec.encoder:
        return [source.path]
    beside = source.spec.folder / source.spec.encoder
    if not beside.is_file():
        raise CheckpointError(f"There is no '{source.spec.encoder}' in '{source.spec.folder}': expected the encoder that the description names.")
    return [source.path, beside]


def _program(file: Path, device: torch.device) -> Any:
    try:
        program = torch.export.load(file).module().to(device) if _kind(file) == EXPORT else torch.jit.load(file, map_location=device).eval()
    except CheckpointError:
        raise
    except Exception as error:  # loaders fail in many ways
        raise CheckpointError(f"'{file.name}' cannot be loaded as {_kind(file)}: {str(error).splitlines()[0][:300]}") from error
    for weights in program.parameters():
        weights.requires_grad_(False)
    return program


def _function(name: str, program: Any, wanted: str, usual: str) -> Callable[[Tensor], Any] | None:
    """The method that the spec names, or the usual one where the program has it."""
    found = getattr(program, wanted or usual, None)
    if wanted and not callable(found):
        raise CheckpointError(f"'{name}' has no method '{wanted}'.")
    return found if callable(found) else None


def _batched(call: Callable[[Tensor], Any], file: Path) -> Callable[[Tensor], Any]:
    """The same for any number of codes, where an exported program takes a fixed number."""
    sides = _exported_input(file) if _kind(file) == EXPORT else ()
    return any_number(call, sides[0] if sides and isinstance(sides[0], int) else 0)


ADAPTER = Adapter("with trust, a compiled program of torch (TorchScript .pt, torch.export .pt2)", recognises, card, weigh, load, runs)
