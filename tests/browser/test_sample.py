"""The sample panel: seeds, their grid, and how close to the average."""

import pytest

from explorer.studio.session import Values
from tests.browser.screen import apart, wait

pytestmark = pytest.mark.browser


def test_the_next_seed_is_drawn_exactly(visit, truth, size):
    screen = visit()
    for seed in (1, 2):
        screen.button("Next seed").click()
        screen.goes_to(kind="seed", seed=seed)
        screen.shows(truth.seed(seed))
    field = screen.page.get_by_role("textbox", name="Seed")
    field.fill("4242")
    field.press("Enter")
    screen.shows(truth.seed(4242))
    assert field.input_value() == "4242"
    screen.button("Random").click()
    drawn = screen.becomes(lambda session: session["spot"]["origin"]["seed"] != 4242, "another seed")["spot"]["origin"]["seed"]
    screen.shows(truth.seed(drawn))


def test_a_picture_of_the_grid_is_shown_when_it_is_clicked(visit, truth, size):
    screen = visit()
    cells = screen.page.locator(".le-grid-cell")
    cells.nth(6).scroll_into_view_if_needed()
    screen.page.locator(".le-grid[aria-busy=false]").wait_for()
    seed = int(cells.nth(6).get_attribute("title").removeprefix("Seed "))
    assert seed > 0
    small = screen.film(".le-grid-cell canvas")
    assert len({picture.tobytes() for picture in small}) == 16 and apart(small[6], truth.seed(seed)) <= 1
    cells.nth(6).click()
    screen.goes_to(kind="seed", seed=seed)
    screen.shows(truth.seed(seed))


def test_at_no_distance_from_the_average_the_face_is_the_average(visit, truth, size):
    screen = visit()
    average = truth.at(Values((0.0,) * truth.model.space.size))
    assert apart(average, truth.seed(0)) > 50
    left, top, width, height = screen.box(screen.page.get_by_role("slider", name="How close to the average"))
    former = screen.settled()
    screen.hand.press(left + width - 9, top + height / 2)
    screen.hand.move(left + width / 2, top + height / 2)
    half = screen.changes(former)
    screen.hand.move(left + 1, top + height / 2)
    screen.changes(half)
    assert screen.moving and screen.session["spot"]["origin"]["truncation"] == 1, "All this must be seen before the hand lets go."
    screen.hand.release()
    screen.goes_to(seed=0, truncation=0)
    screen.shows(average)
    screen.button("Next seed").click()  # still as close
    screen.goes_to(seed=1, truncation=0)
    screen.shows(average)
    for _ in range(2):
        screen.page.keyboard.press("Control+z")
    screen.shows(former)


def test_a_locked_axis_stays_when_the_rest_is_drawn_again(screen, truth):
    axis = truth.telling_axis()[0]
    kept = truth.model.space.sample(1, 0).values[0, axis].item()
    screen.tab("Sliders")
    screen.button(f"Lock {truth.model.space.axes[axis]}").click()
    screen.becomes(lambda session: session["locked"] == [axis], "one locked axis")
    screen.button("Randomise the rest").click()
    spot = screen.becomes(lambda session: session["spot"]["origin"].get("seed") != 0, "another draw")["spot"]
    ((held, value),) = spot["axes"]
    assert held == axis and abs(value - kept) < 1e-3
    screen.shows(truth.picture(screen.session))


def test_the_nearest_training_picture_can_be_gone_to(screen, truth):
    go = screen.button("Go there")
    go.scroll_into_view_if_needed()
    row, _ = truth.atlas.nearest(truth.model.space.sample(1, 0).values[0])
    wait(lambda: screen.page.locator(".le-nearest-picture").is_visible(), lambda: "The nearest training picture should be shown.")
    go.click()
    screen.goes_to(kind="entry", row=row)
    screen.shows(truth.row(row))
