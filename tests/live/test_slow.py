"""A model slower than a hand: previews while it moves, the whole picture at rest, and no hand waits for a film."""

import asyncio
import io
import time

import numpy as np
import pytest
import torch
from PIL import Image

from explorer.core.model import Card, Decoder, Model
from explorer.core.space import LatentSpace
from explorer.live.desk import Desk, Visitor
from explorer.live.protocol import VERSION, pack, unpack
from explorer.studio.studio import Opened, Studio
from tests.live.desks import ask

SPACES = {"planes": LatentSpace("z", (1, 10, 12)), "flat": LatentSpace("z", (3,))}


def planes(z):
    time.sleep(0.08 * z[0, 0].numel() / 120 * len(z))
    return torch.nn.functional.interpolate(z, scale_factor=8).clamp(-1, 1)


def flat(z):
    time.sleep(0.08 * len(z))
    return z[:, :1, None, None].expand(-1, 1, 80, 96).clamp(-1, 1)


@pytest.fixture(params=["planes", "flat"])
def desk(request, monkeypatch):
    """A desk with one slow model of 80×96 pictures, which have been drawn a few times; `planes` can draw previews, `flat` cannot."""
    name, space = request.param, SPACES[request.param]
    card = Card(name, "Slow", "toy", {}, spaces=({"name": "z", "shape": list(space.shape)},))
    model = Model(card, (space,), generator=Decoder(name, (1, 80, 96), {space: planes if name == "planes" else flat}))
    studio = Studio()
    studio.cards[name] = card
    monkeypatch.setattr(studio, "open", lambda name: Opened(model, None, 1))
    monkeypatch.setattr(studio, "holds", lambda name: True)
    monkeypatch.setattr(type(studio), "first", name)
    yield Desk(studio)
    studio.close()


@pytest.fixture
def visitor(desk):
    visitor = Visitor()
    ask(desk, visitor, "hello", version=VERSION)
    for _ in range(3):
        ask(desk, visitor, "decode", patch={}, still=True)
    return visitor


def test_a_moving_picture_is_a_quarter_of_the_area_and_the_still_is_whole(desk, visitor):
    patch = {"spot": {"origin": {"kind": "seed", "seed": 5}}}
    moving, picture = ask(desk, visitor, "decode", patch=patch)
    still, whole = ask(desk, visitor, "decode", patch=patch, still=True)
    assert moving["preview"] and (moving["width"], moving["height"], moving["format"]) == (48, 40, "jpeg")
    assert Image.open(io.BytesIO(picture)).size == (48, 40) and len(picture) < len(whole) / 4
    assert not still["preview"] and (still["width"], still["height"]) == (96, 80) and moving["code"] == still["code"]


def test_a_preview_is_drawn_faster_only_by_a_model_that_can(desk, visitor):
    ask(desk, visitor, "decode", patch={})
    moving, _ = ask(desk, visitor, "decode", patch={})
    whole = desk.studio.engine.milliseconds(desk.studio.first)
    assert (moving["decode_ms"] < 0.6 * whole) == (desk.studio.first == "planes")


def test_a_hand_does_not_wait_for_a_whole_grid(desk, visitor):
    def frames():
        async def both():
            grid = asyncio.create_task(desk.answer(visitor, pack({"type": "grid", "seq": 1, "view": "sample", "first": 0, "count": 16})))
            await asyncio.sleep(0.1)
            began = time.monotonic()
            hand = await desk.answer(visitor, pack({"type": "decode", "seq": 2, "view": "stage", "patch": {}}))
            waited, early = time.monotonic() - began, not grid.done()
            return unpack(hand)[0], waited, early, unpack(await grid)

        return asyncio.run(both())

    hand, waited, early, (grid, payload) = frames()
    assert hand["type"] == "frame" and grid["type"] == "grid" and early and waited < 1.5
    assert (grid["width"], grid["height"]) == (48, 40) and len(payload) == 16 * 48 * 40 * 4
    pictures = np.frombuffer(payload, np.uint8).reshape(16, 40, 48, 4)
    assert len({picture.tobytes() for picture in pictures}) > 10


def test_a_quick_model_is_shown_whole_while_it_moves(tmp_path):
    from tests import studios

    desk, visitor = Desk(studios.studio(tmp_path)), Visitor()
    ask(desk, visitor, "hello", version=VERSION)
    for _ in range(4):
        header, _ = ask(desk, visitor, "decode", patch={})
    assert header["preview"] is False and header["width"] == 16
    desk.studio.close()
