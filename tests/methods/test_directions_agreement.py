"""Agreement between seeds: partners are found whatever their order and sign, and chance agrees with nobody."""

import pytest
import torch
import torch.nn.functional as F

from explorer.core.direction import Direction, Field, Straight
from explorer.core.space import LatentSpace
from explorer.methods.directions import baseline
from explorer.methods.directions.agreement import cosines, matched, with_agreement
from explorer.methods.directions.find import Wish, find
from tests.toygrounds import ground
from tests.toys import normal

SPACE = LatentSpace("z", (6,))


def frame(seed: int = 0, count: int = 4) -> list[Direction]:
    return baseline.random(SPACE, count, seed=seed)


class Radial(Field):
    """Away from the origin, or towards it."""

    size, stride = 6, 0.1

    def __init__(self, sign: float):
        self.sign = sign

    def velocity(self, z, t):
        return self.sign * z


def test_order_and_sign_do_not_count():
    first = frame()
    turned = [d.but(field=Straight(-d.field.vector if i % 2 else d.field.vector)) for i, d in enumerate(first)]
    assert matched(first, [turned[i] for i in (2, 0, 3, 1)], normal(8, 6)) == pytest.approx([1.0] * 4, abs=1e-5)


def test_partners_are_chosen_for_the_sum_of_all():
    """The best partner of the first is the only good one of the second: taking it greedily would leave the second alone."""

    def towards(*values: float) -> Direction:
        return Direction("d", "test", SPACE, Straight(F.normalize(torch.tensor([*values, 0, 0, 0, 0][:6], dtype=torch.float32), dim=0)))

    ours, theirs = [towards(1, 0.9), towards(1, 0)], [towards(1, 0.2), towards(0, 1)]
    table = cosines(ours, theirs, normal(4, 6))
    assert int(table[0].argmax()) == int(table[1].argmax()) == 0
    assert matched(ours, theirs, normal(4, 6)) == pytest.approx([float(table[0, 1]), float(table[1, 0])])


def test_one_without_a_partner_agrees_with_none():
    assert sorted(matched(frame(), frame()[:3], normal(4, 6)))[:2] == pytest.approx([0.0, 1.0], abs=1e-5)


def test_fields_are_compared_where_codes_are():
    out, back = (Direction("r", "test", SPACE, Radial(sign)) for sign in (1.0, -1.0))
    assert matched([out], [back], normal(50, 6)) == pytest.approx([1.0], abs=1e-4)
    assert float(cosines([out], frame(count=1), normal(2000, 6))[0, 0]) < 0.1  # no vector is radial on average


def test_random_directions_agree_by_chance_and_boundaries_do():
    made = ground()
    lot = with_agreement(made, Wish("random", count=2), find(made, Wish("random", count=2)), runs=6)
    chance = sum(d.evidence["agreement"]["cosine"] for d in lot) / 2
    assert chance < 0.6
    (boundary,) = with_agreement(made, wish := Wish("logistic", attribute="first", toward="light"), find(made, wish))
    assert boundary.evidence["agreement"] == {"cosine": pytest.approx(1.0, abs=0.02), "runs": 2}


def test_a_boundary_of_few_codes_agrees_less():
    made = ground()
    light, dark = (tuple(torch.nonzero(made.labels["first"] == c)[:, 0].tolist()) for c in (1, 0))
    agreed = []
    for n in (200, 10):
        wish = Wish("mean difference", ones=light[:n], zeros=dark[:n])
        agreed.append(with_agreement(made, wish, find(made, wish))[0].evidence["agreement"]["cosine"])
    assert agreed[0] > 0.97 and agreed[1] < agreed[0] - 0.03


def test_what_takes_minutes_is_not_learned_again():
    made = ground()
    direction = Direction("flow 1", "flow", made.space, Straight(torch.eye(8)[0]))
    assert with_agreement(made, Wish("flow"), [direction])[0].evidence == {}


def test_agreement_outlives_a_finer_measurement():
    made = ground()
    (found,) = with_agreement(made, wish := Wish("logistic", attribute="first", toward="light"), find(made, wish))
    assert made.measured(made.measured(found, starts=12), starts=24).evidence["agreement"] == found.evidence["agreement"]
