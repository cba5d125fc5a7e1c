"""The neighbourhood map: UMAP, computed in a child process.

UMAP lays points out so that neighbours stay neighbours. Sizes of clusters, gaps between them and densities mean nothing;
only neighbourhoods do, as far as the recall shown beside the map says. What makes it reproducible and honest here:

- equal codes are laid out once, and share their place;
- the neighbours are exact, the same that the map is judged by (up to 20,000 codes), and cut to `k`: umap 0.5 does not cut them
  itself below 4,096 points, and then lays out another graph than it calibrated;
- the layout starts from the principal coordinates, and the seed means one thread;
- new codes are placed by `Layout.place`, not by umap's own transform, which moves a code with what else is placed beside it.

References: McInnes, Healy and Melville, UMAP: Uniform Manifold Approximation and Projection for Dimension Reduction (2018).
"""

import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import torch
from torch import Tensor

from explorer.core.errors import DataError, ExplorerError
from explorer.core.layout import Layout
from explorer.methods.maps import pca, quality
from explorer.methods.maps.neighbours import Neighbours, neighbours
from explorer.methods.maps.umap_worker import read_array, write_array

__all__ = ["Cancelled", "Worker", "borrowed", "fit"]

NEIGHBOURS = 15
FEWEST = 15  # different codes, below which a neighbourhood is everything there is
AT_ONCE = 100_000  # codes laid out by umap; more than that are placed around a sample of so many
MOST = 300_000
EXACT = 20_000  # codes, up to which exact neighbours cost seconds
WIDEST = 50  # coordinates, above which only the principal ones are used to find neighbours
ANCHORS = 1_000
PATIENCE = 0.1  # seconds between two looks at `stop`
PACKAGE = Path(__file__).resolve().parents[3]

Report = Callable[[str], None]
Stop = Callable[[], bool]


class Cancelled(ExplorerError):
    """A map was not finished because it was no longer wanted."""


class Worker:
    """A child process with umap loaded, for one map after another; the first takes half a minute longer.

    Starts at once, and so can be warmed up before it is needed. Not for two threads at a time.
    """

    def __init__(self):
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(PACKAGE), *filter(None, [os.environ.get("PYTHONPATH")])])}
        for name in ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS"):
            environment.setdefault(name, str(os.cpu_count() or 1))
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "explorer.methods.maps.umap_worker"],  # -P: a umap.py in the current folder is not ours
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
        )
        self._answers: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()
        threading.Thread(target=self._listen, daemon=True).start()

    @property
    def alive(self) -> bool:
        """Whether it can be given work."""
        return self._process.poll() is None

    def close(self) -> None:
        """Ends the process, whatever it is doing."""
        self._process.kill()
        self._process.wait()

    def __enter__(self) -> "Worker":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def embed(
        self, codes: np.ndarray, near: Neighbours | None, *, seed: int, k: int, report: Report, stop: Stop
    ) -> tuple[np.ndarray, dict[str, str]]:
        """Places `(N, 2)` of different codes `(N, D)`, and the versions of what computed them.

        Raises:
            Cancelled: when `stop` says so; the process is ended.
            ExplorerError: when umap refuses, or its process ends.
        """
        settings = {"n_neighbors": k, "random_state": seed, "n_jobs": 1, "metric": "euclidean"}
        rows, distances = _with_self(near.first(k - 1)) if near is not None else (np.empty((0, 0)), np.empty((0, 0)))
        sender = threading.Thread(target=self._send, args=(settings, codes, rows, distances), daemon=True)
        sender.start()
        while True:
            kind, value = self._next(stop)
            if kind == "progress":
                report(value)
            elif kind == "error":
                raise ExplorerError(f"The UMAP map of {len(codes)} codes failed: {value}")
            else:
                return value

    def _next(self, stop: Stop) -> tuple[str, Any]:
        while True:
            if stop():
                self.close()
                raise Cancelled("The UMAP map was cancelled.")
            try:
                return self._answers.get(timeout=PATIENCE)
            except queue.Empty:
                continue

    def _send(self, settings: dict[str, Any], *arrays: np.ndarray) -> None:
        try:
            self._process.stdin.write(json.dumps(settings).encode() + b"\n")
            for array in arrays:
                write_array(self._process.stdin, array)
        except BrokenPipeError:  # the process has ended; `_listen` tells whoever waits
            return

    def _listen(self) -> None:
        stream = self._process.stdout
        try:
            while line := stream.readline():
                message = json.loads(line)
                (kind, value), *_ = message.items()
                self._answers.put(("places", (read_array(stream), value)) if kind == "versions" else (kind, value))
        except (EOFError, ValueError):  # cut off in the middle of an answer
            pass
        self._answers.put(("error", "its process ended. Memory may have run out."))


