"""A state can be taken away and brought back: in the address, inside a saved picture, as Python; and deleted."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from explorer.export import png
from explorer.studio.session import Entry, Session
from tests.browser.screen import apart, wait

pytestmark = pytest.mark.browser

DROP = """([content, name, type]) => {
  const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
  const data = new DataTransfer();
  data.items.add(new File([bytes], name, { type }));
  for (const kind of ["dragover", "drop"]) document.querySelector(".le-stage-frame").dispatchEvent(new DragEvent(kind, { bubbles: true, cancelable: true, dataTransfer: data }));
}"""


def drop(screen, content: bytes, name: str = "face.png", kind: str = "image/png"):
    """Drops a file on the page."""
    screen.page.evaluate(DROP, [base64.b64encode(content).decode(), name, kind])


def share(screen):
    """Opens the menu."""
    screen.page.locator(".le-share-button").click()
    sheet = screen.page.get_by_role("dialog", name="Share")
    sheet.wait_for()
    return sheet


def says(screen, words: str):
    """Waits for a sentence at the foot of the page."""
    notice = screen.page.locator(".le-header-notice")
    wait(lambda: words in notice.inner_text(), lambda: f"The page should say '{words}', it says '{notice.inner_text()}'.")


def moved(screen, truth):
    """Goes to an atlas code with an axis set by hand; returns the session."""
    axis, value, _ = truth.telling_axis()
    patch = {"spot": {"origin": {"kind": "entry", "row": 321}, "axes": [[axis, value]]}}
    screen.page.evaluate("(patch) => globalThis[Symbol.for('latent-explorer')].model.send({ type: 'commit', patch, label: 'somewhere' })", patch)
    session = screen.goes_to(kind="entry", row=321)
    screen.shows(truth.at(Entry(321), (axis, value)))
    return session


def address(screen) -> str:
    """The address once it holds the present state."""
    before = [""]

    def rests() -> bool:
        former, before[0] = before[0], screen.page.url
        screen.page.wait_for_timeout(600)
        return "#s=" in screen.page.url and screen.page.url == before[0] == former

    wait(rests, lambda: f"The address should hold the state, it is {screen.page.url}.")
    return screen.page.url


def test_the_address_opens_the_same_state_elsewhere(visit, truth, server, size):
    screen = visit()
    assert "#" not in screen.page.url
    session = moved(screen, truth)
    link = address(screen)
    other = visit(link.removeprefix(server.address))
    other.becomes(lambda found: found == session, "the state of the address")
    other.shows(truth.picture(session))
    other.page.keyboard.press("Control+z")
    other.shows(truth.seed(0))
    screen.page.reload()  # a reload goes on, and is no new visit of the address
    screen.settled()
    assert screen.page.evaluate("() => globalThis[Symbol.for('latent-explorer')].model.get('state').step") == 1


def test_a_link_that_is_pasted_into_an_open_page_is_followed(visit, truth, server):
    screen = visit()
    session = moved(screen, truth)
    fragment = address(screen).split("#")[1]
    other = visit()
    other.page.evaluate("(fragment) => { location.hash = fragment }", fragment)
    other.becomes(lambda found: found == session, "the state of the address")


@pytest.mark.parametrize("fragment", ["s=eJwzBAAAMgAy", "s=%%%", "s=abc"])
def test_a_damaged_address_says_so_and_starts_afresh(visit, truth, fragment):
    screen = visit(f"#{fragment}")
    toast = screen.page.locator(".le-stage-toast")
    toast.wait_for()
    assert "damaged" in toast.inner_text()
    screen.shows(truth.seed(0))
    assert "#s=" not in screen.page.url


def test_an_address_of_a_model_that_is_not_here_says_which_there_are(visit, truth, server):
    screen = visit()
    session = screen.session | {"model": "no-such-model"}
    made = """async (session) => {
      const stream = new Blob([JSON.stringify(session)]).stream().pipeThrough(new CompressionStream("deflate"));
      const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
      return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
    }"""
    other = visit(f"#s={screen.page.evaluate(made, session)}")
    toast = other.page.locator(".le-stage-toast")
    toast.wait_for()
    assert "'no-such-model', which is not here. There are: " in toast.inner_text() and truth.name in toast.inner_text()
    other.shows(truth.seed(0))
    other.button("Next seed").click()
    other.shows(truth.seed(1))


def test_a_saved_picture_opens_as_it_was_when_it_is_dropped(visit, truth, size, tmp_path):
    screen = visit()
    session = moved(screen, truth)
    sheet = share(screen)
    assert "never" in sheet.inner_text() and "kept on" in sheet.inner_text()
    with screen.page.expect_download() as download:
        sheet.get_by_role("button", name="Save picture").click()
    says(screen, "recipe inside")
    download.value.save_as(tmp_path / "face.png")
    content = (tmp_path / "face.png").read_bytes()
    pixels, recipe = png.read(content)
    assert apart(pixels, truth.picture(session)) <= 1 and recipe.session == Session.from_json(session)
    with screen.page.expect_download() as download:
        screen.button("Save").click()
    download.value.save_as(tmp_path / "again.png")
    assert png.read((tmp_path / "again.png").read_bytes())[1].session == recipe.session
    other = visit()
    drop(other, content)
    other.becomes(lambda found: found == session, "the state of the picture")
    other.shows(pixels)
    other.page.keyboard.press("Control+z")
    other.shows(truth.seed(0))
    sheet = share(other)
    other.page.locator(".le-share-sheet input[type=file]").set_input_files(tmp_path / "face.png")
    other.becomes(lambda found: found == session, "the state of the picture again")


def test_a_file_without_a_recipe_is_said_to_be_one(screen, truth):
    drop(screen, b"no picture at all, just a few words", "words.txt", "text/plain")
    says(screen, "carries no recipe")
    screen.shows(truth.seed(0))


def test_any_other_picture_goes_to_the_photo_panel_where_there_is_one(screen, truth):
    buffer = io.BytesIO()
    Image.fromarray(truth.seed(5)).save(buffer, "png")
    drop(screen, buffer.getvalue())
    if screen.page.locator("[data-view=photo]").count():
        screen.page.wait_for_function("() => globalThis[Symbol.for('latent-explorer')].model.get('dropped') instanceof File")
    else:
        says(screen, "carries no recipe")


def test_the_lines_of_python_draw_what_the_page_shows(visit, truth):
    screen = visit(before=lambda page: page.context.grant_permissions(["clipboard-read", "clipboard-write"]))
    session = moved(screen, truth)
    sheet = share(screen)
    sheet.get_by_role("button", name="Copy as Python").click()
    says(screen, "copied")
    lines = screen.page.evaluate("() => navigator.clipboard.readText()")
    assert lines == screen.page.locator(".le-share-code").inner_text() and ".code(321)" in lines
    names: dict = {}
    exec(compile(lines, "copied", "exec"), names)
    assert apart(names["picture"], truth.picture(session)) <= 1
    sheet.get_by_role("button", name="Copy link").click()
    sheet.wait_for(state="hidden")
    assert "#s=" in screen.page.evaluate("() => navigator.clipboard.readText()")


def test_what_is_deleted_is_gone_and_the_page_starts_afresh(visit, truth, size):
    screen = visit()
    moved(screen, truth)
    address(screen)
    session = screen.page.evaluate("() => globalThis[Symbol.for('latent-explorer')].model.get('visitor')")
    sheet = share(screen)
    sheet.get_by_role("button", name="Delete my data").click()
    sheet.get_by_role("button", name="Keep it").click()
    sheet.get_by_role("button", name="Delete my data").click()
    sheet.get_by_role("button", name="Delete everything").click()
    says(screen, "has been deleted")
    screen.goes_to(kind="seed", seed=0)
    screen.shows(truth.seed(0))
    wait(lambda: "#s=" not in screen.page.url, lambda: f"The address should hold nothing, it is {screen.page.url}.")
    fresh = screen.page.evaluate("() => globalThis[Symbol.for('latent-explorer')].model.get('visitor')")
    assert fresh != session
    kept = screen.page.evaluate("() => JSON.stringify([Object.entries(sessionStorage), Object.entries(localStorage)])")
    assert session not in kept
    screen.page.reload()
    screen.settled()
    screen.shows(truth.seed(0))
    screen.page.evaluate("(old) => globalThis[Symbol.for('latent-explorer')].model.send({ type: 'earlier', view: 'history', session: old })", session)
    wait(
        lambda: screen.page.evaluate("() => globalThis[Symbol.for('latent-explorer')].model.get('earlier')?.steps === 0"),
        lambda: "The server should know nothing of the old session.",
    )


def test_the_most_similar_pictures_can_be_gone_to(visit, truth, size):
    screen = visit()
    cells = screen.page.locator(".le-similar-cell")
    screen.page.locator(".le-similar").scroll_into_view_if_needed()
    wait(lambda: cells.count() == 12, lambda: f"Twelve pictures should be shown, there are {cells.count()}.")
    rows = [int(cells.nth(k).get_attribute("title").split(",")[0].removeprefix("Picture ")) for k in range(12)]
    codes, used = truth.atlas.codes, np.array([axis["state"] != "passive" for axis in truth.atlas.axes])
    apart_from = ((codes - truth.model.space.sample(1, 0).values[0])[:, used]).norm(dim=1)
    assert rows == apart_from.argsort()[:12].tolist()
    cells.nth(3).click()
    screen.goes_to(kind="entry", row=rows[3])
    screen.shows(truth.row(rows[3]))
