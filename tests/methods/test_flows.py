"""Potential flows: operators, kinematics, and what can and cannot be learned (the acceptance tests of the notes)."""

import math

import pytest
import torch

from explorer.core.errors import DataError
from explorer.methods.flows import learn, pde
from explorer.methods.flows.learn import Settings
from explorer.methods.flows.potentials import PotentialField, Potentials
from tests.toys import normal


def times(n: int, seed: int = 9) -> torch.Tensor:
    return torch.rand(n, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) * 2


def points(n: int = 32, size: int = 5) -> torch.Tensor:
    return normal(n, size).double()


K = torch.tensor([0.3, -1.1, 0.7, 0.2, 1.4], dtype=torch.float64)


def wave(z, t):
    return torch.sin(z @ K - 2.0 * K.norm() * t)


def heat(z, t):
    return torch.exp(-0.5 * K.square().sum() * t) * torch.sin(z @ K)


def linear_hj(z, t):
    return z @ K - K.square().sum() / 2 * t


def quadratic_hj(z, t, centre=0.5, t0=1.0):
    return (z - centre).square().sum(dim=1) / (2 * (t + t0))


# T1: operators


@pytest.mark.parametrize(
    "kind, u, speed", [("wave", wave, 2.0), ("heat", heat, 0.5), ("hamilton-jacobi", linear_hj, 1.0), ("hamilton-jacobi", quadratic_hj, 1.0)]
)
def test_exact_solutions_leave_no_residual(kind, u, speed):
    assert pde.residual(kind, u, points(), times(32), speed=speed).abs().max() < 1e-4


def test_the_row_sums_of_a_hessian_are_no_laplacian():
    """The operator of the published code fails where the true one passes."""
    z, t = points().requires_grad_(), times(32).requires_grad_()
    slope, u_t = torch.autograd.grad(wave(z, t).sum(), (z, t), create_graph=True)
    u_tt = torch.autograd.grad(u_t.sum(), t, create_graph=True)[0]
    row_sums = torch.autograd.grad(slope.sum(), z)[0]
    assert (u_tt[:, None] - 4.0 * row_sums).abs().max() > 0.1


@pytest.mark.parametrize("kind", ["wave", "heat", "hamilton-jacobi"])
def test_samples_of_a_batch_do_not_mix(kind):
    def u(z, t):
        return (z.square().sum(dim=1) * torch.cos(t) + z[:, 0] * t**2).tanh()

    z, t = points(6), times(6)
    alone = pde.residual(kind, u, z, t)
    assert torch.allclose(pde.residual(kind, u, z.repeat(3, 1), t.repeat(3)), alone.repeat(3), atol=1e-10)


def test_the_estimated_laplacian_is_right_on_average():
    z, t = normal(1, 40).double(), torch.zeros(1, dtype=torch.float64)

    def u(z, t):
        return (z**3).sum(dim=1) + z[:, 0] * z[:, 1]

    drawn = torch.stack([pde.laplacian(u, z, t, seed=s) for s in range(400)])
    assert float(drawn.detach().mean()) == pytest.approx(float(6 * z.detach().sum()), abs=4 * float(drawn.detach().std()) / 20)


# T2: kinematics


def test_codes_follow_the_exact_quadratic_in_a_straight_line():
    z, t0, dt, centre = points(8), 1.0, 0.1, 0.5
    start = z.clone()
    for step in range(10):
        z = z + dt * pde.gradient(quadratic_hj, z, torch.full((8,), step * dt, dtype=torch.float64)).detach()
    assert (z - (centre + (start - centre) * (1.0 + t0) / t0)).abs().max() < 1e-4


# The networks


def test_velocities_are_gradients_and_follow_the_sample():
    net = Potentials(3, 5).double()
    z, t, k = points(6), times(6), torch.tensor([0, 1, 2, 0, 1, 2])
    v = net.velocity(z, t, k).detach()
    step = 1e-5
    for axis in range(5):
        ahead, behind = z.clone(), z.clone()
        ahead[:, axis] += step
        behind[:, axis] -= step
        assert torch.allclose((net.u(ahead, t, k) - net.u(behind, t, k)) / (2 * step), v[:, axis], atol=1e-6)


def test_the_turning_part_has_no_divergence():
    net = Potentials(1, 4, turns=2).double()
    z, k = points(5, 4), torch.zeros(5, dtype=torch.long)
    for row in z:
        jacobian = torch.autograd.functional.jacobian(lambda r: net._turned(r[None], torch.zeros(1).double(), k[:1])[0], row)
        assert abs(float(jacobian.trace())) < 1e-8 and float(jacobian.norm()) > 1e-3


def test_a_field_walks_in_inference_mode_and_back_from_stored_states():
    field = PotentialField(Potentials(2, 4).requires_grad_(False), 1, stride=0.5, trained=4)
    with torch.inference_mode():
        forth = field.walk(normal(3, 4), 4)
        again = field.walk(normal(3, 4), 4)
    assert torch.allclose(forth, again) and forth.shape == (5, 3, 4)
    assert (forth.flip(0)[-1] - normal(3, 4)).abs().max() < 1e-4  # T10: back replays what was stored


# T4, T5: known motions


def sample(size):
    return lambda n, seed: normal(n, size, seed=seed)


def recovered(motion, *, size=8, turns=0, updates=1500):
    settings = Settings(count=1, turns=turns, kind="none", updates=updates, batch=64, hidden=32, rate=5e-3, steps=5)
    net = learn.supervised([motion], sample(size), settings, size=size)
    z = normal(512, size, seed=77)
    found = net.velocity(z, torch.full((512,), 2.0), torch.zeros(512, dtype=torch.long)).detach()
    wanted = motion(z)
    return net, float((found - wanted).square().sum() / wanted.square().sum())


@pytest.mark.slow
@pytest.mark.parametrize("motion", [lambda z: torch.linspace(-0.4, 0.6, 8).expand_as(z), lambda z: 0.2 * z], ids=["shift", "growth"])
def test_translation_and_dilation_are_recovered(motion):
    net, missed = recovered(motion)
    assert math.sqrt(missed) <= 0.10
    z = normal(64, 8, seed=5)
    path = z
    for _ in range(4):
        path = path + motion(path)
    end = net.rollout(z, torch.zeros(64, dtype=torch.long), 4)[-1].detach()
    assert float((end - path).norm(dim=1).mean() / (path - z).norm(dim=1).mean()) <= 0.10


@pytest.mark.slow
def test_a_rotation_needs_the_part_without_divergence():
    skew = normal(8, 8, seed=3)
    skew = 0.2 * (skew - skew.T)
    assert 1 - recovered(lambda z: z @ skew, updates=600)[1] <= 0.05
    assert 1 - recovered(lambda z: z @ skew, turns=4)[1] >= 0.9


@pytest.mark.parametrize("changes", [{"kind": "schrodinger"}, {"count": 0}, {"steps": 1}, {"updates": 0}])
def test_settings_that_make_no_flow_are_refused(changes):
    with pytest.raises(DataError):
        Settings(**changes)


def test_a_flow_that_diverges_says_so():
    with pytest.raises(DataError, match="diverged at update 0"):
        learn.course(
            lambda z: (z * float("nan")).sum(dim=1).view(-1, 1, 1, 1).expand(-1, 1, 32, 32), sample(4), Settings(updates=2), size=4, channels=1
        )