def fit(
    codes: Tensor,
    *,
    seed: int,
    report: Report | None = None,
    stop: Stop = lambda: False,
    worker: Worker | None = None,
    near: Neighbours | None = None,
) -> Layout:
    """The UMAP map of flat codes `(N, D)`, with its honesty; the same for the same codes, seed and versions.

    Args:
        report: told what is going on in a word: "neighbours", "importing", "fitting", "placing", "measuring".
        stop: asked ten times a second; when true, the child process is ended and `Cancelled` raised.
        worker: one that is kept for several maps; without, one is started and ended.
        near: at least 14 neighbours of each code, if they are known; only for codes without duplicates.

    Raises:
        DataError: for fewer than 15 different codes, more than 300,000, or values that are not finite.
        Cancelled, ExplorerError: see `Worker.embed`.
    """
    report = report or (lambda word: None)
    distinct, inverse = _distinct(codes)
    if near is not None and len(distinct) < len(codes):
        raise DataError(f"Known neighbours serve only for codes without duplicates, got {len(codes) - len(distinct)} duplicates.")
    sample = quality.anchors(len(distinct), AT_ONCE, seed=seed)
    places, about = _embed(distinct[sample], near if len(sample) == len(distinct) else None, seed=seed, report=report, stop=stop, worker=worker)
    if len(sample) < len(distinct):
        report("placing")
        places = _placed_around(Layout("umap", places, distinct[sample]), distinct, sample, stop)
    report("measuring")
    xy = places[inverse]
    honest = quality.honesty(codes, xy, baselines={"pca": _principal(codes.double(), 2).float()}, most=ANCHORS, seed=seed)
    about = {"method": "umap", "duplicates": 1 - len(distinct) / len(codes), "laid_out": len(sample), **about, **honest}
    return Layout("umap", xy, codes.float(), honesty=about)


def _distinct(codes: Tensor) -> tuple[Tensor, Tensor]:
    """The different codes in the order in which they first come, and for each code which one it is."""
    if codes.ndim != 2 or not torch.isfinite(codes).all():
        raise DataError(f"A UMAP map needs codes (N, D) of finite numbers, got shape {tuple(codes.shape)} or values that are not finite.")
    if len(codes) > MOST:
        raise DataError(f"A UMAP map holds at most {MOST:,} codes, got {len(codes):,}. A PCA map holds them all, or map a sample.")
    _, group = codes.float().unique(dim=0, return_inverse=True) if codes.numel() else (None, torch.zeros(len(codes), dtype=torch.long))
    count = int(group.max()) + 1 if len(group) else 0
    if count < FEWEST:
        raise DataError(f"A UMAP map needs at least {FEWEST} different codes, got {count}. A PCA map works with any number.")
    first = torch.full((count,), len(codes)).scatter_reduce(0, group, torch.arange(len(codes)), "amin")
    order = first.argsort()
    return codes.float()[first[order]], order.argsort()[group]


def _embed(codes: Tensor, near: Neighbours | None, *, seed: int, report: Report, stop: Stop, worker: Worker | None) -> tuple[Tensor, dict[str, Any]]:
    """Places `(N, 2)` of different codes, and how they were made."""
    with borrowed(worker) as running:  # starts importing while the neighbours are found
        k = max(2, min(NEIGHBOURS, (len(codes) - 1) // 3))
        narrow = _principal(codes.double(), WIDEST).float() if codes.shape[1] > WIDEST else codes
        if near is None and len(codes) <= EXACT:
            report("neighbours")
            near = neighbours(narrow, k - 1)
        places, versions = running.embed(narrow.numpy(), near, seed=seed, k=k, report=report, stop=stop)
    how = {"graph_neighbours": k, "graph": "exact" if near is not None else "nearest-neighbour descent", "threads": 1}
    return torch.from_numpy(places), {**how, "coordinates": narrow.shape[1], "versions": versions}


class borrowed:
    """A worker for one map: the given one, which stays, or a new one, which goes."""

    def __init__(self, worker: Worker | None):
        self._own = worker is None
        self._worker = worker or Worker()

    def __enter__(self) -> Worker:
        return self._worker

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._own:
            self._worker.close()


def _placed_around(laid_out: Layout, codes: Tensor, sample: Tensor, stop: Stop) -> Tensor:
    """Places `(N, 2)` of all codes around those of a sample."""
    places = torch.empty(len(codes), 2)
    for some in torch.arange(len(codes)).split(1_000):
        if stop():
            raise Cancelled("The UMAP map was cancelled.")
        places[some] = laid_out.place(codes[some])
    places[sample] = laid_out.xy
    return places


def _principal(codes: Tensor, count: int) -> Tensor:
    centred = codes - codes.mean(dim=0)
    return centred @ pca.principal(centred, count)[0].T


def _with_self(near: Neighbours) -> tuple[np.ndarray, np.ndarray]:
    """Neighbours as umap wants them: the point itself first, at distance zero."""
    own = torch.arange(len(near.rows))[:, None]
    rows, distances = torch.cat([own, near.rows], dim=1), torch.cat([torch.zeros(len(own), 1), near.distances], dim=1)
    return rows.numpy().astype(np.int32), distances.numpy().astype(np.float32)
