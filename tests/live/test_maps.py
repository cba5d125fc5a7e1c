"""What a map is drawn from: in pieces, with what was measured of every place, and pictures of single rows."""

import time

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from explorer.core.layout import Layout
from explorer.live.answers import maps
from explorer.live.desk import Desk, Visitor
from explorer.live.protocol import VERSION
from explorer.methods.maps import local, trust
from explorer.studio.trust import Trust
from tests import studios
from tests.live.desks import ask


@pytest.fixture
def desk(tmp_path):
    studio = studios.studio(tmp_path)
    studio.trust = Trust(tmp_path / "maps")
    yield Desk(studio)
    studio.close()


def finished(desk, visitor, job):
    """A job once it is over."""
    until = time.monotonic() + 60
    while job["state"] in ("waiting", "running"):
        assert time.monotonic() < until
        time.sleep(0.05)
        job = ask(desk, visitor, "job", id=job["id"])[0]["job"]
    return job


def test_a_large_map_comes_in_pieces_that_together_are_the_whole(desk, visitor, monkeypatch):
    whole, payload = ask(desk, visitor, "atlas", layout="pca")
    assert whole["rows"] == [0, 60]
    monkeypatch.setattr(maps, "AT_ONCE", 25)
    places, labels, at = [], [], 0
    while at < whole["n"]:
        header, piece = ask(desk, visitor, "atlas", layout="pca", rows=[at, whole["n"]])
        first, at = header["rows"]
        places.append(piece[: 8 * (at - first)])
        labels.append(np.frombuffer(piece[8 * (at - first) :], np.uint8).reshape(len(header["labels"]), -1))
    assert len(places) == 3 and b"".join(places) == payload[: 8 * 60]
    assert np.concatenate(labels, axis=1).tobytes() == payload[8 * 60 :]


@pytest.mark.parametrize("rows", [3, [1], [0.5, 2], [True, 5], [4, 2], [-1, 5], [0, 61], ["0", "9"]])
def test_rows_that_are_none_are_refused(desk, visitor, rows):
    header, _ = ask(desk, visitor, "atlas", layout="pca", rows=rows)
    assert header["type"] == "error" and "'rows' must" in header["message"]


def test_what_is_not_known_of_the_places_is_measured_on_demand_and_then_known(desk, visitor):
    unknown, nothing = ask(desk, visitor, "local", layout="bent", measure="kept")
    assert (unknown["type"], unknown["n"], unknown["about"], nothing) == ("local", 0, None, b"")
    job = ask(desk, visitor, "local", layout="bent", measure="kept", start=True)[0]["job"]
    assert finished(desk, visitor, job)["result"] == {"k": 15, "n": 60}
    known, shares = ask(desk, visitor, "local", layout="bent", measure="kept")
    layout = desk.studio.atlas("toy-vae").layout("bent")
    assert known["n"] == 60 and known["about"] == {"k": 15, "n": 60}
    assert shares == local.kept(layout.codes, layout.xy).share.numpy().tobytes()


def test_what_was_measured_outlives_the_studio_and_a_cut_off_file_is_measured_again(desk, tmp_path):
    atlas, calls = desk.studio.atlas("toy-vae"), []
    report = lambda *words: calls.append(words)  # noqa: E731
    found = desk.studio.trust.find(atlas, atlas.layout("pca"), "kept", report=report, stop=lambda: False)
    assert calls and torch.equal(Trust(tmp_path / "maps").known(atlas, atlas.layout("pca"), "kept").share, found.share)
    (file,) = (tmp_path / "maps").iterdir()
    file.write_bytes(file.read_bytes()[:-40])
    assert Trust(tmp_path / "maps").known(atlas, atlas.layout("pca"), "kept") is None
    other = Layout("pca", atlas.layout("pca").xy + 1, atlas.codes)
    assert Trust(tmp_path / "maps").known(atlas, other, "kept") is None


