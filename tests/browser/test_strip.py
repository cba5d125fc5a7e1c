"""The strip: a path through pictures or along a line."""

import io

import numpy as np
import pytest
import torch
from PIL import Image

from explorer.render import halved
from explorer.studio.codes import journey_codes
from explorer.studio.session import Session
from tests.browser.screen import MODEL, apart, wait

pytestmark = pytest.mark.browser
FILM = ".le-strip-cell canvas"


@pytest.fixture
def on_a_path(visit, truth):
    """Opens the page and picks the first two seeds as the ends."""

    def opened():
        screen = visit()
        screen.button("A = here").click()
        screen.becomes(lambda session: session["journey"]["start"], "an A")
        screen.button("Next seed").click()
        screen.shows(truth.seed(1))
        screen.button("B = here").click()
        screen.becomes(lambda session: session["journey"]["end"], "a B")
        return screen

    return opened


def filmed(screen, truth):
    """The nine pictures of the session's path, once the strip shows them; on a busy machine it may show them at half their sides."""
    film = truth.film(screen.session, 9)
    expected = {picture.shape: picture for picture in (film, halved(film))}

    def same():
        shown = screen.film(FILM)
        return shown.shape in expected and apart(shown, expected[shown.shape]) <= 1

    wait(same, lambda: "The film strip should show nine pictures along the path.")
    return film


def test_the_way_from_a_to_b_is_nine_different_pictures(on_a_path, truth, size):
    screen = on_a_path()
    film = filmed(screen, truth)
    assert len({picture.tobytes() for picture in film}) == 9
    assert apart(film[0], truth.seed(0)) <= 1 and apart(film[-1], truth.seed(1)) <= 1
    assert screen.page.locator(FILM).first.is_visible()


def test_scrubbing_to_the_end_shows_b(on_a_path, truth, size):
    screen = on_a_path()
    screen.button("Previous seed").click()
    screen.shows(truth.seed(0))
    filmed(screen, truth)
    left, top, width, height = screen.box(screen.page.get_by_role("slider", name="Position along the path"))
    seen = [screen.settled()]
    screen.hand.press(left + 8, top + height / 2)
    for share in (0.4, 0.7, 1.0):
        screen.hand.move(left + width * share - 1, top + height / 2)
        seen.append(screen.changes(seen[-1]))
    assert screen.moving and screen.session["journey"]["t"] is None, "All this must be seen before the hand lets go."
    screen.hand.release()
    screen.becomes(lambda session: session["journey"]["t"] == 1, "the end of the path")
    screen.shows(truth.seed(1))
    assert apart(screen.settled(), truth.film(screen.session, 9)[-1]) <= 1
    screen.page.keyboard.press("Control+z")
    screen.becomes(lambda session: session["journey"]["t"] is None, "no place on the path")
    screen.shows(truth.seed(0))


def test_a_frame_of_the_film_is_shown_when_it_is_clicked(on_a_path, truth):
    screen = on_a_path()
    film = filmed(screen, truth)
    screen.page.locator(".le-strip-cell").nth(4).click()
    screen.becomes(lambda session: session["journey"]["t"] == 0.5, "the middle of the path")
    screen.shows(film[4])
    screen.button("Leave path").click()
    screen.shows(truth.seed(1))


def test_play_moves_along_the_path_and_pause_stays(on_a_path, truth, size):
    screen = on_a_path()
    filmed(screen, truth)
    screen.button("Play").click()
    seen = [screen.pixels()]
    for _ in range(4):
        seen.append(screen.changes(seen[-1]))
    assert len({picture.tobytes() for picture in seen}) >= 4
    screen.button("Pause").click()
    screen.becomes(lambda session: session["journey"]["t"] is not None, "a place on the path")
    screen.shows(truth.picture(screen.session))


def test_straight_and_round_part_in_the_middle_and_share_the_ends(on_a_path, truth):
    screen = on_a_path()
    arc = filmed(screen, truth)
    screen.page.get_by_role("radio", name="Straight").click()
    screen.becomes(lambda session: session["journey"]["kind"] == "chord", "a chord")
    chord = filmed(screen, truth)
    assert apart(arc[4], chord[4]) > 8
    assert apart(arc[0], chord[0]) <= 1 and apart(arc[-1], chord[-1]) <= 1


