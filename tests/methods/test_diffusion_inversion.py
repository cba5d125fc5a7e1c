import math

import pytest
import torch

from explorer.core.errors import DataError, ModelError
from explorer.core.text import led
from explorer.methods.diffusion.inversion import invert, likeness
from explorer.models.solvers import solve, times
from tests.textworlds import Mixture, Pairs, transformer


def gaussian(spread: float = 0.5) -> Mixture:
    return Mixture(torch.zeros(1, 16, dtype=torch.float64), spread, torch.ones(1, dtype=torch.float64))


def pictures(n: int = 4) -> torch.Tensor:
    return 0.5 * torch.randn(n, 1, 4, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def test_a_gaussian_is_stretched_as_its_spread_goes():
    x = pictures()
    found = invert(gaussian(), x, until=0.65, steps=200, solver="heun")
    expected = x * math.hypot(0.35 * 0.5, 0.65) / 0.5
    assert torch.allclose(found.z, expected, rtol=0.02) and found.at[0] == 0 and found.at[-1] == 0.65


def left(steps: int, solver: str) -> float:
    """The share of pictures that is lost on the way there and back."""
    return float(invert(gaussian(), pictures(), until=0.65, steps=steps, solver=solver).residual.norm() / pictures().norm())


def test_more_steps_bring_back_more_of_the_picture_and_heun_needs_few():
    few, some, many = (left(steps, "euler") for steps in (5, 20, 80))
    assert few > 2 * some > 4 * many and left(5, "heun") < 0.05


def test_refined_steps_are_the_inverse_of_the_steps_that_draw():
    plain, refined = (invert(gaussian(), pictures(), until=0.65, steps=10, refine=refine) for refine in (0, 60))
    assert refined.residual.abs().max() < 1e-3 < plain.residual.abs().max() and (refined.likeness > 60).all()


def test_the_residual_and_likeness_are_those_of_what_is_drawn_back():
    x, clean = pictures(), gaussian()
    found = invert(clean, x, until=0.5, steps=8)
    drawn = solve(clean, found.z, times(8, start=0.5), solver="euler")
    assert torch.allclose(drawn + found.residual, x) and torch.allclose(found.likeness, likeness(drawn, x))
    assert likeness(x, x).tolist() == [99] * 4


def test_a_picture_of_two_attributes_comes_back_under_its_own_caption():
    world = Pairs(0.8)
    x = world.centre(-1, 1).view(1, 1, 1, 10)
    found = invert(led(world, world.embed(["off with"])), x, until=0.65, steps=60, solver="heun")
    assert found.likeness[0] > 30


def test_a_network_is_inverted_too_and_hears_of_every_step():
    reader, told = transformer(moved=0.02).denoiser, []
    x = 0.3 * torch.randn(1, 3, 16, 16)
    invert(led(reader, reader.embed(["a hat"])), x, until=0.4, steps=3, report=lambda done, steps: told.append((done, steps)))
    assert told == [(i + 1, 6) for i in range(6)]


def test_what_diverges_or_cannot_be_is_said():
    x = pictures()
    with pytest.raises(ModelError, match="The solution diverges"):
        invert(lambda z, t: -300 * z, x, until=0.65, steps=20)
    with pytest.raises(DataError, match="'dpm\\+\\+' cannot go from picture to noise; these can: euler, heun"):
        invert(gaussian(), x, until=0.65, solver="dpm++")
    with pytest.raises(DataError, match="between picture"):
        invert(gaussian(), x, until=1.0)
