"""Codes for a hand that moves: near the exact ones, exact once it rests, and no more walks a picture than there is time for."""

import asyncio
import threading
from dataclasses import dataclass
from types import SimpleNamespace

import pytest
import torch

from explorer.core.direction import Direction, Field, Straight, normalised
from explorer.core.space import LatentSpace
from explorer.studio import haste
from explorer.studio.haste import Haste
from explorer.studio.session import Seed, Session, Spot
from explorer.studio.steering import edited

SPACE = LatentSpace("z", (6,))
COUNT = 6
NAMES = [letter * 24 for letter in "abcdef"]
WALKED = []


@dataclass(frozen=True, eq=False)
class Bent(Field):
    """A field that turns with where it is; it counts its steps."""

    way: torch.Tensor
    name: str
    size: int = 6
    stride: float = 0.1

    def velocity(self, z, t):
        WALKED.append(self.name)
        return self.way + 0.6 * torch.sin(z.roll(1, dims=1) + self.way.sum())


def directions():
    generator = torch.Generator().manual_seed(1)
    ways = torch.randn(COUNT, 6, generator=generator)
    fields = [Bent(way, name) for way, name in zip(ways, NAMES)]
    fields[2] = Straight(normalised(ways[2]))
    return {name: Direction(name[0], "test", SPACE, each, length=0.8) for name, each in zip(NAMES, fields)}


@pytest.fixture
def opened():
    known = directions()
    model = SimpleNamespace(card=SimpleNamespace(weights="w"))
    return SimpleNamespace(model=model, direction=known.__getitem__, heads=lambda protect: {})


def session(**amounts):
    return Session("toy", Spot(Seed(0), edits=tuple((name, amounts.get(name[0], 0.7)) for name in NAMES)))


def exact(opened, session, z):
    return edited(z[None], session.spot.edits, opened.direction)[0]


Z = torch.tensor([0.3, -1.0, 0.5, 1.2, -0.4, 0.1])


def test_the_first_picture_of_a_gesture_is_exact(opened):
    assert torch.allclose(Haste().edited(opened, session(), Z, visitor="v"), exact(opened, session(), Z), atol=1e-5)


@pytest.mark.parametrize("dragged", "acf")
def test_a_dragged_edit_stays_near_and_is_right_once_the_hand_rests(opened, monkeypatch, dragged):
    monkeypatch.setattr(haste, "TIME", 0.0)
    hands, moved, missed = Haste(), [], []
    for step in range(40):
        now = session(**{dragged: 3.5 * torch.tensor(step / 8).sin().item()})
        wanted = exact(opened, now, Z)
        missed.append(float((hands.edited(opened, now, Z, visitor="v") - wanted).norm()))
        moved.append(float((wanted - exact(opened, session(**{dragged: 0.0}), Z)).norm()))
    assert sum(missed) < 0.15 * sum(moved)
    for _ in range(COUNT + 1):
        last = hands.edited(opened, now, Z, visitor="v")
    assert float((last - wanted).norm()) < 0.02 * float((wanted - Z).norm())


def test_a_picture_walks_one_edit_anew_where_there_is_no_time_for_more(opened, monkeypatch):
    monkeypatch.setattr(haste, "TIME", 0.0)
    hands = Haste()
    hands.edited(opened, session(a=1.0), Z, visitor="v")
    hands.edited(opened, session(a=2.0), Z, visitor="v")  # its table is made
    seen = set()
    for step in range(1, COUNT):
        WALKED.clear()
        hands.edited(opened, session(a=2.0 + step / 50), Z, visitor="v")
        assert len(set(WALKED)) <= 1, "One walk at most."
        seen |= set(WALKED)
    assert seen >= {NAMES[k] for k in (1, 3, 4)}, "All of them have their turn."


def test_hands_are_apart_and_another_model_begins_anew(opened):
    hands = Haste()
    hands.edited(opened, session(), Z, visitor="one")
    other = hands.edited(opened, session(a=-2.0), -Z, visitor="other")
    assert torch.allclose(other, exact(opened, session(a=-2.0), -Z), atol=1e-5)
    opened.model.card.weights = "others"
    assert torch.allclose(hands.edited(opened, session(b=2.0), Z, visitor="one"), exact(opened, session(b=2.0), Z), atol=1e-5)


def test_an_edit_taken_away_is_forgotten_and_comes_back_as_it_was(opened):
    hands = Haste()
    whole = hands.edited(opened, session(), Z, visitor="v")
    few = Session("toy", Spot(Seed(0), edits=session().spot.edits[1:]))
    for _ in range(COUNT):
        hands.edited(opened, few, Z, visitor="v")
    assert torch.allclose(hands.edited(opened, few, Z, visitor="v"), exact(opened, few, Z), atol=1e-4)
    for _ in range(COUNT + 1):
        again = hands.edited(opened, session(), Z, visitor="v")
    assert torch.allclose(again, whole, atol=1e-4)


def test_walks_have_one_core_and_all_else_keeps_what_it_had():
    several = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        assert asyncio.run(haste.alone(torch.get_num_threads)) == 1
        found = []
        later = threading.Thread(target=lambda: found.append(torch.get_num_threads()))
        later.start()
        later.join()
        assert (torch.get_num_threads(), found) == (2, [2])
    finally:
        torch.set_num_threads(several)
