"""The engine: all decoding goes through here, by two rules.

*Latest wins*: a newer request of the same visitor and view takes the place of one that still waits. *Micro-batching*: what
different visitors wait for is decoded as one batch, without ever waiting for more to come. One worker thread a model, so that
one slow model does not hold up another, and a model is never entered twice at once.

Requests that are content with a preview are drawn smaller where the model can (`preview.py`); a picture with values that are not
numbers is no picture, and whoever asked is told so.
"""

import asyncio
import statistics
import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch

from explorer import render
from explorer.core.errors import CapabilityError, ExplorerError
from explorer.core.model import Generator, Model
from explorer.core.space import Code
from explorer.studio.preview import preview

__all__ = ["Ask", "Drawn", "Engine", "LocalEngine"]

MOST_CODES = 64  # codes decoded together; one larger request is decoded alone
REMEMBERED = 9  # pictures whose times tell how fast a model is
WORTH = 0.8  # of the time of a whole picture: a preview that takes longer is none


@dataclass(frozen=True, eq=False)
class Ask:
    """A wish to see codes of a model: who asks, for which view, and whether smaller pictures will do."""

    visitor: str
    view: str
    model: str
    code: Code
    preview: bool = False


@dataclass(frozen=True, eq=False)
class Drawn:
    """Pixels `(B, H, W, C)` uint8, how many milliseconds their batch took to decode, and whether they are smaller than the model's own."""

    pixels: np.ndarray
    milliseconds: float
    batch: int
    preview: bool = False


class Engine(Protocol):
    """Decodes what is asked for; None for a request that a newer one replaced."""

    def submit(self, ask: Ask) -> "Future[Drawn | None]":
        """Queues a request; the future fails with what decoding raised."""

    async def decode(self, ask: Ask) -> Drawn | None:
        """The same, to be awaited."""

    def milliseconds(self, model: str) -> float | None:
        """How long one whole picture of a model takes here: the median of the last ones, None before there are two."""

    def close(self) -> None:
        """Ends the workers; waiting requests are answered by None."""


class LocalEngine:
    """The engine of one process. `model` opens a model by name; it is called on the worker, so opening blocks nobody else."""

    def __init__(self, model: Callable[[str], Model]):
        self._model = model
        self._workers: dict[str, _Worker] = {}
        self._lock = threading.Lock()
        self._closed = False

    def submit(self, ask: Ask) -> "Future[Drawn | None]":
        with self._lock:
            if self._closed:
                return _answered(None)
            worker = self._workers.get(ask.model)
            if worker is None:
                worker = self._workers[ask.model] = _Worker(ask.model, self._model)
        return worker.submit(ask)

    async def decode(self, ask: Ask) -> Drawn | None:
        return await asyncio.wrap_future(self.submit(ask))

    def milliseconds(self, model: str) -> float | None:
        worker = self._workers.get(model)
        return worker.milliseconds if worker else None

    def close(self) -> None:
        with self._lock:
            workers, self._workers, self._closed = self._workers, {}, True
        for worker in workers.values():
            worker.close()


