"""Opens any model: our checkpoints and other people's formats, by one table.

    explorer.open("avatars-vae")                                     # bundled
    explorer.open("sd-vae/")                                         # a folder that diffusers saved
    explorer.open("decoder.onnx")
    explorer.open({"class": "nets:Decoder", "weights": "w.safetensors", "latent": [64]}, trust=True)

What would run a stranger's code (a Python class, a compiled program) is opened only with `trust`, which only whoever sits at the
machine can give: on the command line or in Python. Nothing else about a file is ever run.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from explorer import checkpoints, devices
from explorer.core.errors import CheckpointError
from explorer.core.model import Card, Model
from explorer.models.adapters import compiled, diffusers_folder, hub, hub_folder, onnx_files, own_class, plug_ins
from explorer.models.adapters.adapter import Adapter, Source
from explorer.models.adapters.spec import SUFFIXES, Spec, beside, from_file, from_values
from explorer.models.weights import PICKLES, in_memory, read_header

__all__ = ["FORMATS", "Thing", "adapter_of", "card_of", "check_trust", "load", "open", "source_of", "weigh"]


CONFIGURATIONS = ("config.json", "model_index.json")
INSIDE = {*CONFIGURATIONS, "diffusion_pytorch_model.safetensors", "model.safetensors", "explorer.json", "explorer.toml"}  # stand for their folder
Thing = str | Path | Mapping[str, Any] | torch.nn.Module


def _is_ours(source: Source) -> bool:
    if source.spec.network:
        return False
    if source.path.is_dir():
        return _says_itself(_own_file(source))
    return source.path.is_file() and source.path.suffix == checkpoints.SUFFIX


def _own_file(source: Source) -> Path:
    """The file of a checkpoint of ours: in a folder, as one pushes it to the Hub, `model.safetensors`."""
    return source.path / hub_folder.WEIGHTS if source.path.is_dir() else source.path


def _says_itself(path: Path) -> bool:
    """Whether a file carries its own card, so that nothing beside it has a say. A broken safetensors file counts: its header says what is wrong."""
    if not path.is_file() or path.suffix != checkpoints.SUFFIX:
        return False
    try:
        return checkpoints.CARD in read_header(path).metadata
    except CheckpointError:
        return True


OURS = Adapter(
    "a checkpoint of the explorer (.safetensors with a card)",
    recognises=_is_ours,
    card=lambda source: checkpoints.read(_own_file(source)),
    weigh=lambda source: in_memory(read_header(_own_file(source))),
    load=lambda source, device: checkpoints.load(_own_file(source), device),
)

FORMATS: tuple[Adapter, ...] = (OURS, own_class.ADAPTER, diffusers_folder.ADAPTER, hub_folder.ADAPTER, onnx_files.ADAPTER, compiled.ADAPTER)


def open(  # noqa: A001 - `explorer.open` reads as what it does
    thing: Thing, *, trust: bool = False, device: str | torch.device | None = None, spec: Mapping[str, Any] | None = None
) -> Model:
    """Opens a model.

    Args:
        thing: a bundled model's name, a file, a folder, the description of a model (docs/bring-your-own-model.md), or a network.
        trust: whether code that comes with the model may run.
        device: where to compute; see `devices.choose`.
        spec: what to say of a file or folder in addition, as `{"size": [256, 256]}`.

    Raises:
        CheckpointError: nothing there, an unknown format, a file that lies, a model that is too large, or trust that is missing.
        ModelError: a network that does not draw what it should.
    """
    return load(source_of(thing, spec=spec), devices.choose(device), trust=trust)


def source_of(thing: Thing, *, spec: Mapping[str, Any] | None = None) -> Source:
    """Where a model lies, and what is said of it. Raises CheckpointError where there is nothing."""
    given = from_values(spec or {}, folder=Path.cwd())
    if isinstance(thing, torch.nn.Module):
        return Source(Path(type(thing).__name__), given, net=thing)
    if isinstance(thing, Mapping):
        return _pointed_at(from_values(thing, folder=Path.cwd()).over(given))
    with _reading(thing):
        return _at(thing, given)


def _at(thing: str | Path, given: Spec) -> Source:
    """The source of a path, or of a name."""
    path = Path(thing).expanduser()
    if path.name in INSIDE and any((path.parent / name).is_file() for name in CONFIGURATIONS) and not _says_itself(path):
        path = path.parent
    if path.is_file() and path.suffix in SUFFIXES:
        return _pointed_at(given.over(from_file(path)), path)
    if not path.exists() and str(thing) in plug_ins.found().models:
        return Source(path, given, plug_in=str(thing))
    if not path.exists() and hub.is_id(str(thing)):
        path, given = hub.fetched(str(thing)), given.over(Spec(name=str(thing).partition("/")[2]))
    if not path.exists():
        path = checkpoints.find(thing)
    return Source(path, given if _says_itself(path) else given.over(beside(path)))


def _pointed_at(said: Spec, file: Path | None = None) -> Source:
    """The source that a spec describes: the weights that it names, or its class where that brings its own. A spec's file gives its name."""
    if file is not None and not said.name:
        said = replace(said, name=Source(file).name)
    if not said.weights and not said.network:
        raise CheckpointError(f'\'{file.name if file else "The description"}\' should say where a model is: "weights", "class", or both.')
    if not said.weights:
        return Source(file or said.folder / said.network.rpartition(":")[2], said)
    path = said.folder / Path(said.weights).expanduser()
    if not path.exists():
        raise CheckpointError(f"There is no '{said.weights}' in '{said.folder}': expected the weights that the description names.")
    return Source(path, said if said.network else said.over(beside(path)))


