"""One's own pictures become a model: by a call, and by the command line."""

import itertools
import json
import os
import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

import explorer
from explorer import atlases, checkpoints, cli
from explorer.cli.interrupt import stoppable
from explorer.core.errors import DataError
from explorer.data import folder as folders
from explorer.methods.maps import pca, umap
from explorer.training import recipes
from explorer.training.folder import prepare, recipe_for, train_folder
from explorer.training.loop import Stopped


@pytest.fixture(autouse=True)
def apart(tmp_path, monkeypatch):
    monkeypatch.setenv("LATENT_EXPLORER_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(umap, "fit", lambda codes, *, seed, worker: replace(pca.fit(codes), name="umap"))  # the real one has its own tests
    monkeypatch.setattr(umap.Worker, "__init__", lambda self: None)
    monkeypatch.setattr(umap.Worker, "close", lambda self: None)


@pytest.fixture
def shots(tmp_path) -> Path:
    """Eighty pictures of a bright disc somewhere on a dark ground, red ones and green ones, with a table."""
    path = tmp_path / "secret place" / "holiday"
    path.mkdir(parents=True)
    generator = np.random.default_rng(0)
    down, across = np.mgrid[:24, :24]
    lines = ["file,colour"]
    for number in range(80):
        picture = np.full((24, 24, 3), 20, np.uint8)
        y, x = generator.uniform(6, 18, size=2)
        picture[(down - y) ** 2 + (across - x) ** 2 < 20, number % 2] = 230
        Image.fromarray(picture).save(path / f"{number}.png")
        lines.append(f"{number}.png,{('red', 'green')[number % 2]}")
    (path / "labels.csv").write_text("\n".join(lines))
    return path


def made(shots: Path, out: Path, **options) -> Path:
    return train_folder(shots, "mine", out=out, **({"size": 16, "latent": 4, "steps": 40} | options))


def test_a_folder_becomes_a_model_with_an_atlas_that_says_what_it_is_made_of(shots, tmp_path):
    (shots / "broken.png").write_bytes(b"")
    seen = []
    file = made(shots, tmp_path / "out", report=seen.append)
    card = checkpoints.read(file)
    assert file == tmp_path / "out" / "mine.safetensors" and card.name == card.title == "mine" and card.family == "vae"
    assert card.licence == "unknown: your own pictures" and card.data["name"] == "holiday" and card.data["training_pictures"] == 72
    assert card.quality["psnr_db"] > 10 and sum(card.quality["axes"].values()) == 4 and "8 held-out pictures of 'holiday'" in card.quality["how"]
    atlas = atlases.read(atlases.file_of(file), card)
    assert len(atlas) == 72 and atlas.classes == {"colour": ("green", "red")} and atlas.thumbnails.exists() and set(atlas.layouts) == {"pca", "umap"}
    assert torch.bincount(atlas.labels["colour"]).sum() == 72
    assert {"read": 81, "files": 81} in [progress.figures for progress in seen] and any(p.steps == 40 and "psnr" in p.figures for p in seen)


def test_nothing_that_is_written_says_where_the_pictures_lie(shots, tmp_path):
    made(shots, tmp_path / "out", steps=2)
    assert not any(b"secret place" in file.read_bytes() for folder in ("out", "cache") for file in (tmp_path / folder).iterdir())


def test_the_model_draws_and_finds_codes(shots, tmp_path):
    model = explorer.load(made(shots, tmp_path / "out"))
    pictures = model.generator.decode(model.space.sample(2, seed=0))
    assert pictures.shape == (2, 3, 16, 16) and model.encoder.encode(pictures).values.shape == (2, 4)


def test_a_stopped_and_resumed_training_makes_what_an_uninterrupted_one_does(shots, tmp_path):
    whole = made(shots, tmp_path / "whole")
    calls = itertools.count()
    with pytest.raises(Stopped, match="at step 25 of 40. Its state is kept: the same command goes on from there."):
        made(shots, tmp_path / "parts", stop=lambda: next(calls) == 25)
    assert not (tmp_path / "parts" / "mine.safetensors").exists()
    resumed = made(shots, tmp_path / "parts")
    assert next(calls) == 26  # the second run was a run of its own, from step 25
    assert alike(whole) == alike(resumed)


def alike(file: Path) -> list:
    """All that a run writes, but how long it took."""
    card = checkpoints.read(file).to_dict()
    card["training"].pop("minutes")
    return [card, atlases.file_of(file).read_bytes(), atlases.read(atlases.file_of(file)).thumbnails.read_bytes()]


def test_stopping_while_files_are_read_is_said_and_leaves_nothing(shots, tmp_path):
    calls = itertools.count()
    with pytest.raises(Stopped, match="after reading 12 of 80 files"):
        made(shots, tmp_path / "out", stop=lambda: next(calls) == 12)
    assert not list((tmp_path / "cache").iterdir())


def test_other_pictures_are_not_mistaken_for_the_ones_of_a_stopped_run(shots, tmp_path):
    own = folders.read(shots, size=16)
    before = recipes.state_file(recipe_for(own, "mine", latent=4, steps=40), 0)
    (shots / "0.png").unlink()
    assert recipes.state_file(recipe_for(folders.read(shots, size=16), "mine", latent=4, steps=40), 0) != before


def test_the_recipe_follows_from_the_pictures(shots):
    few = recipe_for(prepare(shots, "mine", size=64, channels=1, report=lambda progress: None), "mine", latent=32, steps=None)
    assert few.batch == 72 and few.net["widths"][-1] == 256 and few.steps == 600
    many = replace(folders.read(shots, size=16), pixels=np.zeros((20_000, 16, 16, 3), np.uint8), held_out=2_000)
    assert recipe_for(many, "mine", latent=32, steps=None).steps == 4_000 and recipe_for(many, "mine", latent=32, steps=None).batch == 128
    assert recipe_for(many, "mine", latent=32, steps=7).steps == 7


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("../mine", {}, "letters, digits, dashes and underscores.* got '../mine'"),
        ("", {}, "1 to 64 letters"),
        ("avatars-vae", {}, "is the name of a bundled model"),
        ("mine", {"latent": 1}, "2 to 256 numbers, got 1"),
        ("mine", {"steps": 0}, "at least one step"),
        ("mine", {"size": 100}, "16, 32, 64, 128 pixels wide"),
    ],
)
def test_what_cannot_be_used_is_refused_before_anything_is_read(shots, tmp_path, name, options, words):
    with pytest.raises(DataError, match=words):
        train_folder(shots, name, out=tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()


def test_every_size_has_a_net_that_fits(shots, tmp_path):
    for size in folders.SIZES:
        card = checkpoints.read(made(shots, tmp_path / "out", size=size, steps=1))
        assert (card.config["size"], card.config["channels"]) == (size, 3) and card.quality["multiply_adds"] < 120e6


def run(*arguments):
    return CliRunner().invoke(cli.app, [str(a) for a in arguments])


def test_the_command_line_makes_a_model_says_what_was_left_out_and_how_to_open_it(shots, tmp_path):
    (shots / "broken.png").write_bytes(b"")
    result = run("train", "mine", "--data", shots, "--folder", tmp_path / "out", "--size", 16, "--latent", 4, "--steps", 3, "--channels", 1)
    assert result.exit_code == 0, result.output
    assert (
        "1 of 81 files could not be read: 'broken.png'" in result.stdout
        and f"`explorer serve {tmp_path / 'out' / 'mine.safetensors'}`" in result.stdout
    )
    report = json.loads(run("inspect", tmp_path / "out" / "mine.safetensors", "--json").stdout)
    assert report["picture"] == {"width": 16, "height": 16, "channels": 1} and report["atlas"]["labels"][0]["classes"] == ["green", "red"]


def test_settings_of_own_pictures_do_not_go_with_a_bundled_model():
    assert "'avatars-vae' has its recipe" in str(run("train", "avatars-vae", "--size", 32).exception)


def test_ctrl_c_is_noted_once_and_then_ends_at_once(capfd):
    before = signal.getsignal(signal.SIGINT)
    with stoppable() as stop:
        assert not stop()
        os.kill(os.getpid(), signal.SIGINT)
        assert stop() and "Ctrl-C again" in capfd.readouterr().err
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
            signal.sigtimedwait([], 1)
    assert signal.getsignal(signal.SIGINT) == before


def test_ctrl_c_keeps_the_state_and_the_same_command_goes_on(shots, tmp_path, monkeypatch):
    command = ("train", "mine", "--data", shots, "--folder", tmp_path / "out", "--size", 16, "--latent", 4, "--steps", 60)
    step = recipes.Descent.step

    def pressed(self, number):
        if number == 10:
            os.kill(os.getpid(), signal.SIGINT)
        return step(self, number)

    monkeypatch.setattr(recipes.Descent, "step", pressed)
    assert "Training stopped at step 11 of 60. Its state is kept" in str(run(*command).exception)
    monkeypatch.setattr(recipes.Descent, "step", step)
    assert "step 12/60" not in (output := run(*command).stdout) and "step 51/60" in output and "step 1/60" not in output
