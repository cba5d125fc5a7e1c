"""Photos without a browser: what is kept of them, searched and told."""

import os
import sys
import threading
import time
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from explorer import render
from explorer.core.errors import CapabilityError, DataError, ExplorerError, ModelError
from explorer.core.model import Card, Decoder, Model
from explorer.core.space import Code, LatentSpace
from explorer.studio.loans import Loans
from explorer.studio.photo import Photo, compared, fitted
from explorer.studio.refine import Wishes, refined
from explorer.studio.shelf import Opened
from explorer.studio.studio import Studio
from explorer.studio.usual import usual
from tests import studios, toys


class Mapped:
    """w = 2 z."""

    def __init__(self, source, target):
        self.source, self.target = source, target

    def map(self, code):
        return Code(code.values * 2, self.target)


def without_encoder(name: str, *, blind: bool = False, broken: bool = False) -> Model:
    """A model with a mapper and no encoder, whose picture is a linear map of w. `blind`: no gradients; `broken`: no numbers."""
    z, w = LatentSpace("z", (6,)), LatentSpace("w", (6,))
    basis = torch.linalg.qr(toys.normal(64, 6)).Q

    def decode(values):
        pictures = (values @ basis.T).view(-1, 1, 8, 8)
        pictures = pictures.detach() if blind else pictures
        return pictures * torch.nan if broken else pictures

    mapper = Mapped(z, w)
    generator = Decoder(name, (1, 8, 8), {w: decode}, mappers=(mapper,), differentiable=not blind)
    return Model(Card(name, name, "toy", {}, data={}), (z, w), generator=generator, mapper=mapper)


@pytest.fixture(scope="module")
def studio(tmp_path_factory):
    made = studios.studio(tmp_path_factory.mktemp("toys"))
    for model in (without_encoder("bare"), without_encoder("blind", blind=True), without_encoder("broken", broken=True)):
        made._shelf.cards = made._shelf.cards | {model.card.name: model.card}
        made._shelf._known = made._shelf._known | {model.card.name: made._shelf._known["toy-vae"]}
        made._shelf._opened[model.card.name] = Opened(model, None, 0)
    yield made
    made.close()


@pytest.fixture
def picture(tmp_path):
    image = Image.new("RGB", (40, 30), (30, 90, 30))
    image.paste((250, 250, 250), (15, 10, 25, 20))
    image.save(tmp_path / "me.png")
    return tmp_path / "me.png"


def own(model: Model, seed: int = 3) -> Photo:
    """A photo that the model could have drawn."""
    code = model.working(model.space.sample(1, seed, truncation=0.3))
    return Photo(model.card.name, "own", render.to_pixels(model.generator.decode(code)), None)


def test_a_photo_is_cut_to_the_models_shape_and_encoded(studio, picture):
    photo = fitted(studio, "toy-vae", picture)
    assert photo.pixels.shape == (1, 16, 16, 1) and photo.code.shape == (studios.LATENT,)
    likeness = compared(studio, photo, photo.code)
    assert likeness.pixels.shape == (16, 16, 1) and likeness.error > 0 and likeness.strangeness is not None
    assert fitted(studio, "bare", picture).code is None


def test_what_the_judge_sees_in_both_is_told(studio, picture, tmp_path):
    card = studios.vae_card("judged", data={"name": "toys", "judge": "toy-judge"})
    from explorer import checkpoints
    from explorer.models import vae

    file = tmp_path / "judged.safetensors"
    checkpoints.save(file, card, vae.network(card.config).state_dict())
    judged = Studio((file, studios.save_judge(tmp_path)), first="judged")
    photo = fitted(judged, "judged", picture)
    (before, after) = compared(judged, photo, photo.code).seen["side"]
    assert before in ("left", "right") and after in ("left", "right")
    kept = refined(judged, photo, Wishes(closeness=1, steps=20, seen=True))
    assert kept.error <= kept.first_error * 1.5
    judged.close()


def test_a_model_that_was_loaded_by_its_own_decode_worker_can_be_refined(tmp_path, picture):
    fresh = studios.studio(tmp_path)
    model_first_opened_by = fresh.engine  # in inference mode, on the worker
    from explorer.studio.engine import Ask

    space = LatentSpace("z", (studios.LATENT,))
    model_first_opened_by.submit(Ask("ann", "stage", "toy-vae", space.sample(1, 0))).result(60)
    found = refined(fresh, fitted(fresh, "toy-vae", picture), Wishes(closeness=1, steps=10))
    assert found.error < found.first_error
    fresh.close()


def test_pictures_are_drawn_for_others_while_one_is_refined(studio, picture):
    photo, during = fitted(studio, "toy-vae", picture), []
    space = studio.model("toy-vae").space
    alone = studio.decode("toy-vae", space.sample(1, 5))

    def watch(glimpse):
        during.append(studio.decode("toy-vae", space.sample(1, 5)))
        return glimpse.step < 4

    refined(studio, photo, Wishes(steps=10), watch=watch)
    assert len(during) == 5 and all(np.array_equal(alone, pixels) for pixels in during)


