"""Photos over the live channel: brought, compared, refined, forgotten."""

import asyncio
import io
import itertools
import json
import zipfile

import numpy as np
import pytest
from PIL import Image

from explorer.live.desk import LARGE, Visitor
from explorer.live.protocol import VERSION, pack, unpack
from tests import studios
from tests.live.desks import ask

SIDE = 16


def file(picture=None, kind="png", **options) -> bytes:
    """A picture file's bytes: a bright square on dark ground."""
    if picture is None:
        picture = Image.new("RGB", (60, 40), (20, 20, 20))
        picture.paste((240, 240, 240), (20, 10, 40, 30))
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def pictures(header, payload):
    """The pictures `(H, W)` that an answer brought."""
    ends = list(itertools.accumulate(header["sizes"]))
    return [np.asarray(Image.open(io.BytesIO(payload[a:b])).convert("L")) for a, b in zip([0, *ends], ends)]


def finished(desk, visitor, job, patience=120):
    return desk.studio.jobs.find(visitor.session, job["id"]).wait(patience)


def test_a_photo_is_fitted_encoded_and_compared(desk, visitor):
    header, payload = ask(desk, visitor, "photo", file(), name="me.png")
    assert header["type"] == "photo" and header["name"] == "me.png" and (header["width"], header["height"]) == (SIDE, SIDE)
    own, drawn = pictures(header, payload)
    assert own[8, 8] > 200 and own[8, 0] < 60  # grey, and cut square around the middle
    assert header["error"] == pytest.approx(float(((own / 127.5 - drawn / 127.5) ** 2).mean()), rel=1e-4)
    assert len(header["code"]) == studios.LATENT and 0 <= header["typicality"] <= 1 and header["nearest"]["row"] < studios.ENTRIES
    frame, _ = ask(desk, visitor, "decode", patch={"spot": {"origin": {"kind": "values", "values": header["code"]}}}, still=True)
    assert np.allclose(frame["code"], header["code"], atol=1e-4)


def test_a_frame_chooses_what_of_the_photo_counts(desk, visitor):
    whole = pictures(*ask(desk, visitor, "photo", file()))[0]
    square = pictures(*ask(desk, visitor, "photo", file(), frame={"x": 0.5, "y": 0.5, "size": 0.4}))[0]
    assert whole.min() < 60 and square.min() > 200


def test_the_photo_is_kept_in_memory_for_whoever_brought_it_alone(desk, visitor):
    first, _ = ask(desk, visitor, "photo", file(), name="me.png")
    again, payload = ask(desk, visitor, "photo")
    assert again["name"] == "me.png" and again["code"] == first["code"] and len(pictures(again, payload)) == 2
    other = Visitor()
    ask(desk, other, "hello", version=VERSION)
    assert ask(desk, other, "photo")[0]["name"] is None
    assert "no longer kept" in ask(desk, other, "likeness")[0]["message"]
    assert ask(desk, visitor, "forget_photo")[0]["name"] is None and ask(desk, visitor, "photo")[0]["name"] is None


def test_a_visitor_who_wants_to_be_forgotten_takes_the_photo_along(desk, visitor):
    ask(desk, visitor, "photo", file())
    assert desk.studio.loans.find(visitor.session, "photo") is not None
    desk.studio.forget(visitor.session)
    assert desk.studio.loans.find(visitor.session, "photo") is None


def test_no_photo_is_in_the_history(desk, visitor):
    ask(desk, visitor, "photo", file(), name="secret-name.png")
    header, _ = ask(desk, visitor, "undo")
    assert "secret" not in str(header) and not header["state"]["can_undo"]


def test_a_photo_of_another_model_is_not_taken_for_one_of_this(desk, visitor):
    ask(desk, visitor, "photo", file())
    ask(desk, visitor, "open", model="toy-vae-2")
    assert ask(desk, visitor, "photo")[0]["name"] is None


def test_any_code_is_compared_and_the_usual_error_told(desk, visitor):
    code = ask(desk, visitor, "photo", file())[0]["code"]
    same, _ = ask(desk, visitor, "likeness")
    given, _ = ask(desk, visitor, "likeness", values=code, quick=True)
    assert same["error"] == given["error"] and given["usual"] is None
    usual = same["usual"]
    assert usual["kind"] == "atlas" and 12 <= usual["count"] <= studios.ENTRIES and 0 <= usual["share"] <= 1
    far, _ = ask(desk, visitor, "likeness", values=[5.0] * 6, quick=True)
    assert far["error"] != same["error"] and far["typicality"] < 1e-6


