"""Taking states away and bringing them back over the live channel."""

import numpy as np

from explorer.export import png
from explorer.live.desk import Visitor
from explorer.live.protocol import VERSION
from explorer.studio.similar import similar
from tests.live.desks import ask

SPOT = {"origin": {"kind": "seed", "seed": 8, "truncation": 0.5}, "axes": [[1, 2.0]]}


def test_a_saved_picture_is_the_frame_and_its_recipe_opens_as_a_step(desk, visitor):
    state = ask(desk, visitor, "commit", patch={"spot": SPOT}, label="mine")[0]["state"]
    header, content = ask(desk, visitor, "picture")
    pixels, recipe = png.read(bytes(content))
    _, frame = ask(desk, visitor, "decode", patch={})
    assert np.array_equal(pixels, np.frombuffer(frame, np.uint8).reshape(16, 16, 4)[..., :3]) and header["name"] == "toy-vae.png"
    other = Visitor()
    ask(desk, other, "hello", version=VERSION)
    opened, _ = ask(desk, other, "replay", recipe=recipe.text)
    assert opened["state"]["session"] == state["session"] and opened["state"]["undo_label"] == "a picture's recipe"
    _, again = ask(desk, other, "decode", patch={})
    assert again == frame


def test_a_recipe_of_something_else_is_refused_and_the_session_is_kept(desk, visitor):
    recipe = png.read(bytes(ask(desk, visitor, "picture")[1]))[1].text
    before = ask(desk, visitor, "history")[0]["steps"]
    for text, words in (
        (recipe.replace('"toy-vae"', '"gone"'), "'gone', which is not here"),
        (recipe.replace('"toy-vae"', '"toy-vae-2"'), "other weights"),
        ("{}", "no recipe"),
        (5, "needs 'recipe'"),
    ):
        refused, _ = ask(desk, visitor, "replay", recipe=text)
        assert refused["type"] == "error" and words in refused["message"], refused
    assert ask(desk, visitor, "history")[0]["steps"] == before


def test_a_state_from_an_address_becomes_a_step_and_one_that_fits_nothing_does_not(desk, visitor):
    session = ask(desk, visitor, "hello", version=VERSION)[0]["state"]["session"] | {"spot": SPOT, "model": "toy-vae-2", "layout": "bent"}
    visited, _ = ask(desk, visitor, "visit", session=session)
    assert visited["state"]["session"]["model"] == "toy-vae-2" and visited["info"]["name"] == "toy-vae-2" and visited["state"]["can_undo"]
    for change, words in (
        ({"model": "gone"}, "This address is of the model 'gone', which is not here"),
        ({"spot": {"origin": {"kind": "entry", "row": 999}}}, "codes 0 to 59"),
        ({"spot": {"origin": {"kind": "values", "values": [1.0]}}}, "6 numbers, got 1"),
        ({"dream": 1}, "no 'dream'"),
    ):
        assert words in ask(desk, visitor, "visit", session=session | change)[0]["message"]
    assert "name of a model" in ask(desk, visitor, "visit", session=7)[0]["message"]


def test_lines_of_python_come_without_paths_of_the_server(desk, visitor):
    ask(desk, visitor, "commit", patch={"spot": SPOT}, label="mine")
    header, _ = ask(desk, visitor, "python")
    assert "explorer.open('toy-vae.safetensors')" in header["text"] and "seed=8" in header["text"]
    assert "/toy-vae.safetensors" in ask(desk, Visitor(visitor.session, local=True), "python")[0]["text"]


def test_the_most_similar_pictures_are_the_nearest_codes_with_their_thumbnails(desk, visitor):
    header, payload = ask(desk, visitor, "similar", patch={"spot": {"origin": {"kind": "entry", "row": 8}}}, count=5)
    codes = desk.studio.atlas("toy-vae").codes
    order = (codes - codes[8]).square().sum(dim=1).argsort()[:5].tolist()
    assert header["rows"] == order and header["rows"][0] == 8 and header["distances"][0] < 1e-3 and header["axes"] == 6
    pictures = np.frombuffer(payload, np.uint8).reshape(5, 32, 32, 4)
    assert np.array_equal(pictures[1][..., :3], desk.studio.thumbnail("toy-vae", order[1]))
    assert header["labels"][0]["side"] in ("left", "right")
    assert "from 1 to 48" in ask(desk, visitor, "similar", count=0)[0]["message"]


def test_axes_that_carry_nothing_do_not_count_for_similarity(desk):
    from dataclasses import replace

    atlas = desk.studio.atlas("toy-vae")
    axes = tuple(dict(axis) | {"state": "passive" if axis["axis"] < 4 else "active"} for axis in atlas.axes)
    code = atlas.codes[8].clone()
    code[:4] = 50
    found = similar(replace(atlas, axes=axes), code, 3)
    assert found.rows[0] == 8 and found.axes == 2 and similar(atlas, code, 3).distances[0] > 50
