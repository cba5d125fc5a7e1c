"""Directions over the live channel: found, seen, stacked, composed, measured again, saved and loaded."""

import os
from dataclasses import replace

import numpy as np
import pytest

from explorer import directions
from explorer.core.direction import Direction, Straight
from explorer.core.errors import DataError
from explorer.core.space import LatentSpace
from explorer.export import png
from explorer.live.desk import Desk, Visitor
from explorer.live.protocol import VERSION
from explorer.methods.directions.find import Wish
from explorer.studio import compass
from explorer.studio.compass import ground_of
from explorer.studio.recipe import check
from explorer.studio.session import Session, Values
from explorer.training import directions as training
from tests import studios
from tests.live.desks import ask, pictures
from tests.toys import normal

PATIENCE = 120


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    studio = studios.studio(tmp_path_factory.mktemp("toys"))
    studio.open("toy-vae").compass._folder = tmp_path_factory.mktemp("directions")
    yield Desk(studio)
    studio.close()


def done(desk, visitor, kind, **fields):
    """What came of a job: its result, or the sentence with which it failed."""
    started, _ = ask(desk, visitor, kind, **fields)
    assert started["type"] == "job", started
    job = desk.studio.jobs.find(visitor.session, started["job"]["id"]).wait(PATIENCE)
    return job.result if job.state == "done" else job.error


def found(desk, visitor, **wish):
    return done(desk, visitor, "find", wish=wish)["ids"]


def refusal(desk, visitor, kind, payload=b"", **fields):
    header, _ = ask(desk, visitor, kind, payload, **fields)
    assert header["type"] == "error", header
    return header["message"]


@pytest.fixture
def ids(desk, visitor):
    return found(desk, visitor, method="random", count=3, seed=5)


def test_what_there_is_names_methods_labels_and_what_is_missing(desk, visitor, ids):
    header, _ = ask(desk, visitor, "directions", ids=[*ids, "f" * 24])
    assert [each["id"] for each in header["directions"]] == ids and header["missing"] == 1
    assert {method["name"] for method in header["methods"]} >= {"pca", "sefa", "logistic", "gradient", "warped", "flow", "random"}
    assert all(method["title"] and method["words"] for method in header["methods"])
    assert {"name": "side", "classes": ["left", "right"]} in header["labels"] and "side" in header["protectable"]
    told = header["directions"][0]
    assert told["evidence"]["starts"] == 12 and len(told["evidence"]["change"]) == len(told["evidence"]["amounts"])


def test_the_same_wish_is_granted_once_and_another_seed_is_another_direction(desk, visitor, ids):
    assert found(desk, visitor, method="random", count=3, seed=5) == ids
    assert not set(found(desk, visitor, method="random", count=3, seed=6)) & set(ids)


def test_a_strip_is_what_the_slider_does_the_other_edits_being_as_they_are(desk, visitor, ids):
    one, other, _ = ids
    spot = {"origin": {"kind": "seed", "seed": 3}, "axes": [[1, 0.5]], "edits": [[one, 1.0], [other, -2.0]]}
    header, payload = ask(desk, visitor, "along", patch={"spot": spot}, id=one, amounts=[-2, 0, 1.0], count=3)
    for amount, shown in zip((-2, 0, 1.0), pictures(header, payload)):
        edits = [[one, amount], [other, -2.0]] if amount else [[other, -2.0]]
        frame, drawn = ask(desk, visitor, "decode", patch={"spot": spot | {"edits": edits}})
        expected = np.frombuffer(drawn, np.uint8).reshape(frame["height"], frame["width"], 4)
        assert np.abs(shown.astype(int) - expected).max() <= 1


def test_edits_are_steps_of_the_history_with_the_bench(desk, visitor, ids):
    spot = {"origin": {"kind": "seed", "seed": 3}, "edits": [[ids[0], 1.5]]}
    ask(desk, visitor, "commit", patch={"spot": spot, "bench": [{"id": ids[0], "name": "rounder", "pinned": True}]}, label="rounder")
    header, _ = ask(desk, visitor, "commit", patch={"spot": spot | {"edits": [[ids[0], 1.5], [ids[1], 1]]}}, label="another")
    assert Session.from_json(header["state"]["session"]).spot.edits == ((ids[0], 1.5), (ids[1], 1.0))
    header, _ = ask(desk, visitor, "undo")
    session = Session.from_json(header["state"]["session"])
    assert session.spot.edits == ((ids[0], 1.5),) and session.bench[0].name == "rounder" and session.bench[0].pinned


