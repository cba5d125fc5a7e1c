"""The nearest places found in cells are those that looking at all of them finds."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.core import layout as layouts
from explorer.core.cells import Cells
from explorer.core.layout import Layout
from tests import toys

CLOUDS = {
    "normal": lambda n: toys.normal(n, 2),
    "line": lambda n: torch.stack([toys.normal(n, 1)[:, 0], torch.zeros(n)], dim=1),
    "one place": lambda n: torch.ones(n, 2),
    "few places": lambda n: toys.normal(n, 2).round(),
    "two far islands": lambda n: toys.normal(n, 2) + (torch.arange(n) % 2 * 1e4)[:, None],
}


@settings(max_examples=150, deadline=None)
@given(
    cloud=st.sampled_from(sorted(CLOUDS)),
    n=st.integers(1, 400),
    k=st.integers(1, 20),
    scale=st.sampled_from([0.1, 1, 30, 1e5]),
    seed=st.integers(0, 99),
)
def test_the_nearest_are_those_that_trying_all_finds(cloud, n, k, scale, seed):
    xy = CLOUDS[cloud](n)
    queries = torch.cat([scale * toys.normal(10, 2, seed=seed), xy[:3]])
    distance, rows = Cells(xy).nearest(queries, k)
    expected = torch.cdist(queries.double(), xy.double(), compute_mode="donot_use_mm_for_euclid_dist").sort(dim=1).values[:, :k]
    assert rows.shape == distance.shape == (len(queries), min(k, n))
    assert torch.allclose(distance, expected, rtol=1e-12)
    own = (queries.double()[:, None] - xy[rows].double()).norm(dim=2)
    assert torch.allclose(own, distance, rtol=1e-9) and all(len(set(row)) == len(row) for row in rows.tolist())


@pytest.mark.parametrize("linear", [False, True])
def test_a_large_map_lifts_and_places_as_a_small_one_does(monkeypatch, linear):
    codes = toys.mixture(900, 5)
    xy, turned = codes[:, :2].contiguous(), {"axes": torch.eye(5)[:2], "centre": torch.zeros(5)} if linear else {}
    places = 3 * toys.normal(200, 2, seed=3)
    small = Layout("small", xy, codes, **turned)
    expected = [small.lift(places), small.place(codes[:50] + 0.1), small.strangeness(codes[:50] + 0.1)]
    monkeypatch.setattr(layouts, "LARGE", 100)
    monkeypatch.setattr(layouts, "PAIRS", 4 * 900)
    large = Layout("large", xy, codes, **turned)
    found = [large.lift(places), large.place(codes[:50] + 0.1), large.strangeness(codes[:50] + 0.1)]
    for one, other in zip(expected, found, strict=True):
        assert torch.allclose(one, other, atol=2e-4)
    assert torch.equal(large.lift(places[:1]), found[0][:1])  # the same alone as in a batch
