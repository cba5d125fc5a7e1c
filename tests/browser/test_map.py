"""The map: a hand on a point, in between, and around points; and the keyboard."""

import re

import numpy as np
import pytest
from PIL import Image

from tests.browser.screen import MapView, apart, wait

pytestmark = pytest.mark.browser


@pytest.fixture
def look(truth):
    """Where things lie on the map that a page shows."""
    return lambda screen: MapView(screen, truth.atlas.layout(screen.session["layout"]).xy.numpy())


def test_a_click_on_a_point_shows_that_face(visit, truth, look, size):
    screen = visit()
    view = look(screen)
    row = next(row for row in view.lonely() if truth.agreement(truth.row(row), row) >= 9)
    screen.click(*view.spots[row])
    screen.goes_to(kind="entry", row=row)
    screen.shows(truth.row(row))
    assert truth.agreement(screen.settled(), row) >= 8
    assert screen.page.locator(".le-stage-interpolated").is_hidden()


def test_a_click_between_the_points_shows_a_face_that_is_marked_interpolated(visit, truth, look, size):
    screen = visit()
    view = look(screen)
    former = screen.settled()
    x, y = view.empty(gap=12)
    screen.click(x, y)
    origin = screen.goes_to(kind="place")["spot"]["origin"]
    assert np.abs(view.place(x, y) - (origin["x"], origin["y"])).max() <= 1.5 / view.scale
    screen.changes(former)
    screen.shows(truth.picture(screen.session))
    screen.page.locator(".le-stage-interpolated").wait_for(state="visible")
    screen.page.keyboard.press("Control+z")
    screen.page.locator(".le-stage-interpolated").wait_for(state="hidden")
    screen.shows(former)


def test_dragging_over_the_map_keeps_changing_the_face(visit, truth, look, size):
    screen = visit()
    view = look(screen)
    (x0, y0), (x1, y1) = np.quantile(view.spots, 0.2, axis=0), np.quantile(view.spots, 0.8, axis=0)
    seen = [screen.settled()]
    screen.hand.press(x0, y0)
    for share in (0.25, 0.5, 0.75, 1.0):
        screen.hand.move(x0 + (x1 - x0) * share, y0 + (y1 - y0) * share)
        seen.append(screen.changes(seen[-1]))
    assert screen.moving and screen.session["spot"]["origin"]["kind"] == "seed", "All this must be seen before the hand lets go."
    assert len({picture.tobytes() for picture in seen}) == 5
    screen.hand.release()
    origin = screen.goes_to(kind="place")["spot"]["origin"]
    assert np.abs(view.place(x1, y1) - (origin["x"], origin["y"])).max() <= 1.5 / view.scale
    screen.shows(truth.picture(screen.session))


def test_a_lasso_selects_what_lies_within_it(visit, truth, look, size):
    screen = visit()
    screen.page.get_by_role("radio", name="Lasso").click()  # on a phone the page may move for it: first this, then where things lie
    view = look(screen)
    middle, reach = np.median(view.spots, axis=0), np.array([60.0, 45.0])
    corners = [middle + reach * corner for corner in ((1, 0), (0, 1), (-1, 0), (0, -1), (1, 0))]
    screen.drag(*[(float(x), float(y)) for x, y in corners], steps=20)
    selected = set(screen.becomes(lambda session: session["selection"], "a selection")["selection"])

    steps = np.abs((view.spots - middle) / reach).sum(axis=1)  # 1 on the line
    within, near = set(np.flatnonzero(steps < 0.94)), set(np.flatnonzero(steps < 1.06))
    assert len(within) > 20 and within <= selected <= near
    assert f"{len(selected):,} selected" in screen.page.inner_text(".le-map-card")
    screen.page.keyboard.press("Escape")
    screen.becomes(lambda session: not session["selection"], "no selection")


def test_a_lasso_drawn_slowly_selects_as_well(visit, look):
    screen = visit()
    view = look(screen)
    middle, reach = np.median(view.spots, axis=0), np.array([40.0, 30.0])
    corners = [middle + reach * corner for corner in ((1, 0), (0, 1), (-1, 0), (0, -1), (1, 0))]
    screen.page.get_by_role("radio", name="Lasso").click()
    screen.drag(*[(float(x), float(y)) for x, y in corners], steps=60)  # less than a pixel a step
    selected = set(screen.becomes(lambda session: session["selection"], "a selection")["selection"])
    steps = np.abs((view.spots - middle) / reach).sum(axis=1)
    assert set(np.flatnonzero(steps < 0.9)) <= selected <= set(np.flatnonzero(steps < 1.1))


def test_arrow_keys_walk_from_point_to_point_and_enter_stays_there(screen, truth, look):
    look(screen)
    former = screen.settled()
    spoken = screen.page.locator(".le-map > [aria-live], .le-map [aria-live]").first
    screen.page.locator(".le-map-top").focus()
    walked = []
    for key in ("ArrowRight", "ArrowUp"):
        screen.page.keyboard.press(key)
        wait(lambda: spoken.inner_text() not in ("", *walked), lambda: "The arrow should be answered in the live region.")
        walked.append(spoken.inner_text())
        row = int(re.match(r"Point (\d+): ", walked[-1])[1])
        screen.shows(truth.row(row))
    told = truth.atlas.described(row)
    assert all(value.lower() in walked[-1].lower() for value in told.values())
    assert screen.session["spot"]["origin"]["kind"] == "seed"
    screen.page.keyboard.press("Enter")
    screen.goes_to(kind="entry", row=row)
    assert apart(screen.settled(), truth.row(row)) <= 1

    screen.page.keyboard.press("ArrowLeft")
    screen.changes(truth.row(row))
    screen.page.keyboard.press("Escape")  # back to where one was
    screen.shows(truth.row(row))
    screen.page.keyboard.press("Control+z")
    screen.shows(former)


