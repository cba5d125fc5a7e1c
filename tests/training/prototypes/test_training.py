"""Families trained for a few seconds on a world in which it is known what counts, and where it is."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from explorer import checkpoints, render, training
from explorer.core.errors import DataError
from explorer.core.prototypes import matches
from explorer.data import catalogue
from explorer.data.evidence import location
from explorer.training import prototypes
from explorer.training.loop import Stopped, walk
from explorer.training.prototypes import finishing, recipes
from explorer.training.prototypes.courses import Plan
from tests import prototypeworlds as worlds

SMALL = {"widths": [16, 32], "strides": [2, 2], "depth": 16}
BOX = prototypes.PrototypeRecipe("box", "A box", "black-box", "glyphs", "kind", SMALL, Plan(0, 180, batch=64))
NETS = {
    "protopnet": {**SMALL, "prototypes": 9},
    "st-protopnet": {**SMALL, "prototypes": 12},
    "cbc": {**SMALL, "prototypes": 12, "reasons": 1},
    "pipnet": {"widths": SMALL["widths"], "strides": SMALL["strides"], "prototypes": 16},
    "prob-psenn": {"widths": [16, 32, 32], "depth": 8, "prototypes": 3},
}
PLANS = {
    "protopnet": Plan(40, 120, batch=64), "st-protopnet": Plan(50, 150, batch=64), "cbc": Plan(50, 150, batch=64),
    "pipnet": Plan(80, 160, batch=64), "prob-psenn": Plan(60, 260, batch=64),
}  # fmt: skip
RECIPES = {
    family: prototypes.PrototypeRecipe(f"toy-{family}", "A toy", family, "glyphs", "kind", net, PLANS[family], "box") for family, net in NETS.items()
}
RECIPES["prob-psenn"] = replace(RECIPES["prob-psenn"], data="still", start="still-box")  # whole pictures are compared, so things stay in place
TABLE = {"box": BOX, "still-box": replace(BOX, name="still-box", data="still"), **{recipe.name: recipe for recipe in RECIPES.values()}}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The folder of the models of all families, trained once."""
    folder = tmp_path_factory.mktemp("made")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LATENT_EXPLORER_CACHE", str(folder / "cache"))
        patch.setitem(catalogue.DATASETS, "glyphs", worlds.world("glyph"))
        patch.setitem(catalogue.DATASETS, "still", worlds.world("glyph", moving=False))
        for recipe in RECIPES.values():
            prototypes.follow(recipe, folder=folder, table=TABLE)
        yield folder


@pytest.fixture(scope="module", params=NETS)
def trained(request, made):
    return checkpoints.load(made / f"toy-{request.param}.safetensors")


def held_out(*, moving: bool = True):
    world = worlds.world("glyph", moving=moving)
    rows = world.split("held-out")
    return rows, render.from_pixels(world.render(rows))


def test_accuracy_is_near_that_of_the_black_box(trained):
    quality = trained.card.quality
    assert quality["accuracy_black_box"] >= 0.95 and quality["accuracy"] >= quality["accuracy_black_box"] - 0.02
    rows, x = held_out(moving=trained.card.data["name"] != "still")
    with torch.inference_mode():
        right = (trained.classifier.logits(x)["kind"].argmax(dim=1).numpy() == rows[:, 0]).mean()
    assert abs(right - quality["accuracy"]) < 1e-6


def test_rows_of_trained_models_add_up(trained):
    with torch.inference_mode():
        parts, (_, x) = trained.prototypes, held_out()
        totals = parts.logits(x)["kind"]
        rows = parts.head.contributions(matches(parts.similarities(parts.described(x))).scores)
    assert ((rows.sum(dim=2) - totals).abs() <= 1e-5 * totals.abs().clamp_min(1)).all()


@pytest.mark.parametrize("family", ["protopnet", "st-protopnet", "cbc"])
def test_prototypes_are_training_patches_of_their_class(family, made):
    world, parts = worlds.world("glyph"), checkpoints.load(made / f"toy-{family}.safetensors").prototypes
    rows = world.split("train")
    for prototype in parts.prototypes:
        source, pixels = prototype.source, world.render(rows[prototype.source.picture : prototype.source.picture + 1])
        assert prototype.owner in (None, rows[source.picture, 0]) and np.array_equal(prototype.picture.permute(1, 2, 0).numpy(), pixels[0])
        described = parts.described(render.from_pixels(pixels))
        assert (parts.patch(described[0], prototype.index, source.row, source.column) - prototype.mean).norm() <= 1e-3
        maps = parts.similarities(described, torch.tensor([prototype.index]))
        assert abs(float(maps[0, 0, source.row, source.column]) - source.similarity) <= 1e-4
        if family == "protopnet":
            assert float(parts.net.distances(described)[0, prototype.index, source.row, source.column]) <= 1e-6


def test_a_second_projection_changes_nothing(made):
    world = worlds.world("glyph")
    net = checkpoints.load(made / "toy-protopnet.safetensors").prototypes.net
    rows = world.split("train")
    before = net.source.clone()
    finishing.project(net, finishing.Shown(world.render(rows), np.arange(len(rows)), rows[:, 0]))
    assert torch.equal(net.source, before)


