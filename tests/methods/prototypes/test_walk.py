import math

import pytest
import torch

from explorer.core.errors import CapabilityError, ModelError
from explorer.core.model import Decoder, Model
from explorer.core.prototypes import Linear, Prototype
from explorer.core.space import LatentSpace
from explorer.methods.prototypes import walk as walks
from tests import toys


class Projections:
    """Similarity by the inner product of pixels with a vector: with a linear generator, everything is known."""

    question, total, scale, local, drawn, spread = "side", "logit", (-math.inf, math.inf), False, None, None
    classes = ("left", "right", "up")
    picture_shape = (1, 4, 4)

    def __init__(self, vectors, weight):
        self.vectors, self.head = vectors, Linear(weight)
        self.prototypes = tuple(Prototype(j, v, j) for j, v in enumerate(vectors))

    def described(self, x):
        return x.flatten(1)[:, :, None, None]

    def similarities(self, described, only=None):
        vectors = self.vectors if only is None else self.vectors[only]
        return torch.einsum("bdhw,pd->bphw", described, vectors)


def a_classifier(seed: int = 1) -> Projections:
    return Projections(toys.normal(3, 16, seed=seed), torch.eye(3))


def start(model: Model, seed: int = 0) -> torch.Tensor:
    return walks.held(model.space.sample(1, seed).values, model.space)[0]


def test_a_walk_climbs_as_steeply_as_a_linear_world_allows():
    model, prototypes = toys.linear(8), a_classifier()
    slope = model.encoder.basis.T @ prototypes.vectors[1]
    found = walks.walk(model, prototypes, 1, 0.2 * slope / slope.norm() + torch.zeros(8) + start(model), steps=3, stride=0.05)
    assert torch.allclose(found.scores[1] - found.scores[0], 0.05 * slope.norm(), atol=1e-4)
    assert found.gained > 0 and found.gained > float(found.beside[-1] - found.beside[0])


def test_a_walk_away_goes_down_and_stays_as_long_as_draws_are():
    model, prototypes = toys.linear(8), a_classifier()
    up, down = (walks.walk(model, prototypes, 0, start(model), steps=160, away=away) for away in (False, True))
    assert up.scores[-1] > up.scores[0] > down.scores[-1]
    for found in (up, down):
        assert found.typicality.min() >= 0.045 and found.codes.shape == (161, 8) and found.totals.shape == (161, 3)
    most = math.sqrt(_quantile(8)) * float((model.encoder.basis.T @ prototypes.vectors[0]).norm())
    assert up.scores[-1] >= 0.98 * most  # the highest there is among ordinary codes


def _quantile(size: int) -> float:
    from scipy.stats import chi2

    return float(chi2(size).ppf(0.975))


@pytest.mark.parametrize("prior,lengths", [("normal", ()), ("sphere", ()), ("uniform", ()), ("radial", tuple(0.5 + 0.01 * k for k in range(101)))])
def test_held_codes_lie_where_draws_do(prior, lengths):
    space = LatentSpace("z", (6,), prior, lengths=lengths)
    for scale in (0.05, 1.0, 7.0):
        values = walks.held(scale * torch.randn(50, 6, generator=torch.Generator().manual_seed(0)), space)
        assert (space.typicality(values) >= 0.04).all()
    inside = space.sample(50, 3).values
    usual = space.typicality(inside) > 0.06
    assert torch.allclose(walks.held(inside, space)[usual], inside[usual], atol=1e-5)


def test_the_generated_picture_most_like_a_prototype():
    model, prototypes = toys.linear(8), a_classifier()
    found = walks.best(model, prototypes, 2, draws=32, starts=2, steps=160)
    most = math.sqrt(_quantile(8)) * float((model.encoder.basis.T @ prototypes.vectors[2]).norm())
    assert found.scores.max() >= 0.98 * most


def test_a_reached_picture_keeps_most_of_the_gain_and_is_nearer_than_the_best():
    model, prototypes = toys.linear(8), a_classifier()
    z = start(model, 4)
    there, found = walks.best(model, prototypes, 1, draws=64, starts=2, steps=30), walks.reach(model, prototypes, 1, z, draws=64)
    gain = float(there.scores.max()) - float(found.scores[0])
    assert torch.equal(found.codes[0], z) and float(found.scores[-1] - found.scores[0]) >= 0.88 * gain
    assert (found.codes[-1] - z).norm() < (there.codes[there.scores.argmax()] - z).norm() and found.typicality[1:].min() >= 0.045


def test_the_smallest_change_is_the_distance_to_the_boundary():
    model, prototypes = toys.linear(8), a_classifier()
    for seed in range(6):
        z = start(model, seed)
        reduced = prototypes.vectors @ model.encoder.basis  # (3, 8)
        answer = int((reduced @ z).argmax())
        wanted = (answer + 1) % 3
        rivals = [c for c in range(3) if c != wanted]
        gaps = torch.stack([(reduced[wanted] - reduced[c]) for c in rivals])
        exact = _nearest(z, gaps)
        found = walks.counterfactual(model, prototypes, z, wanted)
        assert int(found.totals[0].argmax()) == answer and int(found.totals[1].argmax()) == wanted
        assert exact * (1 - 1e-3) <= found.distance <= 1.02 * exact and abs(float((found.end - z).norm()) - found.distance) < 1e-4
        assert found.random <= 0.5


def _nearest(z: torch.Tensor, gaps: torch.Tensor) -> float:
    """The distance from z to the cone where all `gaps` (n, D) are ahead, by trying every set of boundaries."""
    lengths = []
    for chosen in ([0], [1], [0, 1]):
        a = gaps[chosen]
        move = -torch.linalg.pinv(a) @ (a @ z)
        if (gaps @ (z + move) >= -1e-4).all():
            lengths.append(float(move.norm()))
    return min(lengths)


def test_what_cannot_be_walked_is_said():
    model, prototypes = toys.linear(8), a_classifier()
    with pytest.raises(ModelError, match="3 prototypes, got number 5"):
        walks.walk(model, prototypes, 5, start(model))
    answer = int((prototypes.vectors @ model.encoder.basis @ start(model)).argmax())
    with pytest.raises(ModelError, match="already"):
        walks.counterfactual(model, prototypes, start(model), answer)
    with pytest.raises(ModelError, match="3 classes"):
        walks.counterfactual(model, prototypes, start(model), 3)
    stiff = Decoder("stiff", (1, 4, 4), {}, differentiable=False)
    with pytest.raises(CapabilityError, match="outside torch"):
        walks.walk(Model(model.card, model.spaces, generator=stiff), prototypes, 0, start(model))
    coloured = Decoder("coloured", (3, 4, 4), {})
    with pytest.raises(CapabilityError, match="3 channels"):
        walks.walk(Model(model.card, model.spaces, generator=coloured), prototypes, 0, start(model))


def test_a_walk_can_be_ended():
    model = toys.linear(8)
    found = walks.walk(model, a_classifier(), 0, start(model), steps=50, watch=lambda step, steps: step < 4)
    assert len(found.codes) == 5


def test_pictures_are_brought_to_the_size_the_classifier_looks_at():
    model, prototypes = toys.linear(8, side=8), a_classifier()
    assert walks.seen_by(model, prototypes)(model.space.sample(3, 0).values).shape == (3, 1, 4, 4)
    assert walks.walk(model, prototypes, 0, start(model), steps=2).gained > 0
