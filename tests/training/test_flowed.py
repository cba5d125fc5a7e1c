"""VAEs trained with flows of known factors: their sequences, what the control lacks, and the bounds of the likelihood."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from explorer.data import sprites
from explorer.models import vae as vaes
from explorer.training import flowed

COMMON = {"batch": 16, "seed": 0, "ramp": 1, "scale": 1.2, "beta": 3.0, "coarse": 1.0, "fine_from": 1, "pictures": 1000}


def net() -> flowed.Flowed:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        return flowed.Flowed(vaes.network({"size": 64, "channels": 1, "latent": 4, "widths": [8, 8, 8, 8]}), 4, hidden=8)


def drawn(n: int = 300, **changes) -> flowed.Sequences:
    return flowed.sequences(n, np.random.default_rng(5), **changes)


@pytest.mark.parametrize("k, motion", list(enumerate(flowed.MOTIONS)), ids=[motion.name for motion in flowed.MOTIONS])
def test_a_sequence_turns_one_factor_evenly(k, motion):
    found = drawn(k=k)
    first, late, later = (sprites.exact(rows) for rows in (found.first, found.late, found.later))
    others = [column for column in range(5) if column != motion.column]
    assert (first[:, others] == later[:, others]).all() and (first[:, others] == late[:, others]).all()
    for values, steps in ((late, found.t), (later, found.t + 1)):
        change = values[:, motion.column] - first[:, motion.column] - found.sign * motion.stride * steps
        assert (change % sprites.SIDES[motion.column] == 0).all() if motion.round else (change == 0).all()
    assert set(found.sign) == {-1, 1} and set(found.t) == set(range(flowed.REACH))


def test_sequences_to_learn_from_show_nothing_that_is_held_out():
    found = drawn()
    assert not any(sprites.held_out(rows).any() for rows in (found.first, found.late, found.later))
    assert sprites.held_out(drawn(40, held_out=True, t=2).first).all()


def test_the_same_generator_draws_the_same_sequences():
    assert all((getattr(drawn(), name) == getattr(drawn(), name)).all() for name in ("first", "later", "k", "t"))


def gradients(**changes) -> tuple[torch.Tensor, torch.Tensor]:
    """Of the encoder's last layer and of the potentials, after one step."""
    both = net()
    flowed.objective(both, **COMMON, **changes)(0)[0].backward()
    return both.vae.encoder[-1].weight.grad, both.flows.u.space.grad


def test_flows_reach_the_codes_unless_it_is_the_control():
    """The physics' weight changes what an encoder learns only if gradients of potentials get there."""
    for control in (True, False):
        (plain, _), (heavy, flows) = gradients(control=control, start=0.0), gradients(control=control, start=50.0)
        assert torch.allclose(plain, heavy) == control and float(flows.abs().max()) > 0


def linear(spread: float = 1.0) -> SimpleNamespace:
    """x = W z + noise of variance 0.5 for a code of 2 numbers: the posterior is known, as is p(x); `spread` widens the posterior that is claimed."""
    weight = torch.tensor([[1.0, 0.5], [-0.3, 0.8], [0.2, 0.2], [0.0, 1.0]])
    precision = torch.eye(2) + weight.T @ weight / 0.5
    turn = torch.linalg.eigh(precision)
    weight, precision = weight @ turn.eigenvectors, torch.diag(turn.eigenvalues)  # axes of the code on which the posterior is independent

    def posterior(x):
        mean = x.flatten(1) @ weight / 0.5 @ torch.linalg.inv(precision)
        return mean, (spread / precision.diagonal()).log().expand_as(mean)

    truth = torch.distributions.MultivariateNormal(torch.zeros(4), weight @ weight.T + 0.5 * torch.eye(4))
    return SimpleNamespace(posterior=posterior, decoder=lambda z: (z @ weight.T).view(-1, 1, 2, 2), truth=truth)


def pictures(n: int = 40) -> torch.Tensor:
    return linear().truth.rsample((n,)).view(n, 1, 2, 2) if n else torch.empty(0)


def test_with_the_true_posterior_both_bounds_are_the_likelihood():
    torch.manual_seed(0)
    x, toy = pictures(), linear()
    elbo, weighted = flowed.likelihood(toy, x, variance=0.5, draws=16)
    assert torch.allclose(elbo, toy.truth.log_prob(x.flatten(1)), atol=1e-3) and torch.allclose(weighted, elbo, atol=1e-3)


def test_with_a_wrong_posterior_weights_make_the_bound_tighter():
    torch.manual_seed(0)
    x, toy = pictures(), linear(spread=3.0)
    truth = toy.truth.log_prob(x.flatten(1)).mean()
    elbo, weighted = (bound.mean() for bound in flowed.likelihood(toy, x, variance=0.5, draws=512))
    gap = 3.0 - math.log(3.0) - 1  # the KL between the two, of two coordinates
    assert float(truth - elbo) == pytest.approx(gap, abs=0.1) and float(truth - weighted) == pytest.approx(0, abs=0.05)


class Places:
    """Flows of codes that are places: the first update stands still, the next ones move by 3 pixels to the right, or down."""

    def rollout(self, z, k, steps, sign):
        way = torch.stack([(k == 0).float(), (k == 1).float()], dim=1) * 3 * sign[:, None]
        return torch.stack([z + max(0, t - 1) * way for t in range(steps + 1)])


def middle(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    weight = ((x[:, 0] + 1) / 2).flatten(1)
    down, right = torch.meshgrid(torch.arange(64.0), torch.arange(64.0), indexing="ij")
    place = torch.stack([right.flatten(), down.flatten()])
    return weight @ place.T / weight.sum(dim=1, keepdim=True), torch.zeros(len(x), 2)


def test_a_rollout_that_keeps_up_misses_nothing():
    ideal = SimpleNamespace(flows=Places(), vae=SimpleNamespace(posterior=middle, decoder=lambda z: torch.zeros(len(z), 1, 64, 64)))
    told = flowed.equivariance(ideal, n=16)
    assert told["to the right"]["endpoint"] < 0.02 and told["down"]["endpoint"] < 0.02
    assert told["larger"]["endpoint"] > 0.5  # it was not moved, and a heart that grows moves its middle
    assert told["down"]["rollout"] == pytest.approx(told["down"]["still"])