def test_an_edit_along_what_nobody_knows_is_refused_and_not_committed(desk, visitor):
    words = refusal(desk, visitor, "commit", patch={"spot": {"origin": {"kind": "seed", "seed": 3}, "edits": [["f" * 24, 1]]}}, label="x")
    assert "not known here" in words
    header, _ = ask(desk, visitor, "directions", ids=[])
    assert header["type"] == "directions"


def test_edits_become_one_direction_that_does_the_same(desk, visitor, ids):
    (made,) = done(desk, visitor, "compose", edits=[[ids[0], 1.0], [ids[1], -0.5]], name="both")["ids"]
    opened = desk.studio.open("toy-vae")
    one, other, whole = opened.direction(ids[0]), opened.direction(ids[1]), opened.direction(made)
    z = normal(4, studios.LATENT)
    wanted = other.step(one.step(z, 1.0), -0.5) - z
    moved = whole.step(z, 1.0) - z
    assert np.allclose(moved / moved.norm(dim=1, keepdim=True), wanted / wanted.norm(dim=1, keepdim=True), atol=1e-4)
    assert whole.name == "both" and whole.evidence["starts"] == 12
    assert "at least two" in done(desk, visitor, "compose", edits=[[ids[0], 1.0]], name="one")


def test_more_pictures_refine_what_was_measured_and_the_same_wish_does_not_undo_it(desk, visitor, ids):
    assert done(desk, visitor, "refine-directions", ids=ids[:1])["ids"] == ids[:1]
    header, _ = ask(desk, visitor, "directions", ids=ids)
    assert [each["evidence"]["starts"] for each in header["directions"]] == [60, 12, 12]
    found(desk, visitor, method="random", count=3, seed=5)
    header, _ = ask(desk, visitor, "directions", ids=ids)
    assert [each["evidence"]["starts"] for each in header["directions"]] == [60, 12, 12]
    assert done(desk, visitor, "refine-directions", ids=ids[:1])["ids"] == [], "What is measured already is not measured again."


def test_alike_is_one_with_itself_and_symmetric(desk, visitor, ids):
    header, _ = ask(desk, visitor, "alike", ids=ids)
    cosines = np.array(header["cosines"])
    assert np.allclose(np.diag(cosines), 1, atol=1e-3) and np.allclose(cosines, cosines.T) and np.abs(cosines).max() <= 1
    assert "no directions to compare" in refusal(desk, visitor, "alike", ids=[])


def test_a_file_goes_out_and_comes_back(desk, visitor, ids, tmp_path):
    header, payload = ask(desk, visitor, "directions-file", ids=ids)
    assert header["name"] == "toy-vae.directions.safetensors"
    (file := tmp_path / "x.safetensors").write_bytes(bytes(payload))
    assert [directions.identity(each) for each in directions.read(file)] == ids
    header, _ = ask(desk, visitor, "directions-load", bytes(payload))
    assert header["ids"] == ids


def test_a_file_of_another_model_or_of_nothing_is_refused_in_words(desk, visitor, ids, tmp_path):
    _, payload = ask(desk, visitor, "directions-file", ids=ids)
    ask(desk, visitor, "open", model="toy-vae-2")
    words = refusal(desk, visitor, "directions-load", bytes(payload))
    assert "toy-vae-2" in words and "was found for weights" in words
    ask(desk, visitor, "open", model="toy-vae")
    wide = Direction("wide", "test", LatentSpace("z", (9,)), Straight(normal(1, 9)[0] / normal(1, 9)[0].norm()))
    directions.write(tmp_path / "wide.safetensors", [wide])
    assert "'wide'" in (words := refusal(desk, visitor, "directions-load", (tmp_path / "wide.safetensors").read_bytes())) and "[6]" in words
    assert "safetensors" in refusal(desk, visitor, "directions-load", b"no such thing at all")
    assert "got none" in refusal(desk, visitor, "directions-load")


def table(rows):
    return "".join(f"{row}\n" for row in rows).encode()


