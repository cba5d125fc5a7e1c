"""The engine's two rules: latest wins, and waiting requests of different visitors are decoded as one batch."""

import threading

import pytest
import torch

from explorer.core.errors import CapabilityError
from explorer.core.model import Card, Decoder, Model
from explorer.core.space import Code, LatentSpace
from explorer.studio.engine import Ask, LocalEngine

SPACE = LatentSpace("z", (2,))


class Slow:
    """A decoder that waits to be let through, and writes down the batches it saw."""

    def __init__(self):
        self.gate, self.entered = threading.Semaphore(0), threading.Semaphore(0)
        self.batches: list[int] = []

    def __call__(self, z):
        self.batches.append(len(z))
        self.entered.release()
        assert self.gate.acquire(timeout=10)
        if (z > 50).any():
            raise ValueError("too bright")
        return z[:, :1].reshape(-1, 1, 1, 1).expand(-1, 1, 4, 4)


@pytest.fixture
def slow():
    return Slow()


@pytest.fixture
def engine(slow):
    model = Model(Card("toy", "", "toy", {}), (SPACE,), generator=Decoder("toy", (1, 4, 4), {SPACE: slow}))
    engine = LocalEngine(lambda name: model if name == "toy" else Model(Card(name, "", "", {})))
    yield engine
    engine.close()


def ask(visitor: str, value: float, view: str = "stage", model: str = "toy") -> Ask:
    return Ask(visitor, view, model, Code(torch.full((1, 2), value), SPACE))


def test_a_newer_request_of_the_same_view_replaces_the_waiting_one(engine, slow):
    first = engine.submit(ask("ann", 0.0))
    assert slow.entered.acquire(timeout=10)
    stale, other, newest = engine.submit(ask("ann", 0.1)), engine.submit(ask("ann", 0.2, "map")), engine.submit(ask("ann", 0.3))
    assert stale.result(timeout=10) is None
    slow.gate.release(2)
    assert first.result(timeout=10).pixels[0, 0, 0, 0] == 128
    assert other.result(timeout=10).pixels[0, 0, 0, 0] == 153
    assert newest.result(timeout=10).pixels[0, 0, 0, 0] == 166
    assert slow.batches == [1, 2]


def test_what_different_visitors_wait_for_is_one_batch_and_everyone_gets_their_own(engine, slow):
    engine.submit(ask("first", 0.0))
    assert slow.entered.acquire(timeout=10)
    waiting = [engine.submit(ask(f"visitor {i}", i / 20)) for i in range(10)]
    slow.gate.release(2)
    values = [future.result(timeout=10).pixels[0, 0, 0, 0] for future in waiting]
    assert values == [round((i / 20 + 1) * 127.5) for i in range(10)]
    assert slow.batches == [1, 10]


def test_many_views_of_one_visitor_do_not_hold_up_another(engine, slow, monkeypatch):
    monkeypatch.setattr("explorer.studio.engine.MOST_CODES", 4)
    engine.submit(ask("first", 0.0))
    assert slow.entered.acquire(timeout=10)
    flood = [engine.submit(ask("flood", 0.1, f"view {i}")) for i in range(20)]
    other = engine.submit(ask("ann", 0.2))
    slow.gate.release(2)
    assert other.result(timeout=10).pixels[0, 0, 0, 0] == 153
    assert not flood[-1].done()
    slow.gate.release(10)


def test_a_failing_decode_fails_its_own_batch_and_the_worker_lives_on(engine, slow):
    slow.gate.release(2)
    with pytest.raises(ValueError, match="too bright"):
        engine.submit(ask("ann", 99.0)).result(timeout=10)
    assert engine.submit(ask("ann", 0.0)).result(timeout=10) is not None


def test_a_model_without_a_generator_is_named(engine):
    with pytest.raises(CapabilityError, match="'judge' has no generator"):
        engine.submit(ask("ann", 0.0, model="judge")).result(timeout=10)


def test_closing_answers_those_who_wait(engine, slow):
    engine.submit(ask("ann", 0.0))
    assert slow.entered.acquire(timeout=10)
    waiting = engine.submit(ask("bob", 0.0))
    engine.close()
    assert waiting.result(timeout=10) is None
    slow.gate.release()
    assert engine.submit(ask("eve", 0.0)).result(timeout=10) is None


def test_a_visitor_who_left_does_not_stop_the_batch(engine, slow):
    engine.submit(ask("first", 0.0))
    assert slow.entered.acquire(timeout=10)
    gone, there = engine.submit(ask("gone", 0.0)), engine.submit(ask("there", 0.0))
    assert gone.cancel()
    slow.gate.release(2)
    assert there.result(timeout=10) is not None
