"""Geodesics of surfaces on which they are known."""

import math

import pytest
import torch

from explorer.core.path import between
from explorer.methods.geodesic import length, solve
from tests import toys

RADIUS = 2.0


def flat(codes):
    """A linear generator that stretches one axis: pictures `(B, 1, 2, 2)`."""
    return (codes * torch.tensor([1.0, 3.0, 0.5, 2.0])).view(-1, 1, 2, 2)


def dome(codes):
    """The upper half of a sphere over the plane, `(B, 3)`."""
    return torch.cat([codes, (RADIUS**2 - codes.square().sum(dim=1, keepdim=True)).clamp_min(1e-6).sqrt()], dim=1)


def ripple(codes):
    """A curved surface in six dimensions over three."""
    return torch.cat([codes, (2 * codes).sin(), codes.square() / 2], dim=1)


def measured(draw):
    """The true length of a curve on a surface whose vectors are counted whole, not by their mean square."""
    return lambda path, size: length(draw, path, looks=513) * math.sqrt(size)


def test_on_a_flat_surface_it_is_the_chord_whatever_it_began_with():
    start, end = toys.normal(2, 4)
    found = solve(flat, start, end)
    t = torch.linspace(0, 1, 33)
    assert (found.path(t) - between(start, end, "chord")(t)).norm(dim=1).max() < 1e-3 * (end - start).norm()


@pytest.mark.parametrize(("start", "end"), [((-1.5, 0.9), (1.4, 1.1)), ((0.2, -1.7), (-1.4, 1.0))])
def test_on_a_sphere_it_is_the_great_circle(start, end):
    start, end = torch.tensor(start), torch.tensor(end)
    found = solve(dome, start, end, knots=8)
    one, two = (dome(code[None])[0].double() for code in (start, end))
    angle = math.acos(float(one @ two) / RADIUS**2)
    assert measured(dome)(found.path, 3) == pytest.approx(RADIUS * angle, rel=0.01)
    assert measured(dome)(between(start, end, "chord"), 3) > 1.02 * RADIUS * angle
    normal = torch.linalg.cross(one, two)
    on_it = dome(found.path(torch.linspace(0, 1, 65))).double() @ (normal / normal.norm())
    assert on_it.abs().max() < 0.01 * RADIUS


def test_the_energy_falls_and_the_ends_stay_to_the_last_bit():
    start, end = toys.normal(2, 3, seed=4)
    found = solve(ripple, start, end)
    assert torch.equal(found.points[[0, -1]], torch.stack([start, end]))
    assert torch.equal(found.path(torch.tensor([0.0, 1.0])), torch.stack([start, end]))
    assert all(after <= before * (1 + 1e-9) for before, after in zip(found.energies, found.energies[1:])) and found.energies[-1] < found.energies[0]
    for kind in ("arc", "chord"):
        assert length(ripple, found.path) < length(ripple, between(start, end, kind))


def test_the_energy_is_that_of_a_curve_at_constant_speed():
    start, end = toys.normal(2, 3, seed=5)
    found = solve(ripple, start, end, knots=8)
    assert math.sqrt(found.energies[-1]) == pytest.approx(length(ripple, found.path), rel=0.02)


def test_a_report_hears_of_every_round_and_can_stop_it():
    told = []

    def stop(step, steps, energy):
        told.append((step, energy))
        if step == 2:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        solve(ripple, *toys.normal(2, 3, seed=6), report=stop)
    assert [step for step, _ in told] == [0, 1, 2] and told[0][1] > told[2][1]


def test_the_generator_keeps_no_gradients():
    net = torch.nn.Linear(3, 5)
    solve(lambda codes: net(codes).tanh(), *toys.normal(2, 3), rounds=2)
    assert net.weight.grad is None
