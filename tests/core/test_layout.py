"""Maps: from codes to places and back, in dense places, in empty ones, and with hardly any points."""

from functools import cache

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.core.errors import SpaceError
from explorer.core.layout import Layout
from explorer.methods.maps import pca
from tests import toys

LAYOUTS = {
    "linear mixture": lambda: pca.fit(toys.mixture(3_000, 32)),
    "linear normal": lambda: pca.fit(toys.normal(3_000, 32)),
    "islands": lambda: toys.islands(3_000, 32),
    "large islands": lambda: toys.islands(10_000, 32, clusters=20),
    "shuffled": lambda: Layout("shuffled", toys.normal(3_000, 2, seed=1), toys.normal(3_000, 32)),  # a map without any neighbourhood
}


@cache
def made(name: str) -> Layout:
    return LAYOUTS[name]()


every_layout = pytest.mark.parametrize("layout", LAYOUTS)


def somewhere(layout: Layout, count: int = 500, *, seed: int = 0) -> torch.Tensor:
    """Random places in the box of the map."""
    low, high = layout.bounds
    return low + torch.rand(count, 2, generator=torch.Generator().manual_seed(seed)) * (high - low)


def apart(a: torch.Tensor, b: torch.Tensor, layout: Layout) -> torch.Tensor:
    """Distances in diameters of the map."""
    return (a - b).norm(dim=1) / layout.diameter


@every_layout
def test_placing_what_was_lifted_leads_back(layout):
    layout = made(layout)
    places = somewhere(layout)
    assert apart(layout.place(layout.lift(places)), places, layout).median() < 0.05


@every_layout
def test_at_least_95_percent_of_the_atlas_are_placed_where_they_are(layout):
    layout = made(layout)
    assert (apart(layout.place(layout.codes), layout.xy, layout) < 0.05).float().mean() >= 0.95


@every_layout
def test_a_code_is_placed_the_same_alone_and_in_a_batch(layout):
    layout = made(layout)
    codes = toys.normal(500, 32, seed=9)
    together = layout.place(codes)
    assert all(torch.equal(layout.place(codes[i : i + 1])[0], together[i]) for i in range(0, 500, 25))


@every_layout
def test_every_atlas_point_lifts_to_its_own_code(layout):
    layout = made(layout)
    assert torch.allclose(layout.lift(layout.xy[:300]), layout.codes[:300], atol=1e-4)


@pytest.mark.parametrize("layout", ["islands", "large islands"])
def test_in_empty_places_the_code_is_not_an_atlas_code_and_nearby_places_differ(layout):
    layout = made(layout)
    places = somewhere(layout)
    empty = places[torch.cdist(places, layout.xy).amin(dim=1) > 0.05 * layout.diameter]
    assert len(empty) > 100
    z = layout.lift(empty)
    ordinary = layout.codes.norm(dim=1).mean()
    assert (layout.nearest(z)[1] > 0.05 * ordinary).all()
    assert ((layout.lift(empty + 0.01 * layout.diameter) - z).norm(dim=1) > 0.002 * ordinary).all()


@pytest.mark.parametrize("layout", ["islands", "large islands"])
def test_across_empty_water_the_code_changes_gradually(layout):
    """With the eight nearest points alone the code flips in one step of a pixel, half-way between two shores."""
    layout = made(layout)
    start, end = somewhere(layout, 12, seed=1), somewhere(layout, 12, seed=2)
    line = torch.lerp(start[:, None], end[:, None], torch.linspace(0, 1, 400)[:, None])  # (12, 400, 2)
    empty = torch.cdist(line.flatten(0, 1), layout.xy).amin(dim=1).view(12, 400) > 0.03 * layout.diameter
    steps = layout.lift(line.flatten(0, 1)).view(12, 400, -1).diff(dim=1).norm(dim=2)
    assert steps[empty[:, 1:] & empty[:, :-1]].max() < 0.12 * layout.codes.norm(dim=1).mean()


@every_layout
def test_lifted_codes_are_about_as_long_as_the_atlas_codes(layout):
    layout = made(layout)
    lengths = layout.lift(somewhere(layout)).norm(dim=1)
    assert 0.7 < lengths.median() / layout.codes.norm(dim=1).median() < 1.4


@every_layout
def test_lift_is_continuous(layout):
    """The jump over a shrinking step shrinks with it, everywhere, also where neighbours come and go."""
    layout = made(layout)
    places = somewhere(layout, 200, seed=4).double()
    step = 1e-5 * layout.diameter
    jumps = (layout.lift((places + step).float()) - layout.lift(places.float())).norm(dim=1)
    assert jumps.max() < 0.1 * layout.codes.norm(dim=1).mean()


def test_a_code_between_torn_halves_goes_to_one_of_them():
    """Ten codes of one cluster that the map has thrown onto two far places: their middle is nowhere."""
    codes = torch.cat([toys.normal(40, 8) * 0.1, toys.normal(40, 8, seed=1) + 20])
    xy = torch.cat([torch.tensor([0.0, 0.0]).expand(20, 2), torch.tensor([10.0, 0.0]).expand(20, 2), toys.normal(40, 2) + 50])
    placed = Layout("torn", xy + 0.01 * toys.normal(80, 2, seed=3), codes).place(toys.normal(50, 8, seed=5) * 0.1)
    assert (torch.minimum(placed.norm(dim=1), (placed - torch.tensor([10.0, 0.0])).norm(dim=1)) < 0.5).all()


def test_held_out_codes_land_in_their_own_cluster():
    layout = made("islands")
    which = torch.arange(500) % 10
    new = toys.mixture(3_500, 32)[3_000:]  # other draws around the same centres
    assert (layout.nearest(new)[1] > 0.1).all()
    beside = torch.cdist(layout.place(new), layout.xy).argmin(dim=1)
    assert (beside % 10 == which).float().mean() > 0.98


