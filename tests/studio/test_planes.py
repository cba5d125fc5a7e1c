"""Changing a code with rows and columns at a place."""

import json
import math

import pytest
import torch

from explorer.core.errors import SessionError
from explorer.core.model import Card, Decoder, Model
from explorer.core.space import LatentSpace
from explorer.studio.codes import spot_code
from explorer.studio.planes import pictures_of, raised
from explorer.studio.session import Session, Spot, Values
from explorer.studio.shelf import Opened

SHAPE = (2, 5, 7)


def test_a_bump_is_a_gaussian_hill_in_its_channel_alone():
    z = raised(torch.zeros(70), SHAPE, ((1, 2.0, 3.0, 1.5, 4.0),), name="toy").reshape(SHAPE)
    assert z[1, 2, 3] == 4 and z[0].abs().max() == 0
    assert z[1, 2, 6] == pytest.approx(4 * math.exp(-9 / 4.5)) and z[1, 0, 2] == pytest.approx(4 * math.exp(-5 / 4.5))


def test_without_a_radius_the_whole_channel_is_lifted_and_bumps_add_up():
    z = raised(torch.ones(70), SHAPE, ((0, 0.0, 0.0, 0.0, 0.5), (0, 0.0, 0.0, 0.0, 0.25)), name="toy").reshape(SHAPE)
    assert torch.equal(z[0], torch.full((5, 7), 1.75)) and torch.equal(z[1], torch.ones(5, 7))


def test_the_code_it_came_from_is_left_alone():
    flat = torch.zeros(70)
    raised(flat, SHAPE, ((0, 0.0, 0.0, 0.0, 1.0),), name="toy")
    assert not flat.any()


@pytest.mark.parametrize(("shape", "bump", "words"), [
    ((70,), (0, 0.0, 0.0, 1.0, 1.0), "only codes with channels"), (SHAPE, (2, 0.0, 0.0, 1.0, 1.0), "2 channels, 5 rows and 7 columns"), (SHAPE, (0, 4.5, 0.0, 1.0, 1.0), "5 rows"),
])  # fmt: skip
def test_a_place_that_is_not_there_is_refused_in_words(shape, bump, words):
    with pytest.raises(SessionError, match=words):
        raised(torch.zeros(70), shape, (bump,), name="toy")


def test_a_session_keeps_bumps_as_numbers_and_says_nothing_of_none():
    session = Session("toy").patched({"spot": {"origin": {"kind": "seed", "seed": 3}, "bumps": [[1, 2, 3, 1.5, -1]]}})
    assert session.spot.bumps == ((1, 2.0, 3.0, 1.5, -1.0),) and hash(session)
    assert Session.from_json(json.loads(json.dumps(session.to_json()))) == session
    assert "bumps" not in Session("toy").to_json()["spot"]


@pytest.mark.parametrize(
    "bump",
    [[1, 2, 3, 4], "hill", [1.5, 0, 0, 1, 1], [0, -1, 0, 1, 1], [0, 0, 0, -1, 1], [0, 0, 0, 1, float("nan")], [True, 0, 0, 1, 1], [0, 0, 0, 1, 1e9]],
)
def test_a_bump_from_a_stranger_is_read_strictly(bump):
    with pytest.raises(SessionError, match="bumps"):
        Session("toy").patched({"spot": {"origin": {"kind": "seed", "seed": 0}, "bumps": [bump]}})


def test_there_may_be_only_so_many():
    with pytest.raises(SessionError, match="at most 64"):
        Session("toy").patched({"spot": {"origin": {"kind": "seed", "seed": 0}, "bumps": [[0, 0, 0, 1, 1]] * 65}})


def test_a_spot_is_its_origin_then_its_axes_then_its_bumps():
    space = LatentSpace("z", SHAPE)
    model = Model(Card("toy", "", "toy", {}), (space,), generator=Decoder("toy", (1, 5, 7), {space: lambda z: z[:, :1]}))
    z = spot_code(Opened(model, None, 0), Spot(Values((0.5,) * 70), ((17, 2.0),), ((0, 2.0, 3.0, 1.0, 1.0),))).reshape(SHAPE)
    assert z[0, 2, 3] == 3.0 and z[1, 0, 0] == 0.5


def test_steps_of_a_history_share_one_long_code():
    origin = {"kind": "values", "values": [0.25] * 16384}
    first = Session("toy").patched({"spot": {"origin": origin}})
    second = first.patched({"spot": {"origin": origin, "bumps": [[0, 0, 0, 1, 1]]}})
    assert second.spot.origin is first.spot.origin and second != first


def test_channels_are_pictures_with_zero_in_the_middle():
    assert pictures_of(torch.tensor([[[-9.0, 0.0, 3.0]]]), most=3).tolist() == [[[0, 128, 255]]]