@pytest.mark.parametrize("family", ["protopnet", "st-protopnet", "cbc"])
def test_prototypes_look_where_the_glyph_is(family, made):
    purity = checkpoints.load(made / f"toy-{family}.safetensors").card.quality["purity"]
    assert purity["median"] >= 0.8 and purity["median"] > purity["anywhere"] + 0.2


def test_where_the_evidence_is_is_where_other_glyphs_would_be():
    world = worlds.world("glyph")
    rows = world.split("held-out")[:20]
    for mask, (_, down, across, _) in zip(location(world, rows, "kind"), rows):
        inside = np.zeros_like(mask)
        inside[4 * down : 4 * down + 12, 4 * across : 4 * across + 12] = True
        assert not (mask & ~inside).any() and mask.sum() >= 70
    with pytest.raises(DataError, match="No|no factor"):
        location(world, rows, "colour")


def test_a_training_that_was_stopped_ends_like_one_that_was_not(tmp_path, monkeypatch):
    monkeypatch.setitem(catalogue.DATASETS, "glyphs", worlds.world("glyph", n=300))
    monkeypatch.setenv("LATENT_EXPLORER_CACHE", str(tmp_path / "cache"))
    recipe = replace(RECIPES["protopnet"], plan=Plan(4, 6, batch=32, projected=200, trained=False), start="")
    whole = prototypes.follow(recipe, folder=tmp_path / "whole")
    for after in (3, 2, 3):  # inside both descents, and between projection and pruning
        calls = iter(range(1000))
        with pytest.raises(Stopped):
            prototypes.follow(recipe, folder=tmp_path / "parts", stop=lambda calls=calls, after=after: next(calls) >= after)
    again = prototypes.follow(recipe, folder=tmp_path / "parts")
    one, two = checkpoints.tensors(whole), checkpoints.tensors(again)
    assert one.keys() == two.keys() and all(torch.equal(one[name], two[name]) for name in one)


def test_a_state_between_pruning_and_the_end_is_resumed(tmp_path, monkeypatch):
    monkeypatch.setitem(catalogue.DATASETS, "glyphs", worlds.world("glyph", n=300))
    recipe = replace(RECIPES["protopnet"], plan=Plan(1, 2, batch=32, projected=200, trained=False))
    net = recipes._net(recipe, None, 0)
    course, steps = recipes._course(recipe, net)
    walk(course, steps=steps - 1, file=tmp_path / "state", report=lambda progress: None)
    other = recipes._net(recipe, None, 1)
    course, steps = recipes._course(recipe, other)
    walk(course, steps=steps - 1, file=tmp_path / "state", report=lambda progress: None)
    assert other.count == net.count and torch.equal(other.weight, net.weight) and {"projection", "pruning"} <= set(course.told)


def test_pruning_keeps_the_best_of_a_class_and_lets_strangers_go(made):
    world = worlds.world("glyph", n=400)
    rows = world.split("train")
    shown = finishing.Shown(world.render(rows), np.arange(400), rows[:, 0])
    net = checkpoints.load(made / "toy-protopnet.safetensors").prototypes.net
    owners = net.owner.clone()
    first = int((owners == 0).nonzero()[0])
    others = (owners == 1).nonzero().flatten()
    net.owner[first] = 1  # a stranger: looks like class 0
    net.owner[others] = 0  # and class 1 has nobody else
    found = finishing.prune(net, shown)
    assert found["prototypes"] < found["prototypes_before"] and (net.owner == 1).sum() == 1


def test_recipes_fit_their_datasets():
    for name, recipe in prototypes.RECIPES.items():
        assert name == recipe.name and recipe.data in catalogue.DATASETS and (not recipe.start or recipe.start in prototypes.RECIPES)
        assert recipes.NETWORKS[recipe.family](recipes._config(recipe)) is not None
    for door in (prototypes.train, training.train):
        with pytest.raises(DataError, match="avatars-protopnet"):
            door("no-such", folder=None, report=lambda progress: None)
        with pytest.raises(DataError, match="at least one step"):
            door("avatars-protopnet", folder=None, report=lambda progress: None, steps=0)


def test_the_common_door_trains_prototypes_and_their_black_box(tmp_path, monkeypatch):
    monkeypatch.setitem(catalogue.DATASETS, "glyphs", worlds.world("glyph", n=300))
    monkeypatch.setenv("LATENT_EXPLORER_CACHE", str(tmp_path / "cache"))
    for recipe in (BOX, RECIPES["cbc"]):
        monkeypatch.setitem(prototypes.RECIPES, recipe.name, replace(recipe, plan=replace(recipe.plan, batch=32)))
    file = training.train("toy-cbc", folder=tmp_path / "made", report=lambda progress: None, steps=3)
    assert {found.stem for found in (tmp_path / "made").iterdir()} == {"box", "toy-cbc"}
    card = checkpoints.read(file)
    assert card.data["black_box"] == "box" and card.training["warm"] + card.training["joint"] == 3 and card.quality["how"]