@pytest.fixture
def with_stops(on_a_path, truth):
    """Opens a path with two stops, the seeds 2 and 3; returns the screen."""

    def opened():
        screen = on_a_path()
        for seed in (2, 3):
            screen.button("Next seed").click()
            screen.shows(truth.seed(seed))
            screen.button("Stop here").click()
            screen.becomes(lambda session, seed=seed: len(session["journey"]["stops"]) == seed - 1, "one more stop")
        return screen

    return opened


def seeds(session):
    """The seeds of a path's points, in order."""
    journey = session["journey"]
    return [spot["origin"]["seed"] for spot in (journey["start"], *journey["stops"], journey["end"])]


def test_the_path_bends_through_its_stops_and_shows_them(with_stops, truth, size):
    screen = with_stops()
    assert seeds(screen.session) == [0, 2, 3, 1] and screen.session["journey"]["kind"] == "spline"
    filmed(screen, truth)
    chips = ".le-stops-chip canvas"
    stops = np.stack([truth.seed(2), truth.seed(3)])
    expected = {picture.shape: picture for picture in (stops, halved(stops))}
    wait(lambda: apart(shown := screen.film(chips), expected.get(shown.shape, 255 - shown)) <= 1, lambda: "The chips should show both stops.")


def test_stops_are_moved_and_removed_by_keys(with_stops, truth):
    screen = with_stops()
    screen.page.locator(".le-stops-chip").first.focus()
    screen.page.keyboard.press("Alt+ArrowRight")
    screen.becomes(lambda session: seeds(session) == [0, 3, 2, 1], "the stops in the other order")
    screen.page.keyboard.press("Alt+ArrowLeft")
    screen.becomes(lambda session: seeds(session) == [0, 2, 3, 1], "the first order again")
    screen.page.keyboard.press("Delete")
    screen.becomes(lambda session: len(session["journey"]["stops"]) == 1, "one stop left")
    screen.page.keyboard.press("Delete")
    screen.becomes(lambda session: (session["journey"]["stops"], session["journey"]["kind"]) == ([], "arc"), "no stop")
    filmed(screen, truth)


def test_a_stop_is_dragged_before_another(with_stops, size):
    screen = with_stops()
    chips = screen.page.locator(".le-stops-chip")
    (left, top, width, height), (right, *_) = screen.box(chips.nth(0)), screen.box(chips.nth(1))
    screen.drag((right + width / 2, top + height / 2), (left + 4, top + height / 2))
    screen.becomes(lambda session: seeds(session) == [0, 3, 2, 1], "the stops in the other order")


def test_a_chosen_stop_can_be_gone_to_and_become_an_end(with_stops, truth):
    screen = with_stops()
    screen.page.locator(".le-stops-chip").first.click()
    screen.button("Go to this stop").click()
    screen.shows(truth.seed(2))
    screen.button("Move this stop earlier").click()
    screen.becomes(lambda session: seeds(session) == [2, 0, 3, 1], "the stop as its start")
    screen.button("Swap A and B").click()
    screen.becomes(lambda session: seeds(session) == [1, 3, 0, 2], "the other way round")


def test_a_line_drawn_on_the_map_is_filmed_and_another_end_begins_anew(visit, truth):
    screen = visit()
    layout = truth.atlas.layouts[screen.session["layout"]]
    stops = [{"origin": {"kind": "place", "layout": layout.name, "x": x, "y": y}, "axes": []} for x, y in layout.xy[[3, 70, 400]].tolist()]
    screen.commits({"journey": {"kind": "drawn", "stops": stops}})
    screen.becomes(lambda session: session["journey"]["stops"] == stops, "the line")
    filmed(screen, truth)
    assert "drawn on the map, 3 corners" in screen.page.locator(".le-strip-line").inner_text()
    screen.page.get_by_role("radio", name="Through points").click()
    session = screen.becomes(lambda session: session["journey"]["kind"] == "spline", "a spline")
    assert [session["journey"]["start"], *session["journey"]["stops"], session["journey"]["end"]] == stops
    screen.page.get_by_role("radio", name="Drawn").click()
    screen.becomes(lambda session: session["journey"]["stops"] == stops, "the line again")
    screen.button("A = here").click()
    screen.becomes(lambda session: session["journey"]["start"] and not session["journey"]["stops"], "a new path")


