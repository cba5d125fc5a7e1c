"""The Directions panel: what a slider does to the picture, groups from the map, a photo that is edited, files, names and the grid."""

import io

import numpy as np
import pytest
from PIL import Image

from explorer.export import png
from explorer.studio.session import Seed, Session, Spot
from tests.browser.screen import MapView, apart, wait

pytestmark = pytest.mark.browser
PATIENCE = 90.0
START = 77  # the seed whose picture is changed


@pytest.fixture(scope="module")
def bundled(truth):
    """The directions that come with the model, by identity."""
    found = truth.opened.compass.bundled(truth.opened)
    assert found, f"'{truth.name}' should come with directions."
    return found


@pytest.fixture(scope="module")
def telling(truth, bundled):
    """A named direction, an amount, and the class that the judge sees there and somewhat before and behind, and not at the start."""
    return _telling(truth, bundled, Spot(Seed(START)))


def _telling(truth, bundled, spot):
    start = truth.seen(truth.picture(Session(truth.name, spot)))
    for identity, direction in bundled.items():
        question, _, name = direction.target.partition(": ")
        if not name or start.get(question) in (None, name):
            continue
        for amount in (1.6, 2.0, 2.4, 2.8, 3.2):
            near = [truth.picture(Session(truth.name, Spot(spot.origin, edits=((identity, amount + more),)))) for more in (-0.3, 0, 0.3)]
            if all(truth.seen(picture).get(question) == name for picture in near):
                return identity, amount, question, name
    raise AssertionError("No direction that comes with the model changes what the judge sees of this picture.")


@pytest.fixture
def on_directions(visit):
    """Opens the page at the tab of directions, and waits until they are there."""

    def opened(**patch):
        screen = visit()
        screen.commits({"spot": {"origin": {"kind": "seed", "seed": START}}, **patch}, "start")
        screen.goes_to(seed=START)
        screen.tab("Directions")
        screen.page.locator(".le-dir").first.wait_for()
        screen.settled()
        return screen

    return opened


def card(screen, identity):
    return screen.page.locator(f".le-dir[data-id='{identity}']")


def edits(session):
    return dict(session["spot"].get("edits", []))


def drag(screen, identity, amount, *, look=None):
    """Drags a card's slider from 0 to an amount."""
    rail = card(screen, identity).locator(".le-dir-range")
    rail.evaluate("node => node.scrollIntoView({ block: 'center' })")
    left, top, width, height = screen.box(rail)
    at = lambda value: left + 9 + (width - 18) * (value + 4) / 8  # noqa: E731  the thumb's middle
    screen.hand.press(at(0), top + height / 2)
    screen.hand.move(at(amount / 2), top + height / 2)
    if look is not None:
        look()
    screen.hand.move(at(amount), top + height / 2)
    screen.hand.release()


def test_a_slider_changes_what_the_judge_sees_while_it_is_dragged(on_directions, truth, telling, size):
    identity, amount, question, name = telling
    screen = on_directions()
    former = screen.settled()
    assert truth.seen(former).get(question) != name
    drag(screen, identity, amount, look=lambda: screen.changes(former))
    session = screen.becomes(edits, "an edit")
    assert abs(edits(session)[identity] - amount) < 0.3 and session["spot"]["origin"]["seed"] == START
    expected = truth.picture(session)
    screen.shows(expected)
    assert truth.seen(screen.settled())[question] == name, f"'{question}' should be '{name}'."
    assert card(screen, identity).locator(".le-dir-amount").inner_text() == f"{edits(session)[identity]:g}"
    screen.page.keyboard.press("Control+z")
    screen.becomes(lambda session: not edits(session), "no edit")
    screen.shows(former)


