"""The studio opens each model once, keeps no more than its budget, and knows nothing of names that are not there."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from explorer import checkpoints
from explorer.core.errors import CheckpointError
from tests import strangers, studios


@pytest.fixture
def studio(tmp_path):
    studio = studios.studio(tmp_path)
    yield studio
    studio.close()


def test_many_who_want_a_model_at_once_load_it_once(studio, monkeypatch):
    loads, load = [], checkpoints.load
    monkeypatch.setattr(checkpoints, "load", lambda file, device: (loads.append(file), load(file, device))[1])
    with ThreadPoolExecutor(8) as pool:
        opened = list(pool.map(lambda _: studio.open("toy-vae"), range(16)))
    assert len(loads) == 1 and all(one is opened[0] for one in opened)


def test_the_least_recently_used_model_is_closed_when_the_budget_is_spent(studio):
    studio._shelf.budget = 1
    studio.open("toy-vae")
    studio.open("toy-vae-2")
    assert studio.holds("toy-vae-2") and not studio.holds("toy-vae")


def test_names_that_are_not_there_leave_nothing_behind(studio):
    for i in range(100):
        with pytest.raises(CheckpointError, match="No model"):
            studio.open(f"nobody-{i}")
    assert not studio._shelf._turns


def test_a_model_of_another_format_is_known_before_it_is_loaded_and_opened_by_name(studio, tmp_path):
    folder = strangers.autoencoder_kl(tmp_path / "my autoencoder")
    name = studio.add(f' "{folder}" ')
    assert name == "my-autoencoder" and not studio.holds(name) and studio.cards[name].weights == ""
    assert studio.decode(name, studio.model(name).space.sample(2, 0)).shape == (2, 32, 32, 3)
    assert studio.atlas(name) is None and "no atlas" in studio.open(name).without
    assert len(studio.cards[name].weights) == 64 and studio.open(name).bytes == studio.weight(name)


def test_two_models_of_one_name_are_both_kept_and_one_added_twice_is_one(studio, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    file = studios.save_vae(tmp_path / "elsewhere", "toy-vae", seed=5)
    name = studio.know(file)
    assert name == "toy-vae-3" and studio.know(file) == name and studio.model(name).card.name == name  # there is a toy-vae-2 already
    assert studio.file("toy-vae") != file and studio.file(name) == file


def test_models_can_come_in_while_others_look_through_them(studio, tmp_path):
    file = studios.save_vae(tmp_path, "late")
    for name in studio.cards:
        studio.know(file)
        assert name in studio.cards


def test_room_is_made_before_a_model_is_loaded(studio, monkeypatch):
    studio.open("toy-vae")
    studio._shelf.budget = studio.weight("toy-vae-2")
    load, held = checkpoints.load, []
    monkeypatch.setattr(checkpoints, "load", lambda file, device: (held.append(studio.holds("toy-vae")), load(file, device))[1])
    studio.open("toy-vae-2")
    assert held == [False]


@pytest.mark.parametrize(("typed", "words"), [("  ", "Give the path"), ("/no/such/place", "No checkpoint '/no/such/place'")])
def test_what_is_typed_into_a_path_box_and_leads_nowhere_is_said(studio, typed, words):
    before = dict(studio.cards)
    with pytest.raises(CheckpointError, match=words):
        studio.add(typed)
    assert studio.cards == before


def test_a_folder_that_is_no_model_says_what_is_in_it_and_what_can_be_opened(studio, tmp_path):
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "a.txt").write_text("")
    with pytest.raises(CheckpointError, match=r"a folder with a\.txt\. What can be: a checkpoint of the explorer"):
        studio.add(str(tmp_path / "notes"))
    (tmp_path / "old.pkl").write_bytes(b"\x80\x04N.")
    with pytest.raises(CheckpointError, match="a Python pickle, which can run any program it contains and is refused"):
        studio.add(str(tmp_path / "old.pkl"))
