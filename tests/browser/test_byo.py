"""Models that no one here wrote: their path is typed into the page, and they are traversed like the bundled ones."""

import json

import numpy as np
import pytest

from explorer.render import to_pixels
from explorer.studio.codes import code_of
from explorer.studio.session import Session
from explorer.studio.studio import Studio
from tests import strangers
from tests.browser.screen import apart

pytestmark = pytest.mark.browser


def hub(folder):
    strangers.hub_folder(folder / "shared" / "hub-vae")
    (folder / "shared" / "hub-vae" / "explorer.json").write_text(json.dumps({"class": "hubnets:HubVAE", "latent": [4], "values": [0, 1]}))
    (folder / "shared" / "hubnets.py").rename(folder / "shared" / "hub-vae" / "hubnets.py")
    return folder / "shared" / "hub-vae"


MAKERS = {
    "a folder of diffusers": lambda folder: strangers.autoencoder_kl(folder / "byo-kl"),
    "an ONNX file": lambda folder: strangers.onnx_decoder(folder / "byo-decoder.onnx"),
    "a folder of the Hub's mixin": hub,
}


def ask_for(screen, path, *, trust=False):
    """Types a path into the box of the Model panel and presses Open."""
    page = screen.page
    screen.tab("Model")
    if not page.get_by_label("Path of a model").is_visible():
        page.get_by_text("Open a model from this computer").click()
    page.get_by_label("Path of a model").fill(str(path))
    page.get_by_role("checkbox", name="I trust this file").set_checked(trust)
    page.locator(".le-model-add button[type=submit]").click()


@pytest.mark.parametrize("what", MAKERS)
def test_a_path_is_typed_in_and_the_model_is_traversed(screen, tmp_path, what):
    for package in ("diffusers", "onnxruntime", "onnx"):
        pytest.importorskip(package)
    path = MAKERS[what](tmp_path)
    studio = Studio()
    name = studio.know(path, trust=True)

    def truth() -> np.ndarray:
        opened = studio.open(name)
        pixels = to_pixels(opened.model.generator.decode(code_of(opened, Session.from_json(screen.session))))[0]
        return np.repeat(pixels, 3, axis=2) if pixels.shape[2] == 1 else pixels

    ask_for(screen, path, trust="mixin" in what)
    screen.becomes(lambda session: session["model"] == name, f"the model '{name}'")
    screen.settled()
    screen.shows(truth())
    page = screen.page
    page.get_by_text("a standard normal prior is assumed").wait_for()
    screen.tab("Sample")
    for end in ("A = here", "B = here"):
        former = screen.settled()
        page.get_by_role("button", name="Next seed").click()
        screen.changes(former)
        screen.settled()
        screen.shows(truth())
        page.get_by_role("button", name=end).click()
        screen.settled()
    page.wait_for_function(
        "() => document.querySelectorAll('.le-strip-film canvas').length > 4 && document.querySelector('.le-strip-film canvas').width > 1"
    )
    film = screen.film(".le-strip-film canvas")
    assert apart(film[0], film[-1]) > 1
    studio.close()


def test_what_cannot_be_opened_is_said_below_the_box_and_nothing_else_changes(screen, tmp_path):
    before, fault = screen.session, screen.page.locator(".le-model-add .le-error")
    (tmp_path / "notes.txt").write_text("not a model")
    (tmp_path / "weights.pkl").write_bytes(b"\x80\x04N.")
    strangers.own_network(tmp_path / "own")
    (tmp_path / "own" / "mine.json").write_text(json.dumps({"class": "nets:VAE", "weights": "weights.safetensors", "latent": [6]}))
    for path, words in [
        (tmp_path / "nowhere", "No checkpoint"),
        (tmp_path / "notes.txt", "a file that ends in '.txt'. What can be:"),
        (tmp_path / "weights.pkl", "a Python pickle, which can run any program"),
        (tmp_path / "own" / "mine.json", "would run the Python class 'nets:VAE'"),
    ]:
        ask_for(screen, path)
        fault.filter(has_text=words).wait_for()
    assert screen.session == before