def test_a_table_of_labels_becomes_groups(desk, visitor):
    header, payload = ask(desk, visitor, "directions-labels", table(["mood", *("glad" if i % 3 else "sad" for i in range(60))]), name="moods.csv")
    assert header["columns"] == [{"name": "mood", "classes": ["glad", "sad"], "counts": [40, 20]}]
    values = np.frombuffer(payload, "<i2")
    assert values.shape == (60,) and values[0] == 1 and values[1] == 0
    header, payload = ask(desk, visitor, "directions-labels", table(["id;size", "3;big", "5;small", "7;", "9;big"]), name="sizes.csv")
    values = np.frombuffer(payload, "<i2")
    assert header["columns"][0]["counts"] == [2, 1] and values[3] == 0 and values[5] == 1 and values[7] == values[0] == -1
    header, _ = ask(desk, visitor, "directions-labels", table([("yes", "no", "")[min(i // 20, 2)] for i in range(60)]), name="plain.csv")
    assert header["columns"] == [{"name": "label", "classes": ["no", "yes"], "counts": [20, 20]}]
    header, _ = ask(desk, visitor, "directions-labels", table(["id,score", *(f"{i},{i / 7}" for i in range(60))]), name="scores.csv")
    assert header["columns"][0]["counts"] == [1] * 60


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (["mood", *["glad"] * 60], "one class only"),
        (["mood", *["glad", "nan"] * 30], "no label"),
        (["mood", *["glad", "sad"] * 10], "21 rows"),
        (["id,mood", "3,glad", "60,sad"], "0 to 59"),
        (["id,mood", "3,glad", "3,sad"], "code 3 2 times"),
        (["id", "3"], "0 columns"),
        (["", ""], "empty"),
        (["a,b", *["x,y"] * 59, "x"], "cells"),
        (["a,a", *["x,y"] * 60], "twice"),
    ],
)
def test_a_table_that_does_not_do_is_refused_in_words(desk, visitor, rows, words):
    assert words in (said := refusal(desk, visitor, "directions-labels", table(rows), name="my.csv")), said


def test_two_groups_become_a_direction_and_poor_groups_are_refused_in_words(desk, visitor):
    atlas = desk.studio.open("toy-vae").atlas
    ones = [row for row in range(60) if atlas.codes[row, 2] > 0]
    zeros = [row for row in range(60) if row not in ones]
    (made,) = found(desk, visitor, method="mean difference", ones=ones, zeros=zeros, name="up")
    direction = desk.studio.open("toy-vae").direction(made)
    assert direction.name == "up" and int(direction.field.vector.abs().argmax()) == 2 and direction.field.vector[2] > 0
    say = lambda **wish: done(desk, visitor, "find", wish={"method": "logistic"} | wish)  # noqa: E731
    assert "has 1 code" in say(ones=[3], zeros=zeros)
    assert "has 0 codes" in say(ones=ones, zeros=[])
    assert "both groups" in say(ones=ones, zeros=[*zeros, ones[0]])
    assert "0 to 59" in say(ones=[*ones, 99], zeros=zeros)
    assert "No straight boundary" in say(ones=list(range(0, 60, 2)), zeros=list(range(1, 60, 2)))
    assert "has no class 'middle'" in say(attribute="side", toward="middle")
    assert "Nothing is labelled 'mood'" in say(attribute="mood", toward="glad")


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        (None, "'wish' must be an object"),
        ({"method": "alchemy"}, "No method 'alchemy'"),
        ({"method": "pca", "count": -1}, "'count' must be"),
        ({"method": "flow", "equation": "love"}, "'equation' must be"),
        ({"method": "gradient", "guard": "love"}, "'guard' must be"),
        ({"method": "logistic", "ones": ["x"]}, "'ones' must be"),
    ],
)
def test_wishes_that_make_no_sense_are_refused_in_words(desk, visitor, wish, words):
    header, _ = ask(desk, visitor, "find", wish=wish)
    said = header["message"] if header["type"] == "error" else desk.studio.jobs.find(visitor.session, header["job"]["id"]).wait(PATIENCE).error
    assert words in said


@pytest.mark.parametrize("method", ["flow", "warped", "linear"])
def test_what_is_cancelled_goes_on_where_it_was(desk, visitor, monkeypatch, tmp_path, method):
    for module in (training, compass):
        monkeypatch.setattr(module, "cache_folder", lambda: tmp_path)
    wish = {"method": method, "count": 2, "updates": 150}
    started, _ = ask(desk, visitor, "find", wish=wish)
    job = desk.studio.jobs.find(visitor.session, started["job"]["id"])
    while job.progress.step < 1 and job.state in ("waiting", "running"):
        pass
    ask(desk, visitor, "cancel", id=job.id)
    assert job.wait(PATIENCE).state == "cancelled" and list(tmp_path.glob("*.state"))
    assert len(found(desk, visitor, **wish)) == 2 and not list(tmp_path.glob("*.state"))


def test_a_picture_carries_its_edits_and_opens_without_the_direction_too(desk, visitor, ids):
    spot = {"origin": {"kind": "seed", "seed": 3}, "edits": [[ids[0], 1.5], [ids[1], -1.0]]}
    ask(desk, visitor, "commit", patch={"spot": spot, "protect": ["side"]}, label="two edits")
    _, content = ask(desk, visitor, "picture")
    pixels, recipe = png.read(bytes(content))
    assert recipe.session.spot.edits == ((ids[0], 1.5), (ids[1], -1.0)) and recipe.session.protect == ("side",)
    assert check(desk.studio, recipe, pixels).within(1)
    other = Visitor()
    ask(desk, other, "hello", version=VERSION)
    header, _ = ask(desk, other, "replay", recipe=recipe.text)
    assert Session.from_json(header["state"]["session"]).spot == recipe.session.spot

    compass = desk.studio.open("toy-vae").compass
    kept, compass._found, folder = compass._found, {}, compass._folder
    compass._folder = folder / "elsewhere"  # as on another computer
    try:
        header, _ = ask(desk, other, "replay", recipe=recipe.text)
        session = Session.from_json(header["state"]["session"])
        assert isinstance(session.spot.origin, Values) and not session.spot.edits
        assert check(desk.studio, replace(recipe, session=session), pixels).within(1)
    finally:
        compass._found, compass._folder = kept, folder


@pytest.mark.parametrize("method", ["pca", "random", "mean difference", "jacobian"])
def test_a_decoder_that_ignores_the_code_is_said_so(tmp_path, method):
    studio = studios.studio(tmp_path)
    opened = studio.open("toy-vae")
    opened.compass._folder = tmp_path / "directions"
    opened.compass._folder.mkdir()
    opened.model.generator.first().zero_()  # nothing of the code comes through
    atlas = opened.atlas
    ones = tuple(row for row in range(60) if atlas.codes[row, 2] > 0)
    wish = (
        Wish(method, count=2, ones=ones, zeros=tuple(row for row in range(60) if row not in ones))
        if method == "mean difference"
        else Wish(method, count=2)
    )
    with pytest.raises(DataError, match="depend on the code"):
        opened.compass.find(ground_of(opened, None), wish, lambda done, of, words: None)
    studio.close()


def test_fewer_codes_than_numbers_are_refused_in_words(tmp_path):
    studio = studios.studio(tmp_path)
    opened = studio.open("toy-vae")
    few = replace(opened.atlas, codes=opened.atlas.codes[:3], variance=None, labels={}, classes={}, layouts={})
    with pytest.raises(DataError, match="need more than 6 codes, got 3"):
        opened.compass.find(ground_of(replace(opened, atlas=few), None), Wish("pca", count=6), lambda done, of, words: None)
    studio.close()


def test_a_flow_that_diverges_says_so(desk, visitor, monkeypatch, tmp_path):
    monkeypatch.setattr(training, "cache_folder", lambda: tmp_path)
    plain = training.flow_settings
    monkeypatch.setattr(training, "flow_settings", lambda wish: replace(plain(wish), speed=float("nan")))
    assert "diverged" in done(desk, visitor, "find", wish={"method": "flow", "count": 2, "updates": 9, "seed": 3})


def test_what_was_kept_longest_ago_goes_when_there_is_too_much(tmp_path, monkeypatch):
    monkeypatch.setattr(compass, "MOST_KEPT", 3)
    monkeypatch.setattr(compass, "TIDY", 1)
    kept, space = compass.Compass(tmp_path), LatentSpace("z", (6,))
    ids = []
    for i, vector in enumerate(normal(5, 6)):
        ids.append(kept.keep(Direction(f"way {i}", "test", space, Straight(vector / vector.norm()))))
        os.utime(tmp_path / f"{ids[-1]}{directions.SUFFIX}", (i, i))
    assert {file.name.partition(".")[0] for file in tmp_path.iterdir()} == set(ids[-3:]) == set(kept._found)
