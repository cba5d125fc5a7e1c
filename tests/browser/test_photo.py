"""The Photo panel: a picture is chosen, pasted or dropped, framed, compared, refined, put on the stage; and the same change to many."""

import base64
import io
import json
import zipfile

import numpy as np
import pytest
from PIL import Image

from explorer.render import from_pixels
from explorer.studio.session import Seed, Values
from tests.browser.screen import apart, wait

pytestmark = pytest.mark.browser

OWN, MODELS = ".le-photo-two figure:first-child canvas", ".le-photo-two figure:last-child canvas"
FILES = ".le-photo-zone input >> nth=0"
PATIENCE = 120.0


def png(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "png")
    return buffer.getvalue()


def chosen(content: bytes, name: str = "me.png", kind: str = "image/png") -> dict:
    return {"name": name, "mimeType": kind, "buffer": content}


@pytest.fixture
def face(truth) -> np.ndarray:
    """A face `(64, 64, 3)` that the model drew itself."""
    return truth.seed(77)


def compared(screen) -> None:
    """Waits until a comparison is there and its picture drawn."""
    screen.page.locator(".le-photo-pair").wait_for()
    wait(lambda: screen.pixels(MODELS).shape[0] > 1, lambda: "There should be a picture of the model's.", PATIENCE)


def brought(screen, content: bytes, name: str = "me.png") -> None:
    screen.tab("Photo")
    screen.page.set_input_files(FILES, chosen(content, name))
    screen.page.locator(".le-photo-pair .le-title").get_by_text(name, exact=True).wait_for()
    compared(screen)


def test_a_photo_is_encoded_compared_and_put_on_the_stage(visit, truth, face, size):
    screen = visit()
    brought(screen, png(face))
    assert apart(screen.pixels(OWN), face) <= 1
    code = truth.model.encoder.encode(from_pixels(face[None])).values[0]
    expected = truth.at(Values(tuple(code.tolist())))
    screen.shows(expected, MODELS)
    words = screen.page.inner_text(".le-photo-close")
    error = float(np.square((expected.astype(float) - face) / 127.5).mean())
    assert f"({10 * np.log10(4 / error):.1f} dB)" in words
    former = screen.pixels()
    assert not screen.session["spot"]["origin"]["kind"] == "values" and apart(former, truth.seed(0)) <= 1  # nothing is committed before it is wished

    screen.button("Put it on the stage").click()
    session = screen.becomes(lambda session: session["spot"]["origin"]["kind"] == "values", "the photo's code")
    assert np.allclose(session["spot"]["origin"]["values"], code, atol=1e-4)
    screen.shows(expected)
    assert screen.button("It is on the stage").get_attribute("aria-disabled") == "true"
    screen.button("Compare").click()
    screen.page.get_by_text("your photo", exact=True).wait_for()
    assert apart(screen.pixels(".le-stage-before"), face) <= 1
    screen.page.keyboard.press("Control+z")
    screen.becomes(lambda session: session["spot"]["origin"]["kind"] == "seed", "the draw from before")


def test_a_frame_chooses_the_part_that_counts(visit, face):
    scene = np.full((200, 400, 3), 90, np.uint8)
    scene[68:132, 20:84] = face
    screen = visit()
    brought(screen, png(scene))
    middle = screen.pixels(OWN)
    assert (np.abs(middle.astype(int) - 90) <= 1).all()  # only ground in the middle
    frame = screen.page.locator(".le-crop-picture")
    left, top, width, height = screen.box(frame)
    screen.drag((left + width / 2, top + height / 2), (left + width * 0.1, top + height / 2))
    moved = screen.changes(middle, OWN)
    assert moved.std() > middle.std() + 5
    frame.focus()
    for _ in range(16):
        screen.page.keyboard.press("+")
    smaller = screen.changes(moved, OWN)
    assert smaller.std() > moved.std()
    screen.page.keyboard.press("0")
    wait(lambda: apart(screen.pixels(OWN), middle) <= 1, lambda: "All that fits should count again.")


