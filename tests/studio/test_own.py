"""A model of one's own: trained in a child process, watched, stopped, gone on with, and opened."""

import base64
import io
import threading
import time

import numpy as np
import pytest
from PIL import Image

from explorer.core.errors import DataError
from explorer.studio import own
from explorer.studio.jobs import Jobs
from explorer.studio.studio import Studio

PATIENCE = 900  # a busy machine makes the map last


@pytest.fixture
def home(tmp_path, monkeypatch):
    """The folder of the user's own data, and the cache."""
    monkeypatch.setenv("EXPLORER_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("LATENT_EXPLORER_CACHE", str(tmp_path / "cache"))
    return tmp_path / "data"


@pytest.fixture
def pictures(tmp_path):
    """A folder of ninety different pictures: a bright square somewhere on a dark ground."""
    folder = tmp_path / "mine"
    folder.mkdir()
    for i in range(90):
        pixels = np.full((16, 16, 3), 20, np.uint8)
        pixels[i % 9 : i % 9 + 6, i // 9 : i // 9 + 6] = (220, 60 + i, 40)
        Image.fromarray(pixels).save(folder / f"{i}.png")
    return folder


@pytest.fixture
def jobs():
    jobs = Jobs()
    yield jobs
    jobs.close()


def test_pictures_become_a_model_that_opens_and_is_found_the_next_time(home, pictures, jobs):
    seen = []
    wish = own.Wish(pictures, "squares", size=16, latent=4, steps=60)
    job = jobs.start("ann", "train", "Training", lambda job: own.train(job, wish, look=seen.append)).wait(PATIENCE)
    assert job.state == "done", job.error
    assert job.result == home / "models" / "squares.safetensors" and own.models() == [job.result]
    studio = Studio()
    name = studio.know(job.result)
    model = studio.model(name)
    assert model.parts == ("generator", "encoder") and model.space.shape == (4,) and studio.atlas(name) is not None
    assert model.card.training["steps"] == 60
    studio.close()
    picture = np.asarray(Image.open(io.BytesIO(base64.b64decode(seen[-1]))))
    assert picture.shape[0] == 32 and picture.shape[1] % 16 == 0, "Two rows: pictures held out, and what the model makes of them."


def test_a_training_that_is_cancelled_keeps_its_state_and_goes_on_from_there(home, pictures, jobs):
    wish = own.Wish(pictures, "squares", size=16, latent=4, steps=2000)
    begun = threading.Event()
    job = jobs.start("ann", "train", "Training", lambda job: own.train(job, wish, look=lambda picture: begun.set()))
    assert begun.wait(PATIENCE)
    until = time.monotonic() + PATIENCE
    while job.progress.step < 50 and time.monotonic() < until:
        time.sleep(0.1)
    job.cancel()
    job.wait(PATIENCE)
    assert job.state == "cancelled" and "What was learned is kept" in job.error and own.models() == []
    reached = job.progress.step
    steps = []
    again = jobs.start("ann", "train", "Training", lambda job: own.train(job, wish))
    while not steps or steps[-1] <= 1:
        steps.append(again.progress.step)
        assert time.monotonic() < until + PATIENCE and again.state in ("waiting", "running")
        time.sleep(0.1)
    again.cancel()
    again.wait(PATIENCE)
    assert max(again.progress.step, steps[-1]) >= reached > 0, "It should go on, not begin anew."


def test_the_page_stays_quick_because_the_training_is_another_process(home, pictures, jobs):
    wish = own.Wish(pictures, "squares", size=16, latent=4, steps=2000)
    job = jobs.start("ann", "train", "Training", lambda job: own.train(job, wish))
    until = time.monotonic() + PATIENCE
    while job.progress.step < 1 and time.monotonic() < until:
        time.sleep(0.05)
    longest, last = 0.0, time.monotonic()
    for _ in range(50):
        time.sleep(0.01)
        longest, last = max(longest, time.monotonic() - last), time.monotonic()
    job.cancel()
    job.wait(PATIENCE)
    assert longest < 1.0, "No turn of this process should wait for a step of the training."


@pytest.mark.parametrize(("changes", "words"), [
    ({"size": 48}, "16, 32, 64, 128"), ({"latent": 1}, "2 to 256"), ({"steps": 0}, "1 to 20000"), ({"folder": "nowhere"}, "no folder"),
])  # fmt: skip
def test_a_wish_that_cannot_be_met_is_refused_in_words(home, pictures, tmp_path, changes, words):
    wish = {"folder": pictures, "name": "squares", "size": 16, "latent": 4} | changes
    wish["folder"] = tmp_path / wish["folder"]
    with pytest.raises(DataError, match=words):
        own.Wish(**wish)


def test_what_the_child_cannot_use_fails_the_job_with_its_sentence(home, tmp_path, jobs):
    empty = tmp_path / "empty"
    empty.mkdir()
    job = jobs.start("ann", "train", "Training", lambda job: own.train(job, own.Wish(empty, "squares", 16, 4))).wait(PATIENCE)
    assert job.state == "failed" and "picture" in job.error
    bundled = jobs.start("ann", "train", "Training", lambda job: own.train(job, own.Wish(empty, "avatars-vae", 16, 4))).wait(PATIENCE)
    assert bundled.state == "failed" and "bundled model" in bundled.error


def test_pictures_that_are_brought_lie_in_a_folder_of_their_own_under_numbers(home):
    pile = own.new_pile()
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8)).save(buffer, "jpeg")
    own.keep_picture(pile, 3, buffer.getvalue())
    assert [file.name for file in own.pile(pile).iterdir()] == ["00003.jpg"] and own.pile(pile).is_relative_to(home)


@pytest.mark.parametrize("name", ["../../etc", "0123", "", "0123456789abcdef"])
def test_a_pile_is_named_by_us_and_never_a_path(home, name):
    with pytest.raises(DataError, match="Choose them again"):
        own.pile(name)


@pytest.mark.parametrize("content", [b"", b"<svg>", b"\xff\xd8" + bytes(600 << 10)])
def test_what_is_no_picture_or_too_large_is_not_kept(home, content):
    pile = own.new_pile()
    with pytest.raises(DataError):
        own.keep_picture(pile, 0, content)
    assert not list(own.pile(pile).iterdir())
