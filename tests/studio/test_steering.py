"""Edits along directions: stacked in their order, protected, and read strictly."""

import math

import pytest
import torch

from explorer.core.direction import Direction, Straight
from explorer.core.errors import SessionError
from explorer.core.space import LatentSpace
from explorer.methods.directions.heads import Head
from explorer.studio.steering import edited, read_bench, read_edits, read_protected
from tests.toys import normal

A, B = "a" * 24, "b" * 24
SPACE = LatentSpace("z", (4,))


def known(identity: str) -> Direction:
    vectors = {A: torch.tensor([1.0, 0, 0, 0]), B: torch.tensor([0.6, 0.8, 0, 0])}
    return Direction(identity[0], "test", SPACE, Straight(vectors[identity]), length=2.0, target="shape: round" if identity == A else "")


def head(axis: int) -> Head:
    way = torch.nn.functional.one_hot(torch.tensor(axis), 4).float()
    return Head(("no", "yes"), (torch.stack([-way, way]), torch.zeros(2)))


def test_edits_add_up_in_units():
    z = normal(3, 4)
    assert torch.allclose(edited(z, ((A, 1.0), (B, -0.5)), known), z + torch.tensor([2 - 0.6, -0.8, 0, 0]), atol=1e-6)
    assert torch.equal(edited(z, (), known), z)


def test_what_is_protected_stays():
    z = normal(3, 4)
    moved = edited(z, ((B, 1.0),), known, {"size": head(0)}) - z
    assert torch.allclose(moved[:, 0], torch.zeros(3), atol=1e-5) and (moved[:, 1] > 1.9).all()


def test_an_edit_is_not_protected_from_itself():
    z = normal(3, 4)
    assert torch.allclose(edited(z, ((A, 1.0),), known, {"shape": head(0)}), z + torch.tensor([2.0, 0, 0, 0]))


@pytest.mark.parametrize(
    "value",
    [3, [[A]], [[A, "far"]], [[A, math.nan]], [[A, 99]], [["../../etc", 1]], [[A.upper(), 1]], [[A, True]], [[f"{i:024d}", 1] for i in range(17)]],
)
def test_edits_that_make_no_sense_are_refused(value):
    with pytest.raises(SessionError):
        read_edits(value, "edits")


def test_a_direction_is_edited_once_and_the_last_word_counts():
    assert read_edits([[A, 1], [B, 2], [A, -1]], "edits") == ((A, -1.0), (B, 2.0))


@pytest.mark.parametrize(
    "value", ["x", [3], [{"id": A, "name": 3}], [{"id": "x"}], [{"id": A, "pinned": 1}], [{"id": f"{i:024d}"} for i in range(129)]]
)
def test_a_bench_that_makes_no_sense_is_refused(value):
    with pytest.raises(SessionError):
        read_bench(value, "bench")


def test_a_bench_keeps_its_order_and_names():
    held = read_bench([{"id": B, "name": "mine", "pinned": True}, {"id": A}, {"id": B}], "bench")
    assert [(h.id, h.name, h.pinned) for h in held] == [(B, "", False), (A, "", False)]
    assert read_protected(["skin", "skin", "top"], "protect") == ("skin", "top")
    with pytest.raises(SessionError):
        read_protected([1], "protect")
