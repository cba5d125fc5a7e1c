"""RBF paths: limits, derivatives, and what they learn on a linear generator (the acceptance tests of the notes)."""

import pytest
import torch
import torch.nn.functional as F

from explorer.core.errors import DataError
from explorer.core.space import LatentSpace
from explorer.methods.directions.warped import Bumps, WarpedField, learned
from tests.toys import normal


def bumps(size=16, **changes) -> Bumps:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        return Bumps(3, size, **changes).requires_grad_(False)


def agreement(gamma: float, size: int = 16) -> float:
    """The mean cosine between slopes at random codes."""
    v = bumps(size, gamma=gamma).slope(normal(200, size), torch.zeros(200, dtype=torch.long))
    cosines = v @ v.T
    return float((cosines.sum() - 200) / (200 * 199))


def test_wide_bumps_are_a_straight_direction_and_narrow_ones_are_none():
    v = bumps(gamma=1e-4).slope(normal(200, 16), torch.zeros(200, dtype=torch.long))
    assert float((v @ v.T).min()) >= 0.9999
    assert 0.4 < agreement(1 / 16) < 0.97 and abs(agreement(1.0)) < 0.4


def test_slopes_are_alike_on_both_sides_at_the_start():
    z, k = normal(50, 16), torch.arange(50) % 3
    assert (bumps().slope(-z, k) - bumps().slope(z, k)).abs().max() < 1e-5


def test_the_slope_is_the_gradient():
    net = bumps().double()
    z, k = normal(20, 16).double().requires_grad_(), torch.arange(20) % 3
    (true,) = torch.autograd.grad(net.value(z, k).sum(), z)
    assert (F.normalize(true, dim=1) - net.slope(z.detach(), k)).abs().max() < 1e-5


def test_a_slope_has_a_direction_even_where_the_bumps_underflow():
    v = bumps(gamma=5.0).slope(normal(4, 16) * 50, torch.zeros(4, dtype=torch.long))
    assert torch.allclose(v.norm(dim=1), torch.ones(4), atol=1e-4)


def test_a_path_runs_at_unit_speed():
    states = WarpedField(bumps(), 1, stride=0.3).walk(normal(5, 16), 4)
    assert torch.allclose((states[1:] - states[:-1]).norm(dim=2), torch.full((4, 5), 0.3), atol=1e-5)


def test_on_a_linear_generator_paths_turn_to_what_it_uses():
    size, rank, side = 12, 3, 16
    left = torch.linalg.qr(F.interpolate(normal(rank, 16, seed=1).view(rank, 1, 4, 4), side, mode="bilinear").flatten(1).T).Q
    right = torch.linalg.qr(normal(size, rank, seed=2)).Q
    directions, accuracy = learned(
        lambda z: (z @ right @ left.T).view(-1, 1, side, side) * 3, LatentSpace("z", (size,)), channels=1, count=3, updates=300, rate=3e-3
    )
    z = normal(300, size, seed=3)
    shares = [float((d.field.velocity(z, 0) @ right).square().sum(dim=1).mean()) for d in directions]
    assert accuracy >= 0.9 and sum(shares) / 3 > 1.5 * rank / size


def test_a_generator_that_gives_no_numbers_is_reported():
    with pytest.raises(DataError, match="diverged at update 0"):
        learned(lambda z: z.sum(dim=1).view(-1, 1, 1, 1).expand(-1, 1, 32, 32) * float("nan"), LatentSpace("z", (4,)), channels=1, count=2, updates=1)
