"""`explorer photo`: one picture beside its reconstruction, and the same change to a folder of them."""

import io
import json
import zipfile

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from explorer import cli
from explorer.core.errors import ExplorerError
from tests import studios


@pytest.fixture
def toy(tmp_path):
    return studios.save_vae(tmp_path)


@pytest.fixture
def folder(tmp_path):
    """Three pictures and something else."""
    made = tmp_path / "pictures"
    made.mkdir()
    for shade in (40, 120, 200):
        Image.new("RGB", (30, 20), (shade, shade, shade)).save(made / f"{shade}.png")
    (made / "notes.txt").write_text("no picture")
    return made


def run(*arguments):
    return CliRunner().invoke(cli.app, [str(a) for a in arguments])


def record(out):
    return json.loads(zipfile.ZipFile(out).read("edit.json"))


def test_a_picture_is_written_beside_its_reconstruction_and_its_refinement(toy, folder, tmp_path):
    out, code = tmp_path / "both.png", tmp_path / "code.json"
    result = run("photo", toy, folder / "120.png", "--out", out)
    assert result.exit_code == 0 and "encoder: " in result.stdout and "dB" in result.stdout and "typicality" in result.stdout
    assert Image.open(out).size == (32, 16) and (np.asarray(Image.open(out))[:, :16] == 120).all()
    result = run("photo", toy, folder / "120.png", "--out", out, "--refine", 60, "--closeness", 1, "--json", code)
    assert result.exit_code == 0 and Image.open(out).size == (48, 16) and "step 50 of 60" in result.stdout
    found = json.loads(code.read_text())
    assert found["found_by"] == "search" and len(found["values"]) == studios.LATENT
    pictures = np.asarray(Image.open(out).convert("L")).astype(int)
    errors = [np.square(pictures[:, start : start + 16] - 120).mean() for start in (16, 32)]
    assert errors[1] < errors[0] and found["mean_square_error"] == pytest.approx(errors[1] / 127.5**2, rel=0.02)


def test_the_code_goes_back_in_as_what_to_go_towards(toy, folder, tmp_path):
    code, out = tmp_path / "code.json", tmp_path / "edited.zip"
    assert run("photo", toy, folder / "40.png", "--out", tmp_path / "x.png", "--json", code).exit_code == 0
    result = run("photo", toy, folder, "--out", out, "--towards", code, "--amount", 1)
    assert result.exit_code == 0 and "notes.txt" in result.stderr
    packed = zipfile.ZipFile(out)
    first, *others = [np.asarray(Image.open(io.BytesIO(packed.read(name)))) for name in packed.namelist() if name != "edit.json"]
    assert len(others) == 2 and all(np.abs(first.astype(int) - other).max() <= 1 for other in others)  # all are the picture gone to
    assert record(out)["edit"]["share"] == 1 and [row["file"] for row in record(out)["unreadable"]] == ["notes.txt"]


def test_axes_are_set_by_number_or_name_in_a_folder_or_a_zip(toy, folder, tmp_path):
    out = tmp_path / "edited.zip"
    assert run("photo", toy, folder, "--out", out, "--axis", "3=1.5", "--axis", "z1=-2").exit_code == 0
    assert record(out)["edit"]["by_hand"]["axes"] == [[0, -2.0], [3, 1.5]]
    archive = tmp_path / "pictures.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        for file in folder.iterdir():
            packed.write(file, f"inner/{file.name}")
    again = tmp_path / "again.zip"
    assert run("photo", toy, archive, "--out", again, "--axis", "3=1.5", "--axis", "z1=-2").exit_code == 0
    assert sorted(row["from"] for row in record(again)["pictures"]) == ["120.png", "200.png", "40.png"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["pictures", "--out", "x.zip"], "Say what to change"),
        (["pictures", "--out", "x.png", "--axis", "1=1"], "should end in .zip"),
        (["pictures", "--out", "x.zip", "--axis", "nine"], "as in 3=1.5"),
        (["pictures", "--out", "x.zip", "--axis", "9=1"], "axes 0 to 5"),
        (["pictures", "--out", "x.zip", "--axis", "1=nan"], "within 100 of zero"),
        (["pictures", "--out", "x.zip", "--towards", "pictures/notes.txt"], "holds no code"),
        (["pictures", "--out", "x.zip", "--towards", "gone.json"], "cannot be read"),
        (["pictures/notes.txt", "--out", "x.png"], "cannot be read as a picture"),
        (["pictures/40.png", "--out", "x.zip"], "should end in .png"),
        (["pictures/40.png", "--out", "x.png", "--axis", "1=1"], "are for a folder"),
        (["gone.png", "--out", "x.png"], "There is no file"),
        (["empty", "--out", "x.zip", "--axis", "1=1"], "holds no files"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(toy, folder, tmp_path, monkeypatch, arguments, words):
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path)
    result = run("photo", toy, *arguments)
    assert isinstance(result.exception, ExplorerError) and words in str(result.exception)
