"""Potential flows: operators, kinematics, and what can and cannot be learned (the acceptance tests of the notes)."""

import functools
import math

import pytest
import torch
import torch.nn.functional as F

from explorer.core.errors import DataError
from explorer.methods.flows import learn, pde
from explorer.methods.flows.learn import Course, Settings
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


def test_after_its_trained_time_a_landscape_stands_still():
    field = PotentialField(Potentials(1, 4).requires_grad_(False), 0, stride=0.5, trained=4)
    z = normal(3, 4)
    assert torch.equal(field.velocity(z, 3), field.velocity(z, 9)) and torch.equal(field.potential(z, 3), field.potential(z, 9))
    assert not torch.allclose(field.velocity(z, 2), field.velocity(z, 3))


def test_half_precision_is_near_and_differentiable():
    weight = normal(4, 12, seed=8)
    z = normal(5, 4).requires_grad_()
    exact, near = (z @ weight).view(5, 3, 2, 2), learn.quick(lambda z: (z @ weight).view(5, 3, 2, 2))(z)
    assert near.dtype == torch.float32 and 0 < float((near - exact).detach().abs().max()) < 0.02 * float(exact.detach().abs().max())
    assert torch.autograd.grad(near.sum(), z)[0].abs().sum() > 0


def test_a_pair_of_moments_is_never_the_first_step_alone():
    until, since = learn._moments(2000, 4, torch.Generator().manual_seed(0))
    assert {*zip(since.tolist(), until.tolist())} == {(a, b) for b in (2, 3, 4) for a in range(b)}


# T4, T5: known motions


def sample(size):
    return lambda n, seed: normal(n, size, seed=seed)


@functools.cache
def recovered(*motions, size=8, turns=0, updates=1000) -> Potentials:
    settings = Settings(count=len(motions), turns=turns, kind="none", updates=updates, batch=64, hidden=32, rate=1e-2, steps=5)
    return learn.supervised(list(motions), sample(size), settings, size=size)


def unexplained(net: Potentials, motion, k: int, size: int = 8) -> float:
    """The share of a motion's square, on fresh codes, that a potential misses."""
    z = normal(512, size, seed=77)
    missed = net.velocity(z, torch.full((512,), 2.0), torch.full((512,), k)).detach() - motion(z)
    return float(missed.square().sum() / motion(z).square().sum())


def shift(z):
    return torch.linspace(-0.4, 0.6, 8).expand_as(z)


def growth(z):
    return 0.2 * z


def rotation(z):
    skew = 0.2 * normal(8, 8, seed=3)
    return z @ (skew - skew.T)


@pytest.mark.parametrize("k, motion", [(0, shift), (1, growth)], ids=["shift", "growth"])
def test_translation_and_dilation_are_recovered(k, motion):
    net = recovered(shift, growth)
    assert math.sqrt(unexplained(net, motion, k)) <= 0.10
    z = path = normal(64, 8, seed=5)
    for _ in range(4):
        path = path + motion(path)
    end = net.rollout(z, torch.full((64,), k), 4)[-1].detach()
    assert float((end - path).norm(dim=1).mean() / (path - z).norm(dim=1).mean()) <= 0.10


@pytest.mark.slow
def test_a_rotation_needs_the_part_without_divergence():
    assert 1 - unexplained(recovered(rotation), rotation, 0) <= 0.05
    assert 1 - unexplained(recovered(rotation, turns=2, updates=1500), rotation, 0) >= 0.9


def test_as_many_motions_as_potentials():
    with pytest.raises(DataError, match="2 potentials need as many motions, got 1"):
        learn.supervised([shift], sample(8), Settings(count=2, updates=1), size=8)


# T2, T3, T6, T7: learned without labels


def linear_decoder(size: int = 16, rank: int = 3, side: int = 16):
    """Pictures that a linear map of rank 3 with singular values 4, 2, 1 draws, smooth enough to be told apart when shrunk."""
    left = torch.linalg.qr(F.interpolate(normal(rank, 16, seed=1).view(rank, 1, 4, 4), side, mode="bilinear").flatten(1).T).Q
    right = torch.linalg.qr(normal(size, rank, seed=2)).Q
    weight = left @ torch.diag(torch.tensor([4.0, 2.0, 1.0])) @ right.T
    return lambda z: (z @ weight.T).view(-1, 1, side, side), right


def bent_decoder():
    """The same after a map of codes that is not linear."""
    decode, _ = linear_decoder()
    turn = torch.linalg.qr(normal(16, 16, seed=5)).Q
    return lambda z: decode(z @ turn + torch.sin(2 * z @ turn))


@functools.cache
def learned(**changes) -> Course:
    settings = Settings(**{"count": 3, "updates": 200, "steps": 4, "effect": 0.3} | changes)
    return learn.course(linear_decoder()[0], sample(16), settings, size=16, channels=1)


