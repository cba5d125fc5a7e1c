"""A classifier that was trained where only the outline tells the classes apart says so of its prototypes."""

import pytest

from explorer import checkpoints, render
from explorer.data import catalogue
from explorer.methods.prototypes import reasons
from explorer.training import prototypes
from explorer.training.prototypes.courses import Plan
from tests import prototypeworlds as worlds


@pytest.mark.slow
def test_where_shape_is_all_that_differs_shape_ranks_first(tmp_path, monkeypatch):
    world = worlds.world("shape", n=3000)
    monkeypatch.setitem(catalogue.DATASETS, "shapes", world)
    monkeypatch.setenv("LATENT_EXPLORER_CACHE", str(tmp_path))
    net = {"widths": [16, 32], "strides": [2, 2], "depth": 16, "prototypes": 10}
    recipe = prototypes.PrototypeRecipe("shapes", "A toy", "protopnet", "shapes", "kind", net, Plan(40, 300, batch=64, trained=False, spoilt=False))
    model = checkpoints.load(prototypes.follow(recipe, folder=tmp_path))
    assert model.card.quality["accuracy"] >= 0.98
    x = render.from_pixels(world.render(world.split("train")[:128]))
    found = reasons.summed(reasons.local(model.prototypes, x, nearby=1))
    first = [found.names[k] for k in found.mean.argmax(dim=1).tolist()]
    assert first.count("shape") >= 0.9 * len(first)
    mean = dict(zip(found.names, found.mean.mean(dim=0).tolist()))
    assert max(mean["hue"], mean["texture"]) <= 0.25 * mean["shape"]
