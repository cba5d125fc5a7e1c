"""The desk answers every request, and every bad one with a sentence."""

import asyncio
import json
import threading

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from explorer.live.desk import Call, Desk, Visitor
from explorer.live.protocol import VERSION, pack, unpack
from explorer.studio.studio import Studio
from tests import studios
from tests.live.desks import ask

SIDE = 16


def place(x, y, layout="pca"):
    return {"spot": {"origin": {"kind": "place", "layout": layout, "x": x, "y": y}}}


def test_hello_starts_a_session_and_tells_what_the_model_is(desk):
    visitor = Visitor()
    header, _ = ask(desk, visitor, "hello", version=VERSION)
    assert header["type"] == "welcome" and header["session"] == visitor.session
    assert header["info"]["name"] == "toy-vae" and header["info"]["space"]["size"] == studios.LATENT
    assert {m["name"]: m["traversable"] for m in header["models"]}["toy-judge"] is False
    again, _ = ask(desk, Visitor(), "hello", version=VERSION, session=header["session"])
    assert again["session"] == header["session"]


def test_a_hello_for_a_model_that_is_not_there_gets_the_first_one_and_open_says_so(desk):
    visitor = Visitor()
    header, _ = ask(desk, visitor, "hello", version=VERSION, model="nonsense")
    assert header["type"] == "welcome" and header["info"]["name"] == "toy-vae"
    refused, _ = ask(desk, visitor, "open", model="nonsense")
    assert refused["type"] == "error" and "No model 'nonsense' here" in refused["message"]


def test_the_last_session_of_a_page_is_taken_up_again_when_its_id_is_not_known(desk):
    first = Visitor()
    ask(desk, first, "hello", version=VERSION)
    last = ask(desk, first, "commit", patch={"spot": {"origin": {"kind": "seed", "seed": 9}}}, label="seed 9")[0]["state"]["session"]
    header, _ = ask(desk, Visitor(), "hello", version=VERSION, session="of a server that has gone", last=last)
    assert header["session"] != first.session and header["state"]["session"] == last
    for unfit in ({"model": "gone"}, {"model": "toy-vae", "spot": {"origin": {"kind": "entry", "row": 10**9}}}, "no session", 5):
        assert ask(desk, Visitor(), "hello", version=VERSION, last=unfit)[0]["state"]["session"]["spot"]["origin"]["seed"] == 0


def test_a_page_of_another_version_is_told_to_reload(desk):
    header, _ = ask(desk, Visitor(), "hello", version=99)
    assert header["type"] == "error" and "Reload" in header["message"]


def test_nothing_is_answered_before_hello(desk):
    header, _ = ask(desk, Visitor(), "decode", patch={})
    assert header["type"] == "error" and "hello" in header["message"]


def test_a_decode_gives_the_pixels_of_the_patched_session_and_commits_nothing(desk, visitor):
    before, picture = ask(desk, visitor, "decode", patch={})
    moved, other = ask(desk, visitor, "decode", patch={"spot": {"origin": {"kind": "seed", "seed": 7}, "axes": [[0, 2.5]]}})
    after, again = ask(desk, visitor, "decode", patch={})
    assert len(picture) == SIDE * SIDE * 4 and picture == again != other
    assert moved["code"][0] == 2.5 and before["code"] == after["code"]
    assert 0 <= moved["typicality"] <= 1 and len(moved["place"]) == 2 and moved["interpolated"] is False


def test_the_frame_is_what_python_decodes(desk, visitor):
    model = desk.studio.model("toy-vae")
    _, picture = ask(desk, visitor, "decode", patch={"spot": {"origin": {"kind": "seed", "seed": 3}}})
    pixels = desk.studio.decode("toy-vae", model.space.sample(1, seed=3))[0]
    assert np.array_equal(np.frombuffer(picture, np.uint8).reshape(SIDE, SIDE, 4)[..., 0], pixels[..., 0])


def test_any_place_on_the_map_is_decoded_and_marked_as_interpolated(desk, visitor):
    near, one = ask(desk, visitor, "decode", patch=place(0.31, 0.2))
    far, two = ask(desk, visitor, "decode", patch=place(0.33, 0.9))
    assert near["interpolated"] and one != two
    assert np.allclose(near["place"], [0.31, 0.2], atol=1e-3)  # a linear map comes back exactly