def test_refining_comes_closer_and_says_how_it_was_before(desk, visitor):
    first, _ = ask(desk, visitor, "photo", file())
    started, _ = ask(desk, visitor, "refine", closeness=1, steps=60)
    assert started["type"] == "job" and started["job"]["kind"] == "refine"
    job = finished(desk, visitor, started["job"])
    told, _ = ask(desk, visitor, "job", id=job.id)
    result = told["job"]["result"]
    assert job.state == "done" and result["exact"] and not result["stopped"]
    assert result["error"] < result["first_error"] == pytest.approx(first["error"], rel=0.02)
    assert result["first_typicality"] == pytest.approx(first["typicality"], abs=1e-4)
    after, _ = ask(desk, visitor, "likeness", values=result["values"], quick=True)
    assert after["error"] == pytest.approx(result["error"], rel=0.02) and after["psnr"] > first["psnr"]


def test_cancelling_keeps_the_best_so_far(desk, visitor):
    ask(desk, visitor, "photo", file())
    started, _ = ask(desk, visitor, "refine", closeness=1, steps=2000)
    job = desk.studio.jobs.find(visitor.session, started["job"]["id"])
    while job.so_far is None or job.progress.step < 5:
        assert job.state in ("waiting", "running"), job.error
    assert len(ask(desk, visitor, "job", id=job.id)[0]["job"]["result"]["values"]) == studios.LATENT
    ask(desk, visitor, "cancel", id=job.id)
    assert job.wait(60).state == "done" and job.result["stopped"] and job.result["steps"] < 2000
    assert job.result["error"] <= job.result["first_error"]


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        (b"", "'me.png' is empty"),
        (b"hello", "'me.png' cannot be read as a picture: it is none of JPEG"),
        (file()[:60], "'me.png' cannot be read as a picture"),
        (file(Image.new("L", (9000, 9000))), "9000×9000 pixels, expected at most 64 million"),
    ],
)
def test_what_is_no_picture_is_refused_and_the_one_before_is_kept(desk, visitor, payload, words):
    ask(desk, visitor, "photo", file(), name="good.png")
    header, _ = ask(desk, visitor, "photo", payload, name="../../me.png")
    assert header["type"] == "error" and words in header["message"] and ".." not in header["message"]
    assert ask(desk, visitor, "photo")[0]["name"] == "good.png"


def test_any_colour_mode_and_depth_will_do(desk, visitor):
    cmyk = Image.new("CMYK", (30, 30), (0, 0, 0, 200))
    deep = Image.fromarray(np.full((30, 30), 40_000, np.uint16))
    moving = file(Image.new("P", (30, 30), 3), "gif", save_all=True, append_images=[Image.new("P", (30, 30), 9)])
    for payload in (file(cmyk, "jpeg"), file(deep), moving, file(Image.new("RGBA", (30, 30))), file(Image.new("1", (30, 30)))):
        assert ask(desk, visitor, "photo", payload)[0]["type"] == "photo"


@pytest.mark.parametrize(
    ("kind", "fields", "words"),
    [
        ("photo", {"frame": {"x": 7}}, "'x' must be a number from 0 to 1"),
        ("photo", {"frame": "all"}, "'x' must be a number"),
        ("photo", {"name": 5}, "needs 'name', a text"),
        ("likeness", {"values": [1, 2]}, "6 numbers, got 2"),
        ("likeness", {"values": ["x"] * 6}, "finite number"),
        ("likeness", {"values": [1e6] * 6}, "reaches 1e"),
        ("refine", {"closeness": 2, "steps": 5}, "from 0 to 1"),
        ("refine", {"closeness": 1, "steps": 10**6}, "from 1 to 2000"),
        ("refine", {"closeness": 1}, "'steps' must be a whole number"),
    ],
)
def test_a_bad_request_is_answered_with_a_sentence(desk, visitor, kind, fields, words):
    ask(desk, visitor, "photo", file())
    header, _ = ask(desk, visitor, kind, file() if kind == "photo" else b"", **fields)
    assert header["type"] == "error" and words in header["message"], header


