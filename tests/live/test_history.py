"""Looking back over the live channel: the tree, its pictures, bookmarks, and forgetting."""

import io

import numpy as np
import pytest
from PIL import Image

from explorer.live.desk import Desk, Visitor
from explorer.live.protocol import VERSION
from explorer.studio.store import SessionStore
from explorer.studio.studio import Studio
from tests import studios
from tests.live.desks import ask


def seed(desk, visitor, number):
    return ask(desk, visitor, "commit", patch={"spot": {"origin": {"kind": "seed", "seed": number}}}, label=f"seed {number}")[0]["state"]


def test_the_tree_is_told_with_its_branches_models_and_times(desk, visitor):
    seed(desk, visitor, 1)
    ask(desk, visitor, "undo")
    seed(desk, visitor, 2)
    ask(desk, visitor, "open", model="toy-vae-2")
    header, _ = ask(desk, visitor, "history")
    told = [(step["number"], step["parent"], step["label"], step["model"]) for step in header["steps"]]
    assert told == [(0, None, "start", "toy-vae"), (1, 0, "seed 1", "toy-vae"), (2, 0, "seed 2", "toy-vae"), (3, 2, "open toy-vae-2", "toy-vae-2")]
    assert header["now"] == 3 and all(step["made"] > 1.7e9 for step in header["steps"]) and "memory" in header["about"]


def test_any_step_can_be_gone_to_whatever_model_it_is_of(desk, visitor):
    seed(desk, visitor, 1)
    ask(desk, visitor, "open", model="toy-vae-2")
    gone, _ = ask(desk, visitor, "go", step=1)
    assert gone["type"] == "session" and gone["info"]["name"] == "toy-vae" and gone["state"]["session"]["spot"]["origin"]["seed"] == 1
    assert "no longer kept" in ask(desk, visitor, "go", step=77)[0]["message"]
    assert "whole number" in ask(desk, visitor, "go", step="x")[0]["message"]


def test_small_pictures_are_those_of_the_steps_also_of_several_models(desk, visitor):
    seed(desk, visitor, 5)
    ask(desk, visitor, "open", model="toy-vae-2")
    for _ in range(2):  # drawn, then remembered
        header, payload = ask(desk, visitor, "glance", steps=[2, 1, 99], count=3)
        assert header["steps"] == [2, 1] and header["blank"] == [99] and header["side"] == 48
        sheet = np.asarray(Image.open(io.BytesIO(payload)).convert("RGB")).astype(int)
        assert sheet.shape == (96, 48, 3)
        for k, (model, number) in enumerate([("toy-vae-2", 0), ("toy-vae", 5)]):
            expected = desk.studio.decode(model, desk.studio.model(model).space.sample(1, seed=number))[0, ..., 0].repeat(3, 0).repeat(3, 1)
            assert np.abs(sheet[48 * k : 48 * k + 48, :, 0] - expected).mean() < 6


def test_steps_that_can_no_longer_be_drawn_are_named_and_the_others_come(desk, visitor):
    seed(desk, visitor, 5)
    store = desk.studio.store
    store.commit(visitor.session, type(store.history(visitor.session).session)("a model that has gone"), "gone")
    header, payload = ask(desk, visitor, "glance", steps=[0, 1, 2], count=3)
    assert header["steps"] == [0, 1] and header["blank"] == [2] and payload
    assert ask(desk, visitor, "go", step=1)[0]["type"] == "session"
    refused, _ = ask(desk, visitor, "go", step=2)
    assert "No model 'a model that has gone'" in refused["message"]
    assert ask(desk, visitor, "history")[0]["now"] == 1


@pytest.mark.parametrize("steps", [None, [], list(range(17)), ["x"], [True], "0"])
def test_a_bad_list_of_steps_is_refused(desk, visitor, steps):
    assert "'steps' must be a list" in ask(desk, visitor, "glance", steps=steps)[0]["message"]


def test_a_bookmark_has_a_name_can_be_renamed_and_removed(desk, visitor):
    seed(desk, visitor, 3)
    star = lambda: ask(desk, visitor, "history")[0]["steps"][1]["star"]  # noqa: E731
    for given, kept in (("  my face ", "my face"), ("", "seed 3"), ("x" * 200, "x" * 80)):
        assert ask(desk, visitor, "star", step=1, name=given)[0]["type"] == "session"
        assert star() == kept
    ask(desk, visitor, "star", step=1)
    assert star() is None
    assert "no longer kept" in ask(desk, visitor, "star", step=50, name="x")[0]["message"]


def test_another_session_of_the_same_browser_can_be_looked_up_and_continued(desk, visitor):
    seed(desk, visitor, 3)
    newer = Visitor()
    ask(desk, newer, "hello", version=VERSION)
    found, _ = ask(desk, newer, "earlier", session=visitor.session)
    assert found["steps"] == 2 and found["model"] == "toy-vae"
    assert ask(desk, newer, "earlier", session="who")[0]["steps"] == 0
    again, _ = ask(desk, newer, "hello", version=VERSION, session=visitor.session)
    assert again["state"]["session"]["spot"]["origin"]["seed"] == 3


def test_the_history_is_there_after_a_restart_and_gone_after_being_deleted(tmp_path):
    file = tmp_path / "data" / "sessions.db"
    toy = studios.save_vae(tmp_path)
    one, visitor = Desk(Studio((toy,), first="toy-vae", store=SessionStore(file))), Visitor(local=True)
    session = ask(one, visitor, "hello", version=VERSION)[0]["session"]
    seed(one, visitor, 8)
    assert str(file) in ask(one, visitor, "history")[0]["about"]
    one.studio.engine.close()

    two, back = Desk(Studio((toy,), first="toy-vae", store=SessionStore(file))), Visitor()
    welcome, _ = ask(two, back, "hello", version=VERSION, session=session)
    assert welcome["session"] == session and welcome["state"]["session"]["spot"]["origin"]["seed"] == 8 and welcome["state"]["undo_label"] == "seed 8"
    assert str(file) not in (about := ask(two, back, "history")[0]["about"]) and "on this server" in about
    job = two.studio.jobs.start(session, "wait", "Waiting", lambda job: None)
    ask(two, back, "glance", steps=[0, 1], count=2)
    assert ask(two, back, "forget")[0]["type"] == "forgotten"
    assert not two.studio.store.knows(session) and not two.studio.jobs.of(session) and job.stopped()
    assert two.studio.glances.find(session, two.studio.session("toy-vae")) is None
    assert "hello" in ask(two, back, "undo")[0]["message"]
    fresh, _ = ask(two, back, "hello", version=VERSION, session=session)
    assert fresh["session"] != session and fresh["state"]["undo_label"] is None
    two.studio.close()
