"""The lines of Python for a state run, and draw what the page shows."""

import numpy as np
import pytest

from explorer.core.path import KINDS
from explorer.studio.codes import code_of, journey_codes
from explorer.studio.python import MOST_LINES, snippet
from explorer.studio.session import Entry, Journey, Place, Seed, Session, Spot, Values
from explorer.studio.studio import Studio
from tests import studios
from tests.studio.test_recipe import STATES

MODEL = "avatars-vae"
ENDS = {"start": Spot(Entry(1)), "end": Spot(Seed(9))}
BUNDLED = {
    "seed": Session(MODEL, Spot(Seed(3))),
    "truncated": Session(MODEL, Spot(Seed(2**32 - 1, 0.35))),
    "axes": Session(MODEL, Spot(Seed(3), ((1, 1.5), (30, -2.25)))),
    "entry": Session(MODEL, Spot(Entry(4321))),
    "entry with axes": Session(MODEL, Spot(Entry(12), ((0, 2.0),))),
    "sampled": Session(MODEL, Spot(Entry(7)), sampled=True),
    "place": Session(MODEL, Spot(Place("umap", 3.25, 4.125))),
    "values": Session(MODEL, Spot(Values(tuple(np.linspace(-2, 2, 32).tolist())), ((3, 0.1),))),
    "arc": Session(MODEL, journey=Journey(**ENDS, t=0.25)),
    "axes at both ends": Session(MODEL, journey=Journey(Spot(Seed(1), ((1, 1.0),)), Spot(Place("pca", 0.5, 0.5), ((2, 1.0),)), "chord", 0.75)),
    "many points": Session(MODEL, journey=Journey(**ENDS, stops=tuple(Spot(Seed(k)) for k in range(9)), kind="spline", t=0.4)),
    "even change": Session(MODEL, journey=Journey(**ENDS, pace="picture", t=0.4)),
    "ends, but not on the path": Session(MODEL, Spot(Seed(4)), Journey(**ENDS)),
}


@pytest.fixture(scope="module")
def studio():
    studio = Studio()
    yield studio
    studio.close()


def drawn(lines: str) -> dict:
    names: dict = {}
    exec(compile(lines, "snippet", "exec"), names)
    return names


def shown(studio, session) -> np.ndarray:
    opened = studio.open(session.model)
    return studio.decode(session.model, code_of(opened, session))[0]


@pytest.mark.parametrize("session", BUNDLED.values(), ids=BUNDLED.keys())
def test_the_lines_draw_what_the_page_shows(studio, session):
    lines = snippet(studio, session)
    assert lines.count("\n") <= MOST_LINES
    names = drawn(lines)
    assert np.abs(names["picture"].astype(int) - shown(studio, session)).max() <= 1
    if "frames" in names:
        import torch

        opened = studio.open(session.model)
        film = studio.decode(session.model, journey_codes(opened, session, torch.linspace(0, 1, 9)))
        assert np.abs(names["frames"].astype(int) - film).max() <= 1


def test_what_has_a_name_is_named_and_what_has_none_is_written_out(studio):
    said = {name: snippet(studio, session) for name, session in BUNDLED.items()}
    assert said["seed"] == (
        'import explorer\nmodel = explorer.open("avatars-vae")\ncode = model.space.sample(1, seed=3)\n'
        "picture = explorer.to_pixels(model.generator.decode(code))[0]\n"
    ).replace('"', "'")
    for name, words in {
        "entry": ".code(4321)",
        "place": "layout('umap').lift",
        "axes": "z[:, [1, 30]]",
        "arc": "explorer.through",
        "values": "torch.tensor([[",
    }.items():
        assert words in said[name], said[name]
    assert "frames" in said["many points"] and "frames" not in said["even change"]


@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"drawn", "geodesic"}))
def test_every_kind_of_path_draws_its_frames(studio, kind):
    session = Session(MODEL, journey=Journey(**ENDS, kind=kind, t=0.5))
    assert np.abs(drawn(snippet(studio, session))["picture"].astype(int) - shown(studio, session)).max() <= 1


@pytest.mark.parametrize("session", STATES.values(), ids=STATES.keys())
def test_a_model_from_a_file_is_opened_from_there_and_its_path_told_to_nobody_else(tmp_path, session):
    studio = studios.studio(tmp_path)
    lines = snippet(studio, session, local=True)
    assert str(tmp_path) in lines and str(tmp_path) not in snippet(studio, session)
    assert np.abs(drawn(lines)["picture"].astype(int) - shown(studio, session)).max() <= 1
    studio.close()


@pytest.fixture(scope="module")
def ways(studio):
    """The directions that came with the model, by identity."""
    opened = studio.open(MODEL)
    return opened.compass.bundled(opened)


@pytest.mark.parametrize("origin", [Seed(3), Entry(12), Place("umap", 3.25, 4.125)], ids=["seed", "entry", "place"])
@pytest.mark.parametrize("axes", [(), ((1, 1.5),)], ids=["plain", "axes"])
def test_edits_are_named_and_do_the_same(studio, ways, origin, axes):
    one, other = list(ways)[:2]
    session = Session(MODEL, Spot(origin, axes, edits=((one, 1.5), (other, -0.75))))
    lines = snippet(studio, session)
    assert ways[one].name in lines and ways[other].name in lines and lines.count("\n") <= MOST_LINES
    assert np.abs(drawn(lines)["picture"].astype(int) - shown(studio, session)).max() <= 1


def test_protected_edits_and_directions_of_ones_own_are_given_by_their_numbers(studio, ways):
    one = next(iter(ways))
    guarded = next(name for name in studio.open(MODEL).atlas.labels if name != ways[one].target.partition(": ")[0])
    session = Session(MODEL, Spot(Seed(3), edits=((one, 1.5),)), protect=(guarded,))
    lines = snippet(studio, session)
    assert ways[one].name not in lines
    assert np.abs(drawn(lines)["picture"].astype(int) - shown(studio, session)).max() <= 1
    opened = studio.open(MODEL)
    own = opened.compass.keep(ways[one].but(length=ways[one].length * 1.25, name="my own"))
    session = Session(MODEL, Spot(Seed(3), edits=((own, 1.0),)))
    lines = snippet(studio, session)
    assert "my own" not in lines and np.abs(drawn(lines)["picture"].astype(int) - shown(studio, session)).max() <= 1
