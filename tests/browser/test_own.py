"""Own model: pictures of a folder are trained on, stopped, gone on with, and the model opens; the server must be one's own."""

import numpy as np
import pytest
from PIL import Image

from tests.browser.screen import wait
from tests.browser.server import Server

pytestmark = [pytest.mark.browser, pytest.mark.slow]
STEPS = 300
MINUTES = 600.0  # seconds that training and map may take on a busy machine


@pytest.fixture
def home(root, built_views, tmp_path, monkeypatch):
    """A server with data and cache of its own."""
    monkeypatch.setenv("EXPLORER_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("LATENT_EXPLORER_CACHE", str(tmp_path / "cache"))
    running = Server(root, tmp_path / "log.txt")
    running.start()
    yield running
    running.stop()


@pytest.fixture
def pictures(tmp_path):
    """A folder of ninety different pictures: a bright square somewhere on a dark ground."""
    folder = tmp_path / "mine"
    folder.mkdir()
    for i in range(90):
        pixels = np.full((32, 32, 3), 20, np.uint8)
        pixels[2 * (i % 9) : 2 * (i % 9) + 12, 2 * (i // 9) : 2 * (i // 9) + 12] = (220, 60 + i, 40)
        Image.fromarray(pixels).save(folder / f"{i}.png")
    return folder


def test_pictures_become_a_model_though_the_training_is_stopped_between(visit, home, pictures):
    screen = visit(at=home)
    page = screen.page
    screen.tab("Own model")
    page.get_by_role("textbox", name="Path of the folder").fill(str(pictures))
    page.get_by_label("Name", exact=True).fill("squares")
    page.get_by_label("Size of pictures").select_option("32")
    page.get_by_label("Numbers in a code").fill("4")
    page.get_by_label("How long").select_option(str(STEPS))
    page.get_by_role("button", name="Train", exact=True).click()
    training = page.locator("section[aria-label=Training]")
    wait(lambda: "likeness" in training.inner_text(), lambda: f"The training should tell how far it is: {training.inner_text()}", MINUTES)
    training.get_by_role("button", name="Stop").click()
    on = page.get_by_role("button", name="Go on with squares")
    on.wait_for(timeout=MINUTES * 1000)
    assert "What was learned is kept" in page.locator(".le-train").inner_text()
    on.click()
    done = page.locator("section[aria-label=Trained]")
    done.wait_for(timeout=MINUTES * 1000)
    done.get_by_role("button", name="Open").click()
    screen.becomes(lambda session: session["model"] == "squares", "the model of one's own")
    wait(lambda: screen.pixels().shape == (32, 32, 3), lambda: "The stage should show a picture of the new model.")
