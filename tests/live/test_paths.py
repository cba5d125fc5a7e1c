"""Paths over the live channel: through points, along a drawn line, and how far from the data they lead."""

import numpy as np
import pytest

from explorer.live.desk import Visitor
from explorer.live.protocol import VERSION
from tests import studios
from tests.live.desks import ask, pictures

SIDE = 16


def spot(**origin):
    return {"origin": origin, "axes": []}


SEEDS = [spot(kind="seed", seed=seed) for seed in (1, 2, 3)]


def drawn(places, layout="pca"):
    return {"journey": {"kind": "drawn", "stops": [spot(kind="place", layout=layout, x=x, y=y) for x, y in places]}}


def test_the_points_of_a_path_are_drawn_in_their_order(desk, visitor):
    both = pictures(*ask(desk, visitor, "points", patch={"journey": {"start": SEEDS[0], "stops": [SEEDS[1]], "end": SEEDS[2]}}))
    alone = [pictures(*ask(desk, visitor, "points", patch={"journey": {"stops": [seed]}}))[0] for seed in SEEDS]
    assert np.abs(both.astype(int) - np.stack(alone).astype(int)).max() <= 1
    assert ask(desk, visitor, "points", patch={})[0]["message"].endswith("no points yet.")


@pytest.mark.parametrize("kind", ["chord", "arc", "spline"])
def test_a_path_leads_through_its_stop(desk, visitor, kind):
    patch = {"journey": {"stops": [SEEDS[0], spot(kind="values", values=[0.0] * studios.LATENT), SEEDS[0]], "kind": kind}}
    there = pictures(*ask(desk, visitor, "path", patch=patch, count=9))
    points = pictures(*ask(desk, visitor, "points", patch=patch))
    for frame, point in ((0, 0), (4, 1), (8, 2)):  # there and back: the stop is half-way
        assert np.abs(there[frame].astype(int) - points[point]).max() <= 1


@pytest.mark.parametrize("layout", ["pca", "bent"])
def test_a_drawn_line_is_followed_on_the_map(desk, visitor, layout):
    corners = np.array([(-1.5, -1), (0, 0.5), (1.5, -1)])
    patch = drawn(corners.tolist(), layout) | {"layout": layout}
    header, _ = ask(desk, visitor, "path", patch=patch, count=33)
    line = np.concatenate([np.linspace(corners[i], corners[i + 1], 200) for i in (0, 1)])
    places = np.array(header["places"])
    off = np.linalg.norm(places[:, None] - line[None], axis=2).min(axis=1)
    assert np.median(off) < 0.03 * desk.studio.atlas("toy-vae").layout(layout).diameter
    assert np.abs(places[[0, -1]] - corners[[0, -1]]).max() < 0.02 and places[:, 1].max() > 0.2


def test_a_line_drawn_on_no_map_of_this_model_is_refused(desk, visitor):
    assert "no map 'moon'" in ask(desk, visitor, "path", patch=drawn([(0, 0), (1, 1)], "moon"), count=5)[0]["message"]
    assert ask(desk, visitor, "commit", patch=drawn([(0, 0), (1, 1)], "moon"))[0]["type"] == "error"


def test_codes_of_another_length_cannot_be_stops(desk, visitor):
    header, _ = ask(desk, visitor, "path", patch={"journey": {"stops": [SEEDS[0], spot(kind="values", values=[1.0, 2.0])]}}, count=5)
    assert header["type"] == "error" and "codes of 6 numbers, got 2" in header["message"]


def test_the_distance_from_the_data_is_none_at_an_atlas_code_and_grows_on_the_way_out(desk, visitor):
    patch = {"journey": {"kind": "chord", "start": spot(kind="entry", row=3), "end": spot(kind="values", values=[9.0] * studios.LATENT)}}
    header, _ = ask(desk, visitor, "distance", patch=patch, count=17)
    assert len(header["t"]) == len(header["typicality"]) == len(header["strangeness"]) == 17
    assert header["strangeness"][0] == 0 and header["strangeness"][-1] == 1 and header["typicality"][-1] < 1e-6
    assert np.mean(np.diff(header["strangeness"]) >= 0) > 0.7
    median, most = header["usual"]
    assert header["distance"][0] == 0 and 0 < median < most < header["distance"][-1]
    shares = np.array(header["strangeness"])[np.array(header["distance"]) > most]
    assert len(shares) and shares.min() > 0.97


