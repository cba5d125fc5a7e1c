"""Reads the tensors out of files that `torch.save` wrote of whole modules, without running any of their code.

Such a file is a program for a small machine: it may name any function and call it. Here the machine knows nothing but containers and
tensors. Modules, of torch's or of anybody's, become `Stub`s, which hold what they were given and do nothing; every other name is
refused before anything else happens. Both of torch's formats are read: the zip archive, and the stream of before 1.6.

Pickles in general stay refused (`weights.py`); this is for the two formats of prototype classifiers that are published in no other way.
"""

import io
import math
import pickle
import struct
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from explorer.core.errors import CheckpointError

__all__ = ["Contents", "Stub", "read"]

MOST_BYTES = 2 << 30
MOST_MODULES, DEEPEST = 20_000, 100
KINDS = {
    "FloatStorage": torch.float32, "DoubleStorage": torch.float64, "HalfStorage": torch.float16, "BFloat16Storage": torch.bfloat16,
    "LongStorage": torch.int64, "IntStorage": torch.int32, "ShortStorage": torch.int16, "CharStorage": torch.int8, "ByteStorage": torch.uint8,
    "BoolStorage": torch.bool,
}  # fmt: skip
OWNERS = ("model", "resnet_features", "vgg_features", "densenet_features", "receptive_field", "settings")  # of the published repositories
LEGACY = 0x1950A86A20F9469CFC6C


class Stub:
    """A module that does nothing: `where` it came from, and in `__dict__` what it held."""

    where = ""

    def __new__(cls, *_: Any, **__: Any) -> "Stub":
        return object.__new__(cls)

    def __init__(self, *_: Any, **__: Any):
        pass


@dataclass(frozen=True)
class _Kind:
    """The type of a storage."""

    dtype: torch.dtype


@dataclass(frozen=True)
class _Storage:
    """A storage by its key: where its bytes are is known later."""

    key: str
    dtype: torch.dtype
    numel: int


@dataclass(frozen=True)
class _View:
    """A tensor to be: a part of a storage."""

    storage: _Storage
    offset: int
    size: tuple[int, ...]
    stride: tuple[int, ...]


@dataclass(frozen=True)
class Contents:
    """What a file held.

    Args:
        tensors: parameters and buffers by their full names, and tensors that were plain attributes.
        values: numbers, texts and truth values that modules held as attributes, by full name.
        where: the class that the whole was, as "model.PPNet", or "" for a plain dictionary.
    """

    tensors: dict[str, Tensor]
    values: dict[str, Any] = field(default_factory=dict)
    where: str = ""


class _Views:
    """What rebuilds tensors. It has no attributes, so a file cannot change any."""

    __slots__ = ()

    def __call__(self, storage: Any, offset: Any, size: Any, stride: Any, *_: Any) -> _View:
        if not isinstance(storage, _Storage):
            raise pickle.UnpicklingError("a tensor without a storage")
        view = _View(storage, int(offset), tuple(int(n) for n in size), tuple(int(n) for n in stride))
        last = view.offset + sum((n - 1) * s for n, s in zip(view.size, view.stride))
        if len(view.size) != len(view.stride) or min((view.offset, *view.size, *view.stride)) < 0 or (math.prod(view.size) and last >= storage.numel):
            raise pickle.UnpicklingError("a tensor that reaches beyond its storage")
        return view


class _Parameters:
    """What rebuilds parameters: the tensor itself."""

    __slots__ = ()

    def __call__(self, value: Any, *_: Any) -> Any:
        return value


SAFE: dict[tuple[str, str], Any] = {
    ("collections", "OrderedDict"): OrderedDict,
    ("torch._utils", "_rebuild_tensor_v2"): _Views(),
    ("torch._utils", "_rebuild_tensor"): _Views(),
    ("torch._utils", "_rebuild_parameter"): _Parameters(),
    ("torch", "Size"): tuple,
    **{(module, "set"): set for module in ("builtins", "__builtin__")},
}  # fmt: skip


class _Machine(pickle.Unpickler):
    """Knows containers, tensors and stubs, and no other name."""

    def __init__(self, stream: io.IOBase):
        super().__init__(stream)
        self._stubs: dict[str, type[Stub]] = {}

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in SAFE:
            return SAFE[module, name]
        if module == "torch" and name in KINDS:
            return _Kind(KINDS[name])
        if "." not in name and (module in OWNERS or module == "torch.nn.modules" or module.startswith("torch.nn.modules.")) and name[:1].isupper():
            where = f"{module}.{name}"
            return self._stubs.setdefault(where, type("Stub", (Stub,), {"where": where}))
        raise pickle.UnpicklingError(f"it asks for '{module}.{name}', which no classifier needs")

    def persistent_load(self, saved: Any) -> Any:
        match saved:
            case ("module", kind, *_):
                return kind
            case ("storage", _Kind(dtype), key, _, numel, *_) if isinstance(numel, int) and numel >= 0:
                return _Storage(str(key), dtype, numel)
        raise pickle.UnpicklingError("it refers to something outside that is no storage")


