"""Units of equal image change, evidence and the variation-predictability score, where the answers are known."""

from collections.abc import Mapping

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from explorer.core.direction import Direction, Straight
from explorer.core.errors import DataError
from explorer.core.space import LatentSpace
from explorer.methods.directions import baseline, units
from explorer.methods.measure import variation
from explorer.methods.measure.evidence import Scene, evidence, interval
from tests.toys import normal

SIDE, SIZE = 16, 8
SPACE = LatentSpace("z", (SIZE,))


def patches(z: torch.Tensor) -> torch.Tensor:
    """Each coordinate colours a patch of its own: 8 patches of 8 x 4 pixels."""
    return z.view(-1, 1, 4, 2).repeat_interleave(4, dim=2).repeat_interleave(8, dim=3) / 4


class Eye:
    """Names the sign of the first patch, and of a mixture of the first and the second."""

    questions: Mapping[str, tuple[str, ...]] = {"first": ("dark", "light"), "both": ("dark", "light")}

    def logits(self, x):
        a, b = x[:, 0, 0, 0] * 40, x[:, 0, 0, 8] * 40
        return {"first": torch.stack([-a, a], dim=1), "both": torch.stack([-(a + b), a + b], dim=1)}


def along(axis: int, **changes) -> Direction:
    return Direction(f"axis {axis}", "test", SPACE, Straight(F.one_hot(torch.tensor(axis), SIZE).float()), **changes)


def test_one_unit_changes_the_picture_alike_whatever_the_direction():
    weights = torch.linspace(0.2, 3.0, SIZE)
    decode = lambda z: patches(z * weights)  # noqa: E731
    unit = units.yardstick(decode, normal(200, SIZE))
    for axis in (2, 5, 7):
        done = units.calibrated(along(axis), decode, normal(16, SIZE, seed=1), unit)
        moved = units.changes(done, decode, normal(16, SIZE, seed=2), [1.0, -1.0])
        assert moved.mean() == pytest.approx(unit, rel=0.05) and "inert" not in done.settings
        assert done.length == pytest.approx(unit * 4 * SIZE**0.5 / float(weights[axis]), rel=0.05)


def test_what_changes_nothing_is_called_inert():
    decode = lambda z: patches(z * torch.tensor([1.0] * 7 + [0.0]))  # noqa: E731
    assert units.calibrated(along(7), decode, normal(8, SIZE), 0.1).settings["inert"]


def test_the_yardstick_is_a_quarter_of_a_typical_difference():
    assert units.yardstick(patches, normal(4000, SIZE)) == pytest.approx(2**0.5 / 4 / 4, rel=0.06)


def test_evidence_names_the_effect_and_what_leaks():
    starts = normal(400, SIZE, seed=3)
    told = evidence(along(0, target="first: light"), Scene(patches, SPACE, Eye()), starts)
    flips, amounts = told["flips"], told["amounts"]
    at = amounts.index(1.0)
    truth = float(((starts[:, 0] > 0) != (starts[:, 0] + 1 > 0)).float().mean())
    assert flips["first"][at] == pytest.approx(truth, abs=1e-3)
    assert told["target"] == {"question": "first", "class": "light", "sign": 1, "given": True}
    assert told["matched"]["matched"] and told["matched"]["leakage"]["both"] > 0.3 and told["monotone"] > 0.95
    middle = amounts.index(0.0)
    assert told["change"][middle] == 0 and flips["first"][middle] == 0
    assert told["change"] == pytest.approx([abs(a) / 4 / 8**0.5 for a in amounts], abs=1e-5)


def test_leakage_is_read_where_exactly_four_fifths_have_arrived():
    """Between the amounts measured: with steps of 1, the crossing and what has changed by then follow from the codes themselves."""
    starts = normal(4000, SIZE, seed=3)
    told = evidence(along(0, target="first: light"), Scene(patches, SPACE, Eye()), starts, amounts=(-1.0, 0.0, 0.4, 0.8, 1.2, 1.6, 2.0))["matched"]
    dark = starts[starts[:, 0] <= 0]
    amount = float((-dark[:, 0]).quantile(0.8))
    truth = float((((dark[:, 0] + dark[:, 1]) > 0) != ((dark[:, 0] + amount + dark[:, 1]) > 0)).float().mean())
    assert told["reached"] == 0.8 and told["most"] > 0.95 and told["starts"] == len(dark)
    assert told["amount"] == pytest.approx(amount, abs=0.06) and told["leakage"]["both"] == pytest.approx(truth, abs=0.02)


