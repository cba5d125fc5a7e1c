"""The grid of two axes over the live channel."""

import io

import numpy as np
import pytest
from PIL import Image

from explorer.export import png
from tests.live.desks import ask, pictures

WISH = {"x": {"axis": 0}, "y": {"axis": 3}, "reach": 2.5, "size": 9}


def test_a_large_grid_comes_in_two_parts_and_a_click_leads_to_what_was_seen(desk, visitor):
    first, most = ask(desk, visitor, "lattice", first=0, count=64, **WISH)
    second, rest = ask(desk, visitor, "lattice", first=64, count=64, **WISH)
    assert (first["count"], second["count"], len(first["across"]), first["names"]) == (64, 17, 9, ["z1", "z4"])
    cells = np.concatenate([pictures(first, most), pictures(second, rest)])
    answer, _ = ask(desk, visitor, "cell", cell=70, **WISH)
    header, payload = ask(desk, visitor, "decode", patch={"spot": answer["spot"], "journey": {"t": None}})
    assert header["type"] == "frame"
    shown = np.frombuffer(payload, np.uint8).reshape(header["height"], header["width"], 4)
    assert np.abs(shown.astype(int) - cells[70]).max() <= 1


def test_the_grid_is_saved_with_the_recipe_of_its_middle(desk, visitor):
    started, _ = ask(desk, visitor, "square", scale=2, **WISH | {"size": 3})
    job = desk.studio.jobs.find(visitor.session, started["job"]["id"]).wait(60)
    _, content = ask(desk, visitor, "fetch", file=job.result["file"], part=0)
    _, recipe = png.read(bytes(content))
    with Image.open(io.BytesIO(content)) as image:
        assert image.width > 3 * 32 and recipe.session.spot.origin.seed == 0


@pytest.mark.parametrize("kind", ["lattice", "cell", "square"])
def test_bad_wishes_are_refused_in_words(desk, visitor, kind):
    wish = {"first": 0, "count": 4, "cell": 0, "scale": 2} | WISH
    for change, words in (({"x": None}, "'x' of a grid"), ({"size": 99}, "2 to 9"), ({"first": 99, "cell": 99, "scale": 99}, "whole number from")):
        header, _ = ask(desk, visitor, kind, **wish | change)
        assert header["type"] == "error" and words in header["message"]