def test_at_an_even_picture_change_the_frames_differ_equally(desk, visitor):
    far = {"kind": "chord", "start": spot(kind="values", values=[9.0, 0, 0, 0, 0, 0]), "end": spot(kind="values", values=[-1.5, 0, 0, 0, 0, 0])}

    def steps(pace):
        film = pictures(*ask(desk, visitor, "path", patch={"journey": far | {"pace": pace}}, count=9)).astype(float)
        return np.sqrt(np.square(np.diff(film, axis=0)).mean(axis=(1, 2, 3)))

    spread = {pace: steps(pace).std() / steps(pace).mean() for pace in ("code", "picture")}
    assert spread["picture"] < 0.6 * spread["code"], spread
    committed, _ = ask(desk, visitor, "commit", patch={"journey": far | {"pace": "picture", "t": 0.5}})
    assert committed["state"]["session"]["journey"]["pace"] == "picture"


def ended(desk, visitor, job):
    """A job's last state."""
    desk.studio.jobs.find(visitor.session, job["id"]).wait(60)
    return ask(desk, visitor, "job", id=job["id"])[0]["job"]


def test_a_film_is_made_aside_and_fetched_in_parts(desk, visitor, monkeypatch):
    monkeypatch.setattr("explorer.studio.outbox.PART", 500)
    kinds, _ = ask(desk, visitor, "films")
    assert {"gif", "sheet"} <= set(kinds["kinds"]) and kinds["limits"]["count"] == [2, 240]
    patch = {"journey": {"start": SEEDS[0], "end": SEEDS[1]}}
    started, _ = ask(desk, visitor, "film", patch=patch, wish={"kind": "gif", "count": 12, "scale": 2})
    file = ended(desk, visitor, started["job"])["result"]
    assert file["parts"] > 1
    parts = [ask(desk, visitor, "fetch", file=file["file"], part=i) for i in range(file["parts"])]
    content = b"".join(payload for _, payload in parts)
    assert len(content) == file["bytes"] and content[:6] == b"GIF89a" and parts[0][0]["mime"] == "image/gif"
    stranger = Visitor()
    ask(desk, stranger, "hello", version=VERSION)
    assert "no longer kept" in ask(desk, stranger, "fetch", file=file["file"], part=0)[0]["message"]


@pytest.mark.parametrize(
    ("fields", "words"), [({"wish": {"kind": "avi"}}, "one of mp4"), ({"wish": None}, "described by"), ({"wish": {"kind": "gif"}}, "both its ends")]
)
def test_a_film_that_cannot_be_is_refused_at_once(desk, visitor, fields, words):
    header, _ = ask(desk, visitor, "film", patch={}, **fields)
    assert header["type"] == "error" and words in header["message"]


def test_the_way_of_least_change_is_searched_for_aside_and_replayed_without_searching(desk, visitor):
    patch = {"journey": {"start": SEEDS[0], "end": SEEDS[1]}}
    started, _ = ask(desk, visitor, "geodesic", patch=patch)
    journey = ended(desk, visitor, started["job"])["result"]["journey"]
    assert journey["kind"] == "geodesic" and [journey[end]["origin"]["seed"] for end in ("start", "end")] == [1, 2] and len(journey["stops"]) > 2
    committed, _ = ask(desk, visitor, "commit", patch={"journey": journey})
    assert committed["state"]["session"]["journey"] == journey
    found, _ = ask(desk, visitor, "lengths", patch={})
    assert set(found["lengths"]) == {"chord", "arc", "geodesic"}
    assert found["lengths"]["geodesic"] < found["lengths"]["arc"] and found["lengths"]["geodesic"] <= found["lengths"]["chord"]
    film = pictures(*ask(desk, visitor, "path", patch={}, count=3))
    points = pictures(*ask(desk, visitor, "points", patch=patch))
    assert np.abs(film[[0, 2]].astype(int) - points[[0, -1]]).max() <= 1
    plain, _ = ask(desk, visitor, "lengths", patch={"journey": {"kind": "arc", "stops": []}})
    assert set(plain["lengths"]) == {"chord", "arc"}


def test_a_model_without_gradients_has_no_way_of_least_change(desk, visitor):
    from dataclasses import replace

    from explorer.core.errors import CapabilityError
    from explorer.studio.session import Journey, Seed, Session, Spot
    from explorer.studio.smoothest import smoothest

    opened = desk.studio.open("toy-vae")
    still = replace(opened, model=replace(opened.model, generator=replace(opened.model.generator, differentiable=False)))
    with pytest.raises(CapabilityError, match="no gradients flow"):
        smoothest(still, Session("toy-vae", journey=Journey(Spot(Seed(1)), Spot(Seed(2)))))