def test_a_commit_is_a_step_that_can_be_undone_and_redone(desk, visitor):
    committed, _ = ask(desk, visitor, "commit", patch={"spot": {"origin": {"kind": "entry", "row": 4}}}, label="atlas point")
    assert committed["state"]["undo_label"] == "atlas point" and committed["state"]["session"]["spot"]["origin"]["row"] == 4
    undone, _ = ask(desk, visitor, "undo")
    assert undone["state"]["session"]["spot"]["origin"]["kind"] == "seed" and undone["state"]["can_redo"]
    redone, _ = ask(desk, visitor, "redo")
    assert redone["state"]["session"]["spot"]["origin"]["row"] == 4


def test_a_commit_that_takes_long_undoes_nothing_committed_meanwhile(desk, visitor, monkeypatch):
    async def both():
        gate = asyncio.Event()
        prepared = Call.prepared
        waits = iter([True])

        async def slowly(call, opened, session):
            if next(waits, False):
                await gate.wait()
            await prepared(call, opened, session)

        monkeypatch.setattr(Call, "prepared", slowly)
        first = asyncio.create_task(
            desk.answer(visitor, pack({"type": "commit", "patch": {"journey": {"end": {"origin": {"kind": "seed", "seed": 9}}}}}))
        )
        await asyncio.sleep(0)
        await desk.answer(visitor, pack({"type": "commit", "patch": {"spot": {"origin": {"kind": "entry", "row": 4}}}}))
        gate.set()
        return unpack(await first)[0]["state"]["session"]

    session = asyncio.run(both())
    assert session["spot"]["origin"]["row"] == 4 and session["journey"]["end"]["origin"]["seed"] == 9


def test_sampled_codes_of_an_entry_differ_from_its_mean_and_repeat(desk, visitor):
    entry = {"spot": {"origin": {"kind": "entry", "row": 4}}}
    mean, _ = ask(desk, visitor, "decode", patch=entry)
    drawn, _ = ask(desk, visitor, "decode", patch=entry | {"sampled": True})
    again, _ = ask(desk, visitor, "decode", patch=entry | {"sampled": True})
    assert np.allclose(mean["code"], desk.studio.atlas("toy-vae").codes[4], atol=1e-4)
    assert drawn["code"] == again["code"] != mean["code"]


def test_a_path_starts_and_ends_at_its_ends(desk, visitor):
    ends = {"start": {"origin": {"kind": "entry", "row": 1}}, "end": {"origin": {"kind": "seed", "seed": 9}}, "kind": "arc"}
    header, frames = ask(desk, visitor, "path", patch={"journey": ends}, count=5)
    pictures = np.frombuffer(frames, np.uint8).reshape(5, SIDE, SIDE, 4)
    _, first = ask(desk, visitor, "decode", patch={"spot": ends["start"]})
    _, last = ask(desk, visitor, "decode", patch={"spot": ends["end"]})
    _, middle = ask(desk, visitor, "decode", patch={"journey": ends | {"t": 0.5}})
    for found, expected in zip(pictures[[0, 2, 4]], (first, middle, last)):
        assert np.abs(found.astype(int) - np.frombuffer(expected, np.uint8).reshape(SIDE, SIDE, 4)).max() <= 1
    assert header["t"] == [0, 0.25, 0.5, 0.75, 1] and len(header["typicality"]) == len(header["places"]) == 5


def test_a_grid_shows_what_each_seed_alone_gives(desk, visitor):
    _, frames = ask(desk, visitor, "grid", first=11, count=4)
    _, alone = ask(desk, visitor, "decode", patch={"spot": {"origin": {"kind": "seed", "seed": 13}}})
    third = np.frombuffer(frames, np.uint8).reshape(4, -1)[2]
    assert np.abs(third.astype(int) - np.frombuffer(alone, np.uint8)).max() <= 1


def test_the_atlas_arrives_whole_with_what_cannot_be_seen_marked(desk, visitor):
    header, payload = ask(desk, visitor, "atlas", layout="bent")
    atlas = desk.studio.atlas("toy-vae")
    xy = np.frombuffer(payload[: header["n"] * 8], np.float32).reshape(-1, 2)
    labels = np.frombuffer(payload[header["n"] * 8 :], np.uint8).reshape(len(header["labels"]), -1)
    assert np.array_equal(xy, atlas.layout("bent").xy.numpy())
    assert np.array_equal(labels[1] == 255, atlas.labels["hat"].numpy() < 0)
    _, axis = ask(desk, visitor, "axis", axis=2)
    assert np.array_equal(np.frombuffer(axis, np.float32), atlas.codes[:, 2].numpy())


