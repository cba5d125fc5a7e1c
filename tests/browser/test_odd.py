"""Models that are not square faces of a few axes: wide, tall, grey, large, slow, with channels, with hundreds of axes, broken."""

import time

import numpy as np
import pytest

from explorer.render import to_pixels
from explorer.studio.codes import code_of
from explorer.studio.session import Session
from explorer.studio.studio import Studio
from tests.browser.screen import apart, wait
from tests.browser.server import Server
from tests.oddities import ODD

pytestmark = pytest.mark.browser
MODEL = "globalThis[Symbol.for('latent-explorer')].model"


class OddServer(Server):
    def arguments(self):
        return ["-m", "tests.browser.odd", str(self.port)]


@pytest.fixture(scope="module")
def odd(root, built_views, tmp_path_factory):
    running = OddServer(root, tmp_path_factory.mktemp("odd") / "log.txt")
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def studio():
    studio = Studio(ODD, trust=True)
    yield studio
    studio.close()


@pytest.fixture
def opened(visit, odd, studio):
    """Opens the page with one of the odd models; returns the screen and what its stage ought to show."""

    def opened(name: str):
        screen = visit(f"?model={name}", at=odd)
        wait(lambda: screen.session["model"] == name, lambda: f"The page should open '{name}'.")
        screen.settled()

        def truth() -> np.ndarray:
            shelved = studio.open(name)
            pixels = to_pixels(shelved.model.generator.decode(code_of(shelved, Session.from_json(screen.session))))[0]
            return np.repeat(pixels, 3, axis=2) if pixels.shape[2] == 1 else pixels

        return screen, truth

    return opened


@pytest.mark.parametrize(("name", "proportions"), [("wide", 80 / 48), ("tall", 384 / 512)])
def test_a_picture_of_any_shape_is_whole_everywhere(opened, name, proportions, size):
    screen, truth = opened(name)
    screen.shows(truth())
    page = screen.page
    box = page.locator(".le-stage-now").bounding_box()
    assert box["width"] / box["height"] == pytest.approx(proportions, rel=0.03)
    screen.tab("Sample")
    page.wait_for_function("() => document.querySelector('.le-grid-cell canvas')?.width > 1")
    drawn = page.eval_on_selector(".le-grid-cell canvas", "node => node.width / node.height")
    assert drawn == pytest.approx(proportions, rel=0.05)
    for end in ("A = here", "B = here"):
        page.get_by_role("button", name="Next seed").click()
        screen.settled()
        page.get_by_role("button", name=end).click()
        screen.settled()
    page.wait_for_function(
        "() => { const node = document.querySelector('.le-strip-film canvas'); return node && node.width > 1 && node.getBoundingClientRect().height > 0 }"
    )
    film = page.eval_on_selector(
        ".le-strip-film canvas", "node => { const box = node.getBoundingClientRect(); return [node.width / node.height, box.width / box.height] }"
    )
    assert film[0] == pytest.approx(proportions, rel=0.05)
    assert page.evaluate("() => document.documentElement.scrollWidth <= document.documentElement.clientWidth"), (
        "The page must not be wider than the window."
    )


def test_hundreds_of_axes_are_found_by_search_and_moved_without_lag(opened):
    screen, truth = opened("many")
    screen.tab("Sliders")
    rails = screen.page.locator(".le-track-rail")
    wait(lambda: rails.count() == 64, lambda: f"64 of 512 sliders should be in sight, not {rails.count()}.")
    screen.page.get_by_role("button", name="Later axes").click()
    assert rails.first.get_attribute("aria-label") == "z65"
    screen.page.get_by_role("searchbox", name="Find axes").fill("500-502")
    wait(lambda: rails.count() == 3, lambda: "The search should leave three axes.")
    left, top, width, height = screen.box(rails.first)
    former = screen.settled()
    screen.drag((left + width / 2, top + height / 2), (left + 0.95 * width, top + height / 2), steps=20)
    ((axis, value),) = screen.becomes(lambda session: session["spot"]["axes"], "an axis set by hand")["spot"]["axes"]
    assert axis == 499 and value > 2
    assert apart(screen.settled(), former) > 0
    screen.shows(truth())


