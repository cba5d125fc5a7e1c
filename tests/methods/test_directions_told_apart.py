"""Linear directions that a network tells apart: what its accuracy says, and what it does not (the acceptance tests of the notes)."""

import pytest
import torch

from explorer.core.errors import DataError
from explorer.core.space import LatentSpace
from explorer.methods.directions import baseline, linear
from tests.toys import normal

SIZE = 8
SPACE = LatentSpace("z", (SIZE,))
TURN = torch.linalg.qr(normal(SIZE, SIZE, seed=3)).Q


def patches(z: torch.Tensor) -> torch.Tensor:
    """Each coordinate colours a patch of its own."""
    return z.view(-1, 1, 4, 2).repeat_interleave(8, dim=2).repeat_interleave(16, dim=3) / 4


def accuracy(decode=patches, *, updates=250, fixed=None, count=SIZE) -> tuple[list, float]:
    return linear.learned(decode, SPACE, channels=1, count=count, updates=updates, fixed=fixed, rate=2e-3)


@pytest.mark.slow
def test_a_turned_generator_is_told_apart_and_so_is_a_random_frame():
    """Any eight distinct patterns can be told apart, so a high score says nothing about finding the axes: the control shows it."""
    found, right = accuracy(lambda z: patches(z @ TURN), updates=500)
    control = torch.stack([d.field.vector for d in baseline.random(SPACE, SIZE, seed=1)])
    assert right >= 0.95 and accuracy(lambda z: patches(z @ TURN), updates=500, fixed=control)[1] >= 0.95
    assert not any(d.settings["dead"] for d in found)


def test_the_frame_stays_orthonormal_while_it_is_learned():
    frames = []

    class Watched(linear.Frame):
        def forward(self):
            frames.append(super().forward())
            return frames[-1]

    original, linear.Frame = linear.Frame, Watched
    try:
        accuracy(updates=20, count=5)
    finally:
        linear.Frame = original
    assert len(frames) > 20 and (frames[0] - frames[-1]).abs().max() > 1e-3
    assert max(float((frame @ frame.T - torch.eye(5)).abs().max()) for frame in frames) < 1e-5


@pytest.mark.slow
def test_coordinates_that_do_nothing_are_dead_and_cannot_be_named():
    live = torch.tensor([1.0] * 4 + [0.0] * 4)
    found, right = accuracy(lambda z: patches(z * live), fixed=torch.eye(SIZE), updates=400)
    assert right <= (4 + 1) / 8 + 0.03 and [d.settings["dead"] for d in found] == [False] * 4 + [True] * 4


@pytest.mark.slow
def test_shuffled_labels_are_named_by_chance(monkeypatch):
    honest = linear.pairs

    def shuffled(decode, sample, frame, judge, n, reach, seed):
        told, amount, k, shift, moved = honest(decode, sample, frame, judge, n, reach, seed)
        return told, amount, torch.randint(SIZE, (n,), generator=torch.Generator().manual_seed(seed + 1)), shift, moved

    monkeypatch.setattr(linear, "pairs", shuffled)
    monkeypatch.setattr(linear, "FRESH", 2000)
    assert accuracy(updates=200)[1] == pytest.approx(1 / SIZE, abs=0.05)


def test_more_directions_than_coordinates_and_no_numbers_are_refused():
    with pytest.raises(DataError, match="room for 1 to 8"):
        accuracy(count=9)
    with pytest.raises(DataError, match="diverged at update 0"):
        accuracy(lambda z: patches(z) * float("nan"), updates=1)