class _Worker:
    """One thread that decodes for one model."""

    def __init__(self, name: str, model: Callable[[str], Model]):
        self._name, self._model = name, model
        self._waiting: dict[tuple[str, str], tuple[Ask, Future]] = {}
        self._wake = threading.Condition()
        self._open = True
        self._times: deque[float] = deque(maxlen=REMEMBERED)  # of single whole pictures
        self._warm = False  # the first picture pays for what is done once
        self._small = True  # whether the model draws previews, as far as is known
        threading.Thread(target=self._work, name=f"decode {name}", daemon=True).start()

    @property
    def milliseconds(self) -> float | None:
        times = list(self._times)
        return statistics.median(times) if len(times) > 1 else None

    def submit(self, ask: Ask) -> Future:
        future: Future = Future()
        with self._wake:
            if not self._open:
                return _answered(None)
            key = (ask.visitor, ask.view)
            older = self._waiting.get(key)
            self._waiting[key] = (ask, future)  # an older request's place in the queue is kept
            self._wake.notify()
        if older:
            _settle(older[1], None)
        return future

    def close(self) -> None:
        with self._wake:
            self._open = False
            left, self._waiting = list(self._waiting.values()), {}
            self._wake.notify()
        for _, future in left:
            _settle(future, None)

    def _work(self) -> None:
        while batch := self._take():
            try:
                self._draw(batch)
            except BaseException as error:  # noqa: BLE001 - it belongs to those who asked, and the worker lives on
                for _, future in batch:
                    _settle(future, error)

    def _take(self) -> list[tuple[Ask, Future]]:
        """Waits for requests; takes as many as fit one batch, of one space and one size, oldest first. Empty when closed."""
        with self._wake:
            self._wake.wait_for(lambda: self._waiting or not self._open)
            batch: list[tuple[Ask, Future]] = []
            codes = 0
            for key, (ask, future) in self._in_turn():
                if batch and (codes + len(ask.code) > MOST_CODES or _unlike(ask, batch[0][0])):
                    break
                batch.append((ask, future))
                codes += len(ask.code)
                del self._waiting[key]
            return batch

    def _in_turn(self) -> list[tuple[tuple[str, str], tuple[Ask, Future]]]:
        """What waits, each visitor's first request before anyone's second, so that many views of one do not hold up another."""
        seen: Counter[str] = Counter()
        turns = []
        for place, (key, waiting) in enumerate(self._waiting.items()):
            turns.append((seen[key[0]], place, key, waiting))
            seen[key[0]] += 1
        return [(key, waiting) for _, _, key, waiting in sorted(turns, key=lambda turn: turn[:2])]

    @torch.inference_mode()
    def _draw(self, batch: list[tuple[Ask, Future]]) -> None:
        generator = self._model(self._name).need("generator")
        code = Code(torch.cat([ask.code.values for ask, _ in batch]), batch[0][0].code.space)
        pictures, took, small = self._pictures(generator, code, wanted=batch[0][0].preview)
        start = 0
        for ask, future in batch:
            mine = pictures[start : start + len(ask.code)]
            start += len(ask.code)
            wrong = int((~torch.isfinite(mine)).sum())
            _settle(future, self._unsound(wrong, mine.numel()) if wrong else Drawn(render.to_pixels(mine), took, len(code), small))

    def _pictures(self, generator: Generator, code: Code, *, wanted: bool) -> tuple[torch.Tensor, float, bool]:
        """The pictures of a batch, the milliseconds they took, and whether they are previews, as was `wanted`."""
        if wanted and self._small:
            began = time.perf_counter()
            try:
                pictures = preview(generator, code)
            except CapabilityError:
                self._small = False
            else:
                took = _since(began)
                self._small = took < WORTH * len(code) * (self.milliseconds or took * 2)
                return pictures, took, True
        began = time.perf_counter()
        pictures = generator.decode(code)
        took = _since(began)
        if len(code) == 1 and self._warm:
            self._times.append(took)
        self._warm = True
        return pictures, took, False

    def _unsound(self, wrong: int, among: int) -> ExplorerError:
        return ExplorerError(
            f"'{self._name}' drew a picture in which {wrong} of {among} values are not numbers (NaN or infinite), so there is nothing to show. "
            "Its weights may be damaged, or the code lies where the model breaks down."
        )


def _unlike(ask: Ask, other: Ask) -> bool:
    """Whether two requests cannot be one batch."""
    return ask.code.space != other.code.space or ask.preview != other.preview


def _since(began: float) -> float:
    return (time.perf_counter() - began) * 1000


def _answered(result: Drawn | None) -> Future:
    future: Future = Future()
    future.set_result(result)
    return future


def _settle(future: Future, result: Drawn | BaseException | None) -> None:
    """Answers a future, unless whoever waited has gone."""
    if not future.set_running_or_notify_cancel():
        return
    if isinstance(result, BaseException):
        future.set_exception(result)
    else:
        future.set_result(result)
