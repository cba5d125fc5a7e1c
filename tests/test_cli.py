"""The command line does what the page does, and fails in sentences."""

import io
import json
import socket

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from explorer import checkpoints, cli
from explorer.core.errors import ExplorerError
from explorer.studio.studio import Studio
from tests import studios


@pytest.fixture
def toy(tmp_path):
    return studios.save_vae(tmp_path)


def run(*arguments):
    return CliRunner().invoke(cli.app, [str(a) for a in arguments])


def test_list_names_every_bundled_model():
    result = run("list")
    assert result.exit_code == 0
    for file in checkpoints.bundled():
        assert file.stem in result.stdout
    assert {row["name"] for row in json.loads(run("list", "--json").stdout)} == {file.stem for file in checkpoints.bundled()}


def test_inspect_prints_the_passport_in_words_and_as_json(toy):
    assert "toy-vae" in run("inspect", toy).stdout
    report = json.loads(run("inspect", toy, "--json").stdout)
    assert report["space"]["size"] == studios.LATENT and report["weights"] == checkpoints.read(toy).weights


def test_decode_writes_the_grid_that_python_draws(toy, tmp_path):
    out = tmp_path / "grid.png"
    assert run("decode", toy, "--seed", 3, "--count", 4, "--out", out).exit_code == 0
    studio = Studio((toy,))
    drawn = studio.decode("toy-vae", studio.model("toy-vae").space.sample(1, seed=4))[0]
    studio.close()
    picture = np.asarray(Image.open(out))
    assert picture.shape == (32, 32, 3) and np.abs(picture[:16, 16:, 0].astype(int) - drawn[..., 0]).max() <= 1


def test_encode_writes_the_code_of_a_picture(toy, tmp_path):
    Image.fromarray(np.arange(20 * 30, dtype=np.uint8).reshape(20, 30)).save(tmp_path / "photo.png")
    assert run("encode", toy, tmp_path / "photo.png", "--out", tmp_path / "code.json").exit_code == 0
    code = json.loads((tmp_path / "code.json").read_text())
    assert len(code["values"]) == len(code["variance"]) == studios.LATENT and code["mean_square_error"] >= 0


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("folder", "is a folder"),
        (b"", "cannot be read as a picture"),
        (b"not a picture", "cannot be read as a picture"),
        (None, "no file"),
        ("cut", "cannot be read as a picture"),
    ],
)
def test_a_bad_picture_is_refused_in_a_sentence(toy, tmp_path, content, words):
    photo = tmp_path / "photo.png"
    if content == "folder":
        photo.mkdir()
        content = None
    if content == "cut":
        buffer = io.BytesIO()
        Image.new("RGB", (64, 64)).save(buffer, "png")
        content = buffer.getvalue()[:40]
    if content is not None:
        photo.write_bytes(content)
    result = run("encode", toy, photo, "--out", tmp_path / "x.json")
    assert result.exit_code != 0 and words in str(result.exception)


def test_a_file_that_cannot_be_written_and_an_unknown_ending_are_said(toy, tmp_path):
    assert "should end in .png" in str(run("decode", toy, "--out", tmp_path / "grid.bmpx").exception)
    assert "cannot be written" in str(run("decode", toy, "--out", tmp_path / "nowhere" / "grid.png").exception)


@pytest.mark.parametrize(("name", "words"), [("no-such", "No checkpoint"), ("avatars-judge", "cannot be traversed")])
def test_serving_what_cannot_be_served_is_said(name, words):
    assert words in str(run("serve", name, "--no-browser").exception)


def test_serve_takes_a_path_and_says_that_a_port_is_taken(toy):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        result = run("serve", toy, "--no-browser", "--port", taken.getsockname()[1])
    assert isinstance(result.exception, ExplorerError) and "port" in str(result.exception)


def test_nothing_long_is_begun_when_the_result_cannot_be_written(toy, tmp_path):
    (tmp_path / "file").write_text("")
    for command in (("train", "avatars-judge"), ("atlas", toy)):
        assert "Nothing can be written" in str(run(*command, "--folder", tmp_path / "file").exception)


def test_main_turns_what_can_be_acted_on_into_one_line(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["explorer", "inspect", "no-such-model"])
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert end.value.code == 1 and "No checkpoint 'no-such-model'" in capsys.readouterr().err
