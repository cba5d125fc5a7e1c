"""One edit on many pictures: what an edit is, what a zip file may do, and what comes back."""

import io
import json
import zipfile
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from explorer.core.errors import DataError, SessionError
from explorer.studio import many
from explorer.studio.changes import Change, change_of
from explorer.studio.many import Pile, edited, inside, within
from explorer.studio.photo import Photo, fitted
from explorer.studio.session import Journey, Seed, Session, Spot, Values
from tests import studios


@pytest.fixture(scope="module")
def studio(tmp_path_factory):
    made = studios.studio(tmp_path_factory.mktemp("toys"))
    yield made
    made.close()


def picture(seed: int) -> bytes:
    """Some picture's PNG file."""
    buffer = io.BytesIO()
    Image.fromarray(np.random.default_rng(seed).integers(256, size=(20, 20, 3), dtype=np.uint8)).resize((64, 64)).save(buffer, "png")
    return buffer.getvalue()


def zipped(files: dict[str, bytes], **options) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", **options) as packed:
        for name, content in files.items():
            packed.writestr(name, content)
    return buffer.getvalue()


def pile(studio, count: int = 3) -> list[Photo]:
    return [fitted(studio, "toy-vae", picture(seed), title=f"folder of mine/{seed}.png") for seed in range(count)]


def opened(content: bytes):
    """The record and the pictures in a zip file."""
    packed = zipfile.ZipFile(io.BytesIO(content))
    record = json.loads(packed.read("edit.json"))
    return record, {name: np.asarray(Image.open(io.BytesIO(packed.read(name))).convert("L")) for name in packed.namelist() if name != "edit.json"}


def by_hand(*axes) -> Change:
    return Change("by hand", Spot(axes=axes))


def test_a_change_sets_adds_and_goes_towards(studio):
    opened, codes = studio.open("toy-vae"), torch.zeros(2, 6)
    assert by_hand((1, 5.0))(opened, codes).tolist() == [[0, 5, 0, 0, 0, 0]] * 2
    both = Change("", Spot(axes=((1, 5.0),)), add=torch.ones(6))
    assert both(opened, codes).tolist() == [[1, 6, 1, 1, 1, 1]] * 2
    assert Change("", towards=torch.arange(6.0), share=0.5)(opened, codes).tolist() == [[0, 0.5, 1, 1.5, 2, 2.5]] * 2
    assert not codes.any()


def test_a_change_is_taken_from_what_was_done(studio):
    opened, session = studio.open("toy-vae"), Session("toy-vae", Spot(Values((1.0,) * 6), axes=((2, 3.0),)))
    hand = change_of(opened, session, "hand")
    assert hand(opened, torch.zeros(1, 6)).tolist() == [[0, 0, 3, 0, 0, 0]] and hand.words == "sets z3 to 3"
    moved = change_of(opened, session, "photo", amount=2, photo=torch.ones(6))
    assert moved.add.tolist() == [0, 0, 4, 0, 0, 0]
    towards = change_of(opened, session, "towards", amount=0.5)(opened, torch.zeros(1, 6))
    assert towards.tolist() == [[0.5, 0.5, 1.5, 0.5, 0.5, 0.5]]
    walked = replace(session, journey=Journey(Spot(Values((0.0,) * 6)), Spot(Values((2.0,) * 6)), kind="chord"))
    assert torch.allclose(change_of(opened, walked, "path", amount=0.5).add, torch.ones(6))


@pytest.mark.parametrize(("kind", "words"), [("hand", "move a slider first"), ("path", "pick A and B"), ("photo", "choose a picture"), ("magic", "Known: hand, path")])  # fmt: skip
def test_a_change_that_is_not_there_is_said_to(studio, kind, words):
    with pytest.raises(SessionError, match=words):
        change_of(studio.open("toy-vae"), Session("toy-vae", Spot(Seed(1))), kind)


def test_nothing_changed_since_the_photo_is_no_change(studio):
    session = Session("toy-vae", Spot(Values((1.0,) * 6)))
    with pytest.raises(SessionError, match="nothing was changed yet"):
        change_of(studio.open("toy-vae"), session, "photo", photo=torch.ones(6))
    with pytest.raises(SessionError, match="6 numbers, the photo's has 2"):
        change_of(studio.open("toy-vae"), session, "photo", photo=torch.ones(2))


def test_every_picture_is_encoded_edited_and_drawn_and_the_record_says_how(studio):
    photos, heard = pile(studio), []
    record, pictures = opened(edited(studio, "toy-vae", photos, by_hand((0, 2.0)), report=lambda *told: heard.append(told)))
    assert record["model"] == "toy-vae" and record["weights"] == studio.model("toy-vae").card.weights and record["found_by"] == "encoder"
    assert record["edit"]["by_hand"]["axes"] == [[0, 2.0]] and record["unreadable"] == []
    assert [row["file"] for row in record["pictures"]] == ["0.png", "1.png", "2.png"]
    for row, photo in zip(record["pictures"], photos):
        code = photo.code.clone()
        code[0] = 2
        model = studio.model("toy-vae")
        assert np.abs(pictures[row["file"]].astype(int) - studio.decode("toy-vae", model.code(code[None]))[0, ..., 0]).max() <= 1
        assert row["redrawn_error"] > 0 and len(row["typicality"]) == 2 and np.allclose(row["code"], photo.code, atol=1e-6)
    assert [done for done, total, _ in heard] == [0, 1, 2, 3] and "3 of 3 pictures." in heard[-1][2]