def test_the_same_wishes_find_the_same_code(studio, picture):
    photo = fitted(studio, "toy-vae", picture)
    once, again = (refined(studio, photo, Wishes(closeness=1, steps=15)) for _ in range(2))
    assert torch.equal(once.code, again.code) and once.error == again.error


def test_an_ordinary_code_is_found_where_that_is_wished(studio, picture):
    photo = fitted(studio, "toy-vae", picture)
    shy, bold = (refined(studio, photo, Wishes(closeness=closeness, steps=300)) for closeness in (0, 1))
    assert bold.error <= shy.error * 1.001 and shy.code.square().mean() <= max(1.1, float(bold.code.square().mean()))


@pytest.mark.parametrize(("name", "exact"), [("bare", True), ("blind", False)])
def test_without_an_encoder_the_code_is_searched_in_the_workspace(studio, name, exact):
    photo = own(studio.model(name))
    found = refined(studio, photo, Wishes(closeness=1, steps=200 if exact else 120))
    assert found.exact is exact and found.first_error is None and found.first_typicality is None
    assert compared(studio, photo, found.code).error < (1e-3 if exact else 2e-2)
    assert usual(studio, photo, photo.pixels[0]) is None


def test_a_model_that_draws_no_numbers_is_said_to(studio, picture):
    with pytest.raises(ModelError, match="not numbers"):
        refined(studio, fitted(studio, "broken", picture))


def test_what_cannot_be_done_is_said(studio, picture, tmp_path):
    with pytest.raises(CapabilityError, match="no generator"):
        fitted(studio, "toy-judge", picture)
    with pytest.raises(DataError, match="There is no file"):
        fitted(studio, "toy-vae", tmp_path / "gone.png")
    with pytest.raises(ExplorerError, match="6 numbers, got 3"):
        compared(studio, fitted(studio, "toy-vae", picture), torch.zeros(3))
    odd = studio._shelf._opened["bare"]
    layered = replace(odd.model, generator=replace(odd.model.generator, picture_shape=(5, 8, 8)))
    studio._shelf._opened["bare"] = replace(odd, model=layered)
    try:
        with pytest.raises(CapabilityError, match="5 channels"):
            fitted(studio, "bare", picture)
    finally:
        studio._shelf._opened["bare"] = odd


def test_the_usual_error_is_that_of_known_pictures(studio, picture):
    photo = fitted(studio, "toy-vae", picture)
    worst = usual(studio, photo, 255 - photo.pixels[0])
    best = usual(studio, photo, photo.pixels[0])
    assert worst.kind == best.kind == "atlas" and best.share < worst.share and best.count == studios.ENTRIES


def test_without_an_atlas_the_models_own_draws_are_what_is_usual(studio, picture):
    opened = studio.open("toy-vae-2")
    studio._shelf._opened["toy-vae-2"] = replace(opened, atlas=None)
    try:
        found = usual(studio, fitted(studio, "toy-vae-2", picture), fitted(studio, "toy-vae-2", picture).pixels[0])
        assert found.kind == "draws" and found.share == 0 and found.count >= 12
    finally:
        studio._shelf._opened["toy-vae-2"] = opened


def test_what_is_lent_is_dropped_when_its_time_is_over_though_nobody_asks():
    loans = Loans(seconds=0.1)
    loans.keep("ann", "photo", "me", 10)
    assert loans.find("ann", "photo") == "me" and loans.find("bob", "photo") is None
    until = time.monotonic() + 10
    while len(loans):
        assert time.monotonic() < until
        time.sleep(0.02)
    loans.close()


def test_one_visitor_cannot_fill_the_memory():
    loans = Loans()
    loans.keep("ann", "pile", "many", 150 << 20)
    with pytest.raises(DataError, match="160 MB is the most"):
        loans.keep("ann", "photo", "more", 20 << 20)
    loans.keep("ann", "pile", "fewer", 10 << 20)
    loans.keep("ann", "photo", "more", 20 << 20)
    for visitor in range(4):
        loans.keep(f"visitor {visitor}", "pile", "many", 150 << 20)
    assert loans.find("ann", "photo") is None and loans.find("visitor 3", "pile") == "many"
    loans.drop("visitor 3")
    assert loans.find("visitor 3", "pile") is None
    loans.close()


@pytest.mark.skipif(sys.platform != "linux", reason="only there a thread has a priority of its own")
def test_jobs_stand_back_behind_pictures_that_a_hand_waits_for(studio):
    here = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
    job = studio.jobs.start("ann", "look", "Looking", lambda job: os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))
    assert job.wait(30).result > here == os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
