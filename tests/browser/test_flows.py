"""Flows: played on the stage, drawn on the map, played back, compared and seen as a landscape."""

import pytest
import torch

from explorer.core.direction import Direction
from explorer.methods.flows.potentials import PotentialField, Potentials
from explorer.studio.compass import Compass
from tests.browser.screen import apart, wait

pytestmark = pytest.mark.browser
POSITION, BUSY = ".le-flow-position", ".le-flow-walk[aria-busy='true']"


@pytest.fixture(scope="module")
def flows(truth) -> list[str]:
    """Two flows of one network of random weights, kept where the server keeps what is found; returns their identities."""
    space, card = truth.model.workspace, truth.model.card
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        net = Potentials(2, space.size, hidden=32).eval().requires_grad_(False)
    z = space.sample(64, 0).values
    found = []
    for k in range(2):
        pace = float(PotentialField(net, k, 1.0, 6).velocity(z, 2).norm(dim=1).mean())
        field = PotentialField(net, k, pace, 6)
        found.append(Direction(f"drift {k + 1}", "flow", space, field, length=1.5, model=card.name, weights=card.weights, settings={"accuracy": 0.5}))
    return [Compass().keep(direction) for direction in found]


@pytest.fixture
def following(visit, flows):
    """Opens the page at the tab of flows and follows the first of them."""

    def opened(**session):
        screen = visit()
        screen.commits({"bench": [{"id": each, "name": "", "pinned": False} for each in flows], **session})
        screen.becomes(lambda now: len(now.get("bench", [])) == 2, "two flows on the bench")
        screen.tab("Flows")
        screen.page.locator(f".le-flow-chip[data-id='{flows[0]}']").click()
        ready(screen)
        return screen

    return opened


def ready(screen):
    """Waits until the walk of what was chosen is there."""
    screen.page.wait_for_timeout(50)
    wait(lambda: screen.page.locator(".le-flow-frame").count() > 3 and not screen.page.locator(BUSY).count(), lambda: "The walk did not come.", 60)


def amount(session, identity):
    return dict(session["spot"].get("edits", [])).get(identity, 0)


def inked(screen):
    """How many pixels of the map's marks are drawn."""
    script = "node => { const { data } = node.getContext('2d').getImageData(0, 0, node.width, node.height); let n = 0; for (let i = 3; i < data.length; i += 4) n += data[i] > 40; return n; }"
    return screen.page.locator(".le-map-top").evaluate(script)


def test_a_flow_plays_step_by_step_on_the_stage(following, flows, truth, size):
    screen = following()
    start = screen.settled()
    assert apart(start, truth.seed(0)) <= 1
    screen.page.get_by_label("Speed").last.select_option("8")
    seen = [start]
    screen.page.locator(".le-flow-play").click()
    for _ in range(3):
        seen.append(screen.changes(seen[-1]))
    screen.page.locator(".le-flow-play").click()
    session = screen.becomes(lambda now: amount(now, flows[0]) >= 0.5, "gone some steps along the flow")
    steps = amount(session, flows[0]) / 0.25
    assert steps == round(steps) and screen.page.locator(POSITION).inner_text() == f"step {round(steps)}"
    screen.shows(truth.picture(session))
    assert apart(screen.settled(), start) > 20, "A flow changes the picture."


def test_back_returns_to_the_very_start(following, flows, truth, size):
    screen = following()
    start = screen.settled()
    for n in range(1, 4):
        screen.button("A step forward").click()
        screen.becomes(lambda now, n=n: abs(amount(now, flows[0]) - n * 0.25) < 1e-6, f"gone {n} steps")
    screen.shows(truth.picture(screen.session))
    assert apart(screen.settled(), start) > 4
    for n in (2, 1, 0):
        screen.button("A step back").click()
        screen.becomes(lambda now, n=n: abs(amount(now, flows[0]) - n * 0.25) < 1e-6, f"gone back to step {n}")
    screen.shows(start)
    assert screen.button("Back to the start").is_disabled()
    screen.button("Undo").first.click() if screen.button("Undo").count() else screen.page.keyboard.press("Control+z")
    screen.becomes(lambda now: abs(amount(now, flows[0]) - 0.25) < 1e-6, "the step before back")


def test_the_scrubber_is_dragged_and_walked_by_keys(following, flows, truth):
    screen = following()
    slider = screen.page.locator(".le-flow-scrub .le-range")
    left, top, width, height = screen.box(slider)
    screen.drag((left + width / 2, top + height / 2), (left + 0.75 * width, top + height / 2))
    session = screen.becomes(lambda now: amount(now, flows[0]) > 2, "gone half of the way")
    screen.shows(truth.picture(session))
    slider.focus()
    screen.page.keyboard.press("ArrowLeft")
    screen.page.keyboard.press("ArrowLeft")
    back = screen.becomes(lambda now: abs(amount(now, flows[0]) - amount(session, flows[0]) + 0.5) < 1e-6, "gone two steps back")
    screen.shows(truth.picture(back))
    assert "beyond what was trained" in slider.get_attribute("aria-valuetext")