def test_starts_that_do_not_show_the_attribute_are_no_failures():
    """The first patch is hidden in half of the pictures: the others decide."""
    half = Scene(patches, SPACE, Eye(), visible=lambda rows: np.stack([rows[:, 1] == 1, rows[:, 1] >= 0], axis=1))
    starts = normal(400, SIZE, seed=3)
    told = evidence(along(0, target="first: light"), half, starts)["matched"]
    assert told["starts"] == int(((starts[:, 0] <= 0) & (starts[:, 0] + starts[:, 1] > 0)).sum()) and told["most"] > 0.95


def test_ten_directions_from_twelve_starts_decode_a_bounded_number_of_pictures():
    """What the first table costs, without a clock: 13 amounts of 12 starts, and a calibration of no more."""
    drawn = []

    def decode(z):
        drawn.append(len(z))
        return patches(z)

    done = units.calibrated(along(0), decode, normal(16, SIZE), 0.2)
    assert sum(drawn) <= 16 * 9
    drawn.clear()
    evidence(done, Scene(decode, SPACE, Eye()), normal(12, SIZE))
    assert sum(drawn) <= 12 * 13


def test_the_effect_of_an_unnamed_direction_is_found_with_its_sign():
    told = evidence(along(0).but(field=Straight(-F.one_hot(torch.tensor(0), SIZE).float())), Scene(patches, SPACE, Eye()), normal(200, SIZE))
    assert told["target"]["question"] == "first" and told["target"]["sign"] * (1 if told["target"]["class"] == "light" else -1) == -1
    assert told["monotone"] > 0.95


def test_a_direction_that_does_nothing_seen_leaks_nothing():
    told = evidence(along(5, target="first: light"), Scene(patches, SPACE, Eye()), normal(100, SIZE))
    assert set(told["flips"]["first"]) == {0.0} and told["matched"]["reached"] == 0.0 and not told["matched"]["matched"] and told["monotone"] == 0.0


def test_what_cannot_be_seen_does_not_count():
    hide = Scene(patches, SPACE, Eye(), visible=lambda rows: rows * 0 == 1)
    assert set(evidence(along(0), hide, normal(50, SIZE))["flips"]["first"]) == {0.0}


def test_the_end_of_the_data_is_where_codes_become_rare():
    told = evidence(along(0, length=3.0), Scene(patches, SPACE), normal(200, SIZE))
    assert told["ends"]["forth"] in (1.0, 1.5) and told["ends"]["back"] in (-1.0, -1.5) and "flips" not in told


def test_the_interval_of_a_share():
    low, high = interval(0.5, 100)
    assert (low, high) == (pytest.approx(0.404, abs=2e-3), pytest.approx(0.596, abs=2e-3)) and interval(0.3, 0) == (0.0, 1.0)


def scored(directions, seed=0, shuffle=False) -> variation.Variation:
    weight = torch.linalg.qr(normal(SIZE, SIZE, seed=7)).Q
    x, y = variation.pairs(directions, lambda z: patches(z @ weight), lambda n, s: normal(n, SIZE, seed=s), n=1200, amount=2.0, seed=seed)
    y = y[torch.randperm(len(y), generator=torch.Generator().manual_seed(1))] if shuffle else y
    return variation.predictability(x, y, count=len(directions), epochs=25, seeds=1)


@pytest.mark.slow
def test_directions_with_effects_of_their_own_are_told_apart():
    assert scored(baseline.random(SPACE, 4, seed=1)).highest[0] >= 0.95


@pytest.mark.slow
def test_one_direction_under_many_names_scores_chance():
    found = scored([along(2)] * 4)
    assert found.last[0] == pytest.approx(0.25, abs=0.05)


@pytest.mark.slow
def test_shuffled_labels_score_chance():
    assert scored(baseline.random(SPACE, 4, seed=1), shuffle=True).last[0] == pytest.approx(0.25, abs=0.05)


def test_too_few_pairs_are_refused():
    with pytest.raises(DataError, match="at least"):
        variation.predictability(torch.zeros(50, 1, 32, 32), torch.zeros(50, dtype=torch.long), count=8)
