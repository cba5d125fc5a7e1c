from types import SimpleNamespace

import numpy as np
import pytest
import torch

from explorer.methods.measure import attributes, frechet


def test_the_distance_of_two_gaussians_has_its_closed_form():
    generator = torch.Generator().manual_seed(0)
    first = torch.randn(100_000, 3, generator=generator)
    second = torch.tensor([1.0, 0, 0]) + 2 * torch.randn(100_000, 3, generator=generator)
    assert frechet.distance(first, second) == pytest.approx(1 + 3 * (2 - 1) ** 2, rel=0.02)


def test_the_distance_of_a_set_to_itself_is_zero_and_to_another_symmetric():
    first, second = torch.randn(500, 8), torch.randn(400, 8).exp()
    assert frechet.distance(first, first) == pytest.approx(0, abs=1e-6)
    assert frechet.distance(first, second) == pytest.approx(frechet.distance(second, first))


def test_features_without_spread_do_not_break_it():
    assert frechet.distance(torch.zeros(50, 4), torch.zeros(60, 4)) == pytest.approx(0, abs=1e-9)


def test_a_judge_names_the_class_of_the_highest_score():
    judge = SimpleNamespace(questions={"sign": ("minus", "plus")}, logits=lambda x: {"sign": torch.stack([-x.mean((1, 2, 3)), x.mean((1, 2, 3))], 1)})
    pictures = torch.tensor([-1.0, 1.0, 1.0]).view(3, 1, 1, 1).expand(3, 1, 2, 2)
    assert attributes.named(judge, pictures).tolist() == [[0], [1], [1]]


def test_what_cannot_be_seen_does_not_count():
    said, true = np.array([[0, 1], [0, 0]]), np.array([[0, 1], [1, 1]])
    seen = np.array([[True, True], [False, True]])
    assert attributes.agreement(said, true, seen, ("a", "b")) == {"a": 1.0, "b": 0.5}


def test_a_class_half_as_frequent_as_in_the_data_has_rarity_one_half():
    said, true = np.array([[0], [1], [1], [1]]), np.array([[0], [1]])
    ratios = attributes.rarity(said, np.ones((4, 1), bool), true, np.ones((2, 1), bool), classes={"q": ("x", "y")})
    assert ratios == {"q": {"x": 0.5, "y": 1.5}}


def test_a_missing_class_has_rarity_zero():
    ratios = attributes.rarity(np.zeros((4, 1), int), np.ones((4, 1), bool), np.array([[0], [1]]), np.ones((2, 1), bool), classes={"q": ("x", "y")})
    assert ratios["q"]["y"] == 0.0