def test_the_field_and_the_walk_are_drawn_on_the_map_and_leave_it(following, size):
    screen = following(layout="pca")
    toggle = screen.button("Arrows on the map")
    most = []

    def drawn():
        most.append(inked(screen))
        return toggle.get_attribute("aria-pressed") == "true" and most[-1] > 4000

    wait(drawn, lambda: f"Arrows should be on the map, but only {most[-1:]} pixels are drawn.")
    toggle.click()
    wait(lambda: inked(screen) < most[-1] / 3, lambda: "The arrows should leave the map when they are turned off.")
    toggle.click()
    wait(lambda: inked(screen) > 4000, lambda: "The arrows should come back.")
    screen.tab("Sample")
    wait(lambda: inked(screen) < most[-1] / 3, lambda: "The arrows should leave with the tab.")


def test_playing_ends_by_itself_and_says_why(following, flows):
    screen = following()
    screen.page.get_by_label("A step changes").select_option("1")
    ready(screen)
    screen.page.get_by_label("Speed").last.select_option("16")
    screen.page.get_by_label("Stop on drift").select_option("0.9")
    play = screen.page.locator(".le-flow-play")
    play.click()
    wait(
        lambda: play.get_attribute("title") == "Play" and screen.page.locator(".le-flow-walk > .le-note[role=status]").inner_text(),
        lambda: "Playing should end and say why.",
    )
    said = screen.page.locator(".le-flow-walk > .le-note[role=status]").inner_text()
    reached = amount(screen.becomes(lambda now: amount(now, flows[0]) >= 1, "gone on"), flows[0])
    assert f"step {reached:g}" in said or said.endswith(f"{reached:g}."), said


def test_two_flows_are_stacked_compared_and_left_behind(following, flows, truth):
    screen = following()
    for _ in range(2):
        screen.button("A step forward").click()
    screen.becomes(lambda now: amount(now, flows[0]) == 0.5, "gone two steps")
    screen.page.locator(f".le-flow-chip[data-id='{flows[1]}']").click()
    ready(screen)
    screen.button("A step forward").click()
    session = screen.becomes(lambda now: [each for each, _ in now["spot"].get("edits", [])] == flows, "both flows, one after the other")
    screen.shows(truth.picture(session))
    assert screen.page.locator(".le-flow-leg").all_inner_texts() == ["drift 1, 2 steps", "drift 2, 1 step"]
    screen.page.locator(".le-flow-gap select").select_option(flows[0])
    screen.button("Compare both orders").click()
    words = screen.page.locator(".le-flow-gap .le-note")
    wait(lambda: "units of picture change apart" in words.inner_text(), lambda: "The gap between both orders should be told.")
    pictures = screen.film(".le-flow-orders canvas")
    assert len(pictures) == 2 and apart(pictures[1], truth.picture(session)) <= 1, "The session is the first flow, then the second."
    before = screen.settled()
    screen.button("Start anew from here").click()
    screen.becomes(lambda now: now["spot"]["origin"]["kind"] == "values" and not now["spot"].get("edits"), "a start of its own")
    screen.shows(before)


def test_the_landscape_is_drawn_by_a_library_from_this_machine(following):
    screen = following()
    assert not screen.page.evaluate("() => !!globalThis[Symbol.for('latent-explorer.plotting')]"), "Nobody has opened a landscape yet."
    screen.page.locator(".le-flow-more summary", has_text="Landscape").click()
    wait(lambda: screen.page.locator(".le-flow-chart .main-svg .contourlayer path").count() > 3, lambda: "Contours should be drawn.", 60)
    assert "The walk leaves this slice" in screen.page.locator(".le-flow-scape .le-note").inner_text()
    label = screen.page.locator(".le-flow-chart").get_attribute("aria-label")
    assert "landscape of drift 1" in label and "49 steps" in label
    screen.page.get_by_label("Left to right").last.select_option("bend")
    wait(lambda: "two different ways" in screen.page.locator(".le-flow-scape .le-note").inner_text(), lambda: "The same way twice is no plane.")


def test_a_model_without_flows_offers_to_learn_some_and_the_job_can_be_stopped(visit):
    screen = visit("?model=digits-vae")
    screen.tab("Flows")
    empty = screen.page.locator(".le-flow-empty")
    empty.wait_for(state="visible")
    assert "No flows yet" in empty.inner_text()
    screen.page.get_by_label("How many flows").fill("2")
    screen.button("Learn flows").click()
    bar = empty.locator(".le-job-track")
    wait(lambda: float(bar.get_attribute("aria-valuenow") or 0) > 0, lambda: "The job should get on.", 120)
    screen.button("Stop").click()
    wait(lambda: "goes on from there" in empty.inner_text(), lambda: f"The job should stop and say so, but the panel says: {empty.inner_text()}", 60)
    assert screen.button("Learn flows").is_visible()