def test_two_who_want_the_same_measure_wait_for_one_job(desk, visitor, monkeypatch):
    begun = []

    def slow(layout, name, **rest):
        begun.append(name)
        time.sleep(0.5)
        return trust.Found(torch.zeros(60, dtype=torch.uint8), {"k": 15, "n": 60})

    monkeypatch.setattr("explorer.studio.trust.measure", slow)
    one, again = (ask(desk, visitor, "local", layout="pca", measure="kept", start=True)[0]["job"] for _ in range(2))
    other = Visitor()
    ask(desk, other, "hello", version=VERSION)
    another = ask(desk, other, "local", layout="pca", measure="kept", start=True)[0]["job"]
    assert one["id"] == again["id"] != another["id"]
    assert finished(desk, visitor, one)["state"] == finished(desk, other, another)["state"] == "done" and begun == ["kept"]


def test_a_map_without_a_seed_says_so_and_unknown_measures_are_refused(desk, visitor):
    job = ask(desk, visitor, "local", layout="pca", measure="stays", start=True)[0]["job"]
    failed = finished(desk, visitor, job)
    assert failed["state"] == "failed" and "not drawn with a seed" in failed["error"]
    assert "Known: kept, stays" in ask(desk, visitor, "local", layout="pca", measure="moon")[0]["message"]
    assert "no map 'moon'" in ask(desk, visitor, "local", layout="moon", measure="kept")[0]["message"]


@pytest.mark.parametrize(("colour", "good"), [("map:kept", True), ("map:stays", True), ("map:moon", False), ("map:", False)])
def test_a_map_can_be_coloured_by_what_was_measured_of_its_places(desk, visitor, colour, good):
    header, _ = ask(desk, visitor, "commit", patch={"colour": colour}, label="colour")
    assert (header["type"] == "session") == good


def test_a_row_without_a_thumbnail_is_drawn_by_the_model(desk, visitor):
    kept, _ = ask(desk, visitor, "example", row=5)
    assert kept["drawn"] is False
    object.__setattr__(desk.studio.atlas("toy-vae"), "thumbnails", None)
    drawn, picture = ask(desk, visitor, "example", row=5)
    assert drawn["drawn"] is True and drawn["labels"] == kept["labels"] and picture[:4] == b"RIFF"
    assert "no thumbnails" in ask(desk, visitor, "thumbs")[0]["message"]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(row=st.integers(0, 59), layout=st.sampled_from(["pca", "bent"]), cut=st.integers(0, 60), selection=st.lists(st.integers(0, 59), max_size=30))
def test_a_row_means_the_same_in_pieces_pictures_places_and_selections(desk, visitor, row, layout, cut, selection):
    atlas = desk.studio.atlas("toy-vae")
    header, piece = ask(desk, visitor, "atlas", layout=layout, rows=[min(row, cut), 60])
    first, last = header["rows"]
    assert np.array_equal(np.frombuffer(piece, np.float32, 2, 8 * (row - first)), atlas.layout(layout).xy[row].numpy())
    told = np.frombuffer(piece, np.uint8, offset=8 * (last - first)).reshape(len(header["labels"]), -1)[:, row - first]
    known = {name: atlas.classes[name][value] for name, value in zip(header["labels"], told, strict=True) if value != 255}
    assert known == atlas.described(row) == ask(desk, visitor, "example", row=row)[0]["labels"]
    shown, _ = ask(desk, visitor, "decode", patch={"spot": {"origin": {"kind": "entry", "row": row}}, "layout": layout})
    assert np.allclose(shown["code"], atlas.codes[row], atol=1e-4)
    assert np.allclose(shown["place"], atlas.layout(layout).xy[row], atol=0.05 * atlas.layout(layout).diameter)
    kept, _ = ask(desk, visitor, "commit", patch={"selection": selection}, label="select")
    assert kept["state"]["session"]["selection"] == sorted(set(selection))