def test_only_what_brings_a_picture_may_be_large(desk, visitor):
    noise = np.random.default_rng(0).integers(256, size=(800, 800, 3), dtype=np.uint8)
    large = file(Image.fromarray(noise))
    assert len(large) > 1 << 20
    assert ask(desk, visitor, "photo", large)[0]["type"] == "photo"
    assert "may have 1048576 bytes" in ask(desk, visitor, "decode", large, patch={})[0]["message"]
    too_large = pack({"type": "photo", "seq": 1, "view": "test"}, b"\0" * LARGE["photo"])
    assert f"'photo' may have {LARGE['photo']} bytes" in unpack(asyncio.run(desk.answer(visitor, too_large)))[0]["message"]
    hidden = pack({"type": "photo", "name": "x" * (2 << 20)})
    assert "may have 1048576 bytes" in unpack(asyncio.run(desk.answer(visitor, hidden)))[0]["message"]


def zipped(files):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as packed:
        for name, content in files.items():
            packed.writestr(name, content)
    return buffer.getvalue()


def test_the_same_edit_is_made_to_many_pictures_and_fetched_as_a_zip(desk, visitor):
    assert ask(desk, visitor, "pile", file(), kind="picture", name="a.png", start=True)[0]["count"] == 1
    told, _ = ask(desk, visitor, "pile", b"hello", kind="picture", name="b.png")
    assert (told["count"], told["lost"]) == (1, 1) and told["unreadable"][0][0] == "b.png"
    archive = zipped({"c.png": file(), "d.txt": b"hello"})
    assert ask(desk, visitor, "pile", archive[:50], kind="zip", name="more.zip", more=True)[0]["count"] == 1
    assert ask(desk, visitor, "pile", archive[50:], kind="zip", name="more.zip")[0] | {"seq": 0} == told | {
        "seq": 0, "count": 2, "lost": 2, "unreadable": [*told["unreadable"], ["d.txt", "'d.txt' cannot be read as a picture: it is none of JPEG, PNG, WEBP, BMP, GIF, TIFF."]],
    }  # fmt: skip
    ask(desk, visitor, "commit", patch={"spot": {"origin": {"kind": "seed", "seed": 1}, "axes": [[1, 2.5]]}}, label="z2")
    started, _ = ask(desk, visitor, "edit_pile", change="hand")
    job = finished(desk, visitor, started["job"])
    assert job.state == "done", job.error
    _, content = ask(desk, visitor, "fetch", file=job.result["file"], part=0)
    packed = zipfile.ZipFile(io.BytesIO(content))
    record = json.loads(packed.read("edit.json"))
    assert packed.namelist() == ["a.png", "c.png", "edit.json"] and record["edit"]["by_hand"]["axes"] == [[1, 2.5]] and len(record["unreadable"]) == 2
    assert ask(desk, visitor, "pile", file(), kind="picture", name="e.png", start=True)[0]["count"] == 1


@pytest.mark.parametrize(
    ("kind", "fields", "payload", "words"),
    [
        ("pile", {"kind": "picture"}, b"", "is empty"),
        ("pile", {"kind": "tar", "name": "x"}, b"x", "must be picture or zip"),
        ("pile", {"kind": "zip", "name": "x.zip", "start": True}, b"hello", "not a zip file"),
        ("edit_pile", {"change": "hand"}, b"", "move a slider first"),
        ("edit_pile", {"change": "towards"}, b"", "no picture to edit"),
        ("edit_pile", {"change": "photo", "photo": [1, 2]}, b"", "6 numbers, the photo's has 2"),
        ("edit_pile", {"change": "towards", "amount": 50}, b"", "from -2 to 2"),
    ],
)
def test_a_bad_pile_is_answered_with_a_sentence(desk, visitor, kind, fields, payload, words):
    header, _ = ask(desk, visitor, kind, payload, **fields)
    assert header["type"] == "error" and words in header["message"], header


def test_a_pile_that_was_fitted_to_another_model_is_not_edited(desk, visitor):
    ask(desk, visitor, "pile", file(), kind="picture", name="a.png", start=True)
    ask(desk, visitor, "open", model="toy-vae-2")
    assert "fitted to 'toy-vae'" in ask(desk, visitor, "edit_pile", change="towards")[0]["message"]
    assert ask(desk, visitor, "pile", file(), kind="picture", name="a.png")[0]["count"] == 1  # a new one for this model


def test_a_zip_file_that_grows_too_large_is_dropped(desk, visitor, monkeypatch):
    monkeypatch.setattr("explorer.live.answers.piles.MOST_ZIP", 100)
    ask(desk, visitor, "pile", b"x" * 90, kind="zip", name="big.zip", more=True)
    assert "the most for a zip file" in ask(desk, visitor, "pile", b"x" * 90, kind="zip", name="big.zip")[0]["message"]
    assert desk.studio.loans.find(visitor.session, "zip") is None