def adapter_of(source: Source) -> Adapter:
    """The adapter of a source's format, plug-ins first. Raises CheckpointError saying what was found and what can be opened."""
    formats = (*plug_ins.found().adapters, *FORMATS)
    for adapter in formats:
        if adapter.recognises(source):
            return adapter
    raise CheckpointError(f"'{source.path.name}' cannot be opened: it is {_found(source.path)}. What can be: {'; '.join(a.title for a in formats)}.")


def card_of(source: Source) -> Card:
    """What a model says of itself before it is loaded; nothing is run for it. Raises CheckpointError."""
    with _reading(source.path):
        return adapter_of(source).card(source)


def weigh(source: Source) -> int:
    """How many bytes a model's weights take in memory."""
    with _reading(source.path):
        return adapter_of(source).weigh(source)


def check_trust(source: Source, *, trust: bool) -> None:
    """Raises CheckpointError when opening a source would run a stranger's code and nobody said that it may."""
    with _reading(source.path):
        runs = adapter_of(source).runs(source)
    if runs and not trust:
        raise CheckpointError(
            f"Opening '{source.path.name}' would run {runs}. If you trust whoever wrote it, say so: `--trust` on the command line, "
            "`trust=True` in Python, the box below the path on the page."
        )


def load(source: Source, device: torch.device, *, trust: bool = False) -> Model:
    """The model of a source, on `device`. Raises as `open` does."""
    check_trust(source, trust=trust)
    devices.make_room(source.path.name, weigh(source), device)
    with _reading(source.path), torch.inference_mode(False):  # weights made in that mode, by a worker that draws, never have gradients
        return devices.place(adapter_of(source).load(source, device), device)


@contextmanager
def _reading(thing: str | Path) -> Iterator[None]:
    """Says it when a file cannot be read, or has gone since it was found."""
    try:
        yield
    except OSError as error:
        raise CheckpointError(f"'{Path(thing).name}' cannot be read: {error.strerror or error}.") from error


def _found(path: Path) -> str:
    """What lies at a path, in words."""
    if path.is_dir():
        names = sorted(entry.name for entry in path.iterdir())
        return f"a folder with {', '.join(names[:5])}{' …' if len(names) > 5 else ''}" if names else "an empty folder"
    with path.open("rb") as stream:
        first = stream.read(2)
    pickled = next((what for magic, what in PICKLES.items() if first.startswith(magic)), None)
    if pickled:
        return f"{pickled}, which can run any program it contains and is refused"
    return f"a file that ends in '{path.suffix}'" if path.suffix else "a file without an ending"
