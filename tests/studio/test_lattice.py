"""The grid of two axes: every cell is the spot moved by both, and is what a click leads to."""

import pytest
import torch

from explorer.core.errors import SessionError
from explorer.studio.codes import spot_code
from explorer.studio.lattice import AxisMover, Lattice, middle_of, read
from explorer.studio.session import Entry, Journey, Place, Seed, Session, Spot
from tests import studios

ORIGINS = [Seed(3), Entry(5), Place("bent", 0.4, -0.2)]


@pytest.fixture(scope="module")
def opened(tmp_path_factory):
    studio = studios.studio(tmp_path_factory.mktemp("toys"))
    yield studio.open("toy-vae")
    studio.close()


def around(opened, spot, **fields):
    return read(opened, Session("toy-vae", spot), {"x": {"axis": 1}, "y": {"axis": 4}, "reach": 2.0, "size": 5} | fields)


@pytest.mark.parametrize("origin", ORIGINS)
def test_columns_change_one_axis_to_the_right_and_rows_the_other_upwards(opened, origin):
    spot = Spot(origin, ((2, 0.7),))
    lattice = around(opened, spot)
    codes = lattice.codes(opened, Session("toy-vae", spot), range(25)).values.view(5, 5, -1)
    here = spot_code(opened, spot)
    assert torch.equal(codes[2, 2], here)
    sigma = (opened.atlas.codes.var(dim=0) + opened.atlas.variance.mean(dim=0)).sqrt()
    assert torch.allclose(codes[2, :, 1], here[1] + sigma[1] * torch.linspace(-2, 2, 5), atol=1e-5)
    assert torch.allclose(codes[:, 2, 4], here[4] + sigma[4] * torch.linspace(2, -2, 5), atol=1e-5)
    rest = [0, 2, 3, 5]
    assert torch.equal(codes[..., rest], here[rest].expand(5, 5, -1))


@pytest.mark.parametrize("origin", ORIGINS)
def test_a_cell_leads_to_what_it_shows_and_keeps_where_it_came_from(opened, origin):
    session = Session("toy-vae", Spot(origin))
    lattice = around(opened, session.spot)
    spot = lattice.cell(7)
    assert spot.origin == origin and [axis for axis, _ in spot.axes] == [1, 4]
    assert torch.allclose(spot_code(opened, spot), lattice.codes(opened, session, [7]).values[0], atol=1e-6)


def test_on_a_path_the_middle_is_where_one_is(opened):
    session = Session("toy-vae", journey=Journey(Spot(Seed(1)), Spot(Seed(2)), "chord", 0.25))
    ends = [spot_code(opened, Spot(Seed(seed))) for seed in (1, 2)]
    assert torch.allclose(spot_code(opened, middle_of(opened, session)), 0.75 * ends[0] + 0.25 * ends[1], atol=1e-6)


def test_labels_are_the_values_of_the_axes(opened):
    across, down = around(opened, Spot(Seed(3), ((1, 0.5), (4, -1.0)))).labels
    assert across[2] == "0.50" and down[2] == "-1.00"
    assert [float(label) for label in across] == sorted(map(float, across)) and [float(label) for label in down] == sorted(
        map(float, down), reverse=True
    )


def test_without_an_atlas_the_spread_is_that_of_draws(opened):
    from dataclasses import replace

    mover = AxisMover.of(replace(opened, atlas=None), 0, Spot(Seed(0)))
    assert 0.85 < mover.sigma < 1.15


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"x": {"axis": 6}}, "axes 0 to 5"),
        ({"x": {"axis": True}}, "'x' of a grid"),
        ({"y": None}, "'y' of a grid"),
        ({"y": {"axis": 1}}, "two different axes"),
        ({"y": {"direction": "no"}}, "."),
        ({"size": 10}, "2 to 9"),
        ({"size": 2.5}, "whole number"),
        ({"reach": "far"}, "must be a number"),
        ({"reach": float("nan")}, "must be a number"),
        ({"reach": 11}, "0.1 to 10"),
    ],
)
def test_a_bad_wish_is_refused_with_the_field_at_fault(opened, fields, words):
    with pytest.raises(SessionError, match=words):
        around(opened, Spot(Seed(0)), **fields)


def test_a_cell_outside_is_refused(opened):
    with pytest.raises(SessionError, match="cells 0 to 24"):
        around(opened, Spot(Seed(0))).cell(25)
    assert len(Lattice(Spot(), AxisMover.of(opened, 0, Spot()), AxisMover.of(opened, 1, Spot()), 1.0, 9)) == 81
