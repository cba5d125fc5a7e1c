"""Folders as people have them: mixed formats, damaged files, copies, tables of labels."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from explorer.core.errors import DataError
from explorer.data import folder


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("LATENT_EXPLORER_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def noise(seed: int, *, grey: bool = False) -> Image.Image:
    values = np.random.default_rng(seed).integers(256, size=(20, 20) if grey else (20, 20, 3), dtype=np.uint8)
    return Image.fromarray(values)


@pytest.fixture
def shots(tmp_path) -> Path:
    """Seventy different pictures: 40 lie in "cats", 30 in "dogs/large"."""
    path = tmp_path / "my shots"
    for number in range(70):
        file = path / (f"cats/{number:02}.png" if number < 40 else f"dogs/large/{number}.BMP")
        file.parent.mkdir(parents=True, exist_ok=True)
        noise(number).save(file)
    return path


def test_every_picture_is_read_once_and_a_tenth_is_held_out(shots):
    found = folder.read(shots, size=16)
    assert found.name == "my shots" and found.SHAPE == (3, 16, 16) and len(found) == 70 and found.held_out == 7 and not found.notes
    train, held_out = found.split("train"), found.split("held-out")
    assert len(train) == 63 and sorted([*train[:, -1], *held_out[:, -1]]) == list(range(70))
    assert len({picture.tobytes() for picture in found.pixels}) == 70
    assert np.array_equal(found.render(train[[5, 2]]), found.pixels[[5, 2]]) and np.shares_memory(found.render(train), found.pixels)


def test_the_order_and_with_it_the_parts_follow_from_the_pixels_not_the_names(shots, tmp_path):
    before = folder.read(shots, size=16)
    (shots / "cats/00.png").rename(shots / "cats/zz.png")
    after = folder.read(shots, size=16)
    assert np.array_equal(before.pixels, after.pixels) and before.VERSION != after.VERSION


def test_what_has_not_changed_is_not_read_again_and_what_has_is(shots, monkeypatch):
    calls = []
    real = folder.pictures.read
    monkeypatch.setattr(folder.pictures, "read", lambda *a: calls.append(a) or real(*a))
    first = folder.read(shots, size=16)
    again = folder.read(shots, size=16)
    assert len(calls) == 70 and again.VERSION == first.VERSION and np.array_equal(first.split("train"), again.split("train"))
    assert folder.read(shots, size=32).SHAPE == (3, 32, 32) and len(calls) == 140
    noise(1000).save(shots / "cats/new.png")
    assert len(folder.read(shots, size=16)) == 71 and len(calls) == 211


def test_the_names_of_subfolders_are_labels(shots):
    noise(500).save(shots / "loose.png")
    found = folder.read(shots, size=16)
    assert [(f.name, f.classes) for f in found.FACTORS] == [("folder", ("cats", "dogs"))]
    assert np.bincount(found.classes[:, 0] + 1).tolist() == [1, 40, 30]  # the loose one has none
    rows = found.split("train")
    assert np.array_equal(found.visible(rows)[:, 0], rows[:, 0] >= 0)
    assert set(found.captions(rows, 0)) <= {"a picture", "a picture: folder cats", "a picture: folder dogs"}


def test_a_table_gives_labels_by_path_or_by_bare_name(shots):
    rows = ["file;Colour;size;same", *(f"cats/{n:02}.png;{'red' if n % 2 else 'blue'};{n % 3 * 5};x" for n in range(40))]
    rows += ["65.BMP;green;;x", "gone.png;red;0;x", ";;;"]
    (shots / "labels.csv").write_text("\n".join(rows) + "\n", "utf-8-sig")
    found = folder.read(shots, size=16)
    assert [(f.name, f.classes) for f in found.FACTORS] == [("Colour", ("blue", "green", "red")), ("size", ("0", "5", "10"))]
    assert np.bincount(found.classes[:, 0] + 1).tolist() == [29, 20, 1, 20] and np.bincount(found.classes[:, 1] + 1).tolist() == [30, 14, 13, 13]
    assert found.notes == ("1 of 42 rows of 'labels.csv' name no picture that could be read.", "Label 'same' was left out: it has one value only.")


def test_a_label_with_too_many_values_is_left_out_and_named(shots):
    (shots / "labels.csv").write_text(
        "file,id\n" + "\n".join(f"cats/{n:02}.png,{n}" for n in range(40)) + "\n" + "\n".join(f"{n}.BMP,{n}" for n in range(40, 70))
    )
    found = folder.read(shots, size=16)
    assert not found.FACTORS and found.notes == ("Label 'id' was left out: it has 70 different values, more than 60.",)
    assert found.split("train").shape == (63, 1) and found.visible(found.split("train")).shape == (63, 0)


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ("", "needs one column named 'file', got nothing"),
        ("name,colour\na,b\n", "needs one column named 'file', got name, colour"),
        ("file,colour,colour\na,b,c\n", "has the column 'colour' twice"),
        ("file,colour\na.png,b\na.png,c\n", "names the picture 'a.png' twice"),
        (b"file,colour\n\xff\xfe,\xff\n", "cannot be read as a table in UTF-8"),
    ],
)
def test_a_table_that_makes_no_sense_is_refused_in_a_sentence(shots, table, words):
    (shots / "labels.csv").write_bytes(table if isinstance(table, bytes) else table.encode())
    with pytest.raises(DataError, match=words):
        folder.read(shots, size=16)


def test_damaged_hidden_and_other_files_are_left_out_and_the_damaged_ones_named_without_their_place(shots):
    (shots / "empty.png").write_bytes(b"")
    (shots / "text.jpg").write_text("hello")
    (shots / "cats/cut.png").write_bytes((shots / "cats/00.png").read_bytes()[:300])
    (shots / "nowhere.png").symlink_to(shots / "nothing.png")
    (shots / "._00.png").write_bytes(b"\0\5\x16\7")
    (shots / "notes.txt").write_text("not a picture")
    (shots / "__MACOSX").mkdir()
    (shots / "__MACOSX/00.png").write_bytes(b"")
    (shots / "loop").symlink_to(shots)
    found = folder.read(shots, size=16)
    assert len(found) == 70 and len(found.notes) == 1
    assert found.notes[0].startswith("4 of 74 files could not be read: ") and str(shots.parent) not in found.notes[0]
    assert all(name in found.notes[0] for name in ("empty.png", "text.jpg", "cut.png", "nowhere.png"))


def test_of_many_damaged_files_the_first_are_named(shots):
    for number in range(9):
        (shots / f"bad{number}.png").write_bytes(b"")
    (note,) = folder.read(shots, size=16).notes
    assert note.startswith("9 of 79 files") and "bad4.png" in note and "bad5.png" not in note and note.endswith("And 4 more.")


def test_copies_are_left_out(shots):
    for number in range(3):
        noise(number).save(shots / f"copy{number}.png")
    found = folder.read(shots, size=16)
    assert len(found) == 70 and found.notes == ("3 pictures that equal others at this size were left out.",)


def test_grey_is_found_and_can_be_asked_for(tmp_path):
    path = tmp_path / "grey"
    path.mkdir()
    for number in range(66):
        picture = noise(number, grey=True).resize((80, 80))
        (picture.convert("RGB") if number % 2 else picture).save(path / f"{number}.{'jpg' if number % 3 else 'png'}")
    grey, coloured = folder.read(path, size=16), folder.read(path, size=16, channels=3)
    assert grey.SHAPE == (1, 16, 16) and coloured.SHAPE == (3, 16, 16)
    asked = folder.read(path, size=16, channels=1)
    assert np.abs(np.sort(grey.pixels.mean(axis=(1, 2, 3))) - np.sort(asked.pixels.mean(axis=(1, 2, 3)))).max() < 1
    noise(500).save(path / "red.png")
    assert folder.read(path, size=16).SHAPE == (3, 16, 16) and folder.read(path, size=16, channels=1).SHAPE == (1, 16, 16)


def test_reading_can_be_watched_and_ended_and_leaves_nothing_behind(shots, cache):
    seen = []
    folder.read(shots, size=16, report=lambda done, of: seen.append((done, of)))
    assert seen[0] == (0, 70) and seen[-1] == (70, 70)

    class Enough(Exception):
        pass

    def end(done, of):
        if done == 30:
            raise Enough

    with pytest.raises(Enough):
        folder.read(shots, size=32, report=end)
    assert len(list(cache.iterdir())) == 2  # array and description of the first size


def test_what_cannot_be_trained_on_is_said(shots, tmp_path, monkeypatch):
    with pytest.raises(DataError, match="There is no folder"):
        folder.read(tmp_path / "nowhere")
    with pytest.raises(DataError, match="can be 16, 32, 64, 128 pixels wide with 1 or 3 channels, got 48 and None"):
        folder.read(shots, size=48)
    (tmp_path / "few").mkdir()
    noise(0).save(tmp_path / "few/0.png")
    with pytest.raises(DataError, match=r"'few' holds 1 picture \(.bmp, .gif, .jpeg, .jpg, .png, .webp\), expected at least 64"):
        folder.read(tmp_path / "few")
    for number in range(10):
        (shots / f"cats/{number:02}.png").write_bytes((shots / "cats/20.png").read_bytes())
    with pytest.raises(DataError, match="70 pictures, of which 70 can be read and 60 are different; expected at least 64 different ones"):
        folder.read(shots, size=16)
    monkeypatch.setattr(folder, "MOST_BYTES", 1_000)
    with pytest.raises(DataError, match="Try a smaller size"):
        folder.read(shots, size=16)


def test_samples_are_different_training_rows(shots):
    found = folder.read(shots, size=16)
    rows = found.sample(20, 1)
    assert np.array_equal(rows, found.sample(20, 1)) and len(set(rows[:, -1])) == 20 and rows[:, -1].max() < 63
    with pytest.raises(DataError, match="63 training pictures, got a request for 64"):
        found.sample(64, 0)
