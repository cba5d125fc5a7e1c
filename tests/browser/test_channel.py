"""The connection: models, links to them, two tabs, no WebSocket, and a server that goes away and comes back."""

import re

import pytest

from tests.browser.screen import wait
from tests.browser.server import Server

pytestmark = pytest.mark.browser


def pick(screen, name):
    """Chooses a model in the header."""
    screen.page.locator(".le-picker-button").click()
    screen.page.locator(f".le-picker-card[data-name='{name}']").click()


def test_a_model_that_draws_nothing_is_greyed_with_its_reason(screen, truth):
    screen.page.locator(".le-picker-button").click()
    cards = screen.page.locator(".le-picker-card")
    assert set(cards.evaluate_all("nodes => nodes.map((node) => node.dataset.name)")) >= set(truth.bundled), "Other visitors may have opened more."
    judge = screen.page.locator(".le-picker-card[data-name='avatars-judge']")
    assert judge.get_attribute("aria-disabled") == "true" and "no latent space" in judge.inner_text()
    judge.click(force=True)
    screen.page.keyboard.press("Escape")
    screen.page.locator(".le-picker-list").wait_for(state="hidden")
    assert screen.session["model"] == "avatars-vae"
    screen.shows(truth.seed(0))


def test_another_model_opens_and_undo_returns_to_the_face(screen, truth):
    digits = type(truth)("digits-vae")
    screen.button("Next seed").click()
    screen.shows(truth.seed(1))
    pick(screen, "digits-vae")
    screen.becomes(lambda session: session["model"] == "digits-vae", "the digits")
    screen.shows(digits.seed(0).repeat(3, axis=-1) if digits.seed(0).shape[-1] == 1 else digits.seed(0))
    screen.button("Next seed").click()
    screen.goes_to(seed=1)
    for _ in range(2):
        screen.page.keyboard.press("Control+z")
    screen.becomes(lambda session: session["model"] == "avatars-vae", "the faces")
    screen.shows(truth.seed(1))


def test_a_link_to_a_model_that_is_not_there_says_so_and_shows_one_that_is(visit, truth):
    screen = visit("?model=nonsense")
    toast = screen.page.locator(".le-stage-toast")
    toast.wait_for()
    assert re.search("No model 'nonsense' here. There are: .*avatars-vae", toast.inner_text())
    screen.shows(truth.seed(0))
    assert screen.page.url.endswith("?model=avatars-vae")
    screen.button("Next seed").click()
    screen.shows(truth.seed(1))


def test_without_a_websocket_everything_works_more_slowly_and_the_corner_says_so(visit, truth):
    screen = visit(before=lambda page: page.route_web_socket("**/live", lambda socket: socket.close()))
    assert screen.corner == "slower: no WebSocket"
    screen.shows(truth.seed(0))
    screen.button("Next seed").click()
    screen.shows(truth.seed(1))
    left, top, width, height = screen.box(screen.page.get_by_role("slider", name="How close to the average"))
    screen.hand.press(left + width - 9, top + height / 2)
    screen.hand.move(left + width / 2, top + height / 2)
    half = screen.changes(truth.seed(1))
    screen.hand.move(left + width / 4, top + height / 2)
    screen.changes(half)
    assert screen.moving
    screen.hand.release()
    screen.becomes(lambda session: session["spot"]["origin"]["truncation"] < 0.5, "a draw closer to the average")
    screen.shows(truth.picture(screen.session))
    for _ in range(2):
        screen.page.keyboard.press("Control+z")
    screen.shows(truth.seed(0))
    wait(lambda: screen.page.locator(".le-map-veil").is_hidden(), lambda: "The map should come as well.")


def test_two_tabs_of_one_visitor_follow_each_other(visit, truth):
    one = visit()
    with one.page.context.expect_page() as opened:
        one.page.evaluate("() => void window.open(location.href)")
    two = type(one)(opened.value, type(one.hand)(opened.value), one.watch)
    two.settled()
    two.shows(truth.seed(0))
    one.button("Next seed").click()
    one.shows(truth.seed(1))
    two.shows(truth.seed(1))
    two.button("Next seed").click()
    one.shows(truth.seed(2))
    one.page.keyboard.press("Control+z")
    two.shows(truth.seed(1))


def test_another_visitor_does_not_follow(visit, truth):
    one, other = visit(), visit()
    one.button("Next seed").click()
    one.shows(truth.seed(1))
    other.shows(truth.seed(0))
    assert other.session["spot"]["origin"]["seed"] == 0


def test_a_server_that_was_started_again_is_found_and_nothing_is_lost(visit, truth, root, built_views, tmp_path):
    server = Server(root, tmp_path / "log.txt")
    server.start()
    try:
        screen = visit(at=server)
        screen.button("A = here").click()
        screen.button("Next seed").click()
        screen.shows(truth.seed(1))
        left = screen.becomes(lambda session: session["journey"]["start"], "an A")
        screen.watch.forgive("ERR_CONNECTION_REFUSED", "ERR_CONNECTION_RESET", "ERR_INCOMPLETE_CHUNKED_ENCODING", "ERR_EMPTY_RESPONSE")
        server.stop()
        wait(lambda: screen.corner == "reconnecting…", lambda: f"The corner should say that the page tries to connect, it says '{screen.corner}'.")
        screen.shows(truth.seed(1))
        screen.button("Next seed").click()  # kept until the server is back
        server.start()
        wait(lambda: screen.corner == "live", lambda: f"The page should be connected again, it says '{screen.corner}'.", patience=60)
        screen.shows(truth.seed(2))
        assert screen.session["journey"] == left["journey"]
        screen.page.keyboard.press("Control+z")
        screen.shows(truth.seed(1))
        assert screen.session == left
    finally:
        server.stop()
