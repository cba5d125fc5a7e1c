"""What the live channel tells of models, and who may open files of this computer."""

import io

import pytest
from PIL import Image

from explorer.app import where
from explorer.live.desk import Visitor
from explorer.live.protocol import VERSION
from explorer.live.server import at_home
from tests import studios
from tests.live.desks import ask


def visitor_of(desk, *, local: bool) -> Visitor:
    visitor = Visitor(local=local)
    ask(desk, visitor, "hello", version=VERSION)
    return visitor


def test_the_passport_of_a_model_that_is_not_open_is_told_and_opens_nothing(desk):
    visitor = visitor_of(desk, local=False)
    header, _ = ask(desk, visitor, "about", model="toy-vae-2")
    told = header["about"]
    assert told["parts"] == ["generator", "encoder"] and told["spaces"][0]["shape"] == [studios.LATENT] and told["work"] > 0
    assert told["picture"] == {"channels": 1, "height": 16, "width": 16} and told["memory"] >= 4 * told["parameters"] - 64
    assert len(told["weights"]) == 64 and told["licence"] == "Apache-2.0" and told["file"] == "toy-vae-2.safetensors" and told["milliseconds"] is None
    assert not told["open"] and not desk.studio.holds("toy-vae-2")


def test_once_pictures_were_drawn_the_passport_says_how_long_one_takes_here(desk):
    visitor = visitor_of(desk, local=False)
    for seed in range(4):
        ask(desk, visitor, "decode", patch={"spot": {"origin": {"kind": "seed", "seed": seed}}})
    told = ask(desk, visitor, "about", model="toy-vae")[0]["about"]
    assert told["open"] and 0 < told["milliseconds"] < 1000


def test_a_link_to_a_model_that_cannot_be_loaded_leads_to_the_first_and_says_why(desk, tmp_path):
    file = studios.save_vae(tmp_path, "damaged", seed=4)
    desk.studio.know(file)
    file.write_bytes(file.read_bytes()[:-64] + bytes(64))  # the weights are no longer those of the card
    visitor = Visitor()
    header, _ = ask(desk, visitor, "hello", version=VERSION, model="damaged")
    assert header["type"] == "welcome" and header["info"]["name"] == "toy-vae"
    refused, _ = ask(desk, visitor, "open", model="damaged")
    assert refused["type"] == "error" and "damaged" in refused["message"]


def test_a_judge_says_why_it_cannot_be_traversed(desk):
    told = ask(desk, visitor_of(desk, local=False), "about", model="toy-judge")[0]["about"]
    assert "no latent space" in told["why"] and told["parts"] == ["classifier", "features"] and told["picture"] is None


def test_a_small_picture_is_shown_of_a_model_with_thumbnails_without_loading_it(desk):
    visitor = visitor_of(desk, local=False)
    header, picture = ask(desk, visitor, "cover", model="toy-vae-2")
    assert header["format"] == "webp" and Image.open(io.BytesIO(picture)).size == (32, 32) and not desk.studio.holds("toy-vae-2")
    assert header["there"]
    none, nothing = ask(desk, visitor, "cover", model="toy-judge")
    assert not none["there"] and not nothing


@pytest.mark.parametrize("kind", ["about", "cover"])
def test_a_path_is_no_name(desk, kind):
    refused, _ = ask(desk, visitor_of(desk, local=True), kind, model="/etc/passwd")
    assert refused["type"] == "error" and "No model '/etc/passwd' here" in refused["message"]


def test_a_file_of_this_computer_is_opened_by_a_job_and_its_name_told(desk, tmp_path):
    visitor = visitor_of(desk, local=True)
    job = ask(desk, visitor, "add", path=f' "{studios.save_vae(tmp_path, "mine", seed=3)}" ')[0]["job"]
    desk.studio.jobs.find(visitor.session, job["id"]).wait(60)
    done = ask(desk, visitor, "job", id=job["id"])[0]["job"]
    assert done["state"] == "done" and desk.studio.cards[done["result"]].name == "mine" and desk.studio.holds(done["result"])
    assert done["result"] in [row["name"] for row in ask(desk, visitor, "models")[0]["models"]]


@pytest.mark.parametrize(("path", "words"), [("", "path of a file"), ("/nowhere/at/all.safetensors", "nowhere"), ("/etc/passwd", "passwd")])
def test_a_path_that_is_no_model_is_refused_in_words(desk, path, words):
    visitor = visitor_of(desk, local=True)
    job = ask(desk, visitor, "add", path=path)[0]["job"]
    desk.studio.jobs.find(visitor.session, job["id"]).wait(60)
    failed = ask(desk, visitor, "job", id=job["id"])[0]["job"]
    assert failed["state"] == "failed" and words in failed["error"] and failed["error"].endswith(".")


def test_only_whoever_sits_at_this_computer_may_open_its_files(desk, tmp_path):
    file = studios.save_vae(tmp_path, "own")
    refused, _ = ask(desk, visitor_of(desk, local=False), "add", path=str(file))
    assert refused["type"] == "error" and "your own computer" in refused["message"] and "own" not in desk.studio.cards


@pytest.mark.parametrize(
    ("headers", "home"),
    [
        ({"host": "127.0.0.1:7860"}, True),
        ({"host": "localhost"}, True),
        ({"host": "[::1]:7860"}, True),
        ({"host": "evil.example:7860"}, False),  # a page that points its own name at this computer
        ({"host": "localhost.evil.example"}, False),
        ({"host": "127.0.0.1:7860", "x-forwarded-for": "8.8.8.8"}, False),
        ({}, False),
    ],
)
def test_a_request_is_from_this_computer_only_by_its_own_name_and_without_a_proxy(headers, home):
    assert at_home(headers) is home


def test_a_page_is_local_only_on_the_loopback_and_never_when_hosted(monkeypatch):
    for name in where.HOSTED:
        monkeypatch.delenv(name, raising=False)
    assert where.local("127.0.0.1") and where.local("localhost") and not where.local("0.0.0.0") and not where.local("192.168.0.7")
    monkeypatch.setenv("SPACE_ID", "someone/explorer")
    assert not where.local("127.0.0.1")
    monkeypatch.delenv("SPACE_ID")
    monkeypatch.setenv("EXPLORER_HOSTED", "1")
    assert not where.local("127.0.0.1")
