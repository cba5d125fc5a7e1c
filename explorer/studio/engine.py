"""The engine: all decoding goes through here, by two rules.

*Latest wins*: a newer request of the same visitor and view takes the place of one that still waits. *Micro-batching*: what
different visitors wait for is decoded as one batch, without ever waiting for more to come. One worker thread a model, so that
one slow model does not hold up another, and a model is never entered twice at once.
"""

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch

from explorer import render
from explorer.core.model import Model
from explorer.core.space import Code

__all__ = ["Ask", "Drawn", "Engine", "LocalEngine"]

MOST_CODES = 64  # codes decoded together; one larger request is decoded alone


@dataclass(frozen=True, eq=False)
class Ask:
    """A wish to see codes of a model: who asks, for which view."""

    visitor: str
    view: str
    model: str
    code: Code


@dataclass(frozen=True, eq=False)
class Drawn:
    """Pixels `(B, H, W, C)` uint8, and how many milliseconds their batch took to decode."""

    pixels: np.ndarray
    milliseconds: float
    batch: int


class Engine(Protocol):
    """Decodes what is asked for; None for a request that a newer one replaced."""

    def submit(self, ask: Ask) -> "Future[Drawn | None]":
        """Queues a request; the future fails with what decoding raised."""

    async def decode(self, ask: Ask) -> Drawn | None:
        """The same, to be awaited."""

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
        threading.Thread(target=self._work, name=f"decode {name}", daemon=True).start()

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
        """Waits for requests; takes as many as fit one batch, of one space, oldest first. Empty when closed."""
        with self._wake:
            self._wake.wait_for(lambda: self._waiting or not self._open)
            batch: list[tuple[Ask, Future]] = []
            codes = 0
            for key, (ask, future) in self._in_turn():
                if batch and (codes + len(ask.code) > MOST_CODES or ask.code.space != batch[0][0].code.space):
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
        model = self._model(self._name)
        generator = model.need("generator")
        began = time.perf_counter()
        code = Code(torch.cat([ask.code.values for ask, _ in batch]), batch[0][0].code.space)
        pixels = render.to_pixels(generator.decode(code))
        took = (time.perf_counter() - began) * 1000
        start = 0
        for ask, future in batch:
            _settle(future, Drawn(pixels[start : start + len(ask.code)], took, len(code)))
            start += len(ask.code)


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