def test_refining_comes_closer_and_both_codes_can_be_had(visit, truth, face):
    screen = visit()
    brought(screen, png(face))
    encoders = screen.pixels(MODELS)
    screen.page.get_by_role("slider", name="Stay ordinary, or match closely").fill("1")
    screen.page.get_by_label("Steps at most").select_option("50")
    screen.button("Refine the code").click()
    screen.page.locator(".le-photo-refine .le-job").wait_for()
    assert screen.button("Refine the code").get_attribute("aria-disabled") == "true"
    screen.page.get_by_role("radio", name="Refined code").wait_for(timeout=PATIENCE * 1000)
    refined = screen.changes(encoders, MODELS)
    error = lambda pixels: np.square(pixels.astype(float) - face).mean()  # noqa: E731
    wait(lambda: error(screen.pixels(MODELS)) < error(encoders), lambda: "The refined picture should be closer.")
    assert "dB; typicality from" in screen.page.inner_text(".le-photo-refine")
    screen.page.get_by_role("radio", name="Encoder's code").click()
    wait(lambda: apart(screen.pixels(MODELS), encoders) <= 1, lambda: "The encoder's picture should be back.")
    screen.page.get_by_role("radio", name="Refined code").click()
    refined = screen.changes(encoders, MODELS)
    screen.button("Put it on the stage").click()
    screen.becomes(lambda session: session["spot"]["origin"]["kind"] == "values", "the refined code")
    wait(lambda: apart(screen.pixels(), refined) <= 1, lambda: "The stage should show the refined picture.")


def test_stopping_a_search_keeps_the_best_so_far(visit, face):
    screen = visit()
    brought(screen, png(255 - face))
    screen.page.get_by_role("slider", name="Stay ordinary, or match closely").fill("1")
    screen.page.get_by_label("Steps at most").select_option("1000")
    screen.button("Refine the code").click()
    wait(lambda: " dB after " in screen.page.inner_text(".le-photo-refine .le-job-words"), lambda: "The search should tell how far it is.", PATIENCE)
    screen.button("Stop here").click()
    screen.page.get_by_text("this is the best until then").wait_for(timeout=PATIENCE * 1000)
    assert not screen.page.locator(".le-photo-refine .le-job").is_visible()


def test_a_picture_is_pasted_and_another_dropped(visit, truth, face):
    screen = visit()
    screen.tab("Photo")
    screen.page.locator(".le-photo-choose").wait_for()
    give = """([data, name, how]) => {
      const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
      const transfer = new DataTransfer();
      transfer.items.add(new File([bytes], name, { type: "image/png" }));
      if (how === "paste") return void document.body.dispatchEvent(new ClipboardEvent("paste", { clipboardData: transfer, bubbles: true }));
      const zone = document.querySelector(".le-photo-zone");
      for (const type of ["dragenter", "dragover", "drop"]) zone.dispatchEvent(new DragEvent(type, { dataTransfer: transfer, bubbles: true, cancelable: true }));
    }"""
    screen.page.evaluate(give, [base64.b64encode(png(face)).decode(), "pasted.png", "paste"])
    compared(screen)
    assert apart(screen.pixels(OWN), face) <= 1
    other = truth.seed(5)
    screen.page.evaluate(give, [base64.b64encode(png(other)).decode(), "dropped.png", "drop"])
    wait(lambda: apart(screen.pixels(OWN), other) <= 1, lambda: "The dropped picture should be shown.")


def test_the_photo_is_there_after_a_reload_and_gone_when_it_is_forgotten(visit, face):
    screen = visit()
    brought(screen, png(face), "mine.png")
    screen.page.reload()
    screen.settled()
    screen.tab("Photo")
    compared(screen)
    assert apart(screen.pixels(OWN), face) <= 1 and screen.page.inner_text(".le-photo-pair .le-title") == "mine.png"
    screen.button("Forget it").click()
    screen.page.locator(".le-photo-pair").wait_for(state="hidden")
    screen.page.reload()
    screen.settled()
    screen.tab("Photo")
    screen.button("Choose a picture").wait_for()
    assert not screen.page.locator(".le-photo-pair").is_visible()


