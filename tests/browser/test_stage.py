"""The stage: the first picture, and what a hand on a slider does to it."""

import numpy as np
import pytest

from explorer.studio.session import Seed
from tests.browser.screen import apart, wait

pytestmark = pytest.mark.browser


def slider(screen, truth, axis):
    """The rail of one axis, and how far it reaches to either side."""
    screen.tab("Sliders")
    report = truth.atlas.axes[axis]
    ends = [abs(report[f"{mode}_quantiles"][k]) for mode in ("mean", "sampled") for k in (0, -1)]
    return screen.page.get_by_role("slider", name=truth.model.space.axes[axis], exact=True), max(3.0, 1.3 * max(ends))


def test_the_first_picture_is_the_one_python_decodes(visit, truth, size):
    screen = visit()
    assert screen.session["spot"] == {"origin": {"kind": "seed", "seed": 0, "truncation": 1.0}, "axes": []}
    assert screen.pixels().std() > 20
    screen.shows(truth.seed(0))
    assert screen.corner == "live"


def test_dragging_a_slider_changes_the_face_under_the_hand_and_undo_brings_it_back(visit, truth, size):
    screen = visit()
    axis, value, attribute = truth.telling_axis()
    former = screen.settled()
    rail, reach = slider(screen, truth, axis)
    left, top, width, height = screen.box(rail)
    at = lambda value: (left + width * (value / reach + 1) / 2, top + height / 2)  # noqa: E731
    start = truth.model.space.sample(1, 0).values[0, axis].item()

    screen.hand.press(*at(start))
    screen.hand.move(*at((start + value) / 2))
    half = screen.changes(former)
    screen.hand.move(*at(value))
    screen.changes(half)
    wanted = truth.seen(truth.at(Seed(0), (axis, value)))[attribute]
    wait(
        lambda: truth.seen(screen.pixels()).get(attribute) == wanted,
        lambda: f"The judge should see {attribute} {wanted}, it sees {truth.seen(screen.pixels())}.",
    )
    assert screen.moving and not screen.session["spot"]["axes"], "All this must be seen before the hand lets go."

    screen.hand.release()
    ((moved, shown),) = screen.becomes(lambda session: session["spot"]["axes"], "an axis set by hand")["spot"]["axes"]
    assert moved == axis and abs(shown - value) <= 2 * 2 * reach / width
    screen.shows(truth.at(Seed(0), (axis, shown)))
    assert truth.seen(screen.settled())[attribute] == wanted

    screen.page.keyboard.press("Control+z")
    screen.becomes(lambda session: not session["spot"]["axes"], "no axis set by hand")
    wait(lambda: np.array_equal(screen.pixels(), former), lambda: "Undo should bring back the very pixels from before.")
    screen.page.keyboard.press("Control+y")
    screen.shows(truth.at(Seed(0), (axis, shown)))


def test_after_a_hasty_drag_the_last_position_is_shown(visit, truth, size):
    screen = visit()
    axis = truth.telling_axis()[0]
    rail, reach = slider(screen, truth, axis)
    left, top, width, height = screen.box(rail)
    points = [(left + width * share, top + height / 2) for share in (0.5, 0.9, 0.1, 0.8, 0.2, 0.7)]
    screen.drag(*points, steps=10)
    ((_, value),) = screen.becomes(lambda session: session["spot"]["axes"], "an axis set by hand")["spot"]["axes"]
    assert abs(value - (2 * 0.7 - 1) * reach) <= 2 * 2 * reach / width
    screen.shows(truth.at(Seed(0), (axis, value)))
    assert apart(screen.settled(), truth.at(Seed(0), (axis, value))) <= 1
