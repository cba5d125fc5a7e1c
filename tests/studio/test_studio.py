"""The studio opens each model once, keeps no more than its budget, and knows nothing of names that are not there."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from explorer import checkpoints
from explorer.core.errors import CheckpointError
from tests import studios


@pytest.fixture
def studio(tmp_path):
    studio = studios.studio(tmp_path)
    yield studio
    studio.close()


def test_many_who_want_a_model_at_once_load_it_once(studio, monkeypatch):
    loads, load = [], checkpoints.load
    monkeypatch.setattr(checkpoints, "load", lambda file, device: (loads.append(file), load(file, device))[1])
    with ThreadPoolExecutor(8) as pool:
        opened = list(pool.map(lambda _: studio.open("toy-vae"), range(16)))
    assert len(loads) == 1 and all(one is opened[0] for one in opened)


def test_the_least_recently_used_model_is_closed_when_the_budget_is_spent(studio):
    studio._budget = 1
    studio.open("toy-vae")
    studio.open("toy-vae-2")
    assert studio.holds("toy-vae-2") and not studio.holds("toy-vae")


def test_names_that_are_not_there_leave_nothing_behind(studio):
    for i in range(100):
        with pytest.raises(CheckpointError, match="No model"):
            studio.open(f"nobody-{i}")
    assert not studio._turns
