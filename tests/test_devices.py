"""The one place that chooses where to compute, and that a model elsewhere answers here."""

import pytest
import torch

from explorer import devices
from explorer.core.errors import CheckpointError, ExplorerError
from explorer.core.model import Card, Decoder, Model, Posterior
from explorer.core.space import LatentSpace
from tests import toys

CPU, META = torch.device("cpu"), torch.device("meta")


def test_the_preferred_device_comes_first_then_the_setting_then_the_fastest(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.delenv("EXPLORER_DEVICE", raising=False)
    assert devices.choose().type == "cuda" and devices.choose("cpu") == CPU and devices.choose("cuda:1").index == 1
    monkeypatch.setenv("EXPLORER_DEVICE", "cpu")
    assert devices.choose() == CPU and devices.choose("cuda").type == "cuda"


def test_apples_processor_is_chosen_where_there_is_one(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    monkeypatch.delenv("EXPLORER_DEVICE", raising=False)
    assert devices.choose().type == "mps"


@pytest.mark.parametrize("wanted", ["cuda", "mps", "cuda:7", "toaster"])
def test_a_device_that_is_not_there_is_named_with_those_that_are(monkeypatch, wanted):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    monkeypatch.setenv("EXPLORER_DEVICE", wanted)
    with pytest.raises(ExplorerError, match=rf"'{wanted}'.*cpu"):
        devices.choose()


def test_a_model_that_does_not_fit_is_refused_with_both_sizes(monkeypatch):
    monkeypatch.setattr(devices, "free_memory", lambda device: 3 << 30)
    devices.make_room("small", 2 << 30, CPU)
    with pytest.raises(CheckpointError, match=r"'big' is too large.*5\.0 GiB.*3\.0 GiB are free"):
        devices.make_room("big", 4 << 30, CPU)


def test_this_machine_knows_how_much_memory_is_free():
    free = devices.free_memory(CPU)
    assert free is None or 50 << 20 < free < 1 << 50


def test_a_container_with_a_limit_has_less_than_the_machine(monkeypatch, tmp_path):
    (tmp_path / "memory.max").write_text("1000000\n")
    (tmp_path / "memory.current").write_text("900000\n")
    (tmp_path / "memory.stat").write_text("anon 500000\ninactive_file 300000\n")
    monkeypatch.setattr(devices, "Path", lambda path: tmp_path if path == "/sys/fs/cgroup" else tmp_path / "nothing")
    assert devices._container() == 400000
    (tmp_path / "memory.max").write_text("max\n")
    assert devices._container() is None


class Abroad:
    """A classifier that notes where its pictures lie."""

    questions = {"side": ("left", "right")}

    def __init__(self):
        self.functions = {"left": self.logits}

    def logits(self, x):
        self.saw = x.device
        return {"side": torch.zeros(len(x), 2)}


def test_what_a_model_elsewhere_is_handed_lies_where_it_computes_and_its_answer_where_the_question_came_from():
    part = Abroad()
    placed = devices.place(Model(Card("toy", "Toy", "toy", {}), classifier=part), META)
    answer = placed.classifier.logits(torch.zeros(3, 1, 4, 4))
    assert devices.place(placed, META).classifier is placed.classifier
    part.saw = None
    assert placed.classifier.functions["left"](torch.zeros(1, 1, 4, 4))["side"].device == CPU
    assert part.saw == META and answer["side"].device == CPU and placed.classifier.questions == part.questions


def test_answers_are_carried_back_whatever_they_are_made_of():
    space = LatentSpace("z", (4,))
    posterior = Posterior(torch.zeros(2, 4), torch.ones(2, 4), space)
    moved = devices._moved({"a": [posterior], "b": (torch.zeros(1), "word", 3)}, META)
    assert moved["a"][0].mean.device == moved["a"][0].variance.device == moved["b"][0].device == META
    assert moved["a"][0].space is space and moved["b"][1:] == ("word", 3)


def test_on_the_processor_nothing_is_wrapped_and_gradients_flow_through_what_is():
    model = toys.linear()
    assert devices.place(model, CPU) is model
    carried = devices._Carried(model.generator, CPU)
    z = model.space.sample(2, 0).values.requires_grad_()
    carried.decode(model.code(z)).sum().backward()
    assert z.grad is not None and carried.picture_shape == (1, 4, 4) and isinstance(model.generator, Decoder)
