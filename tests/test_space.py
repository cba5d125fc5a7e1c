"""Spaces draw the same codes for the same seed, know what is ordinary, and refuse what does not belong."""

import math

import pytest
import torch

from explorer.core.errors import CapabilityError, SpaceError
from explorer.core.model import Card, Decoder, Model
from explorer.core.space import PRIORS, Code, LatentSpace

Z = LatentSpace("z", (32,))


@pytest.mark.parametrize("prior", PRIORS)
def test_the_same_seed_gives_the_same_codes_and_another_seed_others(prior):
    space = LatentSpace("z", (3, 4), prior, lengths=(0.5, 1.0, 2.0) if prior == "radial" else ())
    assert torch.equal(space.sample(5, seed=1).values, space.sample(5, seed=1).values)
    assert not torch.equal(space.sample(5, seed=1).values, space.sample(5, seed=2).values)


def test_truncation_pulls_towards_the_centre():
    assert torch.allclose(Z.sample(4, seed=0, truncation=0.5).values, Z.sample(4, seed=0).values / 2)


def test_codes_on_a_sphere_have_its_radius():
    codes = LatentSpace("w", (9,), "sphere").sample(20, seed=0).values
    assert torch.allclose(codes.norm(dim=1), torch.tensor(3.0))


def test_typicality_of_prior_draws_is_uniform_and_falls_to_zero_far_out_and_at_the_centre():
    drawn = Z.typicality(Z.sample(4000, seed=0).values)
    quantiles = torch.quantile(drawn, torch.tensor([0.1, 0.5, 0.9]))
    assert torch.allclose(quantiles, torch.tensor([0.1, 0.5, 0.9]), atol=0.03)
    assert Z.typicality(torch.zeros(1, 32)) < 1e-6 and Z.typicality(torch.full((1, 32), 3.0)) < 1e-6


def test_typicality_agrees_with_the_chi_square_median():
    at_median = torch.zeros(1, 2)
    at_median[0, 0] = math.sqrt(2 * math.log(2))  # the median of chi-square with two degrees of freedom is 2 ln 2
    assert LatentSpace("z", (2,)).typicality(at_median).item() == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (torch.zeros(2, 31), r"shape \(32,\), got \(31,\)"),
        (torch.zeros(32), "shape"),
        (torch.full((1, 32), float("nan")), "32 of 32 NaN"),
        (torch.full((1, 32), float("inf")), "infinite"),
        (torch.full((1, 32), 1e6), "reaches 1e"),
    ],
)
def test_what_does_not_belong_is_refused_naming_expected_and_got(values, words):
    with pytest.raises(SpaceError, match=words):
        Code(values, Z)


@pytest.mark.parametrize(
    "bad",
    [
        dict(shape=()), dict(shape=(0,)), dict(shape=(3,), prior="cauchy"), dict(shape=(3,), axis_names=("a",)), dict(shape=(3,), prior="radial"),
        dict(shape=(3,), lengths=(0.5, 1.0)), dict(shape=(3,), prior="radial", lengths=(1.0, 1.0)), dict(shape=(3,), prior="radial", lengths=(2.0,)),
    ],
)  # fmt: skip
def test_a_space_that_makes_no_sense_is_refused(bad):
    with pytest.raises(SpaceError, match="'z'"):
        LatentSpace("z", **bad)


def test_a_radial_prior_draws_its_lengths_evenly_and_calls_them_typical_as_often_as_they_are():
    space = LatentSpace("w", (16,), "radial", lengths=(0.2, 0.5, 0.9, 1.5, 3.0))
    drawn = space.sample(8000, seed=0).values
    lengths = drawn.norm(dim=1) / 4
    quantiles = torch.quantile(lengths, torch.tensor([0.25, 0.5, 0.75]))
    assert torch.allclose(quantiles, torch.tensor([0.5, 0.9, 1.5]), atol=0.05) and 0.2 <= lengths.min() and lengths.max() <= 3.0
    assert (drawn / drawn.norm(dim=1, keepdim=True)).mean(dim=0).abs().max() < 0.02  # no direction is preferred
    typical = torch.quantile(space.typicality(drawn), torch.tensor([0.1, 0.5, 0.9]))
    assert torch.allclose(typical, torch.tensor([0.1, 0.5, 0.9]), atol=0.03)
    ends = space.typicality(torch.tensor([0.0, 0.2, 0.9, 3.0, 9.0])[:, None] * torch.ones(1, 16))
    assert torch.allclose(ends, torch.tensor([0.0, 0.0, 1.0, 0.0, 0.0]), atol=1e-5)
    assert torch.allclose(space.sample(4, seed=1, truncation=0.5).values, space.sample(4, seed=1).values / 2)


def test_a_space_comes_back_from_plain_values():
    for space in (Z, LatentSpace("y", (2,), "sphere", ("a", "b")), LatentSpace("w", (3,), "radial", lengths=(0.5, 1.0))):
        assert LatentSpace.from_dict(space.to_dict()) == space


class Doubling:
    """Maps z to w by doubling."""

    source, target = Z, LatentSpace("w", (32,))

    def map(self, code):
        return Code(code.values * 2, self.target)


def test_a_decoder_maps_codes_into_its_space_and_refuses_foreign_ones_by_name():
    decoder = Decoder("toy", (1, 1, 32), {Doubling.target: lambda w: w[:, None, None]}, (Doubling(),))
    z = Z.sample(2, seed=0)
    assert torch.equal(decoder.decode(z)[:, 0, 0], z.values * 2)
    assert torch.equal(decoder.decode(Code(z.values, Doubling.target))[:, 0, 0], z.values)
    with pytest.raises(SpaceError, match=r"'toy' decodes codes of w\[32\], z\[32\], got a code of y\[32\]"):
        decoder.decode(Code(z.values, LatentSpace("y", (32,))))


def test_a_missing_part_and_a_missing_space_are_named():
    model = Model(Card("judge", "", "judge", {}))
    with pytest.raises(CapabilityError, match="'judge' has no encoder"):
        model.need("encoder")
    with pytest.raises(CapabilityError, match="no latent space"):
        model.space  # noqa: B018
    with pytest.raises(SpaceError, match="no space 'w'"):
        Model(Card("vae", "", "vae", {}), (Z,)).space_named("w")
