"""`explorer path` and `explorer grid` write what they promise, and refuse in sentences."""

import json

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from explorer import cli
from explorer.core.errors import ExplorerError
from explorer.export import png
from explorer.studio.session import Entry, Seed, Spot
from explorer.studio.studio import Studio
from explorer.studio.walk import walk
from tests import studios


@pytest.fixture
def toy(tmp_path):
    return studios.save_vae(tmp_path)


def run(*arguments):
    result = CliRunner().invoke(cli.app, [str(a) for a in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_a_path_becomes_a_row_that_carries_its_recipe(toy, tmp_path):
    out = tmp_path / "row.png"
    run("path", toy, "--from", "seed:3", "--to", "row:8", "--via", "seed:5", "--frames", 7, "--size", 1, "--out", out)
    _, recipe = png.read(out.read_bytes())
    assert recipe.session.journey.kind == "spline" and len(recipe.session.journey.stops) == 1
    studio = Studio((toy,))
    pixels, _ = walk(studio, recipe.session, count=7)
    studio.close()
    with Image.open(out) as image:
        assert np.abs(np.asarray(image)[..., :1].astype(int) - np.concatenate(list(pixels), axis=1)).max() <= 1


def test_films_and_contact_sheets_are_chosen_by_the_ending(toy, tmp_path):
    for out, options in (("a.gif", ["--back"]), ("a.webp", ["--kind", "chord", "--even"]), ("a.png", ["--columns", 4, "--captions", "words"])):
        run("path", toy, "--from", "seed:3", "--to", "seed:8", "--frames", 8, "--size", 3, "--out", tmp_path / out, *options)
        with Image.open(tmp_path / out) as image:
            assert image.format == {"a.gif": "GIF", "a.webp": "WEBP", "a.png": "PNG"}[out]
    with Image.open(tmp_path / "a.png") as image:
        assert image.width == 4 * (48 + 6) + 6


def test_a_code_from_a_file_is_a_place_to_start_from(toy, tmp_path):
    file, out = tmp_path / "code.json", tmp_path / "row.png"
    file.write_text(json.dumps({"space": "z", "values": [0.5] * studios.LATENT}))
    run("path", toy, "--from", file, "--to", "seed:8", "--frames", 2, "--size", 1, "--out", out)
    assert png.read(out.read_bytes())[1].session.journey.start.origin.values == (0.5,) * studios.LATENT


def test_a_grid_has_a_picture_for_every_pair_of_values(toy, tmp_path):
    out = tmp_path / "grid.png"
    run("grid", toy, "--x", 0, "--y", 3, "--size", 3, "--scale", 2, "--at", "row:4", "--out", out)
    with Image.open(out) as image:
        assert image.width > 3 * 32 and image.height > 3 * 32
    assert png.read(out.read_bytes())[1].session.spot == Spot(Entry(4))
    run("grid", toy, "--x", 0, "--y", 3, "--size", 3, "--seed", 7, "--out", out)
    assert png.read(out.read_bytes())[1].session.spot == Spot(Seed(7))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["path", "--from", "seed:3", "--to", "nowhere", "--out", "a.gif"], "'nowhere' names no code"),
        (["path", "--from", "seed:3", "--to", "row:99999", "--out", "a.gif"], "codes 0 to 59"),
        (["path", "--from", "seed:3", "--to", "none.json", "--out", "a.gif"], "is no code"),
        (["path", "--from", "seed:3", "--to", "seed:4", "--out", "a.avi"], "should end in .mp4"),
        (["path", "--from", "seed:3", "--to", "seed:4", "--kind", "drawn", "--out", "a.gif"], "chord, arc, spline"),
        (["grid", "--x", "0", "--y", "99", "--out", "a.png"], "axes 0 to 5"),
        (["grid", "--x", "0", "--y", "0", "--out", "a.png"], "two different"),
        (["grid", "--x", "0", "--y", "1", "--out", "a.jpg"], "should end in .png"),
    ],
)
def test_what_cannot_be_is_refused_in_words(toy, arguments, words):
    with pytest.raises(ExplorerError, match=words):
        run(arguments[0], toy, *arguments[1:])
