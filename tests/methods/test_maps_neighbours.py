"""Neighbours are exact, and ties are settled by index."""

import numpy as np
import pytest
import torch
from sklearn.neighbors import NearestNeighbors

from explorer.core.errors import SpaceError
from explorer.methods.maps import neighbours as module
from explorer.methods.maps.neighbours import distances, neighbours, rank_of, ranks
from tests import toys


@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
def test_neighbours_equal_those_of_scikit_learn(metric):
    points = toys.normal(700, 12)
    found = neighbours(points, 9, metric=metric)
    expected, rows = NearestNeighbors(metric=metric).fit(points.double().numpy()).kneighbors(n_neighbors=9)
    assert np.array_equal(found.rows.numpy(), rows)
    if metric == "euclidean":
        assert np.allclose(found.distances.numpy(), expected, atol=1e-12)


def test_cosine_neighbours_are_not_the_euclidean_ones():
    points = torch.tensor([[1.0, 0.0], [9.0, 0.1], [1.0, 0.5]])
    assert neighbours(points, 1, metric="cosine").rows[0, 0] == 1 and neighbours(points, 1).rows[0, 0] == 2


def test_small_blocks_give_the_same_neighbours(monkeypatch):
    points = toys.normal(300, 5)
    whole = neighbours(points, 7)
    monkeypatch.setattr(module, "BLOCK_BYTES", 8 * 300 * 11)
    assert torch.equal(neighbours(points, 7).rows, whole.rows)


def test_chosen_rows_have_the_neighbours_they_have_among_all():
    points, some = toys.normal(300, 5), torch.tensor([4, 250, 7])
    assert torch.equal(neighbours(points, 7, rows=some).rows, neighbours(points, 7).rows[some])


def test_duplicates_are_neighbours_at_distance_zero_in_order_of_their_index():
    points = torch.cat([toys.normal(1, 6).expand(40, 6), toys.normal(60, 6, seed=1) + 30])
    found = neighbours(points, 5)
    assert (found.distances[:40] == 0).all()
    assert found.rows[0].tolist() == [1, 2, 3, 4, 5] and found.rows[3].tolist() == [0, 1, 2, 4, 5]


def test_ties_at_the_last_neighbour_keep_the_lower_index():
    points = torch.tensor([[0.0], [5.0], [1.0], [-1.0], [1.0], [-1.0]])
    assert neighbours(points, 2).rows[0].tolist() == [2, 3] and neighbours(points, 3).rows[0].tolist() == [2, 3, 4]


def test_counted_ranks_are_the_sorted_ranks_with_and_without_ties():
    points = torch.cat([toys.normal(200, 3), toys.normal(50, 3), torch.zeros(30, 3)]).double()  # the first fifty twice
    distance = distances(points, torch.arange(280))
    chosen = torch.randint(280, (280, 6), generator=torch.Generator().manual_seed(0))
    chosen = torch.where(chosen == torch.arange(280)[:, None], (chosen + 1) % 280, chosen)
    assert torch.equal(rank_of(distance, chosen), ranks(distance).gather(1, chosen))


def test_a_point_is_last_among_its_own_ranks():
    found = ranks(distances(toys.normal(20, 3).double(), torch.arange(20)))
    assert (found.diagonal() == 20).all() and torch.equal(found.sort(dim=1).values, torch.arange(1, 21).expand(20, 20))


@pytest.mark.parametrize("k", [0, 5, 6])
def test_more_neighbours_than_other_points_are_refused(k):
    with pytest.raises(SpaceError, match="1 to 4"):
        neighbours(torch.zeros(5, 2), k)


def test_an_unknown_metric_lists_the_known_ones():
    with pytest.raises(SpaceError, match="euclidean, cosine"):
        neighbours(torch.zeros(5, 2), 2, metric="hamming")


def test_wider_neighbours_are_cut_to_the_nearest():
    found = neighbours(toys.normal(50, 4), 9)
    assert torch.equal(found.first(3).rows, found.rows[:, :3])
    with pytest.raises(SpaceError, match="only 9"):
        found.first(10)
