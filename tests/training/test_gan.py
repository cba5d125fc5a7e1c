import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from explorer.core.errors import DataError
from explorer.core.model import Model, Posterior
from explorer.models import gan as gans
from explorer.training import gan
from explorer.training.loop import Stopped, walk
from tests import toys

CONFIG = {"size": 8, "channels": 1, "latent": 4, "widths": [16, 8], "mapping": 8, "depth": 1}


def halves(n: int = 64) -> np.ndarray:
    """8 px pictures `(n, 8, 8, 1)` that are white on the left or on the right."""
    pixels = np.zeros((n, 8, 8, 1), np.uint8)
    pixels[::2, :, :4], pixels[1::2, :, 4:] = 255, 255
    return pixels


def duel(*, steps: int = 12, batch: int = 16, **changes) -> gan.Duel:
    torch.manual_seed(0)
    net = gans.network(CONFIG)
    objective = {"critic": [16], "rate": 2e-3, "lazy": 2, "penalised": 8, "half_life": 200} | changes
    return gan.duel(net, halves(), steps=steps, batch=batch, seed=0, teacher=objective.pop("teacher", None), **objective)


def finish(course: gan.Duel, file, **changes):
    return walk(course, steps=course.steps, file=file, report=lambda progress: None, **changes)


def same(first: torch.nn.Module, second: torch.nn.Module) -> bool:
    return all(torch.equal(a, b) for a, b in zip(first.state_dict().values(), second.state_dict().values(), strict=True))


class Sure(toys.Backwards):
    """An exact encoder that is nearly sure."""

    def posterior(self, x: torch.Tensor) -> Posterior:
        mean = self.encode(x).values
        return Posterior(mean, torch.full_like(mean, 1e-4), self.space)


def teacher() -> Model:
    """A linear model of 8 px pictures with three coordinates, and what finds them."""
    linear = toys.linear(3, side=8)
    return replace(linear, encoder=Sure(linear.encoder.basis, linear.space))


@pytest.mark.parametrize("stopped", [3, 8])  # while imitating, and after
def test_a_stopped_and_resumed_duel_equals_an_uninterrupted_one_to_the_bit(tmp_path, stopped):
    imitation = {"teacher": teacher(), "imitate": 5, "handover": 3, "anchor": 1.0, "anchored": 4, "anchor_from": 7}
    whole = duel(**imitation)
    finish(whole, tmp_path / "whole.state")
    calls = itertools.count()
    with pytest.raises(Stopped, match=f"stopped at step {stopped} of 12"):
        finish(duel(**imitation), tmp_path / "parts.state", stop=lambda: next(calls) == stopped)
    torch.rand(100)  # whatever else draws in between
    resumed = duel(**imitation)
    finish(resumed, tmp_path / "parts.state")
    assert same(whole.net, resumed.net) and same(whole.critic, resumed.critic) and same(whole.mean, resumed.mean)
    assert not same(whole.net, whole.mean)


def test_a_state_of_another_network_is_refused(tmp_path):
    finish(duel(steps=1), tmp_path / "x.state")
    other = duel(steps=2, critic=[12])
    with pytest.raises(DataError, match="does not fit this network"):
        finish(other, tmp_path / "x.state")


def test_both_losses_are_ln_2_where_the_critic_cannot_tell_and_pull_in_opposite_ways():
    real, drawn = torch.zeros(4), torch.zeros(4, requires_grad=True)
    assert [float(loss(real, drawn.detach())) for loss in (gan.critic_loss, gan.drawn_loss)] == pytest.approx([math.log(2)] * 2)
    down = torch.autograd.grad(gan.critic_loss(real, drawn), drawn)[0]
    up = torch.autograd.grad(gan.drawn_loss(real, drawn), drawn)[0]
    assert torch.allclose(down, torch.full((4,), 0.125)) and torch.allclose(up, -down)


def test_slopes_are_the_squared_gradients():
    weight = toys.normal(1, 12).view(1, 3, 2, 2)
    x = toys.normal(5, 12, seed=1).view(5, 3, 2, 2)
    linear = gan.slopes(lambda x: (weight * x).sum(dim=(1, 2, 3)), x)
    assert torch.allclose(linear, weight.square().sum().expand(5))
    squares = gan.slopes(lambda x: x.square().sum(dim=(1, 2, 3)), x)
    assert torch.allclose(squares, 4 * x.square().sum(dim=(1, 2, 3))) and squares.requires_grad


def test_spread_is_nothing_for_equal_pictures_and_their_deviation_for_others():
    equal = torch.ones(8, 3, 4, 4)
    assert float(gan.spread(equal).max()) < 1e-3
    wide = toys.normal(8, 3 * 16).view(8, 3, 4, 4)
    expected = wide.var(dim=0, unbiased=False).sqrt().mean()
    assert gan.spread(wide).shape == (8, 1, 4, 4) and torch.allclose(gan.spread(wide), expected.expand(8, 1, 4, 4), atol=1e-4)


def test_the_penalty_falls_from_its_first_to_its_last_weight():
    course = duel(steps=100, gamma=(1.0, 0.01))
    weights = [course.weight(step) for step in (0, 50, 100)]
    assert weights == pytest.approx([1.0, 0.1, 0.01])


def test_while_imitating_the_generator_comes_to_draw_what_its_teacher_draws(tmp_path):
    course = duel(steps=200, imitate=200, teacher=toys.linear(3, side=8))
    first = course.step(0)["imitation"]
    assert finish(course, tmp_path / "x.state").figures["imitation"] < 0.5 * first


def test_while_anchored_the_first_codes_are_those_of_the_pictures():
    course = duel(teacher=teacher(), anchor=1.0, anchored=5, anchor_from=2)
    x = course.teacher.shown(toys.normal(16, 4, seed=2))
    before, after = course._codes(x, 1), course._codes(x, 2)
    assert (after[:5, :3] - course.teacher.model.encoder.encode(x[:5]).values).abs().max() < 0.06
    assert after[:5, 3].std() > 0.3 and after[5:].std() == pytest.approx(1, abs=0.4)  # the rest is drawn
    assert (before[:5, :3] - after[:5, :3]).abs().max() > 0.3


def test_an_anchored_generator_comes_to_draw_pictures_from_their_codes(tmp_path):
    course = duel(steps=200, teacher=teacher(), anchor=10.0, anchored=16, rate=1e-2)
    first = course.step(0)["astray"]
    assert finish(course, tmp_path / "x.state").figures["astray"] < 0.6 * first


@pytest.mark.parametrize("changes", [{"imitate": 5}, {"anchor": 1.0}])
def test_imitating_and_anchoring_need_a_teacher(changes):
    with pytest.raises(DataError, match="imitates for . steps and is anchored by .*, but there is no teacher"):
        duel(**changes)


def test_a_duel_learns_both_kinds_of_pictures(tmp_path):
    course = duel(steps=300, batch=32, rate=5e-3, critic_rate=5e-3, gamma=(0.1, 0.1))
    finish(course, tmp_path / "x.state")
    with torch.no_grad():
        drawn = course.mean(toys.normal(200, 4, seed=9))
    left, right = drawn[..., :4].mean(dim=(1, 2, 3)), drawn[..., 4:].mean(dim=(1, 2, 3))
    assert (left - right).abs().median() > 1.2  # of 2
    assert 0.2 < float((left > right).float().mean()) < 0.8
