"""Whether another seed shows the same."""

import json
from dataclasses import replace

import pytest
import torch

from explorer.core.errors import CapabilityError
from explorer.core.layout import Layout
from explorer.methods.maps import local, pca, seeds, trust, umap
from tests import toys


@pytest.fixture(scope="module")
def worker():
    with umap.Worker() as running:
        yield running


@pytest.fixture(scope="module")
def shown(worker) -> Layout:
    return umap.fit(toys.mixture(400, 8, clusters=5), seed=0, worker=worker)


def test_overlap_and_disparity_of_known_maps():
    square = toys.normal(300, 2)
    turned = square @ torch.tensor([[0.0, -3], [3, 0]]) + 7
    assert (seeds.overlap(square, turned, k=15) == 1).all() and seeds.disparity(square, turned) < 1e-9
    other = toys.normal(300, 2, seed=5)
    assert abs(seeds.overlap(square, other, k=15).mean() - 15 / 299) < 0.02 and seeds.disparity(square, other) > 0.9


def test_a_umap_map_is_compared_with_those_of_other_seeds(shown, worker):
    told = []
    found = seeds.stability(shown, worker=worker, report=lambda *words: told.append(words))
    assert found.summary["seeds"] == [0, 1, 2] and json.loads(json.dumps(found.summary)) == found.summary
    others = [umap.fit(shown.codes, seed=seed, worker=worker).xy for seed in (1, 2)]
    expected = torch.stack([seeds.overlap(shown.xy, other, k=15) for other in others]).mean(dim=0)
    assert (local.fraction(found.measured.share) - expected).abs().max() <= 0.5 / local.FULL + 1e-9
    assert abs(found.summary["stays"]["value"] - float(expected.mean())) < 1e-9
    assert 15 / 399 < found.summary["stays"]["value"] < 1 and 0 <= found.summary["disparity"] < 1
    assert told[0][:2] == (0, 2) and told[-1][:2] == (2, 2) and any("seed 2" in words for *_, words in told)


def test_the_shown_seed_is_not_among_the_others(shown, worker):
    found = seeds.stability(replace(shown, honesty=shown.honesty | {"seed": 1}), worker=worker, others=(1, 2))
    assert found.summary["seeds"] == [1, 2, 0]


def test_a_large_map_is_judged_by_a_sample_of_it(shown, worker, monkeypatch):
    monkeypatch.setattr(local, "EXACT", 300)
    monkeypatch.setattr(seeds, "SAMPLE", 200)
    found = seeds.stability(shown, worker=worker, others=(4,))
    assert found.summary["n"] == 200 and len(found.measured.share) == 400


def test_it_ends_when_it_is_no_longer_wanted(shown):
    with pytest.raises(umap.Cancelled):
        seeds.stability(shown, stop=lambda: True)


def test_a_linear_map_has_no_seed():
    with pytest.raises(CapabilityError, match="'pca' was not drawn with a seed"):
        seeds.stability(pca.fit(toys.normal(50, 4)))


def test_judging_adds_what_a_map_lacks_and_can_have(shown, worker):
    linear = trust.judged(pca.fit(toys.normal(50, 4)))
    assert set(linear.local) == {"kept"} and linear.honesty["local"] == {"kept": {"k": 15, "n": 50}}
    both = trust.judged(shown, worker=worker)
    assert set(both.local) == {"kept", "stays"} and both.honesty["local"]["stays"]["seeds"] == [0, 1, 2]
    assert trust.judged(both) is not both and trust.judged(both).local == both.local  # nothing is measured again: there is no worker to do it
    assert trust.judged(pca.fit(toys.normal(3, 4))).local == {}
    with pytest.raises(CapabilityError, match="No measure 'moon'.*kept, stays"):
        trust.measure(shown, "moon")