def test_the_distance_from_the_data_is_drawn_and_told(visit, truth):
    screen = visit()
    ends = {end: {"origin": {"kind": "entry", "row": row}, "axes": []} for end, row in (("start", 5), ("end", 900))}
    screen.commits({"journey": ends})
    screen.becomes(lambda session: session["journey"]["end"], "a path")
    filmed(screen, truth)
    t = torch.linspace(0, 1, 33)
    codes = journey_codes(truth.opened, Session.from_json(screen.session), t).values.flatten(1)
    layout = next(iter(truth.atlas.layouts.values()))
    distance, (_, most) = layout.nearest(codes)[1], layout.usual
    bars = screen.page.locator(".le-apart-bars i")
    wait(lambda: bars.count() == 33 and bars.last.get_attribute("title"), lambda: "There should be a bar a place.")
    levels = [int(level) for level in bars.evaluate_all("nodes => nodes.map((node) => node.dataset.level)")]
    assert [level == 2 for level in levels] == (distance > most).tolist() and levels[0] == 0
    heights = np.array(bars.evaluate_all("nodes => nodes.map((node) => node.offsetHeight)"))
    assert heights.argmax() in distance.topk(4).indices.tolist()
    assert "Far from the data on" in screen.page.locator(".le-apart-words").inner_text()


@pytest.mark.slow
def test_the_smoothest_way_is_searched_for_and_said_to_be_shorter(on_a_path, truth):
    screen = on_a_path()
    screen.page.get_by_role("radio", name="Smoothest").click()
    screen.page.locator(".le-strip > .le-job").wait_for(state="visible")
    wait(lambda: screen.session["journey"]["kind"] == "geodesic", lambda: "The search should end.", patience=300)
    assert [screen.session["journey"][end]["origin"]["seed"] for end in ("start", "end")] == [0, 1]
    filmed(screen, truth)
    words = screen.page.locator(".le-strip-less")
    wait(lambda: "less than round" in words.inner_text(), lambda: "It should be said by how much less the picture changes.", patience=60)
    assert 0 < int(words.inner_text().split(" % less than round")[0].split()[-1]) < 100
    screen.page.get_by_role("radio", name="Round").click()
    screen.becomes(lambda session: (session["journey"]["kind"], session["journey"]["stops"]) == ("arc", []), "the arc without knots")


def test_with_an_even_picture_change_the_film_is_retimed(on_a_path, truth):
    screen = on_a_path()
    before = filmed(screen, truth)
    screen.button("Even picture change").click()
    screen.becomes(lambda session: session["journey"]["pace"] == "picture", "another pace")
    after = filmed(screen, truth)
    steps = [np.sqrt(np.square(np.diff(film.astype(float), axis=0)).mean(axis=(1, 2, 3))) for film in (before, after)]
    assert steps[1].std() / steps[1].mean() < 0.7 * steps[0].std() / steps[0].mean()


def downloaded(screen, **choices):
    """Chooses in the form, makes the file, and returns its name and bytes."""
    form = screen.page.locator(".le-export")
    form.locator(".le-export-form").wait_for(state="visible")
    for label, value in choices.items():
        field = form.locator(".le-export-field", has_text=label).locator("select, input").first
        field.select_option(value) if field.evaluate("node => node.tagName") == "SELECT" else field.fill(str(value))
        field.dispatch_event("change")
    with screen.page.expect_download(timeout=120_000) as download:
        screen.button("Make and save").click()
    return download.value.suggested_filename, download.value.path().read_bytes()


def test_the_path_is_saved_as_a_moving_picture_and_as_a_row(on_a_path, truth):
    screen = on_a_path()
    screen.button("Save path").click()
    name, content = downloaded(screen, What="gif", Frames=12, Size="2")
    with Image.open(io.BytesIO(content)) as image:
        assert (name, image.format, image.n_frames, image.size) == ("avatars-vae-path.gif", "GIF", 22, (128, 128))
    name, content = downloaded(screen, What="strip", Frames=9, Size="1")
    with Image.open(io.BytesIO(content)) as image:
        assert apart(np.asarray(image.convert("RGB")), np.concatenate(list(truth.film(screen.session, 9)), axis=1)) <= 1
    screen.page.keyboard.press("Escape")
    assert screen.page.locator(".le-export").is_hidden()


def test_too_large_a_film_cannot_be_asked_for_and_says_why(on_a_path):
    screen = on_a_path()
    screen.page.evaluate(f"() => {MODEL}.set('info', {{ ...{MODEL}.get('info'), picture: {{ width: 512, height: 512 }} }})")
    screen.button("Save path").click()
    screen.page.locator(".le-export-form").wait_for(state="visible")
    screen.page.locator(".le-export-field", has_text="Size").locator("select").select_option("8")
    assert "4096 × 4096" in screen.page.locator(".le-export-words").inner_text()
    assert screen.button("Make and save").is_disabled()
