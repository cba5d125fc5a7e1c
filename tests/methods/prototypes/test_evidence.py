import pytest
import torch

from explorer.core.errors import ModelError
from explorer.methods.prototypes.evidence import evidence, unit_share
from tests import prototypenets as nets

X = nets.pictures(6)


@pytest.mark.parametrize("name", nets.FAMILIES)
def test_a_table_ends_at_the_total(name):
    found = evidence(nets.model(name).prototypes, X)
    for b in range(len(X)):
        for owner in range(3):
            lines = found.table(b, owner)
            total = float(found.totals[b, owner])
            assert abs(lines[-1].running - total) <= 1e-5 * max(1, abs(total)) and len(lines) == len(found.rows)
            assert [abs(line.contribution) for line in lines] == sorted((abs(line.contribution) for line in lines), reverse=True)


@pytest.mark.parametrize("name", nets.FAMILIES)
def test_why_one_class_rather_than_another(name):
    found = evidence(nets.model(name).prototypes, X)
    lines = found.compared(2, 0, 1)
    assert abs(lines[-1].running - float(found.totals[2, 0] - found.totals[2, 1])) <= 1e-5 * max(1, float(found.totals[2].abs().max()))


def test_heat_and_box_are_at_the_size_of_the_picture():
    found = evidence(nets.model("protopnet").prototypes, X)
    assert found.heat(0, torch.tensor([1, 4]), (16, 16)).shape == (2, 16, 16)
    frame = found.box(0, 1, (16, 16))
    assert 0 <= frame.top < frame.bottom <= 16 and 0 <= frame.left < frame.right <= 16


def test_pictures_that_are_no_numbers_are_refused():
    with pytest.raises(ModelError, match="finite"):
        evidence(nets.model("cbc").prototypes, torch.full((1, 3, 16, 16), float("nan")))


def test_where_a_similarity_lies_on_its_scale():
    assert unit_share(0.25, (0.0, 1.0)) == 0.25 and unit_share(-3.0, (-float("inf"), 0.0)) is None and unit_share(9.0, (0.0, 4.5)) == 1.0
