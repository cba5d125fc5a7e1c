import math

import numpy as np
import pytest
import torch

from explorer.models.vae import VAE
from explorer.training.vae import decomposed_kl, kl, objective, psnr, unsettled


def test_one_gaussian_has_the_closed_form_of_its_kl():
    mean, log_variance = torch.full((4000, 3), 0.7), torch.full((4000, 3), math.log(0.5))
    z = mean + 0.5**0.5 * torch.randn(4000, 3, generator=torch.Generator().manual_seed(0))
    information, correlation, marginal = decomposed_kl(z[:1000], mean[:1000], log_variance[:1000], n=1)
    closed = float(kl(mean, log_variance).mean())
    assert float(information + correlation + marginal) == pytest.approx(closed, rel=0.03)
    assert float(information) == pytest.approx(0, abs=1e-3)  # one point of data: nothing to tell apart
    assert float(correlation) == pytest.approx(0, abs=1e-3)  # and a diagonal Gaussian is a product


def test_the_parts_add_up_to_the_kl_of_the_draws():
    generator = torch.Generator().manual_seed(1)
    mean, log_variance = torch.randn(64, 5, generator=generator), -torch.rand(64, 5, generator=generator)
    z = mean + (log_variance / 2).exp() * torch.randn(64, 5, generator=generator)
    own = -0.5 * (math.log(2 * math.pi) + log_variance + (z - mean).square() / log_variance.exp()).sum(dim=1)
    prior = -0.5 * (math.log(2 * math.pi) + z.square()).sum(dim=1)
    assert float(sum(decomposed_kl(z, mean, log_variance, 1000))) == pytest.approx(float((own - prior).mean()), rel=1e-4)


def test_the_kl_of_a_batch_of_priors_is_zero():
    assert torch.equal(kl(torch.zeros(3, 4), torch.zeros(3, 4)), torch.zeros(3))


def test_equal_pictures_have_a_psnr_of_at_least_100_and_halves_gain_3_db():
    assert psnr(0.0) > 100
    assert psnr(0.01) - psnr(0.02) == pytest.approx(3.01, abs=0.01)


@pytest.mark.parametrize("beta", [1.0, 4.0])
def test_an_objective_repeats_itself(beta):
    torch.manual_seed(0)
    net = VAE(size=16, channels=1, latent=3, widths=[8, 16])
    pixels = np.random.default_rng(0).integers(256, size=(40, 16, 16, 1), dtype=np.uint8)
    loss = objective(net, pixels, scale=1.0, beta=beta, batch=8, seed=0, ramp=2)
    first, second = loss(3)[0], loss(3)[0]
    assert torch.equal(first, second) and torch.isfinite(first)


def test_settled_codes_are_not_penalised_and_others_by_the_square_of_their_distance():
    generator = torch.Generator().manual_seed(0)
    batches = torch.randn(400, 64, 3, generator=generator)
    settled = torch.stack([unsettled(z) for z in batches]).mean()
    moved = torch.stack([unsettled(2 * z + torch.tensor([1.0, 0, 0])) for z in batches]).mean()
    assert float(settled) == pytest.approx(0, abs=0.05)
    assert float(moved) == pytest.approx(1 + 3 * (4 - 1) ** 2, rel=0.05)


def test_a_box_in_focus_counts_several_times():
    torch.manual_seed(0)
    net = VAE(size=16, channels=1, latent=3, widths=[8, 16])
    pixels = np.zeros((8, 16, 16, 1), np.uint8)
    plain, all_twice = (
        objective(net, pixels, scale=1.0, batch=8, seed=0, ramp=10**9, focus=focus)(0)[0].detach() for focus in (None, (0, 0, 16, 16, 2.0))
    )
    assert float(all_twice) == pytest.approx(2 * float(plain), rel=1e-3)


def test_an_error_is_dear_at_first_and_cheap_from_a_step_on():
    torch.manual_seed(0)
    net = VAE(size=16, channels=1, latent=3, widths=[8, 16])
    pixels = np.random.default_rng(0).integers(256, size=(40, 16, 16, 1), dtype=np.uint8)
    plain, falling = (objective(net, pixels, scale=2.0, batch=8, seed=0, ramp=10**9, coarse=coarse, fine_from=4) for coarse in (1.0, 16.0))
    ratios = [float(plain(step)[0].detach() / falling(step)[0].detach()) for step in (0, 1, 2, 4, 9)]
    assert ratios == pytest.approx([16, 8, 4, 1, 1], rel=1e-3)
