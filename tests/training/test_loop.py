import itertools
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import nn

from explorer.core.errors import DataError
from explorer.core.progress import Progress
from explorer.training.loop import Descent, Stopped, batch_rows, schedule, step_generator, walk


def tiny(file, steps=12, *, stop=lambda: False, report=lambda progress: None) -> tuple[nn.Module, Callable[[], Progress]]:
    """A net with dropout and batch statistics, so that everything a resumed run could lose is there."""
    torch.manual_seed(3)
    net = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.ReLU(), nn.Linear(8, 1))
    pick = batch_rows(64, 16, 0)
    data = torch.randn(64, 4, generator=torch.Generator().manual_seed(0))

    def loss(step):
        x = data[pick(step)] + 0.1 * torch.randn(16, 4, generator=step_generator(0, step))
        error = (net(x) - x.sum(dim=1, keepdim=True)).square().mean()
        return error, {"error": float(error.detach())}

    return net, lambda: walk(Descent(net, loss, steps, 1e-2), steps=steps, file=file, report=report, stop=stop)


def test_a_stopped_and_resumed_run_equals_an_uninterrupted_one_to_the_bit(tmp_path):
    whole, run = tiny(tmp_path / "whole.state")
    run()
    calls = itertools.count()
    _, first = tiny(tmp_path / "parts.state", stop=lambda: next(calls) == 5)
    with pytest.raises(Stopped, match="stopped at step 5 of 12"):
        first()
    torch.rand(100)  # whatever else draws in between
    resumed, second = tiny(tmp_path / "parts.state")
    second()
    assert all(torch.equal(a, b) for a, b in zip(whole.state_dict().values(), resumed.state_dict().values()))


def test_training_leaves_the_global_generator_alone(tmp_path):
    _, run = tiny(tmp_path / "x.state")
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    run()
    assert torch.equal(torch.rand(3), expected)


def test_a_finished_run_is_not_trained_again(tmp_path):
    _, run = tiny(tmp_path / "x.state")
    run()
    again, second = tiny(tmp_path / "x.state", stop=lambda: True)  # would raise before a step
    assert second().step == 12


def test_a_state_of_another_network_is_refused(tmp_path):
    torch.save({"net": {}, "optimiser": {}, "step": 1, "minutes": 0.0}, tmp_path / "x.state")
    with pytest.raises(DataError, match="does not fit this network"):
        tiny(tmp_path / "x.state")[1]()


@pytest.mark.parametrize("left", [lambda whole: whole[:100], lambda whole: b"torn"])
def test_a_torn_state_is_refused(tmp_path, left):
    _, run = tiny(tmp_path / "x.state")
    run()
    (tmp_path / "x.state").write_bytes(left((tmp_path / "x.state").read_bytes()))
    with pytest.raises(DataError, match="Delete it to start again"):
        tiny(tmp_path / "x.state")[1]()


def test_an_epoch_visits_every_row_once():
    pick = batch_rows(50, 10, 7)
    assert np.array_equal(np.sort(np.concatenate([pick(step) for step in range(5)])), np.arange(50))
    assert not np.array_equal(pick(0), pick(5))


def test_a_batch_larger_than_the_data_is_an_error():
    with pytest.raises(DataError, match="A batch of 10 pictures needs at least as many to draw from, got 3."):
        batch_rows(3, 10, 0)


def test_the_rate_rises_then_falls_to_zero():
    shares = [schedule(step, 1000) for step in range(1001)]
    assert max(shares) == 1.0 and shares[0] == pytest.approx(0.05) and shares[-1] == pytest.approx(0, abs=1e-6)
    assert all(a >= b for a, b in zip(shares[20:], shares[21:]))
