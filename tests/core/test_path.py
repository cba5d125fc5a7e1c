"""Paths: chords are straight, arcs keep the length, both end where they should."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.core import path
from explorer.core.errors import SpaceError
from explorer.core.path import Arc, Chord
from tests import toys

NINE = torch.linspace(0, 1, 9)


def test_arc_keeps_the_norm():
    start, end = toys.on_sphere(2, radius=8.0)
    assert torch.allclose(Arc(start, end)(NINE).norm(dim=1), torch.tensor(8.0))


def test_a_chord_between_independent_codes_dips_and_the_arc_does_not():
    start, end = torch.eye(2)
    assert torch.allclose(Chord(start, end)(torch.tensor([0.5])).norm(), torch.tensor(0.5).sqrt())
    assert torch.allclose(Arc(start, end)(torch.tensor([0.5])), torch.tensor([[0.5, 0.5]]).sqrt())


@pytest.mark.parametrize("kind", path.KINDS)
@given(seed=st.integers(0, 10_000), stretch=st.floats(0.01, 50))
@settings(deadline=None)
def test_both_kinds_begin_and_end_exactly_at_their_ends(kind, seed, stretch):
    start, end = toys.normal(2, 16, seed=seed) * torch.tensor([[1.0], [stretch]])
    assert torch.equal(path.between(start, end, kind)(torch.tensor([0.0, 1.0])), torch.stack([start, end]))


@pytest.mark.parametrize("kind", path.KINDS)
@pytest.mark.parametrize("stretch", [0.1, 1.0, 5.0])
def test_both_kinds_have_constant_speed(kind, stretch):
    start, end = toys.normal(2, 16)
    steps = path.between(start, stretch * end, kind)(torch.linspace(0, 1, 201)).diff(dim=0).norm(dim=1)
    assert steps.max() / steps.min() < 1.005


def test_the_length_along_an_arc_of_unequal_ends_stays_between_theirs():
    start, end = toys.on_sphere(2, radius=2.0) * torch.tensor([[1.0], [3.0]])
    lengths = Arc(start, end)(NINE).norm(dim=1)
    assert (lengths.diff() > 0).all() and torch.allclose(lengths[[0, -1]], torch.tensor([2.0, 6.0]))


@pytest.mark.parametrize("end", [torch.tensor([-1.0, -2.0, 2.0]), torch.zeros(3), torch.tensor([1.0, 2.0, -2.0])], ids=["opposite", "centre", "same"])
def test_where_no_single_arc_exists_it_is_the_chord(end):
    start = torch.tensor([1.0, 2.0, -2.0])
    assert torch.equal(Arc(start, end)(NINE), Chord(start, end)(NINE))
    assert torch.isfinite(Arc(end, start)(NINE)).all()


def test_an_unknown_kind_lists_the_known_ones():
    with pytest.raises(SpaceError, match="chord, arc"):
        path.between(torch.zeros(2), torch.ones(2), "zigzag")


def test_ends_of_different_spaces_are_refused_with_both_shapes():
    with pytest.raises(SpaceError, match=r"\(2,\) and \(3,\)"):
        path.between(torch.zeros(2), torch.ones(3), "arc")


def test_a_straight_and_a_round_path_visit_every_point_at_constant_speed():
    points = toys.on_sphere(4, radius=3.0, size=8)
    for kind, longest in (("chord", 0.0), ("arc", 2e-3)):
        way = path.through(points, kind)
        nodes = way(torch.linspace(0, 1, 2001))
        off = torch.cdist(points, nodes, compute_mode="donot_use_mm_for_euclid_dist").amin(dim=1)
        steps = nodes.diff(dim=0).norm(dim=1)
        assert off.max() < steps.max() and torch.allclose(steps.quantile(torch.tensor([0.05, 0.95])), steps.median(), rtol=1e-2 + longest)
    assert torch.allclose(nodes.norm(dim=1), torch.tensor(3.0), atol=1e-3)  # round: no length is lost


@given(seed=st.integers(0, 1000), count=st.integers(2, 9))
@settings(deadline=None)
def test_a_spline_passes_through_its_points_and_has_no_corner(seed, count):
    points = toys.normal(count, 12, seed=seed)
    way = path.through(points, "spline")
    fine = way(torch.linspace(0, 1, 64 * count))
    steps = fine.diff(dim=0)
    assert torch.cdist(points, fine).amin(dim=1).max() < 0.6 * steps.norm(dim=1).max() + 1e-4
    turns = torch.cosine_similarity(steps[:-1], steps[1:], dim=1)
    assert turns.min() > 0.5, "A polyline through the same points turns by about 90° at each."
    assert torch.equal(way(torch.tensor([0.0, 1.0])), points[[0, -1]])


def test_a_spline_keeps_the_length_of_its_codes():
    points = toys.on_sphere(5, radius=6.0)
    lengths = path.through(points, "spline")(torch.linspace(0, 1, 101)).norm(dim=1)
    assert torch.allclose(lengths, torch.tensor(6.0), rtol=1e-3)


def test_points_on_one_line_give_that_line_whatever_the_kind():
    points = torch.tensor([[1.0, 2.0], [2.0, 4.0], [4.0, 8.0]])
    t = torch.linspace(0, 1, 17)
    for kind in ("chord", "spline", "geodesic"):
        assert torch.allclose(path.through(points, kind)(t), Chord(points[0], points[-1])(t), atol=1e-4), kind


def test_a_path_that_comes_back_to_a_point_at_once_is_no_trouble():
    points = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
    for kind in path.KINDS:
        assert torch.isfinite(path.through(points, kind)(NINE)).all()
        still = path.through(points[:2], kind)(NINE)
        assert torch.allclose(still, points[:1].expand(9, -1)), kind


def test_the_natural_cubic_spline_is_the_smoothest_curve_through_its_points():
    points = torch.randn(6, 1, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    curve = path.cubic(6, pieces=200) @ points
    assert torch.allclose(curve[::200], points)
    bend = curve.diff(n=2, dim=0) * 200**2
    assert bend[[0, -1]].abs().max() < 0.05 * bend.abs().max(), "It is straight at its ends."
    assert bend.diff(dim=0).abs().max() < 0.02 * bend.abs().max(), "Its bend has no jump."


def test_smoothing_irons_out_wiggles_and_keeps_ends_and_lengths():
    turn = torch.linspace(0, 2, 129)
    plain = 5 * torch.stack([turn.cos(), turn.sin()], dim=1)
    wiggly = plain + 0.05 * torch.stack([torch.zeros(129), (torch.arange(129) % 2 - 0.5)], dim=1)
    ironed = path.smoothed(wiggly)
    assert torch.equal(path.smoothed(torch.cat([plain[:1]] * 9)), plain[:1].expand(9, -1))
    assert (ironed - plain)[8:-8].norm(dim=1).max() < 0.01 and torch.allclose(ironed[[0, -1]], wiggly[[0, -1]], atol=1e-5)


def test_a_retimed_path_passes_evenly_what_it_was_timed_by():
    way = Chord(torch.zeros(1), torch.ones(1))
    covered = torch.linspace(0, 1, 1001).square()  # all changes near the end
    codes = path.Retimed(way, covered)(torch.linspace(0, 1, 11))[:, 0]
    assert torch.allclose(codes.square(), torch.linspace(0, 1, 11), atol=1e-5)


def test_a_path_through_one_point_is_refused():
    with pytest.raises(SpaceError, match=r"at least two .*\(1, 3\)"):
        path.through(torch.zeros(1, 3), "spline")
