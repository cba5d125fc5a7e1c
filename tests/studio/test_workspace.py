"""A model that samples in one space and is edited in another: seeds are mapped, everything else is already there."""

from dataclasses import dataclass, replace

import pytest
import torch

from explorer.core.errors import SessionError, SpaceError
from explorer.core.model import Card, Decoder, Model
from explorer.core.space import Code, LatentSpace
from explorer.studio.codes import code_of
from explorer.studio.sample import seeds
from explorer.studio.session import Journey, Seed, Session, Spot, Values
from explorer.studio.shelf import Opened
from tests import toys

Z, W = LatentSpace("z", (4,)), LatentSpace("w", (3,))


@dataclass(frozen=True)
class Doubling:
    """The first three coordinates, times two."""

    source: LatentSpace = Z
    target: LatentSpace = W

    def map(self, code: Code) -> Code:
        return Code(2 * code.values[:, :3], self.target)


def mapped() -> Model:
    mapper = Doubling()
    generator = Decoder("toy-mapped", (1, 1, 3), {W: lambda w: w.view(-1, 1, 1, 3).tanh()}, mappers=(mapper,))
    return Model(Card("toy-mapped", "Mapped", "toy", {}), (Z, W), generator=generator, mapper=mapper)


def values(spot: Spot, **changes) -> torch.Tensor:
    code = code_of(Opened(mapped(), None, 0), replace(Session("toy-mapped", spot=spot), **changes))
    assert code.space == W
    return code.values[0]


def test_without_a_mapper_one_works_where_one_samples():
    model = toys.linear()
    assert model.workspace == model.space


def test_a_seed_is_drawn_in_the_sampling_space_and_mapped():
    assert torch.equal(values(Spot(Seed(5))), 2 * Z.sample(1, 5).values[0, :3])
    assert torch.allclose(values(Spot(Seed(5, truncation=0.5))), Z.sample(1, 5).values[0, :3])


def test_a_grid_of_seeds_shows_what_each_seed_shows():
    grid = seeds(mapped(), 3, 4, truncation=0.7)
    assert grid.space == W
    assert torch.allclose(grid.values[2], values(Spot(Seed(5, truncation=0.7))))


def test_axes_and_numbers_are_of_the_workspace():
    assert torch.equal(values(Spot(Values((1.0, 2.0, 3.0)), axes=((2, -1.0),))), torch.tensor([1.0, 2.0, -1.0]))
    with pytest.raises(SessionError, match="takes codes of 3 numbers, got 4"):
        values(Spot(Values((1.0, 2.0, 3.0, 4.0))))
    with pytest.raises(SessionError, match="has axes 0 to 2, got 3"):
        values(Spot(axes=((3, 1.0),)))


def test_a_path_runs_through_the_workspace():
    start, end = Spot(Values((1.0, 0.0, 0.0))), Spot(Seed(1))
    middle = values(Spot(), journey=Journey(start, end, "chord", 0.5))
    assert torch.allclose(middle, (torch.tensor([1.0, 0.0, 0.0]) + values(end)) / 2)


def test_codes_of_a_third_space_are_refused():
    with pytest.raises(SpaceError, match=r"works with codes of w, got a code of v\[3\]"):
        mapped().working(LatentSpace("v", (3,)).sample(1, 0))
