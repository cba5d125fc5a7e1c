"""The grid of two axes around the picture on the stage."""

import io

import numpy as np
import pytest
from PIL import Image

from explorer.export import png
from explorer.render import halved
from explorer.studio.lattice import read
from explorer.studio.session import Session
from tests.browser.screen import apart, wait

pytestmark = pytest.mark.browser
CELLS = ".le-square-cell canvas"


@pytest.fixture
def on_the_grid(visit):
    """Opens the page at the tab of the grid."""

    def opened():
        screen = visit()
        screen.tab("Grid")
        return screen

    return opened


def wish(screen):
    """What the form asks for, as the server reads it."""
    x, y, reach, size = (
        float(value.split(":")[-1])
        for value in screen.page.locator(".le-square-form select").evaluate_all("nodes => nodes.map((node) => node.value)")
    )
    return {"x": {"axis": int(x)}, "y": {"axis": int(y)}, "reach": reach, "size": int(size)}


def laid(screen, truth):
    """The lattice of the session, once its pictures are shown; on a busy machine they may be at half their sides."""
    session = Session.from_json(screen.session)
    lattice = read(truth.opened, session, wish(screen))
    square = truth.drawn(lattice.codes(truth.opened, session, range(len(lattice))))
    expected = {picture.shape: picture for picture in (square, halved(square))}

    def same():
        shown = screen.film(CELLS) if screen.page.locator(CELLS).count() else square[:0]
        return shown.shape in expected and apart(shown, expected[shown.shape]) <= 1

    wait(same, lambda: "The grid should show what both axes do.", patience=60)
    return lattice, square


def test_the_grid_shows_what_two_axes_do_around_the_stage(on_the_grid, truth, size):
    screen = on_the_grid()
    lattice, square = laid(screen, truth)
    assert len(square) == 25 and apart(square[12], truth.seed(0)) <= 1
    assert apart(square[10], square[14]) > 8 and apart(square[2], square[22]) > 8, "Two active axes change something."
    across, down = lattice.labels
    shown = screen.page.locator(".le-square-grid [role=columnheader]").all_inner_texts()
    assert [label.replace("−", "-") for label in shown] == across
    assert [label.replace("−", "-") for label in screen.page.locator(".le-square-down").all_inner_texts()] == down


def test_a_click_goes_there_and_it_becomes_the_middle(on_the_grid, truth, size):
    screen = on_the_grid()
    lattice, square = laid(screen, truth)
    screen.page.locator(".le-square-cell").nth(8).click()
    session = screen.becomes(lambda session: len(session["spot"]["axes"]) == 2, "both axes set")
    assert session["spot"]["origin"]["seed"] == 0
    screen.shows(square[8])
    laid(screen, truth)


def test_the_keyboard_walks_the_grid_and_the_middle_follows(on_the_grid, truth):
    screen = on_the_grid()
    laid(screen, truth)
    screen.page.locator(".le-square-cell[tabindex='0']").focus()
    screen.page.keyboard.press("ArrowRight")
    screen.page.keyboard.press("ArrowUp")
    lattice, square = laid(screen, truth)
    screen.page.keyboard.press("Enter")
    screen.becomes(lambda session: len(session["spot"]["axes"]) == 2, "both axes set")
    screen.shows(square[8])
    laid(screen, truth)
    wait(lambda: "where you are" in screen.page.evaluate("() => document.activeElement.title"), lambda: "The middle should have the focus.")


def test_other_axes_and_more_pictures_are_drawn_and_the_same_axis_twice_is_not(on_the_grid, truth):
    screen = on_the_grid()
    laid(screen, truth)
    form = screen.page.locator(".le-square-form select")
    form.nth(3).select_option("9")
    form.nth(2).select_option("3")
    lattice, square = laid(screen, truth)
    assert len(square) == 81 and lattice.reach == 3
    screen.button("Swap the two axes").click()
    swapped, _ = laid(screen, truth)
    assert (swapped.x.axis, swapped.y.axis) == (lattice.y.axis, lattice.x.axis)
    form.nth(0).select_option(form.nth(1).input_value())
    assert "two different axes" in screen.page.locator(".le-square .le-error").inner_text()
    assert screen.button("Save grid").is_disabled()


def test_the_grid_is_saved_with_its_recipe(on_the_grid, truth):
    screen = on_the_grid()
    laid(screen, truth)
    with screen.page.expect_download(timeout=120_000) as download:
        screen.button("Save grid").click()
    content = download.value.path().read_bytes()
    with Image.open(io.BytesIO(content)) as image:
        assert image.width > 5 * 256 and np.asarray(image).std() > 10
    assert png.read(content)[1].session.spot.origin.seed == 0
