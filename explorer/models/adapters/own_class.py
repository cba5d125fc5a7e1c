"""Any network: a Python class, the weights it is filled with, and a spec that says what its codes and pictures look like.

    {"class": "my_package.nets:VAE", "args": {"width": 64}, "weights": "weights.safetensors", "latent": [64], "values": [0, 1]}

The class draws by `decode` where it has one, else by being called; it encodes by `encode` where it has one. Importing it runs its
module, so this is only ever done for whoever sits at the machine and trusts it. A network that a program made itself is taken as it is.
"""

import sys
from collections.abc import Callable, Mapping
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from explorer.core.errors import CheckpointError
from explorer.core.model import Card, Model
from explorer.models.adapters.adapter import Adapter, Source, card_for
from explorer.models.adapters.assembled import assemble
from explorer.models.adapters.spec import Spec
from explorer.models.weights import SUFFIX, floating, hashed, hashed_tensors, in_memory, read_header, tensors

__all__ = ["ADAPTER", "around", "filled", "imported", "runs"]

PICKLED = (".pt", ".pth", ".bin", ".ckpt")
INSIDE = ("state_dict", "model_state_dict", "model", "params_ema", "ema")  # where training scripts keep the weights among other things
MANY = 3  # names that an error lists


def recognises(source: Source) -> bool:
    return source.net is not None or (bool(source.spec.network) and not source.path.is_dir())


def runs(source: Source) -> str:
    return "" if source.net is not None else f"the Python class '{source.spec.network}' and the module it is in"


def card(source: Source) -> Card:
    if not source.spec.latent:
        raise CheckpointError(f"Nothing says what the codes of '{source.name}' look like: its spec needs \"latent\", the shape of one code.")
    named = source.spec.network or f"{type(source.net).__module__}:{type(source.net).__qualname__}"
    return card_for(source, "class", latent=source.spec.latent, config={"class": named})


def weigh(source: Source) -> int:
    if source.net is not None:
        return sum(t.numel() * t.element_size() for t in _state(source.net).values())
    file = _weights(source)
    if file is None:
        return 0
    return in_memory(read_header(file)) if file.suffix == SUFFIX else file.stat().st_size


def load(source: Source, device: torch.device) -> Model:
    described = card(source)
    if source.net is not None:
        return around(described.but(weights=hashed_tensors(_state(source.net))), source.net, source.spec, device)
    net = _made(source.name, imported(source.spec), source.spec.args)
    file = _weights(source)
    if file is not None:
        filled(source.name, net, _read(file))
    return around(described.but(weights=hashed([file]) if file else hashed_tensors(_state(net))), net, source.spec, device)


def around(card: Card, net: Any, spec: Spec, device: torch.device) -> Model:
    """The model of a card around a network, by the methods that its spec names or that it has."""
    if isinstance(net, nn.Module):
        net.eval().requires_grad_(False).to(device)
    decode = _method(card.name, net, spec.decode) if spec.decode else getattr(net, "decode", net)
    encode = _method(card.name, net, spec.encode) if spec.encode else getattr(net, "encode", None)
    return assemble(card, decode=decode, encode=encode, picture=spec.picture, values=spec.values, device=device, differentiable=None)


def _method(name: str, net: Any, wanted: str) -> Callable[[Tensor], Any]:
    found = getattr(net, wanted, None)
    if not callable(found):
        there = [key for key in dir(net) if not key.startswith("_") and key not in dir(nn.Module) and callable(getattr(net, key, None))]
        raise CheckpointError(f"'{name}' has no method '{wanted}'. It has: {', '.join(there[:10]) or 'none of its own'}.")
    return found


def imported(spec: Spec) -> Callable[..., Any]:
    """The class that a spec names, looked for beside the spec, in the working folder, and among what is installed."""
    module, _, name = spec.network.partition(":")
    try:
        with _importing(module, (spec.folder.absolute(), Path.cwd())):
            found: Any = import_module(module)
        for word in name.split("."):
            found = getattr(found, word)
    except AttributeError as error:
        raise CheckpointError(f"There is no class '{name}' in the module '{module}'.") from error
    except Exception as error:  # a stranger's module may fail in any way
        raise CheckpointError(f"The module '{module}' cannot be imported: {type(error).__name__}: {error}.") from error
    return found