def test_a_handle_changes_the_code_at_its_place_alone(opened, size):
    screen, truth = opened("planes")
    screen.tab("Sliders")
    page = screen.page
    assert page.locator(".le-track-rail:visible").count() == 0, "3,072 sliders would help nobody."
    page.wait_for_function("() => document.querySelectorAll('.le-pad-channel').length === 4")
    page.get_by_role("radio", name="Channel 2").click()
    former = screen.settled()
    left, top, width, height = screen.box(page.locator(".le-pad"))
    at = lambda x, y: (left + x * width, top + y * height)  # noqa: E731
    screen.hand.press(*at(0.6, 0.6))
    screen.hand.move(*at(0.25, 0.5))
    screen.changes(former)
    assert not screen.session["spot"].get("bumps"), "While the hand moves nothing is committed."
    screen.hand.release()
    ((channel, row, column, radius, amount),) = screen.becomes(lambda session: session["spot"].get("bumps"), "a handle")["spot"]["bumps"]
    assert channel == 1 and abs(row - (0.5 * 24 - 0.5)) < 1 and abs(column - (0.25 * 32 - 0.5)) < 1 and radius > 0 and amount > 0
    screen.shows(truth())
    changed = np.abs(screen.settled().astype(int) - former).max(axis=2)
    middle = changed[int(row * 8), int(column * 8)]
    assert middle > 20 and changed[:, 200:].max() <= 1, "Far from the handle the picture stays."

    mark = page.locator(".le-pad-mark")
    mark.focus()
    page.keyboard.press("ArrowRight")
    screen.becomes(lambda session: session["spot"]["bumps"][0][2] == pytest.approx(column + 1), "the handle a cell further")
    strong = page.get_by_role("slider", name="How strong")
    strong.focus()
    page.keyboard.press("End")
    screen.becomes(lambda session: session["spot"]["bumps"][0][4] == 4, "a stronger handle")
    screen.shows(truth())
    whole = page.get_by_role("slider", name="Whole channel")
    whole.focus()
    page.keyboard.press("PageDown")
    screen.becomes(lambda session: any(bump[3] == 0 for bump in session["spot"]["bumps"]), "a lifted channel")
    screen.shows(truth())
    mark.focus()
    page.keyboard.press("Delete")
    screen.becomes(lambda session: len(session["spot"]["bumps"]) == 1, "no handle")
    page.get_by_role("button", name="Reset all").last.click()
    screen.becomes(lambda session: not session["spot"].get("bumps"), "nothing set by hand")
    wait(lambda: apart(screen.pixels(), former) <= 1, lambda: "The first picture should be back.")


def test_many_channels_come_in_pages(opened):
    screen, _ = opened("deep")
    screen.tab("Sliders")
    channels = screen.page.locator(".le-pad-channel")
    wait(lambda: channels.count() == 16, lambda: "Sixteen channels should be in sight.")
    screen.page.get_by_role("button", name="Later channels").click()
    screen.page.get_by_role("button", name="Later channels").click()
    assert channels.count() == 8 and channels.last.get_attribute("aria-label") == "Channel 40"


def test_a_slow_model_is_previewed_while_the_hand_moves_and_whole_at_rest(opened):
    screen, truth = opened("slow")
    screen.tab("Sliders")
    page = screen.page
    page.wait_for_function("() => document.querySelectorAll('.le-pad-channel').length === 4")
    for _ in range(3):  # so that it is known how long a picture takes
        page.get_by_role("button", name="Randomise").last.click()
        screen.settled()
    whole = screen.settled().shape
    left, top, width, height = screen.box(page.locator(".le-pad"))
    screen.hand.press(left + 0.2 * width, top + 0.5 * height)
    until = time.monotonic() + 20
    x = 0.2
    while "preview" not in (page.locator(".le-stage-speed").text_content() or ""):
        x = 0.2 if x > 0.8 else x + 0.02
        screen.hand.move(left + x * width, top + 0.5 * height, steps=1)
        assert time.monotonic() < until, "The corner should say that this is a preview."
    moving = screen.pixels().shape
    assert moving[0] * 2 == whole[0] and moving[1] * 2 == whole[1]
    screen.hand.release()
    screen.becomes(lambda session: session["spot"].get("bumps"), "a handle")
    screen.shows(truth())
    assert screen.settled().shape == whole
    wait(lambda: not page.locator(".le-stage-speed").is_visible(), lambda: "At rest nothing is called a preview.")


def test_a_picture_of_no_numbers_is_said_in_words_and_the_last_one_stays(opened):
    screen, _ = opened("broken")
    former = screen.settled()
    screen.tab("Sliders")
    left, top, width, height = screen.box(screen.page.locator(".le-track-rail").first)
    screen.drag((left + width / 2, top + height / 2), (left + 0.95 * width, top + height / 2))
    toast = screen.page.locator(".le-stage-toast")
    toast.wait_for(state="visible")
    assert "not numbers" in toast.inner_text() and "broken" in toast.inner_text()
    assert screen.pixels().shape == former.shape, "Some sound picture must stay on the stage."
    screen.page.keyboard.press("Control+z")
    wait(lambda: np.array_equal(screen.pixels(), former), lambda: "Undo should bring the sound picture back.")
