"""ONNX decoders and encoders, run by onnxruntime on the processor (or on CUDA, where its GPU build is installed).

Shapes are taken from the file; what it leaves open is in a spec (`NAME.json` beside `NAME.onnx`, `explorer.json` in a folder).
Weights may lie in a second file only when that lies beside the first, as `torch.onnx.export` writes it.
"""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from explorer.core.errors import CheckpointError
from explorer.core.model import Card, Model
from explorer.models.adapters import onnx_header
from explorer.models.adapters.adapter import Adapter, Source, card_for
from explorer.models.adapters.assembled import assemble
from explorer.models.adapters.batches import any_number
from explorer.models.adapters.needed import package
from explorer.models.adapters.onnx_header import Graph, Port
from explorer.models.adapters.pictures import Pictures, understood
from explorer.models.weights import hashed

__all__ = ["ADAPTER"]

SUFFIX = ".onnx"
PAIRS = (("decoder.onnx", "encoder.onnx"), ("vae_decoder/model.onnx", "vae_encoder/model.onnx"))
KINDS = {1: np.float32, 10: np.float16, 11: np.float64}  # of elements, by the numbers of onnx.proto
OTHER_KINDS = {2: "uint8", 3: "int8", 5: "int16", 6: "int32", 7: "int64", 8: "text", 9: "bool", 16: "bfloat16"}
RANGES = {"Sigmoid": (0.0, 1.0), "HardSigmoid": (0.0, 1.0), "Tanh": (-1.0, 1.0)}  # of pictures, by the operation that makes them


@dataclass(frozen=True)
class Half:
    """One of the two networks: its file, its graph, its input and the shape of one thing in it, and how many it takes at once (0: any number)."""

    file: Path
    graph: Graph
    input: Port
    shape: tuple[int, ...]
    at_once: int


def recognises(source: Source) -> bool:
    return source.path.suffix == SUFFIX or (source.path.is_dir() and not source.spec.network and any(_pair(source)))


def card(source: Source) -> Card:
    decoder, encoder = _halves(source)
    latent = source.spec.latent or (decoder.shape if decoder else _codes(encoder))
    if decoder and encoder and (known := _known(encoder.graph.outputs[0])) and math.prod(known) != math.prod(latent):
        raise CheckpointError(
            f"'{decoder.file.name}' draws codes of {list(latent)}, but '{encoder.file.name}' gives codes of {list(known)}: they do not belong together."
        )
    named = {"decoder": decoder.file.name if decoder else None, "encoder": encoder.file.name if encoder else None}
    return card_for(source, "onnx", latent=latent, config=named, draws=decoder is not None)


def weigh(source: Source) -> int:
    return sum(half.graph.bytes + sum(half.graph.outside.values()) for half in _halves(source) if half)


def load(source: Source, device: torch.device) -> Model:
    decoder, encoder = _halves(source)
    described, spec = card(source), source.spec
    files = [file for half in (decoder, encoder) if half for file in (half.file, *(half.file.parent / name for name in sorted(half.graph.outside)))]
    described = described.but(weights=hashed(files))
    sides = understood(described.name, encoder.shape, spec.picture) if encoder and encoder.shape else None
    values = spec.values or (RANGES.get(decoder.graph.last_operation()) if decoder else (-1.0, 1.0))
    pictures = None if decoder else Pictures(sides[0], values, sides[1]) if sides else None
    decode, encode = (_runner(half, device) if half else None for half in (decoder, encoder))
    layout = sides[1] if sides else None
    return assemble(
        described, decode=decode, encode=encode, pictures=pictures, picture=spec.picture, values=values, encoder_layout=layout, differentiable=False
    )


def _runner(half: Half, device: torch.device) -> Callable[[Tensor], list[Tensor]]:
    """The network as a function of tensors. Gradients do not pass through it."""
    session, name, kind = _session(half.file, device), half.input.name, KINDS[half.input.kind]
    chosen = _wanted([port.name for port in half.graph.outputs])

    def call(x: Tensor) -> list[Tensor]:
        values = x.detach().cpu().numpy().astype(kind)
        answers = session.run(chosen, {name: np.ascontiguousarray(values.reshape(len(x), *half.shape) if half.shape else values)})
        return [torch.from_numpy(np.asarray(answer, dtype=np.float32)).to(x.device) for answer in answers]

    return any_number(call, half.at_once)


def _session(file: Path, device: torch.device) -> Any:
    """onnxruntime's session of a file. Raises CheckpointError for one that it does not take."""
    runtime = package("onnxruntime", needed_by=f"'{file.name}'")
    options = runtime.SessionOptions()
    options.log_severity_level = 3  # errors only
    wanted = ["CUDAExecutionProvider"] if device.type == "cuda" else []
    providers = [name for name in (*wanted, "CPUExecutionProvider") if name in runtime.get_available_providers()]
    try:
        return runtime.InferenceSession(str(file), options, providers=providers)
    except Exception as error:  # onnxruntime's own kinds, none of which it exports
        raise CheckpointError(f"'{file.name}' cannot be run by onnxruntime: {str(error).splitlines()[0][:300]}") from error