def read(file: Path) -> Contents:
    """The tensors and plain values of a file. Nothing in it is run.

    Raises:
        CheckpointError: not such a file, one that asks for anything but modules and tensors, or one that lies about its tensors.
    """
    if file.stat().st_size > MOST_BYTES:
        raise CheckpointError(f"'{file.name}' has {file.stat().st_size / 2**30:.1f} GiB, expected at most {MOST_BYTES >> 30}.")
    try:
        whole, bytes_of = _archive(file) if zipfile.is_zipfile(file) else _stream(file)
        return _contents(whole, _Tensors(bytes_of))
    except CheckpointError:
        raise
    except Exception as error:  # whatever a stranger's file does to the machine, the file is to blame
        raise CheckpointError(f"'{file.name}' is refused: {str(error).splitlines()[0] if str(error) else type(error).__name__}.") from error


def _archive(file: Path) -> tuple[Any, Callable[[str], bytes]]:
    """The object in a zip archive, and how to get at storages."""
    archive = zipfile.ZipFile(file)
    if sum(entry.file_size for entry in archive.infolist()) > MOST_BYTES:
        raise CheckpointError(f"'{file.name}' unpacks to more than {MOST_BYTES >> 30} GiB.")
    program = next((name for name in archive.namelist() if name.endswith("/data.pkl") or name == "data.pkl"), None)
    if program is None:
        raise CheckpointError(f"'{file.name}' is a zip archive, but not one that torch wrote: there is no 'data.pkl' in it.")
    lead = program.removesuffix("data.pkl")
    order = f"{lead}byteorder"
    if order in archive.namelist() and archive.read(order) != b"little":
        raise CheckpointError(f"'{file.name}' holds numbers in an order of bytes that is not this machine's.")
    return _Machine(io.BytesIO(archive.read(program))).load(), lambda key: archive.read(f"{lead}data/{key}")


def _stream(file: Path) -> tuple[Any, Callable[[str], bytes]]:
    """The same of the older format: number, version, system, object, keys, and then every storage."""
    with file.open("rb") as stream:
        if _Machine(stream).load() != LEGACY:
            raise CheckpointError(f"'{file.name}' is not a file that torch wrote.")
        for _ in range(2):
            _Machine(stream).load()
        whole, keys = _Machine(stream).load(), _Machine(stream).load()
        sizes = {storage.key: storage.dtype.itemsize for storage in _storages(whole)}
        found: dict[str, bytes] = {}
        for key in keys:
            (count,) = struct.unpack("<q", stream.read(8))
            if count < 0 or str(key) not in sizes:
                raise CheckpointError(f"'{file.name}' has a storage that no tensor is in.")
            found[str(key)] = stream.read(count * sizes[str(key)])
    return whole, found.__getitem__


def _storages(whole: Any) -> Iterator[_Storage]:
    for _, value in _walk(whole):
        if isinstance(value, _View):
            yield value.storage


class _Tensors:
    """Turns views into tensors; each storage is read once."""

    def __init__(self, bytes_of: Callable[[str], bytes]):
        self._bytes_of = bytes_of
        self._read: dict[str, Tensor] = {}

    def __call__(self, view: _View) -> Tensor:
        storage = view.storage
        if storage.key not in self._read:
            raw = self._bytes_of(storage.key)
            if len(raw) != storage.numel * storage.dtype.itemsize:
                raise CheckpointError(f"Storage '{storage.key}' should have {storage.numel * storage.dtype.itemsize} bytes, got {len(raw)}.")
            self._read[storage.key] = torch.frombuffer(bytearray(raw), dtype=storage.dtype) if raw else torch.empty(0, dtype=storage.dtype)
        return self._read[storage.key].as_strided(view.size, view.stride, view.offset).clone()


def _contents(whole: Any, tensor: _Tensors) -> Contents:
    found = Contents({}, {}, whole.where if isinstance(whole, Stub) else "")
    for name, value in _walk(whole):
        if isinstance(value, _View):
            found.tensors[name.removeprefix("module.")] = tensor(value)
        elif isinstance(value, (bool, int, float, str)):
            found.values[name.removeprefix("module.")] = value
    if not found.tensors:
        raise CheckpointError("There is not one tensor in the file.")
    return found


def _walk(whole: Any) -> Iterator[tuple[str, Any]]:
    """Every plain value and view inside, with its full name as modules give them; what is reached twice is told twice, up to a limit."""
    waiting: list[tuple[str, Any, int]] = [("", whole, 0)]
    seen = 0
    while waiting:
        name, value, depth = waiting.pop()
        seen += 1
        if seen > MOST_MODULES or depth > DEEPEST:
            raise CheckpointError(f"It nests more than {MOST_MODULES} parts, or deeper than {DEEPEST}.")
        lead = f"{name}." if name else ""
        if isinstance(value, Stub):
            held = vars(value)
            for box in ("_parameters", "_buffers", "_modules"):
                waiting += [(f"{lead}{key}", inner, depth + 1) for key, inner in dict(held.get(box) or {}).items() if inner is not None]
            for key, inner in held.items():
                if not key.startswith("_") and isinstance(inner, (bool, int, float, str, _View)):
                    yield f"{lead}{key}", inner
        elif isinstance(value, dict):
            waiting += [(f"{lead}{key}", inner, depth + 1) for key, inner in value.items() if isinstance(key, str)]
        else:
            yield name, value