def test_edits_stack_survive_other_sliders_and_can_be_looked_away_from(on_directions, truth, bundled):
    one, other = list(bundled)[:2]
    screen = on_directions()
    former = screen.settled()
    for identity in (one, other):
        card(screen, identity).locator(".le-dir-range").focus()
        for key in ("PageUp", "ArrowRight"):
            screen.page.keyboard.press(key)
    session = screen.becomes(lambda session: len(edits(session)) == 2, "two edits")
    assert edits(session) == pytest.approx({one: 0.85, other: 0.85})
    both = truth.picture(session)
    screen.shows(both)
    blink = screen.button("Hold: before")
    blink.focus()
    screen.page.keyboard.down(" ")
    screen.shows(former)
    screen.page.keyboard.up(" ")
    screen.shows(both)

    screen.tab("Sliders")
    screen.page.locator(".le-track-rail").first.focus()
    screen.page.keyboard.press("PageUp")
    session = screen.becomes(lambda session: session["spot"]["axes"], "an axis set by hand")
    assert len(edits(session)) == 2
    screen.shows(truth.picture(session))
    screen.tab("Directions")
    screen.button("No edits").click()
    session = screen.becomes(lambda session: not edits(session), "no edits")
    assert session["spot"]["axes"]


def test_the_strip_shows_what_the_slider_would(on_directions, truth, bundled):
    identity = list(bundled)[1]
    screen = on_directions()
    strip = card(screen, identity).locator(".le-dir-strip")
    strip.scroll_into_view_if_needed()
    expected = [
        truth.picture(Session(truth.name, Spot(Seed(START), edits=((identity, amount),) if amount else ()))) for amount in (-3.2, -1.6, 0, 1.6, 3.2)
    ]
    wait(lambda: strip.evaluate("node => node.width") > 5, lambda: "The strip should be drawn.", PATIENCE)
    assert apart(screen.pixels(f".le-dir[data-id='{identity}'] .le-dir-strip"), np.concatenate(expected, axis=1)) <= 1
    left, top, width, height = screen.box(strip)
    screen.click(left + width * 0.7, top + height / 2)
    session = screen.becomes(edits, "an edit")
    assert edits(session) == {identity: 1.6}
    screen.shows(expected[3])


def test_what_is_protected_changes_the_edit(on_directions, truth, bundled):
    identity, direction = next((key, value) for key, value in bundled.items() if value.target)
    guarded = next(name for name in truth.atlas.labels if name != direction.target.partition(": ")[0])
    screen = on_directions()
    screen.commits({"spot": {"origin": {"kind": "seed", "seed": START}, "edits": [[identity, 2.0]]}})
    plain = truth.picture(screen.becomes(edits, "an edit"))
    screen.shows(plain)
    screen.page.get_by_text("Keep some things as they are").click()
    screen.page.locator(f".le-dir-guard input[value='{guarded}']").check()
    session = screen.becomes(lambda session: session.get("protect") == [guarded], "what is protected")
    kept = truth.picture(session)
    assert apart(kept, plain) > 1, "Protection takes something of this edit away."
    screen.shows(kept)


def lasso(screen, view, middle, reach=26.0):
    """Draws around what lies near a place of the map; returns the rows that were caught."""
    before = screen.session["selection"]
    corners = [np.asarray(middle) + reach * np.array(corner) for corner in ((1, 0), (0, 1), (-1, 0), (0, -1), (1, 0))]
    screen.drag(*[(float(x), float(y)) for x, y in corners], steps=8)
    return screen.becomes(lambda session: session["selection"] and session["selection"] != before, "another selection")["selection"]