def _wanted(outputs: list[str]) -> list[str]:
    """Which outputs are asked for: a mean and a log-variance by their names, else a pair as it comes, else the first."""
    mean = next((name for name in outputs if re.search(r"mean|(^|[^a-z])mu([^a-z]|$)", name.lower())), None)
    spread = next((name for name in outputs if re.search(r"log_?-?_?var", name.lower())), None)
    if mean and spread:
        return [mean, spread]
    return [mean] if mean else outputs if len(outputs) == 2 else outputs[:1]


def _halves(source: Source) -> tuple[Half | None, Half | None]:
    """Decoder and encoder, each read and checked; at least one is there. The shape of an encoder's pictures may stay open beside a decoder."""
    decoder, encoder = _pair(source)
    spec = source.spec
    drawing = _half(decoder, spec.latent, "latent") if decoder else None
    finding = _half(encoder, spec.picture, "picture", needed=decoder is None) if encoder else None
    return drawing, finding


def _pair(source: Source) -> tuple[Path | None, Path | None]:
    """The files of decoder and encoder; the spec may name the second, otherwise it is the one of the matching name."""
    path, named = source.path, source.spec.encoder
    told = source.spec.folder / named if named else None
    if told is not None and not told.is_file():
        raise CheckpointError(f"There is no '{named}' in '{source.spec.folder}': expected the encoder that the description names.")
    if path.is_file():
        if "encoder" in path.name and not told:
            sibling = path.with_name(path.name.replace("encoder", "decoder"))
            return (sibling if sibling.is_file() else None), path
        sibling = path.with_name(path.name.replace("decoder", "encoder"))
        return path, told or (sibling if sibling != path and sibling.is_file() else None)
    for decoder, encoder in PAIRS:
        found = [path / name if (path / name).is_file() else None for name in (decoder, encoder)]
        if any(found):
            return found[0], told or found[1]
    only = sorted(path.glob(f"*{SUFFIX}"))
    return (only[0] if len(only) == 1 else None), told


def _half(file: Path, said: tuple[int, ...], word: str, *, needed: bool = True) -> Half:
    """Reads a file and checks that it is one network with one input, of a shape that it or its spec says. Raises CheckpointError."""
    graph = onnx_header.read(file)
    _check_outside(file, graph)
    if len(graph.inputs) != 1:
        found = ", ".join(port.name for port in graph.inputs) or "none"
        raise CheckpointError(f"'{file.name}' should have one input, got {len(graph.inputs)}: {found}.")
    (port,) = graph.inputs
    if port.kind not in KINDS:
        raise CheckpointError(
            f"'{file.name}' should take floating-point numbers, but '{port.name}' is {OTHER_KINDS.get(port.kind, 'of another kind')}."
        )
    if len(port.sides) < 2:
        raise CheckpointError(f"'{file.name}' should take a batch and then a shape, but '{port.name}' is {_shown(port)}.")
    shape = _known(port) or (said if _fits(said, port) else ())
    if said and not shape or said and math.prod(said) != math.prod(shape):
        raise CheckpointError(f"The spec of '{file.name}' says \"{word}\": {list(said)}, but '{port.name}' is {_shown(port)}.")
    if needed and not shape:
        raise CheckpointError(f"'{file.name}' leaves the shape of '{port.name}' open: {_shown(port)}. Its spec can say: \"{word}\": [...].")
    batch = port.sides[0]
    return Half(file, graph, port, shape, batch if isinstance(batch, int) and batch > 0 else 0)


def _fits(said: tuple[int, ...], port: Port) -> bool:
    """Whether a shape agrees with all sides that a file does not leave open."""
    return len(said) == len(port.sides) - 1 and all(side == own for side, own in zip(port.sides[1:], said) if isinstance(side, int))


def _check_outside(file: Path, graph: Graph) -> None:
    """Weights in other files are fine only beside this one. Raises CheckpointError."""
    for location, end in graph.outside.items():
        beside = file.parent / location
        if not location or Path(location).name != location or beside.resolve().parent != file.parent.resolve():
            raise CheckpointError(f"'{file.name}' would read its weights from '{location}', which does not lie beside it; it is refused.")
        if not beside.is_file():
            raise CheckpointError(f"'{file.name}' keeps its weights in '{location}', which is not there: it belongs beside it.")
        if beside.stat().st_size < end:
            raise CheckpointError(f"'{location}' is cut off: '{file.name}' expects at least {end} bytes in it, it has {beside.stat().st_size}.")


def _codes(encoder: Half) -> tuple[int, ...]:
    """The shape of the codes that an encoder without a decoder gives."""
    shape = _known(encoder.graph.outputs[0])
    if not shape:
        raise CheckpointError(f"'{encoder.file.name}' leaves the shape of its codes open. Its spec can say: \"latent\": [...].")
    return shape


def _known(port: Port) -> tuple[int, ...]:
    """The shape of one thing in a batch, empty where the file leaves some of it open."""
    sides = port.sides[1:]
    return tuple(sides) if sides and all(isinstance(side, int) and side > 0 for side in sides) else ()


def _shown(port: Port) -> str:
    return f"[{', '.join(str(side) for side in port.sides)}]"


ADAPTER = Adapter("an ONNX decoder or encoder (.onnx, or a folder with decoder.onnx and encoder.onnx)", recognises, card, weigh, load)
