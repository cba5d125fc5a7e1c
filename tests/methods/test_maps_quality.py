"""The measures of a map: equal to their definitions, to scikit-learn's, and sensitive to what they should see."""

import json
import math

import pytest
import torch
from scipy.stats import spearmanr
from sklearn.manifold import trustworthiness

from explorer.core.errors import SpaceError
from explorer.methods.maps import pca, quality
from tests import toys


@pytest.fixture(scope="module")
def cloud() -> tuple[torch.Tensor, torch.Tensor]:
    """1,500 codes of ten coordinates and their linear map."""
    codes = toys.mixture(1_500, 10)
    return codes, pca.fit(codes).xy


def brute_force(codes: torch.Tensor, xy: torch.Tensor, k: int) -> tuple[float, float, float]:
    """Q_NX, trustworthiness and continuity from their definitions, point by point."""
    n = len(codes)
    order = [(points.double()[:, None] - points.double()).norm(dim=2).fill_diagonal_(-1).argsort(dim=1)[:, 1:].tolist() for points in (codes, xy)]
    kept = false = torn = 0
    for wide, flat in zip(*order, strict=True):
        near, shown = set(wide[:k]), set(flat[:k])
        kept += len(near & shown)
        false += sum(wide.index(j) + 1 - k for j in shown - near)
        torn += sum(flat.index(j) + 1 - k for j in near - shown)
    scale = 2 / (n * k * (2 * n - 3 * k - 1))
    return kept / (n * k), 1 - scale * false, 1 - scale * torn


def test_trustworthiness_equals_that_of_scikit_learn(cloud):
    codes, xy = cloud
    expected = trustworthiness(codes.double().numpy(), xy.double().numpy(), n_neighbors=15)
    assert abs(float(quality.agreement(codes, xy).trustworthiness.mean()) - expected) < 1e-12


def test_continuity_is_trustworthiness_with_the_spaces_exchanged(cloud):
    codes, xy = cloud
    forth, back = quality.agreement(codes, xy), quality.agreement(xy, codes)
    assert torch.equal(forth.continuity, back.trustworthiness) and not torch.equal(forth.continuity, forth.trustworthiness)


@pytest.mark.parametrize("k", [1, 4, 15])
def test_the_measures_equal_their_definitions(k):
    codes, xy = toys.normal(120, 6), toys.normal(120, 6)[:, :2]
    recall, trust, continuity = brute_force(codes, xy, k)
    found = quality.agreement(codes, xy, k=k)
    assert math.isclose(float(found.recall.mean()), recall, abs_tol=1e-12)
    assert math.isclose(float(found.r_nx.mean()), (119 * recall - k) / (119 - k), abs_tol=1e-12)
    assert math.isclose(float(found.lcmc.mean()), recall - k / 119, abs_tol=1e-12)
    assert math.isclose(float(found.trustworthiness.mean()), trust, abs_tol=1e-12)
    assert math.isclose(float(found.continuity.mean()), continuity, abs_tol=1e-12)


def test_the_curve_passes_through_the_single_measures(cloud):
    codes, xy = cloud
    found = quality.curve(codes, xy)
    for k in (1, 15, 60):
        one = quality.agreement(codes, xy, k=k)
        assert math.isclose(float(found.q_nx[k - 1]), float(one.recall.mean()), abs_tol=1e-12)
        assert math.isclose(float(found.r_nx[k - 1]), float(one.r_nx.mean()), abs_tol=1e-12)
    assert math.isclose(float(found.q_nx[-1]), 1, abs_tol=1e-12)  # all others are everybody's neighbours
    k = torch.arange(1, 1_499).double()
    assert math.isclose(found.auc, float((found.r_nx / k).sum() / (1 / k).sum()), abs_tol=1e-12)


def test_an_identical_map_scores_one_in_everything():
    codes = toys.normal(300, 2)
    found = quality.agreement(codes, codes)
    for measure in quality.MEASURES:
        assert (getattr(found, measure) == 1).all()
    assert math.isclose(quality.curve(codes, codes).auc, 1) and (quality.triplets(codes, codes) == 1).all()
    assert math.isclose(quality.spearman(codes, codes), 1)
    assert (quality.local_recall(codes, codes) == 1).all()


