"""Flows that are trained with their state kept: resumed to the bit, and not learned twice."""

from itertools import count
from pathlib import Path

import pytest
import torch

from explorer.methods.directions.find import Wish
from explorer.methods.flows import learn
from explorer.training.directions import flow
from explorer.training.loop import Stopped
from tests.toygrounds import ground

WISH = Wish("flow", count=3, updates=12)


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LATENT_EXPLORER_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The updates taken."""
    updates, honest = [], learn.Course.loss

    def watched(self, decode, sample, update):
        updates.append(update)
        return honest(self, decode, sample, update)

    monkeypatch.setattr(learn.Course, "loss", watched)
    return updates


def ends(found) -> torch.Tensor:
    z = ground().sample(4, 3)
    return torch.stack([direction.step(z, 1.0) for direction in found])


def test_a_flow_that_was_stopped_goes_on_as_if_it_had_not_been(taken, one_thread):
    asked = count()
    with pytest.raises(Stopped):
        flow(ground(), wish=WISH, stop=lambda: next(asked) == 5)
    resumed = flow(ground(), wish=WISH)
    assert taken == list(range(12))
    (learned,) = {id(direction.field.net): direction.field.net for direction in resumed}.values()
    whole = flow(ground(), wish=Wish("flow", count=3, updates=12, name="again"))  # another wish of the same settings has a file of its own
    assert taken == [*range(12)] * 2
    for name, tensor in whole[0].field.net.state_dict().items():
        assert torch.equal(tensor, learned.state_dict()[name]), name


def test_a_finished_flow_is_not_learned_twice(taken, own_cache):
    first = flow(ground(), wish=WISH)
    again = flow(ground(), wish=WISH)
    assert len(taken) == 12 and torch.allclose(ends(first), ends(again)) and len(again) == 3
    assert {direction.settings["equation"] for direction in again} == {"wave"} and not list(own_cache.glob("*.state"))


def test_another_equation_is_another_flow(taken):
    waves, none = flow(ground(), wish=WISH), flow(ground(), wish=Wish("flow", count=3, updates=12, equation="none"))
    assert len(taken) == 24 and not torch.allclose(ends(waves), ends(none))


def test_what_was_kept_of_other_settings_is_learned_anew(taken, monkeypatch):
    flow(ground(), wish=WISH)
    monkeypatch.setattr("explorer.training.directions.flow_settings", lambda wish: learn.Settings(count=3, updates=12, pde=0.9))
    assert flow(ground(), wish=WISH)[0].settings["pde"] == 0.9 and len(taken) == 24
