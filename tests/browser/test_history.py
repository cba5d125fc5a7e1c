"""The history: pictures of all steps, branches, bookmarks; and nothing is lost by a reload, a restart or a kill."""

import contextlib

import numpy as np
import pytest

from tests.browser.screen import wait
from tests.browser.server import Server

pytestmark = pytest.mark.browser

TILES = ".le-history-tree .le-history-tile"


def unfold(screen):
    """Opens the history where a small screen has it folded."""
    fold = screen.page.locator(".le-history-fold")
    fold.scroll_into_view_if_needed()
    if fold.get_attribute("aria-expanded") == "false":
        fold.click()


def steps(screen):
    """The numbers of the tiles on show."""
    return [int(number) for number in screen.page.eval_on_selector_all(TILES, "nodes => nodes.map((node) => node.dataset.step)")]


def has_steps(screen, count):
    wait(lambda: len(steps(screen)) == count, lambda: f"The history should show {count} steps, it shows {steps(screen)}.")


def walk(screen, truth, seeds):
    """Goes on from seed to seed."""
    for seed in seeds:
        screen.button("Next seed").click()
        screen.shows(truth.seed(seed))


def test_every_step_is_a_picture_and_going_back_begins_a_branch(visit, truth, size):
    screen = visit()
    walk(screen, truth, (1, 2))
    unfold(screen)
    has_steps(screen, 3)
    tile = lambda number: screen.page.locator(f"{TILES}[data-step='{number}']")  # noqa: E731
    tile(1).scroll_into_view_if_needed()
    expected = truth.seed(1)
    small = lambda: screen.pixels(f"{TILES}[data-step='1'] canvas")  # noqa: E731
    blurred = lambda picture: picture.reshape(8, picture.shape[0] // 8, 8, picture.shape[1] // 8, 3).mean(axis=(1, 3))  # noqa: E731
    wait(lambda: np.abs(blurred(small()) - blurred(expected)).max() < 16, lambda: "The tile of step 1 should show its picture.")
    tile(1).click()
    screen.shows(expected)
    screen.button("Random").click()
    has_steps(screen, 4)
    tops = screen.page.eval_on_selector_all(TILES, "nodes => Object.fromEntries(nodes.map((node) => [node.dataset.step, node.offsetTop]))")
    assert tops["1"] == tops["2"] < tops["3"], "A branch stands below."
    assert tile(3).get_attribute("aria-selected") == "true"


def test_arrow_keys_walk_through_the_history(screen, truth):
    walk(screen, truth, (1, 2))
    has_steps(screen, 3)
    screen.page.locator(f"{TILES}[aria-selected=true]").focus()
    screen.page.keyboard.press("ArrowLeft")
    screen.shows(truth.seed(1))
    screen.page.wait_for_function("() => document.activeElement?.dataset.step === '1'")
    screen.page.keyboard.press("ArrowLeft")
    screen.shows(truth.seed(0))
    screen.page.wait_for_function("() => document.activeElement?.dataset.step === '0'")
    screen.page.keyboard.press("End")
    screen.shows(truth.seed(2))


def test_a_bookmark_stands_first_is_renamed_and_gone_to(visit, truth, size):
    screen = visit()
    walk(screen, truth, (1,))
    unfold(screen)
    screen.page.locator(".le-history-bar").get_by_role("button", name="Bookmark", exact=True).click()
    field = screen.page.get_by_role("textbox", name="Name of the bookmark")
    field.fill("my face")
    field.press("Enter")
    star = screen.page.get_by_role("option", name="Bookmark: my face")
    star.wait_for()
    walk(screen, truth, (2,))
    star.click()
    screen.shows(truth.seed(1))
    assert field.input_value() == "my face"
    screen.button("Remove bookmark").click()
    star.wait_for(state="detached")


def test_three_hundred_steps_stay_smooth(screen):
    session = screen.session
    screen.page.evaluate(
        """async (session) => {
          const model = globalThis[Symbol.for('latent-explorer')].model;
          for (let seed = 1; seed < 300; seed++) {
            model.send({ type: "commit", patch: { spot: { ...session.spot, origin: { kind: "seed", seed, truncation: 1 } } }, label: `seed ${seed}` });
            if (seed % 7 === 0) model.send({ type: "go", step: seed - 3 });
            await new Promise((resolve) => setTimeout(resolve, 40)); // faster than any hand, slower than what a visitor may ask for
          }
        }""",
        session,
    )
    has_steps(screen, 300)
    screen.page.locator(".le-history-scroll").scroll_into_view_if_needed()
    worst = screen.page.evaluate(
        """() => new Promise((resolve) => {
          const scroll = document.querySelector(".le-history-scroll");
          const gaps = [];
          let last = performance.now();
          const step = (now) => {
            gaps.push(now - last);
            last = now;
            scroll.scrollLeft += 120;
            gaps.length < 90 ? requestAnimationFrame(step) : resolve(gaps.slice(2).sort((a, b) => a - b)[Math.floor(gaps.length * 0.8)]);
          };
          requestAnimationFrame(step);
        })"""
    )
    assert worst < 60, f"Scrolling through the history: four of five frames should come within 60 ms, it took {worst:.0f} ms."


def test_a_reload_goes_on_and_a_new_tab_offers_to(visit, truth):
    screen = visit()
    walk(screen, truth, (1, 2))
    screen.page.keyboard.press("Control+z")
    screen.shows(truth.seed(1))
    screen.page.reload()
    screen.settled()
    screen.shows(truth.seed(1))
    has_steps(screen, 3)
    other = visit()
    other.shows(truth.seed(0))
    has_steps(other, 1)
    resume = other.page.get_by_role("button", name="Continue last session")
    assert "3 steps" in resume.inner_text()
    resume.click()
    other.shows(truth.seed(1))
    has_steps(other, 3)
    resume.wait_for(state="hidden")
    other.page.keyboard.press("Control+y")
    screen.shows(truth.seed(2))  # one session again


def test_a_server_killed_with_sigkill_loses_no_committed_step(visit, truth, root, built_views, tmp_path):
    server = Server(root, tmp_path / "log.txt")
    server.start()
    try:
        screen = visit(at=server)
        walk(screen, truth, (1, 2, 3))
        screen.page.keyboard.press("Control+z")
        screen.shows(truth.seed(2))
        screen.watch.forgive("ERR_CONNECTION_REFUSED", "ERR_CONNECTION_RESET", "ERR_INCOMPLETE_CHUNKED_ENCODING", "ERR_EMPTY_RESPONSE")
        server.stop()  # SIGKILL
        server.start()
        wait(lambda: screen.corner == "live", lambda: f"The page should be connected again, it says '{screen.corner}'.", patience=60)
        has_steps(screen, 4)
        screen.page.keyboard.press("Control+y")
        screen.shows(truth.seed(3))
        server.stop()
        server.start()
        with contextlib.suppress(Exception):
            screen.page.goto("about:blank")
        screen.page.goto(server.address)
        screen.settled()
        screen.shows(truth.seed(3))
        has_steps(screen, 4)
        for seed in (2, 1, 0):
            screen.page.keyboard.press("Control+z")
            screen.shows(truth.seed(seed))
    finally:
        server.stop()
