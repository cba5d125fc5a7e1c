"""The engine's two rules: latest wins, and waiting requests of different visitors are decoded as one batch."""

import threading
import time

import pytest
import torch

from explorer.core.errors import CapabilityError, ExplorerError
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


PLANES = LatentSpace("z", (1, 4, 6))


class Enlarging:
    """A convolutional decoder of codes with rows and columns: twice the sides, and so many milliseconds for every row and column."""

    def __init__(self, pause: float, *, fixed: bool = False):
        self.pause, self.fixed = pause, fixed

    def __call__(self, z):
        if self.fixed and z.shape[-2:] != PLANES.shape[-2:]:
            raise RuntimeError("shapes do not match")
        time.sleep(self.pause / 1000 * z[0, 0].numel() / 24)
        return torch.nn.functional.interpolate(z, scale_factor=2).clamp(-1, 1)


@pytest.fixture
def plane_engine():
    """From a decoder to an engine that has drawn three whole pictures with it, so that it knows how long they take."""
    engines = []

    def engine(draw) -> LocalEngine:
        model = Model(Card("planes", "", "toy", {}), (PLANES,), generator=Decoder("planes", (1, 8, 12), {PLANES: draw}))
        engines.append(LocalEngine(lambda name: model))
        for _ in range(3):
            engines[-1].submit(plane(preview=False)).result(timeout=30)
        return engines[-1]

    yield engine
    for each in engines:
        each.close()


def plane(value: float = 0.5, *, preview: bool) -> Ask:
    return Ask("ann", "stage", "planes", Code(torch.full((1, *PLANES.shape), value), PLANES), preview)


def test_the_time_of_a_picture_is_told_once_two_were_drawn_after_the_first(plane_engine):
    engine = plane_engine(Enlarging(20))
    assert 20 <= engine.milliseconds("planes") < 200
    assert engine.milliseconds("never seen") is None


def test_a_preview_has_a_quarter_of_the_area_and_takes_less_time(plane_engine):
    engine = plane_engine(Enlarging(80))
    small = engine.submit(plane(preview=True)).result(timeout=30)
    whole = engine.submit(plane(preview=False)).result(timeout=30)
    assert small.preview and small.pixels.shape == (1, 4, 6, 1) and not whole.preview and whole.pixels.shape == (1, 8, 12, 1)
    assert small.milliseconds < 0.7 * whole.milliseconds
    assert (small.pixels == whole.pixels[0, 0, 0, 0]).all()  # a flat picture is flat at every size


@pytest.mark.parametrize("draw", [Enlarging(5, fixed=True), lambda z: z.mean(dim=(2, 3), keepdim=True).expand(-1, 1, 8, 12)])
def test_a_decoder_of_one_size_draws_whole_pictures_even_when_asked_for_previews(plane_engine, draw):
    drawn = plane_engine(draw).submit(plane(preview=True)).result(timeout=30)
    assert not drawn.preview and drawn.pixels.shape == (1, 8, 12, 1)


def test_a_preview_that_saves_no_time_is_not_drawn_twice(plane_engine):
    class Stubborn(Enlarging):
        def __call__(self, z):
            time.sleep(0.02 if z.shape[-2:] == PLANES.shape[-2:] else 0.2)
            return torch.nn.functional.interpolate(z, scale_factor=2).clamp(-1, 1)

    engine = plane_engine(Stubborn(0))
    assert engine.submit(plane(preview=True)).result(timeout=30).preview
    assert not engine.submit(plane(preview=True)).result(timeout=30).preview


def test_a_generator_that_draws_its_own_previews_is_let(plane_engine):
    class Own:
        picture_shape = (1, 8, 8)

        def decode(self, code):
            return torch.zeros(len(code), 1, 8, 8)

        def preview(self, code):
            return torch.ones(len(code), 1, 3, 3)

    engine = LocalEngine(lambda name: Model(Card("own", "", "toy", {}), (SPACE,), generator=Own()))
    drawn = engine.submit(Ask("ann", "stage", "own", Code(torch.zeros(1, 2), SPACE), True)).result(timeout=10)
    engine.close()
    assert drawn.preview and (drawn.pixels == 255).all() and drawn.pixels.shape == (1, 3, 3, 1)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_picture_with_values_that_are_not_numbers_is_refused_in_words_and_those_beside_it_are_not(value):
    entered, gate = threading.Semaphore(0), threading.Semaphore(0)

    def breaks_down(z):
        entered.release()
        assert gate.acquire(timeout=10)
        pictures = z[:, :1].reshape(-1, 1, 1, 1).expand(-1, 1, 4, 4).clone()
        pictures[z[:, 0] > 50, :, 1] = value
        return pictures

    engine = LocalEngine(lambda name: Model(Card("toy", "", "toy", {}), (SPACE,), generator=Decoder("toy", (1, 4, 4), {SPACE: breaks_down})))
    engine.submit(ask("first", 0.0))
    assert entered.acquire(timeout=10)
    broken, sound = engine.submit(ask("ann", 60.0)), engine.submit(ask("bob", 0.0))
    gate.release(2)
    with pytest.raises(ExplorerError, match="'toy' drew a picture in which 4 of 16 values are not numbers"):
        broken.result(timeout=10)
    assert sound.result(timeout=10).pixels[0, 0, 0, 0] == 128 and sound.result().batch == 2
    engine.close()
