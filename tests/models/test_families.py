import pytest
import torch

from explorer.core.errors import SpaceError
from explorer.core.model import Card
from explorer.core.space import Code, LatentSpace
from explorer.models import judge, vae

CPU = torch.device("cpu")
QUESTIONS = {"way": ["lying", "standing"], "colour": ["red", "green", "blue"]}


def a_vae():
    config = {"size": 16, "channels": 3, "latent": 5, "widths": [8, 16]}
    card = Card("toy", "Toy", "vae", config, ({"name": "z", "shape": [5], "prior": "normal"},))
    torch.manual_seed(0)
    return vae.build(card, vae.network(config).state_dict(), CPU)


def test_a_vae_draws_and_encodes_pictures_of_its_shape():
    model = a_vae()
    pictures = model.generator.decode(model.space.sample(4, 0))
    assert pictures.shape == (4, 3, 16, 16) and pictures.abs().max() <= 1
    code = model.encoder.encode(pictures)
    assert code.space == model.space and code.values.shape == (4, 5)


def test_an_encoders_posterior_has_positive_variances_and_repeats_its_draws():
    posterior = a_vae().encoder.posterior(torch.zeros(2, 3, 16, 16))
    assert (posterior.variance > 0).all()
    assert torch.equal(posterior.sample(3).values, posterior.sample(3).values)


def test_a_decoder_can_be_differentiated_twice():
    model = a_vae()
    z = model.space.sample(1, 0).values.requires_grad_()
    first = torch.autograd.grad(model.generator.decode(Code(z, model.space)).square().sum(), z, create_graph=True)[0]
    second = torch.autograd.grad(first.sum(), z)[0]
    assert torch.isfinite(second).all() and second.abs().sum() > 0


def test_a_code_of_another_space_is_refused_with_both_names():
    model = a_vae()
    with pytest.raises(SpaceError, match=r"z\[5\], got a code of w\[5\]"):
        model.generator.decode(LatentSpace("w", (5,)).sample(1, 0))


def test_a_judge_scores_each_question_and_describes_pictures():
    config = {"size": 16, "channels": 3, "widths": [8, 8], "features": 6, "questions": QUESTIONS}
    torch.manual_seed(0)
    model = judge.build(Card("toy", "Toy", "judge", config), judge.network(config).state_dict(), CPU)
    scores = model.classifier.logits(torch.zeros(2, 3, 16, 16))
    assert {name: tuple(s.shape) for name, s in scores.items()} == {"way": (2, 2), "colour": (2, 3)}
    assert model.features.features(torch.zeros(2, 3, 16, 16)).shape == (2, 6)
    assert not model.spaces and model.generator is None
