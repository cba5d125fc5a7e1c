import math

import pytest
import torch

from explorer.core.errors import DataError, ModelError
from explorer.core.text import led
from explorer.models import solvers
from explorer.models.solvers import solve, times
from explorer.models.variance_preserving import Steps, linear, rectified
from tests.textworlds import Mixture, Pairs

START, END = 0.97, 0.02


def mixture(size: int = 64, components: int = 6) -> Mixture:
    generator = torch.Generator().manual_seed(0)
    centres = 1.5 * torch.randn(components, size, generator=generator, dtype=torch.float64)
    return Mixture(centres, 0.4, torch.full((components,), 1 / components, dtype=torch.float64))


def noise(n: int = 16) -> torch.Tensor:
    return torch.randn(n, 1, 8, 8, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def errors(solver: str, counts, clean=None) -> list[float]:
    """Root mean square distance at the end from a solution of 1,000 steps, for numbers of steps."""
    clean = clean or mixture()
    ends = [solve(clean, noise(), times(n, start=START, end=END, spacing="log-snr"), solver=solver) for n in counts]
    truth = solve(clean, noise(), times(1000, start=START, end=END, spacing="log-snr"), solver="heun")
    return [float((end - truth).square().mean().sqrt()) for end in ends]


def slope(counts, found) -> float:
    """The order at which errors fall with the number of steps, by least squares of the logarithms."""
    x, y = torch.tensor(counts).log(), torch.tensor(found).log()
    return -float(((x - x.mean()) * (y - y.mean())).sum() / (x - x.mean()).square().sum())


@pytest.mark.parametrize(("solver", "least", "most"), [("euler", 0.7, 1.3), ("heun", 1.6, 3.0), ("dpm++", 1.7, 3.0)])
def test_errors_fall_at_the_order_of_the_solver(solver, least, most):
    counts = (16, 32, 64, 128)
    assert least < slope(counts, errors(solver, counts)) < most


def test_the_multistep_method_beats_euler_at_equal_evaluations():
    euler, dpm = errors("euler", (16, 32)), errors("dpm++", (16, 32))
    assert all(b < 0.5 * a for a, b in zip(euler, dpm))


def test_evodiff_comes_nearer_with_steps_and_stays_within_six_times_the_multistep_method():
    few, eight, many = errors("evodiff", (5, 8, 64))
    assert many < 0.2 * few and eight < 6 * errors("dpm++", (8,))[0]


def test_a_gaussian_is_solved_to_what_is_known_of_it():
    clean = Mixture(torch.zeros(1, 64, dtype=torch.float64), 0.5, torch.ones(1, dtype=torch.float64))
    reached = solve(clean, noise(), times(200, start=0.9, end=0.1, spacing="log-snr"), solver="dpm++")
    spread = {t: math.hypot((1 - t) * 0.5, t) for t in (0.1, 0.9)}  # the flow of a Gaussian stretches it as its spread goes
    assert torch.allclose(reached, noise() * spread[0.1] / spread[0.9], rtol=2e-3)


@pytest.mark.parametrize("solver", solvers.SOLVERS)
def test_one_point_is_reached_exactly_whatever_the_steps(solver):
    point = torch.randn(1, 1, 8, 8, dtype=torch.float64)
    reached = solve(lambda z, t: point.expand_as(z), noise(), times(5), solver=solver)
    assert torch.allclose(reached, point.expand(16, -1, -1, -1), atol=1e-9)


@pytest.mark.parametrize(("solver", "calls"), [("euler", 9), ("heun", 17), ("dpm++", 9), ("evodiff", 9)])
def test_evaluations_are_as_many_as_promised(solver, calls):
    asked, told = [], []
    clean = mixture()
    solve(
        lambda z, t: (asked.append(float(t[0])), clean(z, t))[1],
        noise(),
        times(9),
        solver=solver,
        report=lambda done, steps: told.append((done, steps)),
    )
    assert len(asked) == calls and told == [(i + 1, 9) for i in range(9)] and max(asked) == 1.0 and min(asked) > 0


def test_pictures_of_a_batch_do_not_depend_on_each_other():
    clean = mixture()
    for solver in solvers.SOLVERS:
        whole = solve(clean, noise(), times(8), solver=solver)
        assert torch.allclose(solve(clean, noise()[3:5], times(8), solver=solver), whole[3:5], atol=1e-9), solver


def test_a_report_that_raises_ends_a_solution():
    def stop(done, steps):
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        solve(mixture(), noise(), times(8), report=stop)


def test_a_solution_that_diverges_says_when():
    with pytest.raises(ModelError, match=r"The solution diverges: at time 0\.\d+ a pixel is at .*Use more steps"):
        solve(lambda z, t: 50 * z, noise(), times(10), solver="euler")
    with pytest.raises(ModelError, match="diverges"):
        solve(lambda z, t: z * float("nan"), noise(), times(10))


def test_times_and_solvers_that_cannot_be_are_refused():
    with pytest.raises(DataError, match="No solver 'best'. Known: euler, heun"):
        solve(mixture(), noise(), times(4), solver="best")
    with pytest.raises(DataError, match="its times must fall"):
        solve(mixture(), noise(), times(4)[::-1])
    with pytest.raises(DataError, match="No spacing of times"):
        times(4, spacing="odd")
    with pytest.raises(DataError, match="at least 1 step"):
        times(0)


def test_spacings_keep_their_ends_and_fall():
    for spacing in solvers.SPACINGS:
        found = times(12, spacing=spacing)
        assert found[0] == 1 and found[-1] == 0 and len(found) == 13 and all(a > b for a, b in zip(found, found[1:])), spacing
    ratios = [solvers.log_ratio(t) for t in times(8, start=0.9, end=0.1, spacing="log-snr")]
    assert [b - a for a, b in zip(ratios, ratios[1:])] == pytest.approx([ratios[-1] / 4] * 8)


def test_guidance_adds_up_with_an_exact_denoiser():
    world = Pairs(0.5)
    z, t = torch.randn(3, 1, 1, 10, dtype=torch.float64), torch.full((3,), 0.6, dtype=torch.float64)
    on, none = (led(world, world.embed([caption]))(z, t) for caption in ("on", ""))
    assert torch.allclose(led(world, world.embed(["on"]), 4.0)(z, t), none + 4 * (on - none))


def of_noise(clean: Mixture, steps: Steps):
    """The exact network that predicts the noise of a mixture on the variance-preserving path."""

    def network(z, number):
        ratios = torch.logit(steps.signal).flip(0)
        at = len(ratios) - 1 - number.double()
        below = at.long().clamp(0, len(ratios) - 2)
        signal = torch.sigmoid(torch.lerp(ratios[below], ratios[below + 1], at - below))
        a, s = signal.sqrt(), (1 - signal).sqrt()
        shape = (-1, 1, 1, 1)
        return (z - a.view(shape) * clean(z / (a + s).view(shape), s / (a + s))) / s.view(shape)

    return network


def test_a_network_that_predicts_noise_cleans_as_the_mixture_does():
    steps, clean = linear(), mixture()
    t = torch.linspace(0.05, 0.9, 16, dtype=torch.float64)
    assert torch.allclose(rectified(of_noise(clean, steps), steps)(noise(), t), clean(noise(), t), atol=1e-6)


@pytest.mark.parametrize(("solver", "least"), [("euler", 0.7), ("heun", 1.6), ("dpm++", 1.7)])
def test_orders_hold_for_networks_that_predict_noise(solver, least):
    steps = linear(rooted=True, first=0.00085, last=0.012)
    assert steps.range[0] < 0.04 and steps.range[1] > 0.9
    clean = rectified(of_noise(mixture(), steps), steps)
    counts = (16, 32, 64)
    ends = [solve(clean, noise(), times(n, start=0.92, end=0.04, spacing="log-snr"), solver=solver) for n in counts]
    truth = solve(mixture(), noise(), times(800, start=0.92, end=0.04, spacing="log-snr"), solver="heun")
    assert slope(counts, [float((end - truth).square().mean().sqrt()) for end in ends]) > least


def test_euler_on_the_straight_path_is_ddim_on_the_other():
    steps = linear()
    network = of_noise(mixture(), steps)
    t, s = 0.7, 0.5
    (at, st), (as_, ss) = (tuple(float(w) for w in steps.weights(torch.tensor(time, dtype=torch.float64))) for time in (t, s))
    z = noise() * (at + st)
    eps = network(z, steps.number(torch.full((16,), t, dtype=torch.float64)))
    ddim = as_ * (z - st * eps) / at + ss * eps
    assert torch.allclose(solve(rectified(network, steps), noise(), [t, s], solver="euler") * (as_ + ss), ddim, atol=1e-9)


def test_training_steps_are_found_again_and_bad_schedules_refused():
    steps = linear()
    number = torch.tensor([0.0, 10.0, 400.5, 999.0], dtype=torch.float64)
    below = number.long().clamp(max=998)
    ratio = torch.lerp(torch.logit(steps.signal)[below], torch.logit(steps.signal)[below + 1], number - below)
    a, s = torch.sigmoid(ratio).sqrt(), torch.sigmoid(-ratio).sqrt()
    assert torch.allclose(steps.number(s / (a + s)), number, atol=1e-6)
    with pytest.raises(DataError, match="must fall from step to step"):
        Steps(torch.tensor([0.5, 0.9]))