def velocities(made: Course, t: float = 2.0, k: int = 0, n: int = 500) -> torch.Tensor:
    z = normal(n, 16, seed=4)
    return made.net.velocity(z, torch.full((n,), t), torch.full((n,), k)).detach()


@pytest.mark.slow
@pytest.mark.parametrize("t", [1.0, 2.0, 3.0])
def test_one_flow_of_a_linear_decoder_follows_its_top_singular_vector(t):
    _, right = linear_decoder()
    v = velocities(learned(count=1, updates=400, effect=0.5), t)
    cosine = F.cosine_similarity(v, right[:, 0].expand_as(v), dim=1).abs()
    assert float((cosine >= 0.95).float().mean()) >= 0.95
    assert float((v @ right).square().sum() / v.square().sum()) >= 0.95


def test_three_flows_of_a_linear_decoder_can_be_told_apart():
    decode, _ = linear_decoder()
    assert learn.accuracy(learned(), decode, sample(16)) >= 0.9


def test_the_classifier_cannot_name_what_was_not_learned():
    decode, _ = linear_decoder()
    assert learn.accuracy(Course(Settings(count=3, steps=4), 16, 1), decode, sample(16)) < 0.7


def test_no_flow_of_a_linear_decoder_is_inert():
    told = learn.figures(learned(), linear_decoder()[0], sample(16))
    assert all(0.25 <= change <= 4 for change in told["change_over_median"])
    assert told["pace"] == pytest.approx(0.4, rel=0.15)  # a tenth of the root of 16 dimensions


@pytest.mark.slow
def test_speeds_settle_with_the_effect_rewarded():
    """T6: the largest speed, over the last quarter of 2,000 updates at an unchanging rate, drifts by less than 10 %."""
    decode, _ = linear_decoder()
    made = Course(Settings(count=2, steps=4, effect=1.0, batch=16), 16, 1)
    optimiser = torch.optim.Adam(made.parameters(), lr=1e-3)
    largest = []
    for update in range(2000):
        loss, _ = made.loss(decode, sample(16), update)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(made.parameters(), 10.0)
        optimiser.step()
        if update >= 1500 and update % 10 == 0:
            largest.append(max(float(velocities(made, t, k, 100).norm(dim=1).max()) for t in (1.0, 2.0, 3.0) for k in (0, 1)))
    half = len(largest) // 2
    assert abs(sum(largest[half:]) / sum(largest[:half]) - 1) < 0.10


@pytest.mark.slow
def test_the_initial_condition_holds_the_first_step_back():
    """T7, with the same seed."""
    ratios = {}
    for start in (4.0, 0.0):
        made = learned(start=start)
        speeds = [torch.stack([velocities(made, t, k).norm(dim=1).mean() for k in range(3)]).mean() for t in (0.0, 1.0, 2.0, 3.0)]
        ratios[start] = float(speeds[0] / torch.stack(speeds[1:]).median())
    assert ratios[4.0] <= 0.1 < ratios[0.0]


@pytest.mark.slow
def test_under_hamilton_jacobi_a_learned_flow_runs_straight_at_constant_speed():
    """T2: the bending 1 - chord / arc and the residual over |v|^2 / 2, on a decoder along which flows without the equation bend."""
    z, which, bent, missed = normal(300, 16, seed=4), torch.zeros(300, dtype=torch.long), {}, {}
    for kind in ("hamilton-jacobi", "none"):
        settings = Settings(count=1, steps=8, updates=300, effect=0.5, kind=kind, start=0.0)
        made = learn.course(bent_decoder(), sample(16), settings, size=16, channels=1)
        states = made.net.rollout(z, which, 8).detach()
        lengths = (states[1:] - states[:-1]).norm(dim=2)
        bent[kind] = float((1 - (states[-1] - states[0]).norm(dim=1) / lengths.sum(dim=0)).mean())
        left = pde.residual("hamilton-jacobi", lambda z, t, net=made.net: net.u(z, t, which), states[4], torch.full((300,), 4.0)).detach()
        missed[kind] = float(left.abs().mean() / (lengths[4].square().mean() / 2))
    assert bent["hamilton-jacobi"] <= 0.05 and bent["none"] >= 2 * bent["hamilton-jacobi"]
    assert missed["hamilton-jacobi"] <= 0.25 and missed["none"] >= 0.75


@pytest.mark.parametrize("changes", [{"kind": "schrodinger"}, {"count": 0}, {"steps": 1}, {"updates": 0}])
def test_settings_that_make_no_flow_are_refused(changes):
    with pytest.raises(DataError):
        Settings(**changes)


def test_a_flow_that_diverges_says_so():
    with pytest.raises(DataError, match="diverged at update 0"):
        learn.course(
            lambda z: (z * float("nan")).sum(dim=1).view(-1, 1, 1, 1).expand(-1, 1, 32, 32), sample(4), Settings(updates=2), size=4, channels=1
        )