def test_two_groups_on_the_map_become_a_direction(on_directions, truth):
    screen = on_directions()
    rows = truth.atlas.layouts[truth.opened.layout].xy.numpy()
    view = MapView(screen, rows)
    tops = truth.atlas.labels["top"].numpy()
    one, other = (np.median(view.spots[tops == c], axis=0) for c in _apart(view.spots, tops))
    screen.page.locator(".le-dir-fold > summary").first.click()
    screen.page.select_option("select[aria-label=Method]", "mean difference")
    screen.page.select_option("select[aria-label=From]", "groups")
    assert screen.button("Find").is_disabled()
    screen.page.evaluate("() => scrollTo(0, 0)")
    screen.page.get_by_role("radio", name="Lasso").click()
    view = MapView(screen, rows)
    ones = lasso(screen, view, one)
    screen.button("Take the selection as A").click()
    screen.page.evaluate("() => scrollTo(0, 0)")
    zeros = lasso(screen, view, other)
    screen.button("Take the selection as B").click()
    screen.page.get_by_role("textbox", name="Name", exact=True).fill("from B to A")
    screen.button("Find").click()
    found = screen.becomes(lambda session: session.get("bench"), "a direction on the bench")["bench"][0]["id"]
    direction = truth.opened.direction(found)
    codes = truth.atlas.codes.float()
    wanted = codes[ones].mean(dim=0) - codes[zeros].mean(dim=0)
    assert float((direction.field.vector * wanted).sum() / wanted.norm()) > 0.999 and direction.name == "from B to A"
    assert screen.page.locator("[data-group=own] .le-dir-name").input_value() == "from B to A"
    drag(screen, found, 2.0)
    session = screen.becomes(edits, "an edit")
    screen.shows(truth.picture(session))
    assert "from B to A" in screen.page.inner_text("[data-view=history]")


def _apart(spots, labels):
    """The two classes whose points lie closest together each, and apart from one another."""
    spread = {
        c: np.median(np.linalg.norm(spots[labels == c] - np.median(spots[labels == c], axis=0), axis=1)) for c in set(labels.tolist()) if c >= 0
    }
    return sorted(spread, key=spread.get)[:2]


def test_a_poor_group_is_refused_in_words_where_it_was_asked_for(on_directions):
    screen = on_directions(selection=[5])
    screen.page.locator(".le-dir-fold > summary").first.click()
    screen.page.select_option("select[aria-label=From]", "groups")
    screen.button("Take the selection as A").click()
    assert screen.page.get_by_text("1 picture", exact=True).is_visible()
    screen.commits({"selection": list(range(50, 90))})
    screen.becomes(lambda session: len(session["selection"]) == 40, "another selection")
    screen.button("Take the selection as B").click()
    screen.button("Find").click()
    screen.page.locator(".le-directions .le-error", has_text="has 1 code, expected at least 4").first.wait_for()
    assert not screen.session.get("bench")


def test_a_table_of_labels_becomes_a_direction(on_directions, truth):
    screen = on_directions()
    codes = truth.atlas.codes[:, 0]
    screen.page.locator(".le-dir-fold > summary").first.click()
    screen.page.select_option("select[aria-label=From]", "table")
    bad = "mood\n" + "glad\n" * len(codes)
    picker = "input[aria-label='A table of labels']"
    screen.page.set_input_files(picker, {"name": "moods.csv", "mimeType": "text/csv", "buffer": bad.encode()})
    screen.page.get_by_text("one class only").wait_for()
    good = "mood\n" + "".join("glad\n" if value > 0 else "sad\n" for value in codes.tolist())
    screen.page.set_input_files(picker, {"name": "moods.csv", "mimeType": "text/csv", "buffer": good.encode()})
    screen.page.locator("select[aria-label=Towards] option[value=glad]").wait_for(state="attached")
    screen.page.select_option("select[aria-label=Towards]", "glad")
    screen.page.get_by_role("button", name="Find", exact=True).click()
    found = screen.becomes(lambda session: session.get("bench"), "a direction on the bench")["bench"][0]["id"]
    direction = truth.opened.direction(found)
    assert direction.name == "mood: glad" and direction.field.vector[0] > 0.9


def png_of(pixels):
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "png")
    return buffer.getvalue()