def test_pictures_of_the_same_name_do_not_overwrite_each_other(studio):
    photos = [replace(photo, name=name) for photo, name in zip(pile(studio, 4), ["a/ü.png", "b/ü.jpg", "../../etc/passwd", "edit.json"])]
    record, pictures = opened(edited(studio, "toy-vae", photos, Change("nothing")))
    assert list(pictures) == ["ü.png", "ü-1.png", "passwd.png", "edit.png"] and record["pictures"][2]["from"] == "../../etc/passwd"


def test_what_cannot_be_drawn_is_listed_and_the_rest_is_done(studio):
    photos = pile(studio)
    photos[1] = replace(photos[1], code=torch.full((6,), 99.0))
    record, pictures = opened(edited(studio, "toy-vae", photos, Change("", add=torch.full((6,), 5.0)), unreadable=[("bad.txt", "no picture")]))
    assert len(pictures) == 2 and [row["file"] for row in record["unreadable"]] == ["bad.txt", "folder of mine/1.png"]
    assert "reaches 104" in record["unreadable"][1]["why"]


def test_a_change_for_other_codes_fails_at_once(studio):
    with pytest.raises(SessionError, match="codes of 2 numbers"):
        edited(studio, "toy-vae", pile(studio), Change("", add=torch.ones(2)))
    with pytest.raises(SessionError, match="axes 0 to 5"):
        edited(studio, "toy-vae", pile(studio), by_hand((7, 1.0)))
    with pytest.raises(DataError, match="none of 1 files"):
        edited(studio, "toy-vae", [], Change(""), unreadable=[("a", "b")])


def test_without_an_encoder_each_code_is_searched(studio, monkeypatch):
    photos = [replace(photo, code=None) for photo in pile(studio, 2)]
    monkeypatch.setattr(many, "SEARCH", replace(many.SEARCH, steps=8))
    heard = []
    record, pictures = opened(edited(studio, "toy-vae", photos, Change(""), report=lambda *told: heard.append(told[2])))
    assert len(pictures) == 2 and "searched for" in heard[0]


def test_a_pile_takes_no_more_than_it_may_and_notes_what_cannot_be_read(studio):
    lot = Pile("toy-vae", most=2)
    lot.add("bad", lambda: fitted(studio, "toy-vae", b"hello", title="bad"))
    for _ in range(2):
        lot.add("good", lambda: pile(studio, 1)[0])
    assert len(lot.photos) == 2 and lot.unreadable[0][0] == "bad" and lot.bytes == 2 * 16 * 16
    with pytest.raises(DataError, match="At most 2 pictures"):
        lot.add("more", lambda: pile(studio, 1)[0])


def test_files_in_a_zip_come_one_by_one_without_what_computers_add():
    content = zipped({"photos/": b"", "photos/a.png": b"A", "__MACOSX/._a.png": b"x", "photos/.DS_Store": b"x", "../../b.png": b"B"})
    assert list(inside(content)) == [("a.png", b"A"), ("b.png", b"B")]


def test_a_zip_that_unpacks_without_end_is_refused(monkeypatch):
    monkeypatch.setattr(many, "MOST_FILE", 1000)
    bomb = zipped({"a.png": b"\0" * 5000, "b.png": b"B"}, compression=zipfile.ZIP_DEFLATED)
    (_, refused), (_, fine) = inside(bomb)
    assert isinstance(refused, DataError) and "unpacks to more than" in str(refused) and fine == b"B"
    monkeypatch.setattr(many, "MOST_UNPACKED", 3000)
    with pytest.raises(DataError, match="unpacks to more than"):
        list(inside(zipped({f"{i}.png": b"\0" * 900 for i in range(5)}, compression=zipfile.ZIP_DEFLATED)))
    monkeypatch.setattr(many, "MOST_ENTRIES", 3)
    with pytest.raises(DataError, match="holds 5 files"):
        list(inside(zipped({f"{i}.png": b"" for i in range(5)})))


def test_what_is_no_zip_or_a_broken_one_is_said_to():
    with pytest.raises(DataError, match="not a zip file"):
        list(inside(b"hello"))
    content = bytearray(zipped({"a.png": b"A" * 100, "b.png": b"B"}))
    content[60] ^= 255  # inside the first file: its check sum no longer fits
    (_, broken), (_, fine) = inside(bytes(content))
    assert isinstance(broken, DataError) and fine == b"B"


def test_a_folder_is_read_with_what_lies_below_it(tmp_path):
    (tmp_path / "below").mkdir()
    for name in ("b.png", "below/a.png", ".hidden", "Thumbs.db"):
        (tmp_path / name).write_bytes(b"x")
    assert [file.name for file in within(tmp_path)] == ["b.png", "a.png"]
    with pytest.raises(DataError, match="There is no folder"):
        within(tmp_path / "gone")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="holds no files"):
        within(tmp_path / "empty")
