"""Streams: what a direction does step by step, on fields whose answers are known."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from explorer.core.direction import Direction, Straight
from explorer.core.errors import CapabilityError, SessionError
from explorer.methods.flows.potentials import PotentialField
from explorer.studio.codes import spot_code
from explorer.studio.session import Seed, Session, Spot
from explorer.studio.streams import arrows, both_ways, changes, landscape, percentiles, stream, traits
from tests import studios

BOWL, RAMP, ALONG, ACROSS = (letter * 24 for letter in "abcd")
SIZE = studios.LATENT
E = torch.eye(SIZE)


class Bowl:
    """u = |z|² / 2: every code doubles at each step."""

    size = SIZE

    def u(self, z, t, k):
        return z.square().sum(dim=1) / 2

    def velocity(self, z, t, k):
        return z


class Ramp(Bowl):
    """u = t z₁: codes speed up along the first axis, and do not move at the beginning."""

    def u(self, z, t, k):
        return t * z[:, 0]

    def velocity(self, z, t, k):
        return t[:, None] * E[0]


FIELDS = {
    BOWL: PotentialField(Bowl(), 0, stride=1.0, trained=2), RAMP: PotentialField(Ramp(), 0, stride=1.0, trained=3),
    ALONG: Straight(E[0]), ACROSS: Straight(E[1]),
}  # fmt: skip


class Known:
    """A compass that knows these fields and nothing else."""

    def get(self, opened, identity):
        return Direction(identity[0], "flow", opened.model.workspace, FIELDS[identity])


@pytest.fixture(scope="module")
def opened(tmp_path_factory):
    studio = studios.studio(tmp_path_factory.mktemp("toys"))
    yield replace(studio.open("toy-vae"), compass=Known())
    studio.close()


def session(*edits, seed=3):
    return Session("toy-vae", Spot(Seed(seed), edits=edits))


def test_a_step_is_the_edit_of_as_many_times_its_length(opened):
    course = stream(opened, session((ACROSS, 1.0), (BOWL, 0.75), (ALONG, -0.5)), BOWL, step=0.25, side=4)
    for n in range(course.first, course.last + 1):
        assert torch.allclose(
            course.codes[n - course.first], spot_code(opened, session((ACROSS, 1.0), (BOWL, n * 0.25), (ALONG, -0.5)).spot), atol=1e-6
        )


def test_forward_and_back_returns_to_the_start_where_subtraction_would_not(opened):
    here = session()
    start = spot_code(opened, here.spot)
    course = stream(opened, here, BOWL, step=0.5, side=8)
    there = replace(here, spot=replace(here.spot, edits=((BOWL, 4.0),)))
    assert (spot_code(opened, there.spot) - start).norm() > 3
    back = replace(there, spot=replace(there.spot, edits=((BOWL, 0.0),)))
    assert (spot_code(opened, back.spot) - start).abs().max() <= 1e-4 and torch.equal(course.codes[course.start], start)
    assert math.isclose(float((course.missed(8) - start).norm()), float(start.norm()), rel_tol=1e-5), (
        "Subtracting the slope of a bowl ends in its middle."
    )


def test_subtraction_misses_nothing_along_a_vector(opened):
    course = stream(opened, session(), ALONG, step=0.5, side=6)
    assert (course.missed(6) - course.bare[course.start]).norm() < 1e-5


def test_a_slow_beginning_is_walked_through_and_the_trained_range_is_known(opened):
    course = stream(opened, session(), RAMP, step=0.5, side=24)
    assert (course.first, course.last) == (-16, 16), "No edit reaches farther than eight units."
    moved = (course.codes - course.codes[course.start])[:, 0]
    assert torch.allclose(moved, torch.arange(-16, 17) * 0.5, atol=1e-5)
    assert course.trained == (-6, 6), "Three steps cover 0 + 1 + 2 lengths, which are six halves."
    assert torch.allclose(course.times[course.start :][[2, 6, 12]], torch.tensor([2.0, 3.0, 4.5]), atol=1e-5), "Afterwards each covers two."
    assert torch.allclose(course.speeds[course.start :][[1, 2, 12]], torch.tensor([1.0, 2.0, 2.0]), atol=1e-5)
    assert stream(opened, session(), ALONG, step=0.5, side=2).trained is None


def test_a_walk_that_leaves_the_space_is_cut_there(opened):
    known = Known()
    known.get = lambda opened, identity: replace(Known().get(opened, identity), length=30.0)
    course = stream(replace(opened, compass=known), session(), BOWL, step=1.0, side=8)
    assert course.cut[1] and not course.cut[0] and course.last < 8
    assert torch.isfinite(course.codes).all() and course.codes.abs().max() <= 100


def test_the_landscape_of_a_bowl_is_a_bowl(opened):
    course = stream(opened, session(), BOWL, step=0.5, side=4)
    found = landscape(opened, course, {"axis": 0}, {"axis": 2}, at=2, reach=2.0, size=9)
    middle = course.bare[course.start + 2]
    line = torch.linspace(-2, 2, 9)
    expected = ((middle.square().sum() + line[None] ** 2 + line[:, None] ** 2) / 2) + line[None] * middle[0] + line[:, None] * middle[2]
    assert torch.allclose(found.heights, expected, atol=1e-4) and found.names == ("z1", "z3")
    assert torch.allclose(found.walk, (course.bare - middle)[:, [0, 2]], atol=1e-5) and found.off[course.start + 2] < 1e-5
    along = landscape(opened, course, {"way": True}, {"axis": 0}, at=2, reach=2.0, size=9)
    assert along.off.max() < 1e-4, "A bowl is climbed straight, so that the walk lies in the slice of its own way."


@pytest.mark.parametrize(
    ("x", "y", "error", "words"),
    [
        ({"axis": 0}, {"axis": 0}, SessionError, "the same way"), ({"axis": 99}, {"axis": 0}, SessionError, "'x' of a landscape"),
        ({"axis": 0}, None, SessionError, "'y' of a landscape"), ({"axis": True}, {"axis": 1}, SessionError, "'x' of a landscape"),
    ],
)  # fmt: skip
def test_a_slice_that_is_none_is_refused(opened, x, y, error, words):
    with pytest.raises(error, match=words):
        landscape(opened, stream(opened, session(), BOWL, step=0.5, side=4), x, y, at=0, reach=2.0, size=9)


def test_a_vector_has_no_landscape(opened):
    with pytest.raises(CapabilityError, match="no slope of a landscape"):
        landscape(opened, stream(opened, session(), ALONG, step=0.5, side=4), {"axis": 0}, {"axis": 1}, at=0, reach=2.0, size=9)


def test_arrows_point_where_the_map_sees_codes_go(opened):
    layout = opened.atlas.layout("pca")
    places = torch.tensor([[-1.0, 0.5], [0.0, 0.0], [1.0, -0.5], [40.0, 40.0]])
    found = arrows(opened, session(), ALONG, layout, places, cell=torch.ones(2), time=1)
    assert torch.allclose(found.ways, layout.axes[:, 0].float().expand(4, 2), atol=1e-4)
    assert not found.near[3]
    outwards = arrows(opened, session(), BOWL, layout, places[:3], cell=torch.ones(2), time=1).ways
    assert torch.allclose(outwards, layout.lift(places[:3]).double().matmul(layout.axes.double().T).float(), atol=1e-3)


def test_on_a_bent_map_arrows_stand_at_its_points_alone(opened):
    layout = opened.atlas.layout("bent")
    places = torch.cat([layout.xy[:5] + 0.01, torch.tensor([[90.0, 90.0]])])
    found = arrows(opened, session(), ALONG, layout, places, cell=torch.tensor([0.2, 0.2]), time=1)
    assert torch.equal(found.places, layout.xy[:5]) and found.near.all() and found.ways[:, 0].min() > -1e-3 and found.ways[:, 0].max() > 0.3


def test_two_vectors_commute_and_a_bowl_and_a_vector_do_not(opened):
    flat = both_ways(opened, session(), (ALONG, 2.0), (ACROSS, -1.0)).values
    assert torch.allclose(flat[1], flat[2], atol=1e-6) and not torch.allclose(flat[0], flat[1], atol=0.5)
    bent = both_ways(opened, session(), (BOWL, 2.0), (ALONG, 1.0)).values
    assert (bent[1] - bent[2]).norm() > 0.1
    with pytest.raises(SessionError, match="choose two"):
        both_ways(opened, session(), (BOWL, 1.0), (BOWL, 2.0))


@pytest.mark.parametrize(("step", "side"), [(0.0, 4), (3.0, 4), (math.nan, 4), (0.5, 0), (0.5, 99)])
def test_steps_that_cannot_be_are_refused(opened, step, side):
    with pytest.raises(SessionError, match=r"step"):
        stream(opened, session(), BOWL, step=step, side=side)


def test_longer_codes_have_a_higher_percentile_and_ordinary_ones_lie_in_the_middle(opened):
    found = percentiles(opened, torch.stack([E[0] * 0.1, opened.model.space.sample(64, 9).values.median(dim=0).values * 0 + 1.0, E[0] * 50]))
    assert found[0] == 0 and 0.3 < found[1] < 0.9 and found[2] == 1


def test_changes_are_in_units():
    pixels = np.stack([np.full((4, 4, 3), level, np.uint8) for level in (0, 51, 51)])
    assert np.allclose(changes(pixels, unit=0.1), [0, 4, 0])


def test_a_weak_potential_is_called_inert(opened):
    flow = Known().get(opened, BOWL)
    assert traits(flow) == {"kind": "flow", "trained": 2, "equation": "", "inert": False, "landscape": True}
    assert traits(replace(flow, settings={"change_over_median": 0.1}))["inert"] and traits(replace(flow, settings={"inert": True}))["inert"]
    assert traits(replace(Known().get(opened, ALONG), method="pca"))["kind"] == "vector"