def test_a_photo_is_edited_as_a_code_and_its_file_opens_with_the_same_edits(visit, truth, bundled):
    face = truth.seed(START)
    screen = visit()
    screen.tab("Photo")
    screen.page.set_input_files(".le-photo-zone input >> nth=0", {"name": "me.png", "mimeType": "image/png", "buffer": png_of(face)})
    screen.page.locator(".le-photo-pair").wait_for()
    screen.button("Put it on the stage").click()
    session = screen.becomes(lambda session: session["spot"]["origin"]["kind"] == "values", "the photo's code")
    code = tuple(session["spot"]["origin"]["values"])
    spot = Session.from_json(session).spot
    identity, amount, question, name = _telling(truth, bundled, spot)
    screen.button("Change it along directions").click()
    card(screen, identity).wait_for()
    drag(screen, identity, amount)
    session = screen.becomes(edits, "an edit")
    assert tuple(session["spot"]["origin"]["values"]) == code, "The photo's code stays; the edit is kept beside it."
    expected = truth.picture(session)
    screen.shows(expected)
    assert truth.seen(screen.settled())[question] == name

    screen.button("Compare").click()
    screen.page.get_by_text("your photo", exact=True).wait_for()
    assert apart(screen.pixels(".le-stage-before"), face) <= 1
    screen.button("Difference").click()
    map_ = screen.pixels(".le-stage-difference").astype(int).sum(axis=2)
    differs = np.abs(expected.astype(int) - face).max(axis=2)
    assert map_[differs > 60].mean() > 2 * map_[differs < 5].mean()
    assert "your photo" in screen.page.locator(".le-stage-then").inner_text()

    with screen.page.expect_download() as download:
        screen.page.locator(".le-stage-tools").get_by_role("button", name="Save").click()
    content = download.value.path().read_bytes()
    recipe = png.read(content)[1]
    assert dict(recipe.session.spot.edits) == pytest.approx(edits(session))
    again = visit()
    again.page.evaluate(
        """async (bytes) => {
        const transfer = new DataTransfer();
        transfer.items.add(new File([new Uint8Array(bytes)], "face.png", { type: "image/png" }));
        for (const type of ["dragenter", "dragover", "drop"]) document.body.dispatchEvent(new DragEvent(type, { bubbles: true, cancelable: true, dataTransfer: transfer }));
    }""",
        list(content),
    )
    assert edits(again.becomes(edits, "the edits of the file")) == pytest.approx(edits(session))
    again.shows(expected)


def test_found_directions_are_saved_and_loaded_by_somebody_else(on_directions, tmp_path):
    screen = on_directions()
    screen.page.locator(".le-dir-fold > summary").first.click()
    screen.page.select_option("select[aria-label=Method]", "random")
    screen.page.fill("input[aria-label='How many']", "2")
    screen.page.fill(".le-directions input[aria-label='Seed']", "31")
    screen.button("Find").click()
    bench = [each["id"] for each in screen.becomes(lambda session: len(session.get("bench", [])) == 2, "two directions")["bench"]]
    with screen.page.expect_download() as download:
        screen.page.locator(".le-directions").get_by_role("button", name="Save", exact=True).click()
    assert download.value.suggested_filename == "avatars-vae.directions.safetensors"
    download.value.save_as(file := tmp_path / "mine.safetensors")

    other = on_directions()
    assert not other.session.get("bench")
    picker = "input[aria-label='A file of directions']"
    other.page.set_input_files(picker, {"name": "no.safetensors", "mimeType": "application/octet-stream", "buffer": b"nothing of the kind"})
    wait(lambda: other.page.locator(".le-directions .le-error").first.is_visible(), lambda: "A bad file should be refused in words.")
    other.page.set_input_files(picker, file)
    loaded = other.becomes(lambda session: session.get("bench"), "the directions of the file")["bench"]
    assert sorted(each["id"] for each in loaded) == sorted(bench)
    wait(lambda: other.page.locator("[data-group=own] .le-dir").count() == 2, lambda: "Both should be in the list.")


