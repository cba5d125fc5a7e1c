"""UMAP in its child process: sane, reproducible, cancellable, and never in the caller."""

import json
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits, load_iris

from explorer.core.errors import DataError, ExplorerError
from explorer.methods.maps import quality, umap
from explorer.methods.maps.neighbours import neighbours
from tests import toys


@pytest.fixture(scope="module")
def worker():
    """One child process for the whole module."""
    with umap.Worker() as running:
        yield running


def test_umap_smoke_in_a_child_process(worker):
    """One small map from start to end, with everything it must say of itself."""
    codes, words = toys.mixture(200, 8, clusters=4), []
    found = umap.fit(codes, seed=3, report=words.append, worker=worker)
    assert found.name == "umap" and found.xy.shape == (200, 2) and torch.isfinite(found.xy).all() and torch.equal(found.codes, codes)
    assert set(words) >= {"importing", "fitting", "measuring"} and words.index("importing") < words.index("fitting")
    assert "umap" not in sys.modules
    about = json.loads(json.dumps(found.honesty))
    assert about["n"] == 200 and about["k"] == 15 and about["seed"] == 3 and about["metric"] == "euclidean" and about["versions"]["umap-learn"]
    assert about["random"]["r_nx"]["high"] < about["r_nx"]["low"] and set(about["pca"]) == set(quality.MEASURES)
    places = found.bounds[0] + torch.rand(200, 2, generator=torch.Generator().manual_seed(0)) * (found.bounds[1] - found.bounds[0])
    assert ((found.place(found.lift(places)) - places).norm(dim=1) / found.diameter).median() < 0.05


@pytest.mark.parametrize("count", [0, 1, 2, 14])
def test_fewer_than_fifteen_different_codes_are_refused_and_pca_is_offered(count):
    codes = toys.normal(count, 4)
    for given in (codes, codes.repeat(20, 1)):
        with pytest.raises(DataError, match=f"at least 15 different codes, got {count}. A PCA map works"):
            umap.fit(given, seed=0)


def test_too_many_codes_are_refused_before_anything_is_computed():
    with pytest.raises(DataError, match="at most 300,000 codes, got 300,001"):
        umap.fit(torch.zeros(1, 2).expand(300_001, 2), seed=0)


def test_codes_that_are_not_finite_are_refused():
    with pytest.raises(DataError, match="finite"):
        umap.fit(torch.full((50, 2), torch.nan), seed=0)


def test_a_map_that_is_no_longer_wanted_ends_its_process_soon():
    with umap.Worker() as own:
        began = time.monotonic()
        with pytest.raises(umap.Cancelled):
            umap.fit(toys.normal(50, 4), seed=0, worker=own, stop=lambda: time.monotonic() - began > 0.5)
        assert not own.alive


def test_a_process_that_dies_is_told_and_not_waited_for():
    with umap.Worker() as own:
        threading.Timer(0.5, own.close).start()
        with pytest.raises(ExplorerError, match="process ended"):
            umap.fit(toys.normal(50, 4), seed=0, worker=own)


def test_the_worker_ends_when_nobody_listens_any_more():
    own = umap.Worker()
    own._process.stdin.close()
    assert own._process.wait(timeout=60) == 0


def test_equal_codes_become_one_and_come_back_in_their_order():
    codes = toys.normal(30, 3)
    order = torch.tensor([5, 2, 5, 0, 2, *range(30)])
    distinct, inverse = umap._distinct(codes[order])
    assert len(distinct) == 30 and torch.equal(distinct[inverse], codes[order]) and torch.equal(distinct[:3], codes[[5, 2, 0]])


def test_importing_the_module_imports_no_umap_and_no_numba():
    code = "import explorer.methods.maps.umap, sys; print({'umap', 'numba', 'pynndescent'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "set()"


@pytest.mark.slow
def test_iris_is_laid_out_as_trustworthily_as_umap_itself_demands(worker):
    codes = torch.from_numpy(load_iris().data).float()
    found = umap.fit(codes, seed=42, worker=worker)
    assert quality.agreement(codes, found.xy, k=10).trustworthiness.mean() >= 0.97


