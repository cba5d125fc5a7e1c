import pytest
import torch

from explorer.core.errors import ModelError
from explorer.core.heat import Box, Layer, box, cell_box, heat, receptive_field
from explorer.core.prototypes import Linear, Reasoning, matches


def reasoning(seed: int = 0, *, classes: int = 3, vectors: int = 2, count: int = 5) -> Reasoning:
    shares = torch.randn(classes, vectors, 2 * count, generator=torch.Generator().manual_seed(seed)).softmax(dim=2)
    return Reasoning(shares[..., :count], shares[..., count:])


HEADS = {
    "linear": Linear(torch.randn(3, 5, generator=torch.Generator().manual_seed(1))),
    "bias": Linear(torch.randn(3, 5, generator=torch.Generator().manual_seed(1)), torch.tensor([0.5, -1.0, 2.0])),
    "reasoning": reasoning(),
}
SCORES = torch.rand(500, 5, generator=torch.Generator().manual_seed(2))


@pytest.mark.parametrize("head", HEADS.values(), ids=HEADS)
def test_rows_add_up_to_the_total(head):
    rows, totals = head.contributions(SCORES), head.totals(SCORES)
    assert rows.shape == (500, 3, len(head.rows))
    assert ((rows.sum(dim=2) - totals).abs() <= 1e-5 * totals.abs().clamp_min(1)).all()


def test_reasons_for_and_against_add_up_to_one():
    head = reasoning(vectors=1)
    present, absent = head.present[:, 0], head.absent[:, 0]
    agreement = head.contributions(SCORES).sum(dim=2)
    disagreement = (1 - SCORES) @ present.T + SCORES @ absent.T
    assert torch.allclose(agreement + disagreement, torch.ones(500, 3), atol=1e-6)
    assert agreement.min() >= 0 and agreement.max() <= 1


@pytest.mark.parametrize("head", HEADS.values(), ids=HEADS)
def test_a_weight_of_zero_is_the_same_as_no_prototype(head):
    left = torch.tensor([0, 1, 3, 4])
    assert (head.scaled(2, 0.0).totals(SCORES) - head.kept(left).totals(SCORES[:, left])).abs().max() <= 1e-6


def test_for_linear_heads_even_to_the_seventh_digit():
    left = torch.tensor([0, 1, 3, 4])
    assert (HEADS["linear"].scaled(2, 0.0).totals(SCORES) - HEADS["linear"].kept(left).totals(SCORES[:, left])).abs().max() <= 2.5e-7


def test_merging_duplicates_changes_nothing():
    doubled = SCORES.clone()
    doubled[:, 4] = doubled[:, 1]
    for head in HEADS.values():
        assert torch.allclose(head.merged(1, 4).totals(doubled), head.totals(doubled), atol=1e-6)


def test_reassigning_exchanges_two_classes():
    moved = HEADS["linear"].reassigned(2, 0, 1)
    assert torch.equal(moved.weight[0, 2], HEADS["linear"].weight[1, 2]) and torch.equal(moved.weight[:, 0], HEADS["linear"].weight[:, 0])


def test_shares_of_reasons_add_up_to_one_after_every_edit():
    head = reasoning()
    for edited in (head.scaled(1, 3.0), head.scaled(0, 0.0, owner=2), head.merged(1, 2), head.reassigned(3, 0, 1), head.kept(torch.tensor([0, 4]))):
        assert ((edited.present + edited.absent).sum(dim=2) - 1).abs().max() <= 1e-6


def test_a_class_cannot_lose_its_last_reason():
    alone = Reasoning(torch.ones(2, 1, 1), torch.zeros(2, 1, 1))
    with pytest.raises(ModelError, match="without any evidence"):
        alone.scaled(0, 0.0)


def test_pooling_finds_the_highest_cell():
    maps = torch.zeros(2, 3, 4, 5)
    maps[0, 1, 2, 3] = 7
    found = matches(maps)
    assert found.scores[0].tolist() == [0, 7, 0] and found.cells[0, 1].tolist() == [2, 3]
    with pytest.raises(ModelError, match="finite"):
        matches(torch.full((1, 1, 2, 2), float("nan")))


def keys(distance: float, a: float = -0.75) -> float:
    d = abs(distance)
    if d <= 1:
        return (a + 2) * d**3 - (a + 3) * d**2 + 1
    return a * d**3 - 5 * a * d**2 + 8 * a * d - 4 * a if d < 2 else 0.0


def test_a_heat_map_is_what_a_loop_over_pixels_and_cells_gives():
    cells = torch.rand(4, 4, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    heated = heat(cells[None, None], (10, 12))[0, 0]
    for y in range(10):
        for x in range(12):
            v, u = (y + 0.5) * 4 / 10 - 0.5, (x + 0.5) * 4 / 12 - 0.5
            total = 0.0
            for i in range(int(v // 1) - 1, int(v // 1) + 3):
                for j in range(int(u // 1) - 1, int(u // 1) + 3):
                    total += keys(v - i) * keys(u - j) * float(cells[min(max(i, 0), 3), min(max(j, 0), 3)])
            assert abs(total - float(heated[y, x])) < 1e-9


def test_heat_by_cells_shows_each_value_as_it_is():
    cells = torch.arange(4.0).view(1, 1, 2, 2)
    assert heat(cells, (4, 4), way="cells")[0, 0, :, 0].tolist() == [0, 0, 2, 2]


def test_a_box_holds_every_pixel_above_its_rank():
    heated = torch.zeros(20, 20)
    heated[3:6, 10:12] = 1
    heated[5, 9] = 2
    assert box(heated, rank=0.985) == Box(3, 9, 6, 12)
    heated[18, 0] = 1
    assert box(heated, rank=0.98) == Box(3, 0, 19, 12)  # two peaks far apart share a box


def test_a_patch_stays_in_the_picture():
    assert cell_box(0, 15, (16, 16), (64, 64), 9) == Box(0, 55, 9, 64)
    assert cell_box(8, 8, (16, 16), (64, 64), 8).area == 64


def test_the_receptive_field_of_two_strided_convolutions():
    layers = [Layer(3, 2, 1), Layer(3, 2, 1)]
    assert receptive_field(layers, 2, 2, (32, 32)) == Box(5, 5, 12, 12)
    assert receptive_field(layers, 0, 0, (32, 32)) == Box(0, 0, 4, 4)
