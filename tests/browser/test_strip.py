"""The strip: a path between two pictures."""

import pytest

from tests.browser.screen import apart, wait

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
    """The nine pictures of the strip, once they are those of the session."""
    film = truth.film(screen.session, 9)

    def same():
        shown = screen.film(FILM)
        return shown.shape == film.shape and apart(shown, film) <= 1

    wait(same, lambda: "The film strip should show nine pictures along the path.")
    return screen.film(FILM)


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
    assert apart(screen.settled(), screen.film(FILM)[-1]) <= 1
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


def test_chord_and_arc_part_in_the_middle_and_share_the_ends(on_a_path, truth):
    screen = on_a_path()
    arc = filmed(screen, truth)
    screen.page.get_by_role("radio", name="Chord").click()
    screen.becomes(lambda session: session["journey"]["kind"] == "chord", "a chord")
    chord = filmed(screen, truth)
    assert apart(arc[4], chord[4]) > 8
    assert apart(arc[0], chord[0]) <= 1 and apart(arc[-1], chord[-1]) <= 1