def test_a_random_map_scores_zero_but_half_in_trustworthiness():
    codes, xy = toys.mixture(2_000, 10), quality.random_layout(2_000, seed=5)
    found = quality.agreement(codes, xy)
    assert -0.01 <= found.r_nx.mean() <= 0.01 and -0.01 <= found.lcmc.mean() <= 0.01
    assert 0.45 <= found.trustworthiness.mean() <= 0.55 and 0.45 <= found.continuity.mean() <= 0.55
    assert 0.48 <= quality.triplets(codes, xy).mean() <= 0.52 and abs(quality.spearman(codes, xy)) < 0.03


def test_a_cut_ring_is_torn_at_the_cut_only():
    n, k = 400, 10
    ring, line = toys.ring(n), torch.stack([torch.arange(n), torch.zeros(n)], dim=1).double()
    torn = quality.agreement(ring, line, k=k).continuity < 1
    at_the_cut = torch.arange(n).minimum(n - 1 - torch.arange(n)) < k // 2  # their neighbours lie on both sides
    assert torn[at_the_cut].float().mean() >= 0.9 and not torn[torch.arange(n).minimum(n - 1 - torch.arange(n)) >= k].any()
    recall = quality.local_recall(ring, line, k=k)
    assert recall[at_the_cut].mean() < 0.85 and (recall[k : n - k] == 1).all()


def test_two_clusters_on_one_spot_are_not_trusted_and_the_others_are():
    codes = toys.mixture(600, 6, clusters=4)
    which = torch.arange(600) % 4
    xy = (
        torch.tensor([[0.0, 0.0], [0.0, 0.0], [50.0, 0.0], [0.0, 50.0]])[which]
        + codes[:, :2]
        - torch.stack([codes[which == c].mean(dim=0) for c in range(4)])[which, :2]
    )
    trust = quality.agreement(codes, xy, k=15).trustworthiness
    bound = float(trust[which >= 2].quantile(0.05))
    assert (trust[which < 2] < bound).float().mean() >= 0.9
    assert quality.agreement(codes, xy, k=15).continuity.mean() > trust[which < 2].mean()


def test_false_neighbours_of_a_point_are_named():
    codes = torch.tensor([[0.0, 0.0], [1.0, 0.0], [2.0, 0.0], [90.0, 0.0], [91.0, 0.0]])
    xy = torch.tensor([[0.0, 0.0], [5.0, 0.0], [6.0, 0.0], [0.1, 0.0], [0.2, 0.0]])
    latent, shown = quality.around(codes, xy, 0, k=2)
    assert latent.tolist() == [1, 2] and shown.tolist() == [3, 4]


def test_local_recall_averages_to_the_recall(cloud):
    codes, xy = cloud
    assert torch.equal(quality.local_recall(codes, xy), quality.agreement(codes, xy).recall)


def test_anchors_measure_what_they_would_among_all(cloud):
    codes, xy = cloud
    rows, whole = quality.anchors(1_500, 100, seed=3), quality.agreement(codes, xy)
    some = quality.agreement(codes, xy, rows=rows)
    for measure in quality.MEASURES:
        assert torch.equal(getattr(some, measure), getattr(whole, measure)[rows])
    assert len(rows.unique()) == 100 and torch.equal(quality.anchors(1_500, 2_000), torch.arange(1_500))


@pytest.mark.slow
def test_a_thousand_anchors_estimate_twenty_thousand_points_within_three_standard_errors():
    codes = toys.mixture(20_000, 10, clusters=30)
    whole = quality.agreement(codes, pca.fit(codes).xy)
    chosen = [quality.anchors(20_000, 1_000, seed=seed) for seed in range(20)]
    for measure in quality.MEASURES:
        values = getattr(whole, measure)
        hits = [abs(values[rows].mean() - values.mean()) <= 3 * values[rows].std() / 1_000**0.5 for rows in chosen]
        assert sum(hits) >= 19


