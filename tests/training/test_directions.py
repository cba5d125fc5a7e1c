"""Making the directions that come with a model: the cleanest are kept, measured once, and what is learned elsewhere joins them."""

from pathlib import Path

import pytest
import torch

from explorer import directions
from explorer.core.direction import Direction, Straight
from explorer.methods.directions.ground import Ground
from explorer.training import directions as made_by
from explorer.training.loop import Stopped
from tests.toygrounds import SIZE, ground


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LATENT_EXPLORER_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("explorer.methods.directions.ground.JUDGED", 300)
    monkeypatch.setattr("explorer.methods.directions.ground.EPOCHS", 6)


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the directions measured, as they are."""
    names, honest = [], Ground.measured

    def watched(self, direction, **how):
        names.append(direction.name)
        return honest(self, direction, **how)

    monkeypatch.setattr(Ground, "measured", watched)
    return names


def make(folder: Path, **changes) -> list[Direction]:
    return directions.read(made_by.make(ground(), folder, **{"also": [], "starts": 24, **changes}))


def flow() -> Direction:
    return Direction("flow 1", "flow", ground().space, Straight(torch.eye(SIZE)[3]))


def test_every_attribute_gets_its_named_directions_with_their_figures(tmp_path):
    found = make(tmp_path)
    named = [d for d in found if d.target]
    assert {d.name for d in named} == {f"{q}: {c}" for q in ("first", "second", "mixed") for c in ("dark", "light")}
    assert len({d.name for d in found}) == len(found) and {d.method for d in found} >= {"pca", "random"}
    for d in named:
        assert d.evidence["starts"] == 24 and d.evidence["matched"]["matched"] and d.evidence["agreement"]["cosine"] > 0.5
        assert d.weights == "ab" and d.model == "patches"
    clean = {d.name: d.evidence["matched"]["leakage_mean"] for d in named}
    assert clean["second: light"] < 0.05


def test_of_several_methods_the_one_that_leaks_least_is_kept(tmp_path, monkeypatch):
    tried = {"logistic": 0.3, "mean difference": 0.1, "gradient": 0.2}
    monkeypatch.setattr(made_by, "_tried", lambda ground, wish: tried[wish.method])
    found = made_by.supervised(ground())
    assert {d.method for d in found} == {"mean difference"} and found[0].settings["tried"] == tried


def test_what_hardly_arrives_comes_last_and_what_never_does_not_at_all(monkeypatch):
    matched = {"logistic": (0.1, 0.0), "mean difference": (0.5, 0.02), "gradient": (0.8, 0.9)}
    for methods, kept in ((("logistic", "mean difference"), {"mean difference"}), (("logistic",), set()), (tuple(matched), {"gradient"})):
        told = {m: {"matched": matched[m][0] >= 0.8, "reached": matched[m][0], "leakage_mean": matched[m][1], "amount": 1.0} for m in methods}
        monkeypatch.setattr(made_by, "SUPERVISED", methods)
        monkeypatch.setattr(made_by, "_measured", lambda ground, d, *rest, told=told: d.but(evidence={"matched": told[d.method]}))
        assert {d.method for d in made_by.supervised(ground())} == kept


def test_nothing_is_measured_twice_and_flows_join_later(tmp_path, measured):
    before = make(tmp_path)
    measured.clear()
    after = make(tmp_path, also=[flow()])
    assert measured == ["flow 1"]
    assert [directions.identity(d) for d in after[:-1]] == [directions.identity(d) for d in before]
    assert [d.evidence for d in after[:-1]] == [d.evidence for d in before] and after[-1].evidence["starts"] == 24


def test_a_stopped_making_goes_on(tmp_path, measured):
    asked = []

    def soon() -> bool:
        asked.append(1)
        return len(asked) > 8

    with pytest.raises(Stopped, match="goes on from there"):
        make(tmp_path, stop=soon)
    assert not list(tmp_path.glob("*.safetensors"))
    done = set(measured)
    measured.clear()
    make(tmp_path)
    assert done and measured


def test_other_starts_are_measured_anew(tmp_path, measured):
    make(tmp_path, also=[flow()])
    measured.clear()
    assert make(tmp_path, also=[flow()], starts=16)[-1].evidence["starts"] == 16 and "flow 1" in measured


def test_without_a_judge_there_are_no_named_ones(tmp_path):
    file = made_by.make(ground(judged=False), tmp_path, also=[], starts=8)
    assert {d.method for d in directions.read(file)} <= {"pca", "sefa", "random"}
