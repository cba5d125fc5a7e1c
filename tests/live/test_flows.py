"""Flows over the live channel: step by step, on the map, as a landscape, in either order."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from explorer.core.direction import Direction, Straight
from explorer.methods.flows.potentials import PotentialField, Potentials
from tests import studios
from tests.live.desks import ask, pictures


@pytest.fixture(scope="module")
def known(desk):
    """Identities of two flows of one network and of a vector, kept where found directions lie."""
    opened = desk.studio.open("toy-vae")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        net = Potentials(2, studios.LATENT, hidden=16).eval().requires_grad_(False)
    space, card = opened.model.workspace, opened.model.card
    fields = {"flow 1": PotentialField(net, 0, 0.2, 4), "flow 2": PotentialField(net, 1, 0.2, 4), "along": Straight(torch.eye(studios.LATENT)[0])}
    made = [
        Direction(
            name, "flow" if name != "along" else "pca", space, field, length=0.5, model=card.name, weights=card.weights, settings={"accuracy": 0.9}
        )
        for name, field in fields.items()
    ]
    made[1] = replace(made[1], settings={"inert": True})
    return {direction.name: opened.compass.keep(direction) for direction in made}


def seed(*edits, number=3):
    return {"spot": {"origin": {"kind": "seed", "seed": number}, "axes": [], "edits": [list(edit) for edit in edits]}}


def test_what_can_be_followed_is_told_with_how_it_moves(desk, visitor, known):
    header, _ = ask(desk, visitor, "flows", ids=list(known.values()))
    told = {flow["name"]: flow for flow in header["flows"]}
    assert told["flow 1"]["kind"] == "flow" and told["flow 1"]["trained"] == 4 and told["flow 1"]["accuracy"] == 0.9 and not told["flow 1"]["inert"]
    assert told["flow 2"]["inert"] and told["along"]["kind"] == "vector" and not told["along"]["landscape"]
    assert header["why"] is None, "A model with gradients can learn flows."
    assert ask(desk, visitor, "flows", ids=["f" * 24])[0]["flows"] == []


def test_every_step_is_the_picture_of_its_edit_and_step_0_is_the_start(desk, visitor, known):
    flow = known["flow 1"]
    header, payload = ask(desk, visitor, "flow", patch=seed((known["along"], 1.0), (flow, 0.75)), id=flow, step=0.25, side=6, count=13)
    film = pictures(header, payload)
    assert header["first"] == -6 and len(film) == 13 == len(header["places"])
    for n in (-6, 0, 3, 6):
        edits = [(known["along"], 1.0)] + ([(flow, n * 0.25)] if n else [])
        alone = np.frombuffer(ask(desk, visitor, "decode", patch=seed(*edits), still=True)[1], np.uint8).reshape(film[0].shape)
        assert np.abs(alone.astype(int) - film[n + 6]).max() <= 1
    assert not (film[0] == film[6]).all() and not (film[12] == film[6]).all()
    assert header["change"][0] == 0 and all(change >= 0 for change in header["change"]) and max(header["change"]) > 0
    assert len(header["heights"]) == len(header["speed"]) == len(header["percentile"]) == 13
    assert header["trained"] is not None and header["cut"] == [False, False] and header["missed"] > 0


def test_back_is_the_start_exactly(desk, visitor, known):
    before = ask(desk, visitor, "decode", patch=seed(), still=True)
    flow = known["flow 1"]
    ask(desk, visitor, "commit", patch=seed((flow, 2.0)), label="forward")
    ask(desk, visitor, "commit", patch=seed((flow, 0.0)), label="back")
    after = ask(desk, visitor, "decode", patch={}, still=True)
    assert np.abs(np.array(before[0]["code"]) - np.array(after[0]["code"])).max() <= 1e-4 and before[1] == after[1]


def test_a_walk_is_undone_and_replayed_from_its_recipe(desk, visitor, known):
    flow = known["flow 1"]
    ask(desk, visitor, "commit", patch=seed((flow, 1.5)), label="forward")
    _, moved = ask(desk, visitor, "decode", patch={}, still=True)
    lines = ask(desk, visitor, "python", patch={})[0]["text"]
    assert "torch.tensor" in lines
    undone, _ = ask(desk, visitor, "undo")
    assert "edits" not in undone["state"]["session"]["spot"]
    redone, _ = ask(desk, visitor, "redo")
    assert redone["state"]["session"]["spot"]["edits"] == [[flow, 1.5]]
    assert ask(desk, visitor, "decode", patch={}, still=True)[1] == moved


def test_arrows_come_for_the_part_of_the_map_in_view(desk, visitor, known):
    view = {"x0": -2.0, "x1": 2.0, "y0": -1.0, "y1": 1.0, "columns": 8, "rows": 4}
    header, payload = ask(desk, visitor, "arrows", patch={}, id=known["along"], time=0, **view)
    found = np.frombuffer(payload, np.float32).reshape(header["n"], 5)
    assert header["n"] == 32 and np.allclose(found[:, 0].min(), -1.75) and np.allclose(found[:, 1].max(), 0.75)
    layout = desk.studio.atlas("toy-vae").layout(header["layout"])
    assert np.allclose(found[:, 2:4], (layout.axes[:, 0] * 0.5).numpy(), atol=1e-3)
    assert "at most 400" in ask(desk, visitor, "arrows", patch={}, id=known["along"], time=0, **(view | {"columns": 40, "rows": 40}))[0]["message"]
    assert "must lie above" in ask(desk, visitor, "arrows", patch={}, id=known["along"], time=0, **(view | {"x1": -3.0}))[0]["message"]


def test_the_landscape_rises_along_the_flow(desk, visitor, known):
    flow = known["flow 1"]
    header, payload = ask(
        desk, visitor, "landscape", patch=seed(), id=flow, step=0.25, side=8, at=4, x={"way": True}, y={"axis": 1}, reach=1.0, size=17
    )
    heights = np.frombuffer(payload, np.float32).reshape(17, 17)
    assert heights[8, 10] > heights[8, 8] > heights[8, 6], "To the right is the way of the flow, uphill."
    assert header["names"] == ["the way of flow 1", "z2"] and header["walk"][4 - header["first"]] == [0, 0]
    refused, _ = ask(desk, visitor, "landscape", patch=seed(), id=known["along"], step=0.25, side=8, at=0, x={"axis": 0}, y={"axis": 1}, size=17)
    assert refused["type"] == "error" and "no slope of a landscape" in refused["message"]


def test_two_flows_in_either_order_differ_and_a_vector_with_itself_is_refused(desk, visitor, known):
    header, payload = ask(desk, visitor, "gap", patch=seed(), id=known["flow 1"], amount=2.0, other=known["flow 2"], other_amount=2.0, count=3)
    film = pictures(header, payload)
    assert len(film) == 3 and header["latent"] > 0 and header["gap"] >= 0 and header["moved"] > 0 and header["other_moved"] > 0
    refused, _ = ask(desk, visitor, "gap", patch=seed(), id=known["along"], amount=1.0, other=known["along"], other_amount=1.0)
    assert "choose two" in refused["message"]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"id": "../../etc"}, "24 hexadecimal"), ({"id": "f" * 24}, "not known here"), ({"step": 0}, "'step' must be"), ({"side": 1000}, "'side' must be"),
        ({"step": None}, "'step' must be"), ({"patch": {"journey": {"start": seed()["spot"], "end": seed(number=4)["spot"], "t": 0.5}}}, "leave the path"),
    ],
)  # fmt: skip
def test_what_cannot_be_followed_is_refused_in_words(desk, visitor, known, fields, words):
    header, _ = ask(desk, visitor, "flow", **({"patch": {}, "id": known["flow 1"], "step": 0.25, "side": 6} | fields))
    assert header["type"] == "error" and words in header["message"], header


def test_a_flow_of_another_model_is_refused(desk, visitor, known):
    ask(desk, visitor, "open", model="toy-vae-2")
    header, _ = ask(desk, visitor, "flow", patch={}, id=known["flow 1"], step=0.25, side=6)
    assert header["type"] == "error" and "a direction of 'toy-vae', not of 'toy-vae-2'" in header["message"]


def test_the_library_of_charts_is_served_from_here(desk, visitor, built_views):
    header, payload = ask(desk, visitor, "plotting")
    assert header["type"] == "plotting" and payload == (built_views / "plotting.js").read_bytes() and b"plotly" in payload
