import itertools
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from explorer import atlases, checkpoints
from explorer.core.errors import DataError
from explorer.data import catalogue
from explorer.data.factors import Factor
from explorer.methods.maps import pca, umap
from explorer.training import RECIPES, recipes, train
from explorer.training.loop import Stopped


def bars(rows: np.ndarray, *, workers: int = 1) -> np.ndarray:
    """16 px pictures of a bar that lies or stands, at one of twelve places."""
    pictures = np.zeros((len(rows), 16, 16, 1), np.uint8)
    for picture, (way, place) in zip(pictures, rows):
        (picture if way else picture.transpose(1, 0, 2))[place : place + 4] = 255
    return pictures


def toy_split(part: str) -> np.ndarray:
    every = np.array([(way, place) for way in range(2) for place in range(12)])
    return np.tile(every, (8, 1)) if part == "train" else np.tile(every, (3, 1))


TOY = SimpleNamespace(
    FACTORS=(Factor("way", ("lying", "standing")),), SHAPE=(1, 16, 16), VERSION=1, LICENCE="none", CREDITS="nobody",
    split=toy_split, sample=lambda n, seed: toy_split("train")[:n], render=bars,
    visible=lambda rows: np.ones((len(rows), 1), bool), captions=lambda rows, seed: [f"a {('lying', 'standing')[row[0]]} bar" for row in rows],
    told=lambda rows, seed: np.ones((len(rows), 1), bool),
)  # fmt: skip
JUDGE = replace(RECIPES["digits-judge"], name="toy-judge", data="toy", net={"widths": [8, 16], "features": 8}, steps=60, batch=32, rate=1e-2)
MAKER = replace(
    RECIPES["digits-vae"], name="toy-vae", data="toy", judge="toy-judge", net={"latent": 3, "widths": [8, 16]}, steps=20, batch=32, rate=1e-2,
    objective={"scale": 0.2, "ramp": 5},
)  # fmt: skip

DUEL = replace(
    RECIPES["avatars-gan"], name="toy-gan", data="toy", judge="toy-judge", teacher="toy-vae", steps=12, batch=32,
    net={"latent": 4, "widths": [8, 8, 8], "mapping": 8, "depth": 1},
    objective={"critic": [8, 8], "imitate": 4, "handover": 2, "anchor": 1.0, "anchored": 8, "anchor_from": 6},
)  # fmt: skip

SAID = replace(
    RECIPES["avatars-dit"], name="toy-dit", data="toy", judge="toy-judge", steps=12, batch=32,
    net={"patch": 4, "width": 16, "depth": 1, "heads": 2, "length": 4},
)  # fmt: skip


