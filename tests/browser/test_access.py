"""Access: keys, narrow windows, light and dark, and the rules that axe checks."""

from pathlib import Path

import pytest

from tests.browser.screen import apart, wait
from widgets.build import install_packages

pytestmark = pytest.mark.browser
TABS = {"Sample": ".le-grid[aria-busy=false]", "Sliders": ".le-track", "Flows": ".le-flow-frame"}  # and what shows that each is ready


@pytest.fixture(scope="session")
def axe(root) -> Path:
    """The script of axe-core, as pinned for the front end."""
    script = root / "widgets" / "node_modules" / "axe-core" / "axe.min.js"
    if not script.exists():
        install_packages(root / "widgets")
    return script


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_axe_finds_nothing_serious_on_any_tab(visit, axe, size, colours):
    screen = visit(colours=colours)
    assert screen.page.evaluate("() => document.body.classList.contains('dark')") == (colours == "dark")
    screen.page.add_script_tag(path=axe)
    for tab, ready in TABS.items():
        screen.tab(tab)
        screen.page.locator(ready).first.scroll_into_view_if_needed()
        found = screen.page.evaluate("async () => (await axe.run(document, { resultTypes: ['violations'] })).violations")
        told = [f"{each['impact']}: {each['help']}: {each['nodes'][0]['html'][:200]}" for each in found if each["impact"] in ("serious", "critical")]
        assert not told, f"On the tab {tab}, {colours}:\n" + "\n".join(told)


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_nothing_is_wider_than_the_window(visit, size, colours):
    screen = visit(colours=colours)
    for tab, ready in TABS.items():
        screen.tab(tab)
        screen.page.locator(ready).first.wait_for()
        screen.page.evaluate("() => scrollTo(500, 0)")
        wide = screen.page.evaluate(
            """() => [...document.querySelectorAll("body *")].filter((node) => {
                  const scrolled = (inner) => {
                    for (let at = inner.parentElement; at && at !== document.body; at = at.parentElement)
                      if (["auto", "scroll"].includes(getComputedStyle(at).overflowX)) return true;
                    return false;
                  };
              const box = node.getBoundingClientRect();
              return box.width && box.height && box.right > innerWidth + 1 && !node.closest(".le-unseen, [hidden]") && getComputedStyle(node).visibility !== "hidden" && !scrolled(node);
            }).map((node) => `${node.tagName} ${node.className}`)"""
        )
        assert screen.page.evaluate("() => scrollX") == 0, f"On the tab {tab} the page scrolls sideways, because of {wide[:5]}."
        assert not wide, f"On the tab {tab} these stand out of the window: {wide[:5]}."


def test_light_and_dark_are_switched_by_hand_and_remembered(visit):
    dark = "() => document.body.classList.contains('dark')"
    screen = visit()
    light = screen.settled()
    ground = lambda: screen.pixels(".le-map-points")[2, 2].mean()  # noqa: E731
    wait(lambda: ground() > 230, lambda: f"The map should be light, its grey level is {ground()}.")
    screen.button("Switch to dark").click()
    screen.page.wait_for_function(dark)
    wait(lambda: ground() < 60, lambda: f"The map should be dark, its grey level is {ground()}.")
    assert apart(screen.pixels(), light) == 0, "The picture itself has no theme."
    screen.page.reload()
    screen.settled()
    screen.page.wait_for_function(dark)
    screen.button("Switch to light").click()
    screen.page.wait_for_function("() => !document.body.classList.contains('dark')")
    wait(lambda: ground() > 230, lambda: f"The map should be light again, its grey level is {ground()}.")


def test_arrow_keys_move_a_slider(screen, truth):
    axis = truth.telling_axis()[0]
    former = screen.settled()
    screen.tab("Sliders")
    rail = screen.page.get_by_role("slider", name=truth.model.space.axes[axis], exact=True)
    rail.focus()
    before = float(rail.get_attribute("aria-valuenow"))
    for _ in range(3):
        screen.page.keyboard.press("Shift+ArrowRight")
    ((moved, value),) = screen.becomes(lambda session: session["spot"]["axes"], "an axis set by hand")["spot"]["axes"]
    assert moved == axis and value > before
    screen.shows(truth.picture(screen.session))
    assert apart(screen.pixels(), former) > 8
    assert abs(float(rail.get_attribute("aria-valuenow")) - value) < 0.01
    rail.press("Delete")
    screen.becomes(lambda session: not session["spot"]["axes"], "no axis set by hand")
    screen.shows(former)


def test_the_question_mark_opens_the_keys_and_escape_closes_them(screen):
    sheet = screen.page.get_by_role("dialog", name="Help")
    assert sheet.count() == 0
    screen.page.keyboard.press("?")
    sheet.wait_for()
    assert "Undo" in sheet.inner_text()
    screen.page.keyboard.press("Escape")
    sheet.wait_for(state="hidden")
    field = screen.page.get_by_role("textbox", name="Seed")
    field.press("?")  # typed, not a command
    assert sheet.count() == 0


def test_everything_can_be_reached_by_the_tab_key(screen):
    reached = set()
    for _ in range(60):
        screen.page.keyboard.press("Tab")
        reached.add(
            screen.page.evaluate("() => document.activeElement?.closest('[data-view]')?.dataset.view ?? document.activeElement?.getAttribute('role')")
        )
    assert {"header", "stage", "map", "strip", "sample", "tab"} <= reached


def test_reduced_motion_still_plays_nothing_by_itself(visit, truth):
    screen = visit(before=lambda page: page.emulate_media(reduced_motion="reduce"))
    screen.shows(truth.seed(0))
    wait(
        lambda: screen.page.evaluate("() => document.getAnimations().filter((a) => a.playState === 'running').length") == 0,
        lambda: "Nothing should move by itself.",
    )