@every_layout
def test_an_outlier_is_strange_and_ordinary_codes_are_not(layout):
    layout = made(layout)
    assert (layout.strangeness(10 * layout.codes[:100]) > 0.99).all()
    assert (layout.strangeness(layout.codes[:100]) == 0).all()


def test_strangeness_of_held_out_codes_is_evenly_spread():
    codes = toys.normal(4_000, 16)
    strange = Layout("half", codes[:3_000, :2], codes[:3_000]).strangeness(codes[3_000:])
    assert 0.45 < strange.mean() < 0.55 and (strange > 0.99).float().mean() < 0.03


def test_nearest_names_the_row_and_its_exact_distance():
    layout = made("islands")
    rows, distance = layout.nearest(layout.codes[[7, 1234]])
    assert rows.tolist() == [7, 1234] and (distance == 0).all()


def test_a_linear_map_projects_exactly():
    layout = made("linear normal")
    places = somewhere(layout) * 3  # far outside of the map too
    assert torch.allclose(layout.place(layout.lift(places)), places, atol=1e-4)


def test_a_map_without_points_says_so():
    empty = Layout("empty", torch.zeros(0, 2), torch.zeros(0, 4))
    assert [side.tolist() for side in empty.bounds] == [[0, 0], [1, 1]]
    for ask in (lambda: empty.lift(torch.zeros(1, 2)), lambda: empty.place(torch.zeros(1, 4)), lambda: empty.strangeness(torch.zeros(1, 4))):
        with pytest.raises(SpaceError, match="no points"):
            ask()


def test_a_map_of_one_point_knows_only_that():
    one = Layout("one", torch.tensor([[3.0, 4.0]]), torch.tensor([[1.0, 2.0, 3.0]]))
    assert torch.allclose(one.lift(torch.tensor([[9.0, -9.0], [3.0, 4.0]])), one.codes.expand(2, 3))
    assert torch.allclose(one.place(torch.tensor([[5.0, 5.0, 5.0]])), one.xy)
    assert one.diameter > 0.5 and one.strangeness(torch.ones(1, 3)) == 1


def test_a_map_of_two_points_morphs_from_one_to_the_other():
    two = Layout("two", torch.tensor([[0.0, 0.0], [1.0, 0.0]]), torch.tensor([[1.0, 0.0], [0.0, 1.0]]))
    line = torch.stack([torch.linspace(0, 1, 101), torch.zeros(101)], dim=1)
    codes = two.lift(line)
    assert torch.allclose(codes[[0, -1]], two.codes, atol=1e-4) and codes.diff(dim=0).norm(dim=1).max() < 0.1
    assert torch.allclose(codes[50], torch.tensor([0.5, 0.5]).sqrt(), atol=1e-3)
    assert torch.allclose(two.place(two.codes), two.xy, atol=1e-4)


@pytest.mark.parametrize("count", [2, 5, 20, 400])
def test_equal_codes_in_equal_places_are_harmless(count):
    same = Layout("same", torch.ones(count, 2), torch.full((count, 3), 2.0))
    assert torch.allclose(same.lift(torch.tensor([[1.0, 1.0], [5.0, 0.0]])), torch.full((2, 3), 2.0))
    assert torch.allclose(same.place(torch.tensor([[2.0, 2.0, 2.0], [0.0, 0.0, 0.0]])), torch.ones(2, 2))


@given(
    st.lists(st.tuples(*[st.floats(-50, 50, width=32)] * 5), min_size=1, max_size=40),
    st.lists(st.tuples(*[st.floats(-80, 80, width=32)] * 2), min_size=1, max_size=5),
)
@settings(max_examples=25, deadline=None)
def test_any_map_of_finite_numbers_answers_with_finite_numbers(points, places):
    table = torch.tensor(points)
    layout = Layout("any", table[:, :2], table[:, 2:])
    codes = layout.lift(torch.tensor(places))
    placed = layout.place(codes)
    low, high = layout.bounds
    assert torch.isfinite(codes).all() and torch.isfinite(placed).all()
    assert (placed >= low - 0.1 * layout.diameter).all() and (placed <= high + 0.1 * layout.diameter).all()
    assert torch.equal(layout.lift(torch.tensor(places)), codes)
    assert ((layout.strangeness(codes) >= 0) & (layout.strangeness(codes) <= 1)).all()


@given(st.integers(3, 60), st.integers(0, 1_000), st.integers(1, 12))
@settings(max_examples=25, deadline=None)
def test_any_linear_map_returns_to_every_place(count, seed, size):
    layout = pca.fit(toys.normal(count, size + 1, seed=seed))
    places = somewhere(layout, 20, seed=seed)
    assert apart(layout.place(layout.lift(places)), places, layout).max() < 1e-3


@pytest.mark.parametrize("places", [torch.zeros(2), torch.zeros(1, 3), torch.tensor([[float("nan"), 0.0]])])
def test_places_that_make_no_sense_are_refused(places):
    with pytest.raises(SpaceError, match="places"):
        made("islands").lift(places)


def test_codes_of_the_wrong_size_are_refused_with_both_sizes():
    with pytest.raises(SpaceError, match=r"\(B, 32\), got \(1, 7\)"):
        made("islands").place(torch.zeros(1, 7))


def test_a_map_needs_one_finite_place_for_each_code():
    with pytest.raises(SpaceError, match=r"\(3, 2\) and \(4, 5\)"):
        Layout("bad", torch.zeros(3, 2), torch.zeros(4, 5))
    with pytest.raises(SpaceError, match="not finite"):
        Layout("bad", torch.full((1, 2), torch.inf), torch.zeros(1, 5))