@pytest.mark.slow
def test_digits_keep_far_more_neighbours_than_a_linear_map(worker):
    about = umap.fit(torch.from_numpy(load_digits().data).float(), seed=0, worker=worker).honesty
    assert about["r_nx"]["value"] >= about["pca"]["r_nx"]["value"] + 0.2


@pytest.mark.slow
def test_the_same_seed_gives_the_same_map_in_one_process_and_across_two(worker):
    codes = toys.mixture(600, 16)
    first, again, elsewhere = umap.fit(codes, seed=1, worker=worker), umap.fit(codes, seed=1, worker=worker), umap.fit(codes, seed=1)
    assert torch.equal(first.xy, again.xy) and torch.equal(first.xy, elsewhere.xy)
    assert not torch.equal(first.xy, umap.fit(codes, seed=2, worker=worker).xy)


@pytest.mark.slow
def test_wider_neighbours_than_needed_give_the_same_map(worker):
    codes = toys.mixture(1_000, 16)
    wide, narrow = (umap.fit(codes, seed=0, worker=worker, near=neighbours(codes, k)) for k in (50, 14))
    assert torch.equal(wide.xy, narrow.xy)


@pytest.mark.slow
def test_many_equal_codes_share_one_place_and_break_nothing(worker):
    codes = torch.cat([toys.normal(1, 8).expand(500, 8), toys.normal(1_500, 8, seed=1)])
    first, again = umap.fit(codes, seed=0, worker=worker), umap.fit(codes, seed=0, worker=worker)
    assert torch.isfinite(first.xy).all() and torch.equal(first.xy, again.xy)
    assert (first.xy[:500] == first.xy[0]).all() and len(first.xy.unique(dim=0)) == 1_501
    assert first.honesty["duplicates"] == pytest.approx(499 / 2_000)


@pytest.mark.slow
def test_more_codes_than_are_laid_out_at_once_are_placed_around_a_sample(worker, monkeypatch):
    monkeypatch.setattr(umap, "AT_ONCE", 400)
    codes, words = toys.mixture(1_200, 8, clusters=4), []
    found = umap.fit(codes, seed=0, report=words.append, worker=worker)
    assert found.honesty["laid_out"] == 400 and "placing" in words and found.xy.shape == (1_200, 2)
    beside = neighbours(found.xy, 5).rows
    assert (beside % 4 == torch.arange(1_200)[:, None] % 4).float().mean() > 0.98


@pytest.mark.slow
def test_many_coordinates_are_narrowed_to_fifty_and_few_points_have_few_neighbours(worker):
    about = umap.fit(toys.mixture(40, 200, clusters=3), seed=0, worker=worker).honesty
    assert about["coordinates"] <= 50 and about["graph_neighbours"] == 13 and about["k"] == 13


@pytest.mark.slow
def test_a_umap_map_places_and_lifts_as_well_as_it_should(worker):
    """The placement rule on a true UMAP map of a clustered space: see `tests/core/test_layout.py` for the toys."""
    codes = toys.mixture(4_000, 32, clusters=20)
    found = umap.fit(codes[:3_500], seed=0, worker=worker)
    low, high = found.bounds
    places = low + torch.rand(500, 2, generator=torch.Generator().manual_seed(0)) * (high - low)
    assert ((found.place(found.lift(places)) - places).norm(dim=1) / found.diameter).median() < 0.05
    assert (((found.place(found.codes) - found.xy).norm(dim=1) / found.diameter) < 0.05).float().mean() >= 0.95
    new = codes[3_500:]
    beside = torch.cdist(found.place(new), found.xy).argmin(dim=1)
    assert (beside % 20 == torch.arange(3_500, 4_000) % 20).float().mean() > 0.95
    assert (found.strangeness(10 * new) > 0.99).all() and (found.strangeness(new) > 0.99).float().mean() < 0.05
    assert np.isfinite(found.strangeness(new).numpy()).all()
