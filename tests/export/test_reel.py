"""Files of a path, from a wish to bytes."""

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from explorer.core.errors import DataError, SessionError
from explorer.export import png, reel
from explorer.export.reel import Wish
from explorer.studio.session import Journey, Seed, Session, Spot
from explorer.studio.walk import walk
from tests import studios

SESSION = Session("toy-vae", journey=Journey(Spot(Seed(1)), Spot(Seed(2)), "arc"))


@pytest.fixture(scope="module")
def studio(tmp_path_factory):
    studio = studios.studio(tmp_path_factory.mktemp("toys"))
    yield studio
    studio.close()


def test_a_strip_holds_the_frames_of_the_path(studio):
    made = reel.make(studio, SESSION, Wish("strip", count=5, scale=2, smooth=False))
    pixels, _ = walk(studio, SESSION, count=5)
    with Image.open(io.BytesIO(made.content)) as image:
        shown = np.asarray(image)[::2, ::2, :1]
    assert (made.name, made.type) == ("toy-vae-path-strip.png", "image/png")
    assert np.abs(shown.astype(int) - np.concatenate(list(pixels), axis=1)).max() <= 1
    _, recipe = png.read(made.content)
    assert recipe.session == replace(SESSION, journey=replace(SESSION.journey, t=0.0))


@pytest.mark.parametrize("kind", reel.KINDS)
def test_every_kind_of_file_can_be_made_and_tells_how_far_it_is(studio, kind):
    if kind == "mp4":
        pytest.importorskip("av")
    told = []
    made = reel.make(studio, SESSION, Wish(kind, count=12, scale=1), report=lambda done, of: told.append((done, of)))
    assert len(made.content) > 40 and told[0] == (0, 24) and [done for done, _ in told] == sorted(done for done, _ in told)


def test_a_film_that_is_no_longer_wanted_ends_at_once(studio):
    class Enough(Exception):
        pass

    def report(done, of):
        if done >= 8:
            raise Enough

    with pytest.raises(Enough):
        reel.make(studio, SESSION, Wish("gif", count=200), report=report)


def test_a_slow_look_is_the_same_as_a_quick_one(studio):
    many, code = walk(studio, SESSION, count=17)
    few, _ = walk(studio, SESSION, count=9)
    assert len(code) == 17 and np.abs(many[::2].astype(int) - few).max() <= 1


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"kind": "avi"}, "mp4, gif, webp, strip, sheet"),
        ({"count": 241}, "from 2 to 240"),
        ({"count": 1}, "from 2 to 240"),
        ({"count": True}, "'count'"),
        ({"scale": 9}, "from 1 to 8"),
        ({"smooth": 1}, "'smooth'"),
        ({"fps": "fast"}, "'fps'"),
        ({"path": "/etc/passwd"}, "described by kind"),
        ([], "described by kind"),
    ],
)
def test_a_wish_is_read_strictly(values, words):
    with pytest.raises(DataError, match=words):
        reel.read(values)


def test_a_path_without_ends_gives_no_film(studio):
    with pytest.raises(SessionError, match="both its ends"):
        reel.make(studio, Session("toy-vae"), Wish("gif"))
