import math

import torch

from explorer.core.heat import heat
from explorer.core.prototypes import Linear
from explorer.methods.prototypes import quality
from tests import planted

MASK = torch.zeros(64, 64, dtype=torch.bool)
MASK[16:40, 16:40] = True


def test_a_patch_shows_the_part_or_it_does_not():
    masks = MASK.expand(4, -1, -1)
    cells = torch.tensor([[7, 7], [0, 0], [4, 4], [15, 7]])
    assert quality.hits(masks, cells, (16, 16)).tolist() == [True, False, True, False]
    tiny = torch.zeros(1, 64, 64, dtype=torch.bool)
    tiny[0, 30:32, 30:32] = True
    assert quality.hits(tiny, torch.tensor([[7, 7]]), (16, 16)).tolist() == [True]
    assert quality.hits(torch.zeros_like(tiny), torch.tensor([[7, 7]]), (16, 16)).tolist() == [False]


def test_looking_anywhere_shows_the_part_as_often_as_it_is_large():
    assert abs(quality.purity_anywhere(MASK[None], (16, 16)) - (28 / 64) ** 2) < 0.05


def test_heat_inside_the_mask_and_elsewhere():
    hot = MASK.float()
    assert quality.mask_relevance(hot, MASK) == 1 and quality.energy_relevance(hot, MASK) == 1 and quality.overlap(hot, MASK) == 1
    assert quality.content(hot, MASK) == (1.0, 0.0)
    half = 0.5 + 0.5 * hot
    assert quality.content(half, MASK) == (1.0, 0.0)  # rescaled, as it is defined
    cold = (~MASK).float()
    assert quality.content(cold, MASK)[0] == 0 and math.isinf(quality.content(cold, MASK)[1]) and quality.mask_relevance(cold, MASK) == 0


def test_random_heat_is_as_relevant_as_the_mask_is_large():
    share = float(MASK.float().mean())
    generator = torch.Generator().manual_seed(0)
    found = [quality.mask_relevance(torch.rand(64, 64, generator=generator), MASK) for _ in range(20)]
    assert abs(sum(found) / 20 - share) <= 0.05


def test_deleting_what_counts_first_leaves_the_least():
    weight = MASK.float()

    def probabilities(x):
        there = (x[:, 0] * weight).sum(dim=(1, 2)) / weight.sum()
        return torch.stack([there, 1 - there], dim=1)

    x = torch.ones(1, 1, 64, 64)
    good, bad = quality.deletion(probabilities, x, MASK.float()), quality.deletion(probabilities, x, (~MASK).float())
    assert good < 0.12 and bad > 0.85 and torch.equal(x, torch.ones(1, 1, 64, 64))


def test_consistent_prototypes_hit_one_part():
    found = torch.zeros(3, 10, 2, dtype=torch.bool)
    found[0, :9, 1] = True  # 90 % of one part
    found[1, :7, 0] = True  # 70 %
    found[2, :4, 0] = True
    shown = torch.ones(3, 10, 2, dtype=torch.bool)
    shown[2, 5:, 0] = False  # of the five that show it, four
    assert abs(quality.consistency(found, shown) - 2 / 3) < 1e-6


def test_parts_in_the_patch_of_a_cell():
    parts = torch.tensor([[[30.0, 30.0], [5.0, 60.0], [math.nan, math.nan]]])
    assert quality.part_hits(parts, torch.tensor([[7, 7]]), (16, 16), (64, 64), 18).tolist() == [[True, False, False]]


def test_a_little_noise_leaves_most_places_and_much_noise_does_not():
    prototypes, x = planted.planted("contrast", 6), planted.pictures(12)

    def hit(cells):
        return torch.nn.functional.one_hot(cells[..., 0] * 4 + cells[..., 1], 16).bool()

    none, little, much = (quality.stability(prototypes, x, hit, noise=n, most=m) for n, m in ((0.0, 0.0), (0.01, 0.02), (2.0, 3.0)))
    assert none == 1 and none >= little > much


def test_how_many_prototypes_count():
    weight = torch.tensor([[1.0, 0.0, 1e-6, -0.5], [0.2, 0.0, 0.0, 0.0]])
    assert quality.compactness(Linear(weight)) == {"in_all": 2, "a_class": 1.5}


def test_the_hottest_pixels_of_an_upsampled_peak_are_around_it():
    maps = torch.zeros(1, 1, 16, 16)
    maps[0, 0, 6:8, 6:8] = 5.0
    assert quality.mask_relevance(heat(maps, (64, 64))[0, 0], MASK, share=0.02) == 1
