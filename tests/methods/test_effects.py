"""The attribute matrix, L1 shares and path lengths, where the answers are known."""

import pytest
import torch
import torch.nn.functional as F

from explorer.core.direction import Direction, Straight
from explorer.methods.measure.effects import STEPS, attribute_matrix, path_length, shares
from explorer.methods.measure.evidence import Scene
from tests.toygrounds import SIZE, SPACE, Eye, ground
from tests.toys import normal


def along(axis: int, length: float = 1.0) -> Direction:
    return Direction(f"axis {axis}", "test", SPACE, Straight(F.one_hot(torch.tensor(axis), SIZE).float()), length=length)


def test_a_direction_moves_the_attribute_it_stands_for():
    matrix = attribute_matrix([along(0), along(1), along(7)], ground().scene, normal(64, SIZE))
    told = shares(matrix)
    assert matrix.shape == (3, 3) and float(told[1, 1]) > 0.999  # only the second patch
    assert float(told[0, 0]) > 0.6 and float(told[0, 2]) > 0.1 and float(told[0, 1]) < 1e-3  # the first is part of the mixture
    assert told[2].tolist() == pytest.approx([1 / 3] * 3)  # what nobody asks about


class Ramp:
    """A score that is the picture itself, from -1 to 1 over the whole path."""

    questions = {"level": ("low", "high")}

    def logits(self, x):
        p = (x[:, 0, 0, 0] / 4 + 0.5).clamp(1e-4, 1 - 1e-4)
        return {"level": torch.stack([(1 - p).log(), p.log()], dim=1)}


def test_a_ramp_and_a_step_have_the_values_of_the_notes():
    """Over 41 points a score that rises evenly from -1 to 1 has 0.60, one that leaps half-way 0.88."""
    fine = [4 * i / 40 - 2 for i in range(41)]
    even = Scene(lambda z: z[:, :1, None, None].expand(-1, 1, 4, 4), SPACE, Ramp())
    leap = Scene(lambda z: 2 * z[:, :1, None, None].sign().expand(-1, 1, 4, 4), SPACE, Ramp())
    start = torch.zeros(3, SIZE)
    assert float(attribute_matrix([along(0)], even, start, amounts=fine)) == pytest.approx(0.59, abs=0.015)
    assert float(attribute_matrix([along(0)], leap, start + 1e-6, amounts=fine)) == pytest.approx(0.87, abs=0.015)
    assert len(STEPS) == 9


def test_an_even_path_has_length_one_and_a_leap_more():
    even = Scene(lambda z: z[:, :1, None, None].expand(-1, 1, 4, 4), SPACE)
    steep = Scene(lambda z: torch.tanh(20 * z[:, :1, None, None]).expand(-1, 1, 4, 4), SPACE)
    assert path_length(along(0), even, normal(16, SIZE), unit=1.0) == pytest.approx(1.0, abs=1e-3)
    assert path_length(along(0), even, normal(16, SIZE), unit=0.5) == pytest.approx(4.0, abs=1e-2)
    assert path_length(along(0), steep, normal(400, SIZE), unit=0.5) > 3


def test_the_eye_of_the_toy_sees_what_it_should():
    said = Eye().logits(ground().decode(torch.eye(SIZE)[:1] * 3))
    assert [int(said[q].argmax()) for q in ("first", "mixed")] == [1, 1]
