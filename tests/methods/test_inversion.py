"""Searching the code of a picture, on generators whose inverse is known."""

import math

import pytest
import torch

from explorer.core.errors import ModelError
from explorer.core.space import LatentSpace
from explorer.methods.inversion import Problem, decibels, mean_square, refine, search
from tests import toys


def problem(model, target, **changes):
    decode = lambda values: model.generator.decode(model.code(values))  # noqa: E731
    return Problem(decode, model.space, target, **({"ordinary": 0.0} | changes))


@pytest.fixture(scope="module")
def toy():
    return toys.linear(8, side=8)


@pytest.fixture(scope="module")
def code(toy):
    return toys.normal(1, 8, seed=3)[0]


@pytest.fixture(scope="module")
def target(toy, code):
    return toy.generator.decode(toy.code(code[None]))


def test_from_any_start_the_very_code_is_found(toy, code, target):
    found = refine(problem(toy, target), torch.zeros(8), steps=400)
    assert torch.allclose(found.values, code, atol=0.02) and decibels(found.error) > 40


def test_without_a_start_the_best_draws_lead_there(toy, code, target):
    found = search(problem(toy, target), toy.space.sample(64, 5).values, steps=400)
    assert torch.allclose(found.values, code, atol=0.02)


def test_without_gradients_it_is_found_too_only_less_exactly(toy, code, target):
    asked = []

    def decode(values):
        asked.append(len(values))
        return toy.generator.decode(toy.code(values)).detach()

    blind = Problem(decode, toy.space, target, ordinary=0.0, differentiable=False)
    found = search(blind, toy.space.sample(64, 5).values, steps=150)
    assert torch.allclose(found.values, code, atol=0.15) and max(asked) <= 16


def test_the_result_is_never_worse_than_the_start(toy, code, target):
    for start in (code, code + 0.01, torch.zeros(8)):
        first = float(mean_square(toy.generator.decode(toy.code(start[None])), target)[0])
        assert refine(problem(toy, target), start, steps=20).error <= first + 1e-12
        assert refine(problem(toy, target, differentiable=False), start, steps=5).error <= first + 1e-12


def test_a_strong_prior_keeps_codes_as_short_as_draws_are(toy, code):
    far = toy.generator.decode(toy.code(code[None] * 4))
    lengths = [float(refine(problem(toy, far, ordinary=weight), torch.zeros(8), steps=400).values.square().mean()) for weight in (10.0, 0.03, 0.0)]
    assert lengths[0] == pytest.approx(1, abs=0.05) and lengths[0] < lengths[1] < lengths[2]
    assert lengths[2] == pytest.approx(float(16 * code.square().mean()), rel=0.05)


@pytest.mark.parametrize(("prior", "inside"), [
    ("sphere", lambda z: math.isclose(float(z.norm()), math.sqrt(8), rel_tol=1e-4)), ("uniform", lambda z: float(z.abs().max()) <= 1),
])  # fmt: skip
def test_codes_stay_where_the_prior_has_mass(prior, inside):
    space, basis = LatentSpace("z", (8,), prior), toys.linear(8, side=8).encoder.basis
    decode = lambda z: (z @ basis.T).view(-1, 1, 8, 8)  # noqa: E731
    wanted = space.sample(1, 4).values
    for gradients in (True, False):
        found = refine(
            Problem(decode, space, decode(wanted * 3), ordinary=0.0, differentiable=gradients), space.sample(1, 9).values[0], steps=100
        ).values
        assert inside(found)
    if prior == "sphere":
        assert torch.nn.functional.cosine_similarity(found, wanted[0], dim=0) > 0.95


def test_whoever_watches_can_end_it_and_gets_the_best_so_far(toy, target):
    seen = []

    def watch(glimpse):
        seen.append(glimpse)
        return glimpse.step < 5

    found = refine(problem(toy, target), torch.zeros(8), steps=100, watch=watch)
    assert found.step == 5 and [glimpse.step for glimpse in seen] == [0, 1, 2, 3, 4, 5]
    assert found.error == min(glimpse.error for glimpse in seen)
    trying = []
    search(problem(toy, target), toy.space.sample(40, 0).values, steps=8, watch=lambda glimpse: trying.append((glimpse.step, glimpse.trying)) or True)
    assert [step for step, early in trying if early] == [1, 2, 3] and trying[-1][0] == 3 + 8


def test_a_search_without_progress_ends_early(toy, code, target):
    assert refine(problem(toy, target), code, steps=500).step < 100


@pytest.mark.parametrize("gradients", [True, False])
def test_the_same_seed_finds_the_same_code(toy, target, gradients):
    once, again, other = (
        search(problem(toy, target, differentiable=gradients), toy.space.sample(32, seed).values, steps=12, seed=seed).values for seed in (0, 0, 1)
    )
    assert torch.equal(once, again) and not torch.equal(once, other)


@pytest.mark.parametrize("gradients", [True, False])
def test_a_generator_that_breaks_down_on_the_way_is_left_with_the_last_sound_code(toy, code, target, gradients):
    def decode(values):
        pictures = toy.generator.decode(toy.code(values))
        return torch.where((values[:, :1] > 0.5 * code[0].abs()).view(-1, 1, 1, 1), torch.nan, pictures)

    start = torch.zeros(8)
    found = refine(Problem(decode, toy.space, target, ordinary=0.0, differentiable=gradients), start, steps=60)
    assert torch.isfinite(found.values).all() and math.isfinite(found.error)
    assert found.error < float(mean_square(decode(start[None]), target)[0])


@pytest.mark.parametrize("gradients", [True, False])
def test_a_generator_that_draws_no_numbers_at_all_is_said_to(toy, target, gradients):
    nothing = Problem(lambda values: values.sum() * torch.full((len(values), 1, 8, 8), torch.nan), toy.space, target, differentiable=gradients)
    for find in (lambda: refine(nothing, torch.zeros(8)), lambda: search(nothing, toy.space.sample(20, 0).values)):
        with pytest.raises(ModelError, match="not numbers"):
            find()


def test_features_are_kept_where_pixels_tell_little(toy, code, target):
    """The target's pixels are faint, its features are not."""
    features = lambda x: x.flatten(1)[:, :4] * 100  # noqa: E731
    grey = target + 0.2 * toys.normal(1, 64, seed=8).view(1, 1, 8, 8)
    error = {}
    for kept in (0.0, 5.0):
        found = refine(problem(toy, grey, features=features, kept=kept), torch.zeros(8), steps=300)
        error[kept] = float((features(toy.generator.decode(toy.code(found.values[None]))) - features(grey)).square().mean())
    assert error[5.0] < error[0.0] / 2


def test_decibels():
    assert decibels(0.04) == pytest.approx(20) and decibels(0.0) == 99.0


def test_codes_of_a_radial_prior_are_kept_to_its_own_lengths(toy, code):
    space = LatentSpace("w", (8,), "radial", lengths=(0.4, 0.5, 0.6))
    basis = toy.encoder.basis
    decode = lambda w: (w @ basis.T).view(-1, 1, 8, 8)  # noqa: E731
    shy, bold = (
        refine(Problem(decode, space, decode(code[None] * 2), ordinary=weight), torch.zeros(8), steps=400).values.square().mean() ** 0.5
        for weight in (10.0, 0.0)
    )
    assert float(shy) == pytest.approx(0.5, abs=0.03) and float(bold) > 1