@pytest.mark.parametrize("n", [100, 1_000])
def test_the_interval_covers_the_truth_about_95_times_in_100(n):
    population = toys.normal(20_000, 1)[:, 0].square()
    found = [quality.estimate(population[quality.anchors(20_000, n, seed=s)], n=n, seed=s) for s in range(200)]
    covered = sum(one.low <= population.mean() <= one.high for one in found)
    assert 175 <= covered <= 199 and all(one.low < one.value < one.high for one in found)


def test_spearman_over_all_pairs_equals_that_of_scipy_ties_included():
    codes = toys.normal(60, 4).round()
    xy = codes[:, :2]
    pairs = torch.triu_indices(60, 60, 1)
    far = [(points.double()[pairs[0]] - points.double()[pairs[1]]).norm(dim=1).numpy() for points in (codes, xy)]
    assert math.isclose(quality.spearman(codes, xy), float(spearmanr(*far).statistic), abs_tol=1e-12)


def test_sampled_pairs_estimate_the_rank_correlation_of_all(cloud):
    codes, xy = cloud
    assert abs(quality.spearman(codes, xy) - quality.spearman(codes, xy, pairs=2_000_000)) < 0.02


def test_triplets_count_reversed_orders_as_lost_and_ties_as_half():
    codes, first = torch.tensor([[0.0], [1.0], [3.0]]), torch.tensor([0])
    for second, third, share in ((9.0, 1.0, 0.0), (1.0, 9.0, 1.0), (2.0, 2.0, 0.5)):
        xy = torch.tensor([[0.0, 0.0], [second, 0.0], [third, 0.0]])
        assert quality.triplets(codes, xy, rows=first).tolist() == [share]


def test_the_metric_changes_the_measure_and_is_named(cloud):
    codes, xy = cloud
    wide, round_ = (quality.honesty(codes + 3, xy, baselines={}, most=100, metric=metric) for metric in ("euclidean", "cosine"))
    assert wide["r_nx"] != round_["r_nx"] and round_["metric"] == "cosine"


def test_honesty_is_json_and_stands_beside_its_baselines(cloud):
    codes, xy = cloud
    found = json.loads(json.dumps(quality.honesty(codes, codes[:, :2], baselines={"pca": xy}, most=200, seed=4)))
    assert found["n"] == 1_500 and found["k"] == 15 and found["anchors"] == 200 and found["seed"] == 4 and found["metric"] == "euclidean"
    assert found["random"]["r_nx"]["value"] < 0.02 < found["r_nx"]["value"] < found["pca"]["r_nx"]["value"]
    for place in (found, found["pca"], found["random"]):
        assert all(place[measure]["low"] <= place[measure]["value"] <= place[measure]["high"] for measure in quality.MEASURES)


@pytest.mark.parametrize(("n", "k"), [(0, 0), (1, 0), (3, 0), (4, 1), (14, 4), (46, 15), (47, 15)])
def test_few_points_are_measured_with_few_neighbours_or_not_at_all(n, k):
    found = quality.honesty(toys.normal(n, 5), toys.normal(n, 2), baselines={}, most=1_000)
    assert found["n"] == n and found["k"] == k and found["anchors"] == (n if k else 0) and ("r_nx" in found) == (k > 0)


def test_trustworthiness_with_too_many_neighbours_is_refused_and_says_how_many_points_it_takes():
    found = quality.agreement(toys.normal(20, 3), toys.normal(20, 2), k=10)
    assert torch.isfinite(found.r_nx).all()
    with pytest.raises(SpaceError, match="more than 20 points, got 20"):
        _ = found.trustworthiness


def test_unequal_numbers_of_codes_and_places_are_refused_with_both():
    with pytest.raises(SpaceError, match="5 codes and 4 places"):
        quality.agreement(torch.zeros(5, 3), torch.zeros(4, 2), k=1)


def test_many_duplicates_do_not_break_the_measures():
    codes = torch.cat([toys.normal(1, 5).expand(500, 5), toys.normal(1_000, 5)])
    found = quality.honesty(codes, pca.fit(codes).xy, baselines={}, most=1_000)
    assert all(math.isfinite(found[measure]["value"]) for measure in quality.MEASURES)
    assert torch.equal(quality.agreement(codes, codes).kept, torch.full((1_500,), 15))
