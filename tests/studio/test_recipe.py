"""A recipe draws the same picture again, and says what is wrong when it cannot."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from explorer.core.errors import ExplorerError, SessionError, SpaceError
from explorer.studio.recipe import MOST_TEXT, SAME, Recipe, check
from explorer.studio.session import Entry, Journey, Place, Seed, Session, Spot, Values
from explorer.studio.studio import Studio
from tests import studios

STATES = {
    "seed": Session("toy-vae", Spot(Seed(3, 0.7))),
    "axes": Session("toy-vae", Spot(Seed(3), ((1, 1.5), (4, -2.0)))),
    "entry": Session("toy-vae", Spot(Entry(7)), locked=(2,), colour="side"),
    "sampled": Session("toy-vae", Spot(Entry(7)), sampled=True),
    "place": Session("toy-vae", Spot(Place("bent", 0.3, -0.4)), layout="bent"),
    "values": Session("toy-vae", Spot(Values((0.1, -2.0, 0.3, 1 / 3, 0.0, 1.0)))),
    "path": Session("toy-vae", journey=Journey(Spot(Entry(1)), Spot(Seed(9), ((0, 1.0),)), "arc", 0.25)),
    "other model": Session("toy-vae-2", Spot(Seed(5))),
}


@pytest.fixture(scope="module")
def studio(tmp_path_factory):
    studio = studios.studio(tmp_path_factory.mktemp("toys"))
    yield studio
    studio.close()


@pytest.mark.parametrize("state", STATES.values(), ids=STATES.keys())
def test_a_recipe_draws_the_same_picture_after_a_round_trip_as_text(studio, state):
    recipe, pixels = Recipe.make(studio, state)
    again = Recipe.read(recipe.text)
    assert again == recipe
    assert np.abs(again.replay(studio).astype(int) - pixels).max() <= SAME
    found = check(studio, again, pixels)
    assert found.difference <= SAME and found.untouched and found.here and found.within()
    assert again.session_for(studio) == state


def test_a_picture_that_was_changed_is_found_out(studio):
    recipe, pixels = Recipe.make(studio, STATES["seed"])
    changed = pixels.copy()
    changed[0, 0] = changed[0, 0] ^ 128
    found = check(studio, recipe, changed)
    assert found.difference == 128 and not found.untouched and not found.within(3) and found.different == pytest.approx(1 / 256)
    with pytest.raises(SessionError, match="8×16 pixels, the recipe draws 16×16"):
        check(studio, recipe, pixels[:, :8])


def test_a_recipe_goes_on_without_the_atlas_it_was_made_with(studio, tmp_path):
    recipe, pixels = Recipe.make(studio, STATES["entry"])
    file = studios.save_vae(tmp_path)
    (tmp_path / "toy-vae.atlas.safetensors").unlink()
    other = Studio((file,), first="toy-vae")
    assert np.abs(recipe.replay(other).astype(int) - pixels).max() <= SAME
    session = recipe.session_for(other)
    assert np.allclose(session.spot.origin.values, recipe.numbers)
    other.close()


def test_a_recipe_holds_names_and_numbers_and_the_code_but_no_picture(studio):
    recipe, _ = Recipe.make(studio, STATES["values"])
    assert recipe.to_json()["code"]["shape"] == [studios.LATENT]
    assert len(recipe.text) < 2000


def test_a_long_selection_is_left_out_of_a_recipe(studio):
    recipe, _ = Recipe.make(studio, STATES["seed"])
    long = replace(recipe, session=replace(recipe.session, selection=tuple(range(10**5, 10**5 + 99_999)), colour="x" * 200))
    many = replace(long, session=replace(long.session, selection=tuple(range(2**50, 2**50 + 80_000))))
    assert Recipe.read(many.text).session.selection == () and len(many.text) < MOST_TEXT


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda r: r.update(format="cake"), "expected 'format' to be 'latent-explorer-recipe'"),
        (lambda r: r.update(version=2), "version 2, expected 1. It was made by a newer"),
        (lambda r: r.update(version="1"), "version 1, expected 1. It cannot"),
        (lambda r: r.update(model=5), "'model' must be a JSON object"),
        (lambda r: r["model"].update(name=None), "'name' must be a text"),
        (lambda r: r["code"].update(float32="AAAA"), "needs 6 numbers, got 0.75"),
        (lambda r: r["code"].update(float32="not base64!"), "base64"),
        (lambda r: r["code"].update(float32="AADAfwAAwH8AAMB/AADAfwAAwH8AAMB/"), "finite"),
        (lambda r: r["code"].update(shape=[0]), "whole number from 1"),
        (lambda r: r["code"].update(shape=[]), "list of 1 to 8"),
        (lambda r: r["code"].update(shape=[2] * 8), "needs 256 numbers"),
        (lambda r: r["picture"].update(width=True), "picture: width"),
        (lambda r: r["picture"].update(sha256="xyz"), "64 hexadecimal"),
        (lambda r: r.update(session={"model": "toy-vae", "dream": 1}), "no 'dream'"),
        (lambda r: r.update(session=None), "at least the name of a model"),
        (lambda r: r.update(made=["x"]), "'made' must be a text"),
    ],
)
def test_a_bad_recipe_is_refused_with_the_field_at_fault(studio, change, words):
    values = Recipe.make(studio, STATES["seed"])[0].to_json()
    change(values)
    with pytest.raises(SessionError, match=words):
        Recipe.from_json(values)


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, '{"format": NaN}', "null", "x" * (MOST_TEXT + 1)])
def test_what_is_no_recipe_at_all_is_refused_in_a_sentence(text):
    with pytest.raises(SessionError, match="recipe"):
        Recipe.read(text)


def test_a_recipe_of_another_model_other_weights_or_a_wrong_length_says_so(studio):
    recipe, _ = Recipe.make(studio, STATES["seed"])
    for change, error, words in (
        ({"model": "gone"}, SessionError, "of the model 'gone', which is not here. There are: .*toy-vae"),
        ({"model": "toy-vae-2"}, SessionError, "other weights of 'toy-vae-2'"),
        ({"shape": (5,), "numbers": recipe.numbers[:5]}, SessionError, r"takes codes of shape \(6,\) in z, the recipe's is \(5,\)"),
        ({"space": "w"}, SpaceError, "no space 'w'"),
        ({"numbers": (1e5,) * 6}, SpaceError, "reaches 1e"),
    ):
        with pytest.raises(error, match=words):
            replace(recipe, **change).replay(studio)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
TEXT: dict[str, str] = {}
FIELDS = [
    "format",
    "version",
    "explorer",
    "machine",
    "made",
    "model",
    "code",
    "picture",
    "session",
    "name",
    "weights",
    "space",
    "shape",
    "float32",
    "width",
    "sha256",
]


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(field=st.sampled_from(FIELDS), value=anything)
def test_whatever_stands_in_a_recipe_it_is_read_or_refused_in_words(studio, field, value):
    values = json.loads(TEXT.setdefault("seed", Recipe.make(studio, STATES["seed"])[0].text))
    for part in (values, values["model"], values["code"], values["picture"]):
        if field in part:
            part[field] = value
            break
    try:
        Recipe.from_json(values).code(studio)
    except ExplorerError as error:
        assert str(error).endswith(".")


def test_codes_keep_every_bit(studio):
    code = torch.randn(6, generator=torch.Generator().manual_seed(4))
    recipe, _ = Recipe.make(studio, Session("toy-vae", Spot(Values(tuple(code.tolist())))))
    assert torch.equal(Recipe.read(recipe.text).code(studio).values[0], code)
