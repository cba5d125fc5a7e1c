"""`explorer directions`, `edit` and `flow` find, apply and learn directions, and refuse in sentences."""

import json

import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from explorer import checkpoints, cli, directions
from explorer.core.direction import Direction, Straight
from explorer.core.errors import ExplorerError
from explorer.export import png
from explorer.studio.recipe import check
from explorer.studio.studio import Studio
from tests import studios


@pytest.fixture
def toy(tmp_path):
    return studios.save_vae(tmp_path)


@pytest.fixture
def own(toy, tmp_path):
    """A file with one direction of the toy: its first axis."""
    model = checkpoints.load(toy)
    vector = torch.eye(model.space.size)[0]
    file = tmp_path / f"own{directions.SUFFIX}"
    directions.write(file, [Direction("first", "by hand", model.space, Straight(vector), model=model.card.name, weights=model.card.weights)])
    return file


def run(*arguments):
    result = CliRunner().invoke(cli.app, [str(a) for a in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_directions_are_found_measured_printed_and_written(toy, tmp_path):
    out = tmp_path / f"found{directions.SUFFIX}"
    told = run("directions", toy, "--method", "jacobian", "--count", 3, "--starts", 12, "--out", out).stdout
    found = directions.read(out, checkpoints.load(toy))
    assert len(found) == 3 and all(direction.name in told and direction.evidence["starts"] == 12 for direction in found)
    assert "warped" in run("directions", toy, "--method", "help").stdout


def test_labels_from_a_table_make_a_boundary(toy, tmp_path):
    codes = np.asarray(Studio((toy,)).atlas("toy-vae").codes)
    table, out = tmp_path / "mine.csv", tmp_path / f"found{directions.SUFFIX}"
    table.write_text("tall\n" + "\n".join("yes" if z[1] > 0 else "no" for z in codes))
    run("directions", toy, "--method", "logistic", "--labels", table, "--toward", "yes", "--starts", 12, "--out", out)
    (found,) = directions.read(out)
    assert found.name == "tall: yes" and found.field.vector[1] > 0.8
    with pytest.raises(ExplorerError, match="has the classes no, yes; --toward or --against names maybe"):
        run("directions", toy, "--method", "logistic", "--labels", table, "--toward", "maybe")


def test_an_edit_moves_the_code_and_the_picture_carries_the_recipe(toy, own, tmp_path):
    out = tmp_path / "edited.png"
    run("edit", toy, "seed:3", "--direction", f"{own}#first", "--amount", 1.5, "--out", out)
    pixels, recipe = png.read(out.read_bytes())
    studio = Studio((toy,))
    model = studio.model(recipe.model)
    z = model.space.sample(1, seed=3).values
    expected = studio.decode(recipe.model, model.code(z + 1.5 * torch.eye(model.space.size)[:1], "z"))[0]
    assert np.abs(pixels[..., :1].astype(int) - expected[..., :1]).max() <= 1
    assert check(studio, recipe, pixels).difference <= 1
    studio.close()


def test_a_photo_is_compared_before_and_after(toy, own, tmp_path):
    Image.new("RGB", (20, 20), (90, 90, 90)).save(tmp_path / "photo.png")
    out = tmp_path / "sheet.png"
    run("edit", toy, tmp_path / "photo.png", "--direction", f"{own}#first", "--amount", 0, "--out", out, "--compare")
    with Image.open(out) as image:
        four = np.split(np.asarray(image.convert("RGB")), 4, axis=1)
    assert (four[1] == four[2]).all() and (four[3] == 0).all(), "No way along it changes nothing."
    assert np.abs(four[0].astype(int) - 90).max() <= 1


def test_a_flow_is_learned_and_written(toy, tmp_path):
    out = tmp_path / f"flows{directions.SUFFIX}"
    told = run("flow", toy, "--count", 2, "--updates", 3, "--starts", 12, "--equation", "none", "--out", out).stdout
    found = directions.read(out, checkpoints.load(toy))
    assert [direction.settings["equation"] for direction in found] == ["none", "none"] and "flow 2" in told


def test_scores_are_told_method_by_method(toy, tmp_path):
    found = tmp_path / f"found{directions.SUFFIX}"
    run("directions", toy, "--method", "random", "--count", 3, "--starts", 12, "--out", found)
    rows = json.loads(run("score", toy, "--directions", found, "--pairs", 200, "--epochs", 2, "--seeds", 2, "--json").stdout)
    assert [row["method"] for row in rows] == ["random"] and rows[0]["K"] == 3 and len(rows[0]["VP by seed"]) == 2
    assert 0 <= rows[0]["VP last"] <= rows[0]["VP highest"] <= 1 and rows[0]["PPL"] > 0
    told = run("score", toy, "--directions", found, "--pairs", 200, "--epochs", 2, "--seeds", 1).stdout
    assert "random" in told and "33%" in told, "Chance is one in three."


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("directions", "TOY", "--method", "magic"), "No method 'magic'"),
        (("directions", "TOY"), "No directions came with"),
        (("directions", "TOY", "--method", "gradient", "--guard", "love"), "No way 'love'"),
        (("directions", "TOY", "--method", "random", "--out", "x.json"), "should end in .directions.safetensors"),
        (("edit", "TOY", "seed:1", "--direction", "smile", "--amount", "1", "--out", "x.png"), "no direction 'smile'"),
        (("edit", "TOY", "seed:1", "--direction", "OWN#last", "--amount", "1", "--out", "x.png"), "It holds: first"),
        (
            ("edit", "TOY", "seed:1", "--direction", "OWN#first", "--direction", "OWN#first", "--amount", "1", "--out", "x.png"),
            "2 directions and 1 amounts",
        ),
        (("edit", "TOY", "nowhere.png", "--direction", "OWN#first", "--amount", "1", "--out", "x.png"), "names no code"),
        (("edit", "TOY", "seed:1", "--direction", "OWN#first", "--amount", "1", "--out", "x.jpg"), "should end in .png"),
        (("flow", "TOY", "--equation", "sound", "--out", f"x{directions.SUFFIX}"), "No equation 'sound'"),
    ],
)
def test_bad_wishes_are_refused_in_sentences(toy, own, tmp_path, monkeypatch, arguments, words):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ExplorerError, match=words):
        run(*(a.replace("TOY", str(toy)).replace("OWN", str(own)) for a in arguments))