@contextmanager
def _importing(module: str, folders: tuple[Path, ...]):
    """Lets folders be imported from for a while; a module of the same name from another folder is forgotten first."""
    top = module.partition(".")[0]
    home = next((folder for folder in folders if (folder / f"{top}.py").is_file() or (folder / top).is_dir()), None)
    loaded = getattr(sys.modules.get(top), "__file__", None)
    if home is not None and loaded is not None and not Path(loaded).is_relative_to(home):
        for name in [name for name in sys.modules if name == top or name.startswith(f"{top}.")]:
            del sys.modules[name]
    before = list(sys.path)
    sys.path[:0] = [str(folder) for folder in folders]
    try:
        yield
    finally:
        sys.path[:] = before


def _made(name: str, kind: Callable[..., Any], args: Mapping[str, Any]) -> Any:
    try:
        return kind(**args)
    except Exception as error:  # a stranger's class may fail in any way
        given = ", ".join(args) or "no arguments"
        raise CheckpointError(f"The class of '{name}' cannot be made with {given}: {type(error).__name__}: {error}.") from error


def _weights(source: Source) -> Path | None:
    """The file of the weights, None for a class that brings its own."""
    if not source.spec.weights and source.path.suffix not in (SUFFIX, *PICKLED):
        return None
    if source.path.suffix not in (SUFFIX, *PICKLED):
        raise CheckpointError(f"The weights of '{source.name}' should be a .safetensors file (or .pt, .pth), got '{source.path.name}'.")
    return source.path


def _read(file: Path) -> dict[str, Tensor]:
    """The weights of a file. Of a pickle only tensors are read, whatever else it holds."""
    if file.suffix == SUFFIX:
        read_header(file)
        return floating(tensors(file))
    try:
        found = torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:  # pickles fail in many ways
        raise CheckpointError(f"'{file.name}' holds more than plain weights, or is no file of torch: {str(error).splitlines()[0]}") from error
    while isinstance(found, Mapping) and (key := next((k for k in INSIDE if isinstance(found.get(k), Mapping)), None)):
        found = found[key]
    if not isinstance(found, Mapping) or not all(isinstance(value, Tensor) for value in found.values()):
        raise CheckpointError(f"'{file.name}' should hold weights by their names, got {type(found).__name__}.")
    return floating(found)


def filled(name: str, net: Any, state: Mapping[str, Tensor]) -> None:
    """Fills a network with weights, every one of them; a prefix that all of its names have or lack is seen through.

    Raises:
        CheckpointError: naming the first weights that are missing, left over, or of another shape.
    """
    wanted = _state(net)
    fitting = _matched(wanted, state)
    missing = [key for key in wanted if key not in fitting and not key.endswith("num_batches_tracked")]
    extra = [key for key in fitting if key not in wanted]
    other = [f"{k} ({list(t.shape)}, should be {list(wanted[k].shape)})" for k, t in fitting.items() if k in wanted and t.shape != wanted[k].shape]
    for what, keys in (("missing", missing), ("left over", extra), ("of another shape", other)):
        if keys:
            more = f" and {len(keys) - MANY} more" if len(keys) > MANY else ""
            raise CheckpointError(
                f"The weights of '{name}' do not fit its class: {', '.join(keys[:MANY])}{more} {'are' if more or len(keys) > 1 else 'is'} {what}."
            )
    net.load_state_dict(fitting, strict=False)


def _matched(wanted: Mapping[str, Tensor], state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The weights under the network's own names: those below the prefix under which all of them are found, if there is one."""
    if not wanted:
        return dict(state)
    first = next(iter(wanted))
    below = sorted((key.removesuffix(first) for key in state if key.endswith(first)), key=len)
    for prefix in below:
        if all(prefix + key in state for key in wanted):
            return {key.removeprefix(prefix): value for key, value in state.items() if key.startswith(prefix)}
    above = first.partition(".")[0] + "."
    if all(key.startswith(above) for key in wanted) and not any(key.startswith(above) for key in state):
        return {above + key: value for key, value in state.items()}
    return dict(state)


def _state(net: Any) -> dict[str, Tensor]:
    return dict(net.state_dict()) if isinstance(net, nn.Module) else {}


ADAPTER = Adapter("a Python class with its weights, described in a spec (.json or .toml)", recognises, card, weigh, load, runs)
