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