@pytest.fixture
def toy(tmp_path, monkeypatch):
    monkeypatch.setitem(catalogue.DATASETS, "toy", TOY)
    monkeypatch.setenv("LATENT_EXPLORER_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(recipes.quality, "SAMPLES", 100)
    for name, count in {"TRIED": 24, "CAPTIONS": 40, "SAMPLES": 60}.items():
        monkeypatch.setattr(recipes.captioned, name, count)
    monkeypatch.setitem(catalogue.CAPTIONED, "toy", TOY)
    monkeypatch.setattr(umap, "fit", lambda codes, *, seed, worker: replace(pca.fit(codes), name="umap"))  # the real one has its own tests
    return tmp_path / "made"


def quiet(progress) -> None:
    pass


def test_a_recipe_makes_a_judge_and_a_vae_with_its_atlas(toy):
    recipes.follow(JUDGE, folder=toy, report=quiet)
    file = recipes.follow(MAKER, folder=toy, report=quiet)
    card = checkpoints.read(file)
    assert card.training["steps"] == 20 and card.data["judge"] == "toy-judge" and card.weights
    assert checkpoints.read(toy / "toy-judge.safetensors").quality["accuracy"]["way"] > 0.9
    figures = {"psnr_db", "agreement", "agreement_mean", "rarest_class", "rarest_class_least", "frechet", "multiply_adds", "axes", "how"}
    assert set(card.quality) >= figures
    atlas = atlases.read(atlases.file_of(file), card)
    assert len(atlas) == 192 and atlas.thumbnails.exists() and set(atlas.layouts) == {"pca", "umap"}
    assert [axis["axis"] for axis in atlas.axes] == [0, 1, 2]


def test_a_recipe_makes_a_gan_that_learns_from_a_vae_with_an_atlas_named_by_the_judge(toy):
    recipes.follow(JUDGE, folder=toy, report=quiet)
    recipes.follow(MAKER, folder=toy, report=quiet)
    file = recipes.follow(DUEL, folder=toy, report=quiet)
    card = checkpoints.read(file)
    assert set(card.quality) == {"rarest_class", "rarest_class_least", "frechet", "multiply_adds", "how"}
    assert card.data["teacher"] == "toy-vae" and card.training["critic"] == [8, 8]
    z, w = card.latent_spaces
    assert (z.name, z.prior, w.name, w.prior) == ("z", "normal", "w", "radial")
    codes = checkpoints.load(file).mapper.map(z.sample(4000, 0)).values
    assert codes.mean(dim=0).abs().max() < 0.1 and (codes.T.cov() - torch.eye(4)).abs().max() < 0.2
    atlas = atlases.read(atlases.file_of(file), card)
    assert atlas.space == "w" and atlas.variance is None and len(atlas) == 10_000 and set(atlas.classes) == {"way"}


def test_a_recipe_makes_a_transformer_that_is_told_by_captions_without_an_atlas(toy):
    recipes.follow(JUDGE, folder=toy, report=quiet)
    calls = itertools.count()
    with pytest.raises(Stopped):
        recipes.follow(SAID, folder=toy, report=quiet, stop=lambda: next(calls) == 5)
    assert recipes.state_file(SAID, 0).exists()
    steps = []
    file = recipes.follow(SAID, folder=toy, report=lambda progress: steps.append(progress.step))
    assert min(steps) > 5 and not atlases.file_of(file).exists()
    card = checkpoints.read(file)
    assert card.config["vocabulary"] == ["a", "bar", "lying", "standing"] and card.config["guidance"] in recipes.captioned.GUIDANCES
    assert set(card.quality["agreement"]) == {"way"} and 0 <= card.quality["agreement_mean"] <= 1 and card.quality["frechet"]["samples"] > 0
    assert set(card.training["guidance_tried"]) == {f"{guidance:g}" for guidance in recipes.captioned.GUIDANCES}
    model = checkpoints.load(file)
    assert model.generator.guidance == card.config["guidance"] and model.generator.saying("a bar").decode(model.space.sample(2, 0)).shape == (
        2,
        1,
        16,
        16,
    )


def test_a_stopped_and_resumed_recipe_makes_the_same_weights(toy):
    whole = checkpoints.read(recipes.follow(JUDGE, folder=toy, report=quiet)).weights
    assert not recipes.state_file(JUDGE, 0).exists()  # a finished run leaves nothing to go on from
    calls = itertools.count()
    with pytest.raises(Stopped, match="at step 7 of 60"):
        recipes.follow(JUDGE, folder=toy, report=quiet, stop=lambda: next(calls) == 7)
    assert checkpoints.read(recipes.follow(JUDGE, folder=toy, report=quiet)).weights == whole


def test_another_seed_makes_other_weights(toy):
    short = replace(JUDGE, steps=3)
    first, second = (checkpoints.read(recipes.follow(short, folder=toy, report=quiet, seed=seed)).weights for seed in (0, 1))
    assert first != second


def test_an_unknown_recipe_lists_the_known_ones(tmp_path):
    with pytest.raises(DataError, match="No recipe 'faces'. Known: avatars-judge, avatars-vae"):
        train("faces", folder=tmp_path, report=quiet)


def test_no_steps_at_all_is_an_error(tmp_path):
    with pytest.raises(DataError, match="needs at least one step of training, got 0"):
        train("digits-judge", folder=tmp_path, report=quiet, steps=0)


def test_every_recipe_is_filed_under_its_own_name():
    assert all(name == recipe.name and recipe.data in catalogue.DATASETS for name, recipe in RECIPES.items())


def test_a_recipe_for_a_grid_also_measures_the_gap(toy, monkeypatch):
    grid = SimpleNamespace(**vars(TOY), GRID=(Factor("way", ("lying", "standing")), Factor("place", tuple("abcdefghijkl"))), exact=lambda rows: rows)
    grid.sample = lambda n, seed: np.stack([np.random.default_rng(seed).integers(size, size=n) for size in (2, 12)], axis=1)
    monkeypatch.setitem(catalogue.DATASETS, "toy", grid)
    monkeypatch.setitem(catalogue.GRIDS, "toy", grid)
    recipes.follow(JUDGE, folder=toy, report=quiet)
    found = checkpoints.read(recipes.follow(MAKER, folder=toy, report=quiet)).quality["mig"]
    assert found["n"] == 10_000 and found["coordinates"] == 3 and found["ceiling"] == 1 and set(found["gaps"]) == {"way", "place"}
    assert 0 <= found["chance"] < found["told"]["place"] <= 1 and found["low"] <= found["value"] <= found["high"]
