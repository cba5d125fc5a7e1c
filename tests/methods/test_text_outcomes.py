import pytest
import torch

from explorer.core.errors import DataError
from explorer.core.text import Condition
from explorer.methods.text.outcomes import cosines, monotone, outcome, untouched


def scored(hat: list[int], colour: list[int]) -> dict[str, torch.Tensor]:
    """A judge that is sure."""
    return {"hat": 5.0 * torch.eye(2)[hat], "colour": 5.0 * torch.eye(3)[colour]}


def test_flips_and_what_was_kept_are_counted_among_those_that_could_flip():
    before, after = scored([0, 0, 0, 0, 1], [0, 1, 2, 0, 0]), scored([1, 1, 0, 1, 1], [0, 1, 0, 2, 2])
    found = outcome(before, after, "hat", torch.ones(5, dtype=torch.long))
    assert found.flip == 0.75 and found.keep == {"colour": 0.5}
    assert found.told() == {"flip": 0.75, "keep": {"colour": 0.5}, "keep_mean": 0.5, "keep_least": 0.5, "pictures": 4}


def test_what_cannot_be_counted_is_refused():
    before = scored([1, 1], [0, 0])
    with pytest.raises(DataError, match="Every picture shows the wanted class of 'hat' already"):
        outcome(before, before, "hat", torch.ones(2, dtype=torch.long))
    with pytest.raises(DataError, match="does not ask for 'beard' beside something else. It asks: hat, colour"):
        outcome(before, before, "beard", torch.zeros(2, dtype=torch.long))


def test_evidence_that_falls_once_is_not_monotone():
    along = [{"hat": torch.tensor([[0.0, a], [0.0, b]])} for a, b in ((-1, -1), (0, 1), (1, 0.9), (2, 3))]
    wanted = torch.ones(2, dtype=torch.long)
    assert monotone(along, "hat", wanted) == 0.5 and monotone(along, "hat", wanted, slack=0.2) == 1


def test_only_what_lies_outside_a_region_counts():
    x = torch.zeros(1, 3, 4, 4)
    region = torch.zeros(1, 4, 4, dtype=torch.bool)
    region[:, 1:3, 1:3] = True
    inside, outside = x.clone(), x.clone()
    inside[:, :, 1, 1], outside[:, :, 0, 0] = 1, 0.2
    assert untouched(x, inside, region).tolist() == [99]
    assert float(untouched(x, outside, region)) == pytest.approx(10 * torch.log10(torch.tensor(4 / (0.04 / 12))).item())


def said(*rows: list[float]) -> Condition:
    return Condition(torch.tensor([rows]), torch.ones(1, len(rows)))


def test_directions_of_captions_that_change_other_words_are_orthogonal():
    start = said([0.0, 0], [0.0, 0])
    found = cosines([(start, said([1.0, 0], [0, 0])), (start, said([0.0, 0], [0, 2])), (start, said([3.0, 0], [0, 0]))])
    assert torch.allclose(found, torch.tensor([[1.0, 0, 1], [0, 1, 0], [1, 0, 1]]))
    with pytest.raises(DataError, match="from two on, got 1"):
        cosines([(start, start)])