def test_names_pins_and_order_are_steps_like_any_other(on_directions, bundled):
    named = [identity for identity, direction in bundled.items() if direction.target]
    first, second = named[:2]
    screen = on_directions()
    field = card(screen, first).locator(".le-dir-name")
    field.fill("my favourite")
    screen.page.keyboard.press("Enter")
    screen.becomes(lambda session: session.get("bench", [{}])[0].get("name") == "my favourite", "a name")
    card(screen, first).locator("[data-part=grip]").focus()
    screen.page.keyboard.press("ArrowDown")
    order = lambda: [node for node in screen.page.locator("[data-group=named] .le-dir").evaluate_all("nodes => nodes.map((node) => node.dataset.id)")]  # noqa: E731
    wait(lambda: order()[:2] == [second, first], lambda: f"The order should have changed, it is {order()}.")
    assert screen.page.evaluate("() => document.activeElement.dataset.part") == "grip", "The focus stays on what is moved."
    grip = card(screen, first).locator("[data-part=grip]")
    x, y, width, height = screen.box(grip)
    box = card(screen, second).bounding_box()
    screen.drag((x + width / 2, y + height / 2), (x + width / 2, box["y"] + 4))
    wait(lambda: order()[:2] == [first, second], lambda: f"The card should have been moved by hand, the order is {order()}.")
    card(screen, second).locator("[data-part=pin]").click()
    screen.page.locator(f"[data-group=pinned] .le-dir[data-id='{second}']").wait_for()
    for _ in range(4):
        screen.page.keyboard.press("Control+z")
    screen.becomes(lambda session: not session.get("bench"), "nothing on the bench")
    wait(lambda: order()[:2] == [first, second], lambda: f"The order should be the first one again, it is {order()}.")
    assert card(screen, first).locator(".le-dir-name").input_value() == bundled[first].name


def test_edits_become_one_direction(on_directions, truth, bundled):
    one, other = list(bundled)[:2]
    screen = on_directions()
    screen.commits({"spot": {"origin": {"kind": "seed", "seed": START}, "edits": [[one, 1.0], [other, -1.0]]}})
    screen.becomes(edits, "edits")
    screen.button("Keep as one").click()
    screen.page.get_by_role("textbox", name="Name of the new direction").fill("both at once")
    screen.page.keyboard.press("Enter")
    found = screen.becomes(lambda session: session.get("bench"), "a direction")["bench"][0]["id"]
    made = truth.opened.direction(found)
    assert made.name == "both at once" and made.settings["of"] == [[bundled[one].name, 1.0], [bundled[other].name, -1.0]]


def test_the_table_sorts_and_the_matrix_tells_what_is_alike(on_directions, bundled):
    screen = on_directions()
    screen.page.locator(".le-dir-fold > summary").nth(1).click()
    names = lambda: screen.page.locator(".le-dir-table tbody th").all_inner_texts()  # noqa: E731
    assert sorted(names()) == sorted(direction.name for direction in bundled.values())
    leaks = {direction.name: direction.evidence["matched"]["leakage_mean"] for direction in bundled.values()}
    assert [leaks[name] for name in names()] == sorted(leaks.values()), "The cleanest stand first."
    screen.page.locator(".le-dir-table").get_by_role("button", name="Name").click()
    assert names() == sorted(names(), key=str.lower)
    screen.page.get_by_text("How alike they are").click()
    screen.page.locator(".le-dir-matrix").wait_for()
    assert screen.page.locator(".le-dir-matrix tbody tr").count() == len(bundled)


def test_the_grid_lays_out_two_directions(on_directions, truth, bundled):
    one, other = list(bundled)[:2]
    screen = on_directions()
    screen.tab("Grid")
    form = screen.page.locator(".le-square-form select")
    screen.page.locator(f".le-square-form option[value='direction:{one}']").first.wait_for(state="attached")
    form.nth(0).select_option(f"direction:{one}")
    form.nth(1).select_option(f"direction:{other}")
    screen.page.locator(".le-square-cell").nth(8).wait_for()
    expected = truth.picture(Session(truth.name, Spot(Seed(START), edits=((one, 1.0), (other, 1.0)))))
    cell = ".le-square-cell:nth-of-type(4) canvas"
    wait(
        lambda: apart(screen.film(".le-square-cell canvas")[8], expected) <= 1 if screen.film(".le-square-cell canvas").shape[1:] == expected.shape else False,
        lambda: f"The grid should show both directions, {cell}.", PATIENCE,
    )  # fmt: skip
    screen.page.locator(".le-square-cell").nth(8).click()
    session = screen.becomes(lambda session: len(edits(session)) == 2, "two edits")
    assert edits(session) == {one: 1.0, other: 1.0}
    screen.shows(expected)
