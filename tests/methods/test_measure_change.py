"""Change along a path: known for known pictures, and even after retiming."""

import torch

from explorer.core.path import Chord
from explorer.methods.measure.change import changes, evened


def late(flat):
    """Pictures `(B, 1, 2, 2)` that hardly change until the end of the way from 0 to 1."""
    return flat.pow(4).view(-1, 1, 1, 1).expand(-1, 1, 2, 2)


def test_the_change_is_the_root_mean_square_difference_whatever_is_drawn_together():
    codes = torch.linspace(0, 1, 21)[:, None]
    assert torch.allclose(changes(late, codes), codes[:, 0].double().pow(4).diff(), atol=1e-6)


def test_pictures_change_evenly_after_retiming_and_the_ends_stay():
    way = Chord(torch.zeros(1), torch.ones(1))
    t = torch.linspace(0, 1, 9)
    before, after = changes(late, way(t)), changes(late, evened(late, way)(t))
    assert before.max() / before.min() > 1000
    assert after.max() / after.min() < 1.3
    assert torch.equal(evened(late, way)(torch.tensor([0.0, 1.0])), torch.tensor([[0.0], [1.0]]))


def test_a_path_along_which_nothing_changes_keeps_its_pace():
    way = Chord(torch.zeros(1), torch.ones(1))
    assert evened(lambda flat: torch.zeros(len(flat), 1, 2, 2), way) is way
