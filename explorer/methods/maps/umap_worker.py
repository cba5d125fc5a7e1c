"""The child process that imports umap: `python -m explorer.methods.maps.umap_worker`.

umap compiles itself on import, which takes tens of seconds and hundreds of megabytes; so it happens here, never in the app.
It reads requests from its standard input and answers on its standard output until the input ends, then ends too, whatever it is
doing. A request is a line of JSON settings followed by three arrays: codes `(N, D)`, neighbours `(N, k)` with
the point itself first (or `(0, 0)`: find them), their distances. An answer is lines of JSON, `{"progress": word}`,
and last `{"versions": ...}` followed by the places `(N, 2)`, or `{"error": sentence}`.
"""

import io
import json
import os
import queue
import struct
import sys
import threading
import warnings
from importlib.metadata import version
from typing import Any, BinaryIO

import numpy as np

__all__ = ["main", "read_array", "write_array"]

PACKAGES = ("umap-learn", "pynndescent", "numba", "numpy", "scikit-learn")

Request = tuple[dict[str, Any], np.ndarray, np.ndarray, np.ndarray]


def main() -> None:
    """Answers requests until the input ends."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints must not end up between the answers
    if hasattr(os, "nice"):
        os.nice(5)  # the page that waits for the map has live pictures to draw
    requests: queue.SimpleQueue[Request] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(sys.stdin.buffer, requests), daemon=True).start()
    _say(answers, {"progress": "importing"})
    import umap

    while True:
        settings, codes, rows, distances = requests.get()
        _say(answers, {"progress": "fitting"})
        try:
            places = _fit(umap.UMAP, settings, codes, rows, distances)
        except (ValueError, TypeError, ArithmeticError, MemoryError, np.linalg.LinAlgError) as error:
            _say(answers, {"error": str(error) or type(error).__name__})
            continue
        _say(answers, {"versions": {package: version(package) for package in PACKAGES}})
        write_array(answers, places)


def _listen(stream: BinaryIO, requests: "queue.SimpleQueue[Request]") -> None:
    """Queues requests as they come; the end of the input means that nobody is waiting any more."""
    while line := stream.readline():
        requests.put((json.loads(line), read_array(stream), read_array(stream), read_array(stream)))
    os._exit(0)


def _fit(reducer: Any, settings: dict[str, Any], codes: np.ndarray, rows: np.ndarray, distances: np.ndarray) -> np.ndarray:
    known = {"precomputed_knn": (rows, distances)} if len(rows) else {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that a seed means one thread, and that no index comes with the neighbours
        fitted = reducer(init=_start(codes), **known, **settings).fit(codes)
    return fitted.embedding_.astype(np.float32)


def _start(codes: np.ndarray) -> np.ndarray:
    """The first two principal coordinates, scaled to 10 across: where the layout starts from.

    The spectral start that umap prefers can hang, and depends on the number of cores.
    """
    centred = codes - codes.mean(axis=0)
    axes = np.linalg.eigh(centred.T.astype(np.float64) @ centred)[1][:, ::-1][:, :2]
    axes = axes * np.where(axes[np.abs(axes).argmax(axis=0), range(axes.shape[1])] < 0, -1, 1)
    start = centred @ axes
    if start.shape[1] < 2:
        start = np.hstack([start, np.zeros_like(start)])
    return (10 * start / max(float(np.abs(start).max()), 1e-12)).astype(np.float32)


def write_array(stream: BinaryIO, array: np.ndarray) -> None:
    """Sends one array: `u64 length | bytes in numpy's format`. numpy itself cannot write into a pipe."""
    packed = io.BytesIO()
    np.save(packed, array, allow_pickle=False)
    stream.write(struct.pack("<Q", len(packed.getvalue())) + packed.getvalue())
    stream.flush()


def read_array(stream: BinaryIO) -> np.ndarray:
    """Receives one array. Raises EOFError when the stream ends before it does."""
    head = stream.read(8)
    body = stream.read(struct.unpack("<Q", head)[0]) if len(head) == 8 else b""
    if not body:
        raise EOFError("The stream ended in the middle of an array.")
    return np.load(io.BytesIO(body), allow_pickle=False)


def _say(stream: BinaryIO, message: dict[str, Any]) -> None:
    stream.write(json.dumps(message).encode() + b"\n")
    stream.flush()


if __name__ == "__main__":
    main()