@pytest.mark.parametrize(("content", "name", "kind"), [(b"hello", "notes.png", "image/png"), (b"", "empty.jpg", "image/jpeg")])
def test_what_is_no_picture_is_said_in_the_panel_and_not_on_the_stage(visit, content, name, kind):
    screen = visit()
    screen.tab("Photo")
    screen.page.set_input_files(FILES, chosen(content or b"", name, kind))
    alert = screen.page.locator(".le-photo-body > .le-error")
    alert.wait_for()
    assert alert.inner_text().strip()
    assert not screen.page.locator(".le-stage-toast").is_visible() and not screen.page.locator(".le-photo-pair").is_visible()


def test_a_picture_that_only_the_server_can_open_is_sent_as_it_is(visit, face):
    buffer = io.BytesIO()
    Image.fromarray(face).save(buffer, "tiff")
    screen = visit()
    screen.tab("Photo")
    screen.page.set_input_files(FILES, chosen(buffer.getvalue(), "scan.tiff", "image/tiff"))
    compared(screen)
    assert apart(screen.pixels(OWN), face) <= 1 and not screen.page.locator(".le-crop").is_visible()


def test_a_photo_fits_the_next_model_too(visit, face):
    screen = visit()
    brought(screen, png(face))
    screen.page.evaluate("() => globalThis[Symbol.for('latent-explorer')].model.send({ type: 'open', model: 'digits-vae' })")
    wait(lambda: screen.pixels(OWN).shape == (32, 32, 3), lambda: "The photo should be cut for the digits, too.", PATIENCE)
    own = screen.pixels(OWN)
    assert (own[..., 0] == own[..., 1]).all()  # digits are grey


def test_the_same_change_is_made_to_many_pictures_and_saved_as_a_zip(visit, truth):
    screen = visit()
    axis, value, _ = truth.telling_axis()
    patch = {"spot": {"origin": {"kind": "seed", "seed": 0}, "axes": [[axis, value]]}}
    screen.page.evaluate("(patch) => globalThis[Symbol.for('latent-explorer')].model.send({ type: 'commit', patch, label: 'by hand' })", patch)
    screen.becomes(lambda session: session["spot"]["axes"], "an axis set by hand")
    screen.tab("Photo")
    screen.page.get_by_text("The same edit on many pictures").click()
    faces = [truth.seed(seed) for seed in (3, 4)]
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("inner/four.png", png(faces[1]))
        packed.writestr("inner/notes.txt", b"hello")
    files = [chosen(png(faces[0]), "three.png"), chosen(archive.getvalue(), "more.zip", "application/zip")]
    screen.page.set_input_files(".le-photo-pile input[type=file]", files)
    screen.page.get_by_text("2 pictures are there.").wait_for()
    screen.page.get_by_text("One file could not be read").wait_for()
    with screen.page.expect_download(timeout=PATIENCE * 1000) as waited:
        screen.button("Edit all and save").click()
    packed = zipfile.ZipFile(waited.value.path())
    record = json.loads(packed.read("edit.json"))
    assert record["edit"]["by_hand"]["axes"] == [[axis, value]] and record["unreadable"][0]["file"] == "notes.txt"
    for name, face in zip(("three.png", "four.png"), faces):
        code = truth.model.encoder.encode(from_pixels(face[None])).values[0]
        drawn = np.asarray(Image.open(io.BytesIO(packed.read(name))))
        assert apart(drawn, truth.at(Values(tuple(code.tolist())), (axis, value))) <= 1
    assert screen.session["spot"]["origin"] == {"kind": "seed", "seed": Seed(0).seed, "truncation": 1.0}