def test_words_name_the_nearest_entry(desk, visitor):
    header, _ = ask(desk, visitor, "describe", patch={"spot": {"origin": {"kind": "entry", "row": 8}}})
    assert header["nearest"]["row"] == 8 and header["nearest"]["distance"] < 1e-3 and header["text"].endswith(".")


def test_thumbnails_come_whole_and_one_by_one(desk, visitor):
    whole, sprite = ask(desk, visitor, "thumbs")
    one, thumbnail = ask(desk, visitor, "example", row=5)
    assert whole["side"] == 32 and sprite[:4] == thumbnail[:4] == b"RIFF" and one["labels"]["side"] in ("left", "right")


def test_another_model_is_opened_as_a_step_and_a_judge_is_refused_with_the_reason(desk, visitor):
    opened, _ = ask(desk, visitor, "open", model="toy-vae-2")
    assert opened["info"]["name"] == "toy-vae-2"
    undone, _ = ask(desk, visitor, "undo")
    assert undone["info"]["name"] == "toy-vae"
    refused, _ = ask(desk, visitor, "open", model="toy-judge")
    assert refused["type"] == "error" and "no latent space" in refused["message"]


@pytest.mark.parametrize(
    ("kind", "fields", "words"),
    [
        ("open", {"model": "../etc/passwd"}, "No model"),
        ("open", {}, "needs 'model'"),
        ("fly", {}, "No request 'fly'"),
        ("decode", {"patch": {"spot": {"origin": {"kind": "values", "values": [1, 2]}}}}, "6 numbers, got 2"),
        ("decode", {"patch": {"spot": {"origin": {"kind": "values", "values": [1e5] * 6}}}}, "reaches 1e"),
        ("decode", {"patch": {"spot": {"origin": {"kind": "values", "values": [1e39] * 6}}}}, "finite number within"),
        ("decode", {"patch": {"spot": {"origin": {"kind": "entry", "row": 999}}}}, "codes 0 to 59, got 999"),
        ("decode", {"patch": {"spot": {"origin": {"kind": "seed", "seed": 1}, "axes": [[77, 0]]}}}, "axes 0 to 5, got 77"),
        ("decode", {"patch": {"spot": {"origin": {"kind": "place", "layout": "moon", "x": 0, "y": 0}}}}, "no map 'moon'"),
        ("decode", {"patch": {"model": "toy-judge"}}, "no 'model'"),
        ("commit", {"patch": {"spot": {"origin": {"kind": "entry", "row": 999}}}}, "codes 0 to 59"),
        ("commit", {"patch": {"layout": "moon"}}, "no map 'moon'"),
        ("commit", {"patch": {"colour": "axis:6"}}, "no label or axis"),
        ("commit", {"patch": {"selection": [3, 60]}}, "codes 0 to 59, got 60"),
        ("commit", {"patch": {"locked": [6]}}, "axes 0 to 5, got 6"),
        ("commit", {"patch": {"journey": {"start": {"origin": {"kind": "entry", "row": 60}}}}}, "codes 0 to 59, got 60"),
        ("path", {"patch": {}, "count": 5}, "both its ends"),
        ("path", {"count": 10_000}, "both its ends|from 2 to 64"),
        ("grid", {"first": 0, "count": 0}, "from 1 to 64"),
        ("grid", {"first": 0, "count": 2, "truncation": 7}, "from 0 to 1"),
        ("atlas", {"layout": "moon"}, "no map 'moon'"),
        ("axis", {"axis": -1}, "from 0 to 5"),
        ("example", {"row": "x"}, "from 0 to 59"),
    ],
)
def test_a_bad_request_is_answered_with_a_sentence_and_the_session_is_kept(desk, visitor, kind, fields, words):
    before, _ = ask(desk, visitor, "undo")
    header, _ = ask(desk, visitor, kind, **fields)
    assert header["type"] == "error" and header["about"] == kind
    import re

    assert re.search(words, header["message"]), header["message"]
    after, _ = ask(desk, visitor, "undo")
    assert after["state"] == before["state"]


NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
ORIGINS = st.fixed_dictionaries({"kind": st.sampled_from(["seed", "entry", "place", "values"])}, optional={
    "seed": NUMBERS, "row": NUMBERS, "x": NUMBERS, "y": NUMBERS, "layout": st.sampled_from(["pca", "bent", "moon"]), "values": st.lists(NUMBERS, min_size=6, max_size=6),
})  # fmt: skip
SPOTS = st.fixed_dictionaries({"origin": ORIGINS}, optional={"axes": st.lists(st.tuples(st.integers(0, 7), NUMBERS), max_size=3)})
PATCHES = st.fixed_dictionaries(
    {},
    optional={
        "spot": SPOTS,
        "journey": st.fixed_dictionaries({"start": SPOTS, "end": SPOTS, "t": NUMBERS}),
        "sampled": st.booleans(),
        "locked": st.lists(st.integers(0, 9)),
    },
)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(message=st.binary(max_size=200) | st.dictionaries(st.sampled_from(["type", "seq", "view", "patch", "axis", "count", "first", "row", "label", "layout"]),
    st.none() | st.text(max_size=6) | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | PATCHES | st.sampled_from(["decode", "commit", "grid", "path", "axis", "example", "describe"]) | st.lists(st.integers(), max_size=3), max_size=6).map(lambda d: pack(d)))  # fmt: skip
def test_whatever_arrives_is_answered_by_one_well_formed_message(desk, visitor, message):
    header, _ = unpack(asyncio.run(desk.answer(visitor, message)))
    json.dumps(header, allow_nan=False)
    if header["type"] == "error":
        assert "went wrong" not in header["message"], header


def test_too_many_requests_are_refused_and_the_connection_lives_on(desk, visitor):
    allowance = desk.studio.store.history(visitor.session).allowance
    allowance.left, allowance.rate = 10, 1e-6
    assert ask(desk, visitor, "grid", first=0, count=9)[0]["type"] == "grid"
    assert ask(desk, visitor, "undo")[0]["type"] == "session"
    same_session = Visitor(visitor.session)
    assert "Too many" in ask(desk, same_session, "undo")[0]["message"]
    allowance.left = 5
    assert ask(desk, visitor, "undo")[0]["type"] == "session"


def test_one_connection_cannot_start_sessions_without_end(desk):
    visitor = Visitor()
    answers = [ask(desk, visitor, "hello", version=VERSION)[0]["type"] for _ in range(20)]
    assert answers[0] == "welcome" and answers.count("error") >= 15


def test_a_number_that_is_no_number_is_refused_where_it_arrives(desk, visitor):
    raw = b'{"type":"decode","seq":1e400,"view":"x","patch":{}}'
    header, _ = unpack(asyncio.run(desk.answer(visitor, len(raw).to_bytes(4, "little") + raw)))
    assert header["type"] == "error" and "too large" in header["message"]


def test_a_link_to_a_model_that_cannot_be_traversed_opens_the_first_one(desk):
    header, _ = ask(desk, Visitor(), "hello", version=VERSION, model="toy-judge")
    assert header["info"]["name"] == "toy-vae"


def test_loading_one_model_does_not_hold_up_pictures_of_another(tmp_path, monkeypatch):
    from explorer import checkpoints

    studio = studios.studio(tmp_path)
    desk, visitor, other = Desk(studio), Visitor(), Visitor()
    ask(desk, visitor, "hello", version=VERSION)
    ask(desk, other, "hello", version=VERSION)
    gate, load = threading.Event(), checkpoints.load
    monkeypatch.setattr(checkpoints, "load", lambda *arguments: (gate.wait(30), load(*arguments))[1])

    async def both():
        opening = asyncio.create_task(desk.answer(other, pack({"type": "open", "model": "toy-vae-2"})))
        await asyncio.sleep(0.1)
        frame = await asyncio.wait_for(desk.answer(visitor, pack({"type": "decode", "patch": {}})), 10)
        assert not opening.done()
        gate.set()
        return unpack(frame)[0], unpack(await opening)[0]

    frame, opened = asyncio.run(both())
    assert frame["type"] == "frame" and opened["info"]["name"] == "toy-vae-2"
    studio.close()


def test_a_model_whose_atlas_is_of_other_weights_still_draws_and_says_why_there_is_no_map(tmp_path):
    from explorer import atlases

    one, two = studios.save_vae(tmp_path, "one"), studios.save_vae(tmp_path, "two", seed=4)
    atlases.file_of(one).write_bytes(atlases.file_of(two).read_bytes())
    studio = Studio((one,), first="one")
    desk, visitor = Desk(studio), Visitor()
    welcome, _ = ask(desk, visitor, "hello", version=VERSION)
    assert welcome["info"]["atlas"] is None and "explorer atlas" in welcome["info"]["without_atlas"]
    assert ask(desk, visitor, "decode", patch={})[0]["type"] == "frame"
    assert "no atlas" in ask(desk, visitor, "atlas")[0]["message"]
    studio.close()
