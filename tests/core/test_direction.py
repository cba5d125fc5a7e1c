"""Directions move codes by units, whatever the field behind them."""

import math

import pytest
import torch

from explorer.core.direction import Direction, Field, Guarded, Straight, similarity
from explorer.core.errors import SpaceError
from explorer.core.space import LatentSpace
from tests.toys import normal

SPACE = LatentSpace("z", (4,))


def unit(*values: float) -> torch.Tensor:
    return torch.nn.functional.normalize(torch.tensor(values, dtype=torch.float32), dim=0)


class Turning(Field):
    """Turns the first two coordinates about the origin, at unit speed."""

    size, stride = 4, 0.01

    def velocity(self, z, t):
        return torch.stack([-z[:, 1], z[:, 0], *torch.zeros(2, len(z))], dim=1)


class Slowing(Field):
    """A pace of its own: each step is half the one before, so that the walk comes to rest one length away."""

    size, stride = 4, 0.1

    def velocity(self, z, t):
        return torch.tensor([[0.5 ** (t + 1), 0, 0, 0]]).expand(len(z), -1)

    def displacement(self, z, t):
        return self.velocity(z, t)


def test_a_straight_direction_is_exact():
    z = normal(5, 4)
    direction = Direction("a", "test", SPACE, Straight(unit(1, 2, 0, 0)), length=2.0)
    assert torch.allclose(direction.step(z, -1.5), z - 3 * unit(1, 2, 0, 0))
    assert direction.along(z, (0, 1, 2)).shape == (3, 5, 4) and torch.equal(direction.along(z, (0,))[0], z)


def test_a_walk_is_measured_by_its_length():
    z = torch.tensor([[1.0, 0, 0, 0]])
    direction = Direction("turn", "test", SPACE, Turning(), length=math.pi / 2)
    there, back = direction.step(z, 1), direction.step(z, -1)
    assert torch.allclose(there[0, :2], torch.tensor([0.0, 1.0]), atol=0.02)
    assert torch.allclose(back[0, :2], torch.tensor([0.0, -1.0]), atol=0.02)


def test_amounts_between_steps_are_interpolated():
    z = torch.tensor([[1.0, 0, 0, 0]])
    lengths = torch.linspace(0, 1, 11)
    curve = Direction("turn", "test", SPACE, Turning()).along(z, lengths.tolist())
    covered = (curve[1:] - curve[:-1]).norm(dim=2)[:, 0]
    assert torch.allclose(covered, torch.full((10,), 0.1), atol=1e-3)


def test_a_walk_that_comes_to_rest_stays_there():
    direction = Direction("slow", "test", SPACE, Slowing())
    assert float(direction.step(torch.zeros(1, 4), 50)[0, 0]) == pytest.approx(1.0, abs=1e-3)


def test_every_code_of_a_batch_walks_its_own_way():
    z = torch.tensor([[1.0, 0, 0, 0], [0, 2.0, 0, 0]])
    direction = Direction("turn", "test", SPACE, Turning())
    both, alone = direction.step(z, 0.7), torch.cat([direction.step(z[i : i + 1], 0.7) for i in range(2)])
    assert torch.allclose(both, alone, atol=1e-6)


def test_a_guarded_direction_leaves_the_others_alone():
    wish, kept = Direction("a", "test", SPACE, Straight(unit(1, 1, 0, 0))), Direction("b", "test", SPACE, Straight(unit(1, 0, 0, 0)))
    moved = wish.guarded(kept).step(torch.zeros(1, 4), 2.0)
    assert torch.allclose(moved, torch.tensor([[0.0, 2.0, 0, 0]]), atol=1e-5)
    assert float(Guarded(wish.field, (kept.field,)).kept(torch.zeros(1, 4))) == pytest.approx(math.sqrt(0.5), abs=1e-5)


def test_what_protection_leaves_nothing_of_stays():
    wish = Direction("a", "test", SPACE, Straight(unit(1, 0.01, 0, 0)))
    moved = wish.guarded(Direction("b", "test", SPACE, Straight(unit(1, 0, 0, 0)))).step(torch.zeros(1, 4), 2.0)
    assert torch.equal(moved, torch.zeros(1, 4))


def test_similarity_is_the_cosine_for_vectors():
    first, second = (Direction(n, "test", SPACE, Straight(v)) for n, v in (("a", unit(1, 0, 0, 0)), ("b", unit(1, 1, 0, 0))))
    assert similarity(first, second, normal(8, 4)) == pytest.approx(math.sqrt(0.5), abs=1e-5)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Straight(torch.ones(4)),
        lambda: Straight(torch.tensor([float("nan"), 0, 0, 0])),
        lambda: Direction("a", "test", LatentSpace("z", (5,)), Straight(unit(1, 0, 0, 0))),
        lambda: Direction("a", "test", SPACE, Straight(unit(1, 0, 0, 0)), length=0.0),
        lambda: Direction("a", "test", SPACE, Straight(unit(1, 0, 0, 0))).step(normal(3, 5), 1),
        lambda: Direction("a", "test", SPACE, Straight(unit(1, 0, 0, 0))).guarded(
            Direction("b", "test", LatentSpace("w", (4,)), Straight(unit(1, 0, 0, 0)))
        ),
    ],
)
def test_what_makes_no_sense_is_refused(make):
    with pytest.raises(SpaceError):
        make()
