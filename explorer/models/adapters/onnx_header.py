"""What an ONNX file says of itself: inputs, outputs, last operations, and files that it would read besides; nothing of it is run.

ONNX files are Protocol Buffers messages. Their wire format is small enough to be read here (protobuf.dev/programming-guides/encoding),
skipping the weights, so that a stranger's file is known before any runtime sees it. Field numbers are those of onnx.proto.
"""

import mmap
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from explorer.core.errors import CheckpointError

__all__ = ["Graph", "Port", "read"]

DEEPEST = 16  # graphs inside nodes inside graphs
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5


@dataclass(frozen=True)
class Port:
    """An input or output: its name, the number of its element type, and its sides: a whole number, or a name for an open one."""

    name: str
    kind: int
    sides: tuple[int | str, ...]


@dataclass
class Graph:
    """A file's main graph.

    Args:
        inputs, outputs: in their order; weights that are listed as inputs are left out.
        makers: from the name of a value to the operation that makes it and that operation's first input.
        outside: for each other file that weights lie in, how many bytes of it are used.
        bytes: of weights inside the file.
    """

    inputs: list[Port] = field(default_factory=list)
    outputs: list[Port] = field(default_factory=list)
    makers: dict[str, tuple[str, str]] = field(default_factory=dict)
    outside: dict[str, int] = field(default_factory=dict)
    bytes: int = 0

    def last_operation(self) -> str:
        """The operation that the first output comes from, not counting those that only rearrange."""
        value, seen = self.outputs[0].name, 0
        while value in self.makers and seen < 10:
            operation, source = self.makers[value]
            if operation not in ("Reshape", "Transpose", "Identity", "Cast", "Squeeze", "Unsqueeze", "Flatten"):
                return operation
            value, seen = source, seen + 1
        return ""


class _Malformed(Exception):
    """Bytes that are no message."""


def read(file: Path) -> Graph:
    """Reads a file's graph. Raises CheckpointError for one that is not ONNX."""
    try:
        with file.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
            graph = Graph()
            for number, value in _fields(data, (0, len(data))):
                if number == 7:
                    _graph(data, _span(value), graph, depth=0)
                elif number == 25:  # a function: its nodes, and what their attributes are by default
                    for inner, part in _fields(data, _span(value)):
                        if inner in (7, 11):
                            (_node if inner == 7 else _attribute)(data, _span(part), graph, depth=1)
    except (_Malformed, OSError, ValueError) as error:  # mmap refuses an empty file with a ValueError
        raise CheckpointError(f"'{file.name}' is not a readable ONNX file: {error}.") from error
    if not graph.outputs:
        raise CheckpointError(f"'{file.name}' is not a readable ONNX file: it has no graph with an output.")
    return graph


def _graph(data: mmap.mmap, span: tuple[int, int], graph: Graph, *, depth: int) -> None:
    if depth > DEEPEST:
        raise _Malformed(f"graphs are nested more than {DEEPEST} deep")
    weights = set()
    for number, value in _fields(data, span):
        if number == 1:
            _node(data, _span(value), graph, depth=depth)
        elif number == 5:
            weights.add(_tensor(data, _span(value), graph))
        elif number == 15:
            _sparse(data, _span(value), graph)
        elif number in (11, 12) and depth == 0:
            (graph.inputs if number == 11 else graph.outputs).append(_port(data, _span(value)))
    if depth == 0:
        graph.inputs = [port for port in graph.inputs if port.name not in weights]


def _node(data: mmap.mmap, span: tuple[int, int], graph: Graph, *, depth: int) -> None:
    taken, made, operation = [], [], ""
    for number, value in _fields(data, span):
        if number in (1, 2):
            (taken if number == 1 else made).append(_text(data, value))
        elif number == 4:
            operation = _text(data, value)
        elif number == 5:
            _attribute(data, _span(value), graph, depth=depth)
    if depth == 0:
        graph.makers |= {name: (operation, taken[0] if taken else "") for name in made}


def _attribute(data: mmap.mmap, span: tuple[int, int], graph: Graph, *, depth: int) -> None:
    for number, value in _fields(data, span):
        if number in (5, 10):
            _tensor(data, _span(value), graph)
        elif number in (22, 23):
            _sparse(data, _span(value), graph)
        elif number in (6, 11):
            _graph(data, _span(value), graph, depth=depth + 1)


def _sparse(data: mmap.mmap, span: tuple[int, int], graph: Graph) -> None:
    for number, value in _fields(data, span):
        if number in (1, 2):
            _tensor(data, _span(value), graph)


def _tensor(data: mmap.mmap, span: tuple[int, int], graph: Graph) -> str:
    """Counts a tensor of weights and returns its name."""
    name, elsewhere, entries = "", False, {}
    for number, value in _fields(data, span):
        if number == 8:
            name = _text(data, value)
        elif number == 14:
            elsewhere = value == 1
        elif number == 13:
            pair = {inner: _text(data, text) for inner, text in _fields(data, _span(value))}
            entries[pair.get(1, "")] = pair.get(2, "")
        elif isinstance(value, tuple) and number != 1:
            graph.bytes += value[1] - value[0]
    if elsewhere or entries:
        end = sum(int(entries.get(key) or 0) for key in ("offset", "length"))
        location = entries.get("location", "")
        graph.outside[location] = max(end, graph.outside.get(location, 0))
    return name


def _port(data: mmap.mmap, span: tuple[int, int]) -> Port:
    name, kind, sides = "", 0, []
    for number, value in _fields(data, span):
        if number == 1:
            name = _text(data, value)
        elif number == 2:
            tensor = next((inner for key, inner in _fields(data, _span(value)) if key == 1), None)
            for key, inner in _fields(data, _span(tensor)) if tensor is not None else ():
                if key == 1:
                    kind = inner
                elif key == 2:
                    sides = [_side(data, _span(side)) for one, side in _fields(data, _span(inner)) if one == 1]
    return Port(name, kind, tuple(sides))


def _side(data: mmap.mmap, span: tuple[int, int]) -> int | str:
    found = dict(_fields(data, span))
    return found[1] if 1 in found else _text(data, found[2]) if 2 in found else "?"


def _fields(data: mmap.mmap, span: tuple[int, int]) -> Iterator[tuple[int, int | tuple[int, int]]]:
    """The fields of one message: number, and a whole number or where its bytes lie."""
    at, end = span
    while at < end:
        key, at = _varint(data, at, end)
        number, wire = key >> 3, key & 7
        if wire == VARINT:
            value, at = _varint(data, at, end)
            yield number, value
            continue
        length, at = _varint(data, at, end) if wire == BYTES else ({FIXED64: 8, FIXED32: 4}.get(wire, -1), at)
        if length < 0 or at + length > end:
            raise _Malformed(f"a field at byte {at} reaches beyond its message")
        yield number, (at, at + length)
        at += length


def _varint(data: mmap.mmap, at: int, end: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if at >= end:
            raise _Malformed("it ends in the middle of a number")
        byte = data[at]
        value, at = value | (byte & 127) << shift, at + 1
        if byte < 128:
            return value, at
    raise _Malformed(f"a number before byte {at} does not end")


def _span(value: int | tuple[int, int]) -> tuple[int, int]:
    if not isinstance(value, tuple):
        raise _Malformed("a number stands where a message should")
    return value


def _text(data: mmap.mmap, value: int | tuple[int, int]) -> str:
    start, end = _span(value)
    return data[start:end].decode("utf-8")  # UnicodeDecodeError is a ValueError
