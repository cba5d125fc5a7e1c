"""What every single point keeps of its neighbourhood: exactly, and between anchors."""

import pytest
import torch

from explorer.core.errors import SpaceError
from explorer.methods.maps import local, pca, quality
from tests import toys


def test_what_is_kept_is_the_recall_of_every_point_to_the_last_neighbour():
    codes = toys.mixture(900, 6)
    xy = pca.fit(codes).xy
    found = local.kept(codes, xy)
    assert found.k == 15 and found.anchors == 900 and found.share.dtype == torch.uint8
    recall = quality.local_recall(codes, xy)
    assert torch.allclose(local.fraction(found.share), recall, atol=1e-12) and len(recall.unique()) > 5  # 17 of 255 a neighbour: nothing is rounded


def test_a_map_that_is_the_codes_keeps_all_and_a_random_one_what_chance_gives():
    codes = toys.normal(2_000, 2)
    assert (local.kept(codes, codes).share == local.FULL).all()
    by_chance = local.fraction(local.kept(codes, quality.random_layout(2_000, seed=1)).share).mean()
    assert abs(by_chance - 15 / 1_999) < 0.003


def test_two_clusters_on_one_spot_are_doubted_and_the_others_are_not():
    centres = torch.tensor([[0.0, 0, 0], [50, 0, 0], [0, 50, 0], [0, 0, 50]])
    which = torch.arange(800) % 4
    codes = centres[which] + torch.cat([toys.normal(800, 2), torch.zeros(800, 1)], dim=1)
    xy = codes[:, :2] + (which == 3)[:, None] * torch.zeros(2)  # the fourth lies on the first
    share = local.fraction(local.kept(codes, xy).share)
    mixed = (which == 0) | (which == 3)
    assert share[~mixed].mean() > 0.99 and (share[mixed] < 0.9).float().mean() > 0.95


@pytest.mark.parametrize("size", [3, 16])
def test_a_large_map_is_measured_at_anchors_and_says_so(monkeypatch, size):
    codes = toys.mixture(3_000, size)
    xy = pca.fit(codes).xy
    exact = local.kept(codes, xy)
    monkeypatch.setattr(local, "EXACT", 1_000)
    monkeypatch.setattr(local, "MOST_ANCHORS", 1_500)
    some = local.kept(codes, xy)
    assert some.anchors == 1_500
    rows = quality.anchors(3_000, 1_500)
    assert torch.equal(some.share[rows], exact.share[rows])
    assert abs(local.fraction(some.share).mean() - local.fraction(exact.share).mean()) < 0.02


def test_a_tree_leaves_out_the_row_itself_also_among_many_equal_points(monkeypatch):
    codes = torch.cat([torch.zeros(60, 3), toys.normal(200, 3)])
    monkeypatch.setattr(local, "EXACT", 100)
    rows = torch.arange(len(codes))
    near = local._finder(codes, 15)(rows)
    assert near.shape == (260, 15) and not (near == rows[:, None]).any()
    far = (codes[near].double() - codes[:, None].double()).norm(dim=2).sort(dim=1).values
    assert torch.allclose(far, local.neighbours(codes, 15).distances)  # which of the equal points it takes is its own affair


def test_rows_between_anchors_get_the_mean_of_those_around_them():
    xy = torch.cat([torch.zeros(8, 2), torch.full((8, 2), 9.0), torch.tensor([[0.1, 0], [9, 9.1]])])
    share = local.spread(torch.tensor([0.2] * 8 + [1.0] * 8), torch.arange(16), xy)
    assert share[:8].eq(51).all() and share[8:16].eq(255).all() and share[16:].tolist() == [51, 255]


@pytest.mark.parametrize(("n", "k"), [(0, 0), (3, 0), (4, 1), (10, 3), (46, 15), (10_000, 15)])
def test_few_points_have_few_neighbours(n, k):
    assert local.width(n) == k


def test_maps_of_three_points_and_unequal_numbers_are_refused():
    with pytest.raises(SpaceError, match="four points or more, got 3"):
        local.kept(toys.normal(3, 4), toys.normal(3, 2))
    with pytest.raises(SpaceError, match="got 9 codes and 8 places"):
        local.kept(toys.normal(9, 4), toys.normal(8, 2))