def test_other_colours_and_maps_show_the_same_codes(screen, truth, look):
    look(screen)
    picture = screen.settled()
    former = screen.pixels(".le-map-points")
    screen.page.get_by_label("Colour by").select_option("axis:0")
    coloured = screen.changes(former, ".le-map-points")
    others = set(truth.atlas.layouts) - {screen.session["layout"]}
    assert others
    for name in sorted(others):
        screen.page.locator(".le-map-layouts [role=radio]", has_text=re.compile(name, re.IGNORECASE)).click()
        screen.becomes(lambda session, name=name: session["layout"] == name, f"the map {name}")
        coloured = screen.changes(coloured, ".le-map-points")
        view = look(screen)
        row = view.lonely()[0]
        screen.click(*view.spots[row])
        screen.goes_to(kind="entry", row=row)
        screen.shows(truth.row(row))
        screen.page.keyboard.press("Control+z")
    screen.shows(picture)


def test_a_line_drawn_on_the_map_is_the_path(visit, look, size):
    screen = visit()
    screen.page.get_by_role("radio", name="Draw a path").click()
    view = look(screen)
    x, y = np.median(view.spots, axis=0)
    turns = [(x - 90, y), (x - 30, y - 60), (x + 30, y + 40), (x + 80, y - 10)]
    screen.drag(*turns, steps=15)
    journey = screen.becomes(lambda session: session["journey"]["kind"] == "drawn", "a drawn path")["journey"]
    corners = np.array([(stop["origin"]["x"], stop["origin"]["y"]) for stop in journey["stops"]])
    assert 4 <= len(corners) <= 24 and {stop["origin"]["layout"] for stop in journey["stops"]} == {screen.session["layout"]}
    for turn in turns:
        assert np.abs(corners - view.place(*turn)).max(axis=1).min() <= 2.5 / view.scale
    assert journey["start"] is None and journey["end"] is None

    screen.page.locator(".le-strip-cell canvas").first.wait_for(state="attached")
    screen.stands(".le-map-top")  # the film of the path moves the map
    view = look(screen)
    row = view.lonely()[0]
    screen.click(*view.spots[row])  # picked points begin another path
    begun = screen.becomes(lambda session: session["journey"]["kind"] != "drawn", "another path")["journey"]
    assert begun["start"]["origin"] == {"kind": "entry", "row": row} and not begun["stops"]


def test_the_map_shows_how_far_to_trust_its_places(screen, truth, look):
    view = look(screen)
    former = screen.pixels(".le-map-points")
    layout = truth.atlas.layout(screen.session["layout"])
    said = screen.page.locator(".le-map-trust")
    assert f"{round(100 * layout.honesty['recall']['value'])} of 100 nearest neighbours" in said.inner_text()
    screen.page.get_by_role("button", name="Show which to doubt").click()
    screen.becomes(lambda session: session["colour"] == "map:kept", "the colours of trust")
    screen.changes(former, ".le-map-points")
    half = int(layout.local["kept"].double().median() / 17)
    wait(lambda: f"half of all points keep {half} or fewer of their 15" in said.inner_text(), said.inner_text)
    row = view.lonely()[0]
    screen.page.mouse.move(*view.spots[row])
    tip = screen.page.locator(".le-map-tip")
    wait(lambda: f"{round(int(layout.local['kept'][row]) / 17)} of 15" in tip.inner_text(), tip.inner_text)


def test_other_seeds_are_told_of_where_a_seed_went_into_the_map(screen, look):
    look(screen)
    seeds = screen.page.get_by_label("Colour by", exact=True)
    seeds.select_option("map:stays")
    said = screen.page.locator(".le-map")
    wait(lambda: "with another seed" in said.inner_text(), said.inner_text)
    screen.page.locator(".le-map-layouts [role=radio]", has_text="PCA").click()
    wait(lambda: "whatever the seed, it comes out as this very map" in said.inner_text(), said.inner_text)


def test_zoomed_in_points_are_pictures_and_a_click_on_one_means_it(screen, truth, look):
    view = look(screen)
    row = view.lonely()[0]
    hand = np.floor(view.spots[row])  # whole pixels, as a mouse has
    screen.page.mouse.move(*hand)
    for _ in range(5):
        screen.page.mouse.wheel(0, -300)
    x, y = hand + (view.spots[row] - hand) * np.exp(5 * 300 * 0.0018)
    top, left = 32 * (row // 100), 32 * (row % 100)
    tile = np.asarray(Image.open(truth.atlas.thumbnails).convert("RGB"))[top : top + 32, left : left + 32]

    def shown() -> bool:
        """Whether the middle of the thumbnail of the row is painted at its place."""
        pixels, ratio = screen.pixels(".le-map-points"), screen.page.evaluate("() => devicePixelRatio")
        across, down = round((x - view.left) * ratio), round((y - view.top) * ratio)
        patch = pixels[down - 4 : down + 4, across - 4 : across + 4].reshape(-1, 3).mean(axis=0)
        return np.abs(patch - tile[12:20, 12:20].reshape(-1, 3).mean(axis=0)).max() < 40

    wait(shown, lambda: "The thumbnail should lie on its point.")
    screen.click(x + 13, y - 13)
    screen.goes_to(kind="entry", row=row)
    screen.shows(truth.row(row))
