import math

import pytest
import torch

from explorer.core.errors import DataError
from explorer.methods.diffusion.information import Ratios, decomposed, information, relevance, without
from explorer.methods.text.sde import Score, interval, sde
from explorer.methods.text.wording import warnings
from tests.textworlds import Pairs, transformer

FINE = Ratios(count=100, centre=0.0, scale=2.0, clip=5.0)


class Gates(Pairs):
    """A is a function of two bits, said by "p0", "p1", "q0", "q1"; of a bit that is not said either value is as likely."""

    vocabulary = ("p0", "p1", "q0", "q1")

    def __init__(self, gate):
        super().__init__(0.5)
        object.__setattr__(self, "gate", gate)

    def _shares(self, words):
        bits = [(p, q) for p in (0, 1) for q in (0, 1) if f"p{1 - p}" not in words and f"q{1 - q}" not in words]
        on = sum(self.gate(p, q) for p, q in bits) / len(bits)
        return torch.tensor([1 - on, 1 - on, on, on], dtype=torch.float64).clamp(1e-30) / 2


def xor(p: int, q: int) -> int:
    return p ^ q


def first(p: int, q: int) -> int:
    return p


def pictures(world: Pairs, a: int, n: int = 40) -> torch.Tensor:
    """Draws of the mixture with that A, `(n, 1, 1, 1, 10)`, every other one with B."""
    generator = torch.Generator().manual_seed(0)
    centres = torch.stack([world.centre(a, b) for b in (-1, 1)]).repeat(n // 2, 1)
    return (centres + world.spread * torch.randn(n, 10, generator=generator, dtype=torch.float64)).view(n, 1, 1, 1, 10)


@pytest.mark.parametrize("estimator", ["orthogonal", "standard"])
def test_one_bit_of_a_well_separated_mixture_is_ln_2(estimator):
    world = Pairs(0.5)
    found = [
        information(world, x, ["on"], ratios=Ratios(100, 0.0, 2.0, 5.0, seed=i), estimator=estimator).sum() for i, x in enumerate(pictures(world, 1))
    ]
    assert float(torch.stack(found).mean()) == pytest.approx(math.log(2), rel=0.05)


def test_a_map_shows_where_the_word_is_and_adds_up():
    world = Pairs(0.5)
    maps = information(world, pictures(world, 1)[0], ["on", "with"], ratios=FINE)
    assert maps.shape == (2, 1, 10) and float(maps[0, 0, 0] / maps[0].sum()) > 0.99 and float(maps[1, 0, 1] / maps[1].sum()) > 0.99


def test_what_only_both_bits_tell_is_synergy():
    world = Gates(xor)
    parts = [decomposed(world, x, "p0", "q1", ratios=Ratios(100, 0.0, 2.0, 5.0, seed=i)).totals() for i, x in enumerate(pictures(world, 1, 100))]
    mean = {name: sum(part[name] for part in parts) / len(parts) for name in parts[0]}
    assert mean["synergy"] == pytest.approx(math.log(2), rel=0.06)
    assert max(abs(mean[name]) for name in ("redundant", "first", "second")) < 1e-6


def test_what_both_words_say_is_redundant_and_what_one_says_is_unique():
    copied = decomposed(Pairs(0.5), pictures(Pairs(0.5), 1)[0], "on", "on", ratios=FINE).totals()
    assert copied["redundant"] == pytest.approx(copied["together"], rel=1e-6) and abs(copied["synergy"]) < 1e-6
    world = Gates(first)
    alone = decomposed(world, pictures(world, 1)[0], "p1", "q1", ratios=FINE).totals()
    assert alone["first"] == pytest.approx(alone["together"], rel=1e-6) and abs(alone["redundant"]) < 1e-9


def test_parts_add_up_everywhere():
    found = decomposed(Pairs(0.8), pictures(Pairs(0.8), 1)[0], "on", "with", ratios=FINE)
    assert torch.allclose(found.redundant + found.first + found.second + found.synergy, found.together)


def test_words_about_different_places_share_nothing_and_need_nothing_of_each_other():
    totals = decomposed(Pairs(0.5), pictures(Pairs(0.5), 1)[1], "on", "with", ratios=FINE).totals()
    assert max(abs(totals["synergy"]), totals["redundant"]) < 0.1 * totals["together"] and min(totals["first"], totals["second"]) > 0.3


def test_fewer_ratios_change_totals_little_and_weights_integrate_what_is_known():
    world = Pairs(0.5)
    shown = list(enumerate(pictures(world, 1, 100)))
    few, many = (sum(float(information(world, x, ["on"], ratios=Ratios(n, 0.0, 2.0, 5.0, seed=i)).sum()) for i, x in shown) for n in (50, 100))
    assert few == pytest.approx(many, rel=0.1)
    t, weights = Ratios(400, 0.0, 1.0, 8.0).drawn()
    ratio = 2 * torch.logit(1 - t)
    assert float((weights * (-ratio).exp() * torch.exp(-ratio.square() / 2)).sum()) == pytest.approx(math.sqrt(2 * math.pi), rel=0.01)


def test_a_word_that_repeats_what_others_say_matters_little():
    world = Pairs(0.5)
    needed, repeated = relevance(world, pictures(world, 1)[1], "on with", ratios=FINE), relevance(world, pictures(world, 1)[1], "on on", ratios=FINE)
    assert needed.shape == (2, 1, 10) and float(needed[0].sum()) > 0.3 and float(repeated.abs().max()) < 1e-9
    assert without(("a", "b", "c"), 1) == "a c"


def test_maps_of_a_network_have_the_shape_of_its_pictures():
    reader = transformer().denoiser
    found = relevance(reader, 0.3 * torch.randn(1, 3, 16, 16), "a red hat", ratios=Ratios(6))
    assert found.shape == (3, 16, 16) and (found >= 0).all() and found.sum() > 0


def test_information_that_cannot_be_is_refused():
    world, x = Pairs(0.5), pictures(Pairs(0.5), 1)[0]
    with pytest.raises(DataError, match="No estimator 'best'"):
        information(world, x, ["on"], estimator="best")
    with pytest.raises(DataError, match="no word that this model reads"):
        relevance(world, x, "🙂")
    with pytest.raises(DataError, match="At least two ratios"):
        Ratios(count=1)


def test_a_faithful_model_scores_well_and_one_that_ignores_words_infinitely():
    world = Pairs(0.5)
    x = pictures(world, -1, 8)[:, 0]
    score = sde(world, x, ["off"] * 8, ["on"] * 8, steps=40)
    told = score.told()
    assert (score.total < 0.3).all() and told["total_low"] <= told["total"] <= told["total_high"] and told["unseen"] == 0
    deaf = sde(world, x, ["off"] * 8, ["off"] * 8, steps=10)
    assert deaf.effect.isinf().all() and deaf.told()["total"] == math.inf and deaf.told()["unseen"] == 1


def test_what_does_not_come_back_costs():
    world = Pairs(0.5)
    x = pictures(world, -1, 8)[:, 0]
    fine, coarse = (sde(world, x, ["off"] * 8, ["on"] * 8, steps=steps) for steps in (40, 4))
    assert (coarse.back.mean() > 2 * fine.back.mean()) and (coarse.effect.mean() > 2 * fine.effect.mean())


def test_an_interval_covers_the_mean_at_its_rate():
    generator = torch.Generator().manual_seed(0)
    held = 0
    for i in range(100):
        low, high = interval(torch.randn(60, generator=generator), seed=i)
        held += low <= 0 <= high
    assert 88 <= held <= 99
    with pytest.raises(DataError, match="at least one picture"):
        interval(torch.zeros(0))
    with pytest.raises(DataError, match="Every picture needs two captions, got 2 pictures, 1 and 2"):
        sde(Pairs(0.5), torch.zeros(2, 1, 1, 10), ["on"], ["on", "off"])
    assert Score(torch.tensor([1.0, 2.0]), torch.tensor([0.5, 0.5])).told()["total"] == 2.0


@pytest.mark.parametrize(
    ("said", "wanted", "expected"),
    [
        ("a red hat", "a red face", []),
        ("a red hat", "a hat", ["The captions have 3 and 2 words. From word 2 on"]),
        ("a hat", "a hat with", ["The captions have 2 and 3 words."]),
        ("a hat", "a green hat", ["does not know 'green'", "From word 2 on"]),
        ("a hat", "hat no face", ["does not know 'no'", "The captions have", "'no' is weak"]),
        ("a hat", "A hat!", ["Both captions say the same"]),
        ("", "a hat", ["The description is empty."]),
        ("a hat", "مرحبا 🙂", ["The edit has no word that this model reads"]),
        ("a hat", "a face with a red red hat", ["The edit is longer than this model reads: it ends with 'red'.", "The captions have 2 and 6"]),
        ("a red hat with a face", "face red with hat face a", ["words differ: keep the order"]),
    ],
)
def test_pairs_of_captions_get_their_warnings(said, wanted, expected):
    found = warnings(transformer().denoiser, said, wanted)
    assert len(found) == len(expected) and all(part in sentence for part, sentence in zip(expected, found)), found
