"""Compiled programs of torch open for whoever trusts them, and draw what they draw by themselves."""

import json
import zipfile

import pytest
import torch
from torch import nn

import explorer
from explorer import formats
from explorer.core.errors import CheckpointError
from explorer.core.model import differentiable
from tests import strangers

LATENT = {"latent": [5], "values": [0, 1]}


@pytest.fixture(scope="module")
def net():
    return strangers.halves()


def scripted(net, file):
    torch.jit.script(net).save(str(file))
    return file


def exported(net, file, *, batch=None, example=None):
    shapes = ({0: torch.export.Dim("batch")},) if batch is None else None
    program = torch.export.export(net, (torch.zeros(batch or 2, 5) if example is None else example,), dynamic_shapes=shapes)
    torch.export.save(program, file)
    return file


@torch.no_grad()
def test_a_script_draws_and_encodes_what_it_did(net, tmp_path):
    model = explorer.open(scripted(net, tmp_path / "d.pt"), trust=True, spec=LATENT)
    code = model.space.sample(3, 0)
    pictures = model.generator.decode(code)
    assert torch.allclose(pictures, net(code.values) * 2 - 1, atol=1e-6) and model.generator.picture_shape == (3, 8, 10)
    assert torch.allclose(model.encoder.encode(pictures).values, net.encode((pictures + 1) / 2), atol=1e-5)
    assert differentiable(model.generator)


@pytest.mark.parametrize("batch", [None, 1, 3])
@torch.no_grad()
def test_an_exported_program_says_its_own_shape_and_draws_any_number(net, tmp_path, batch):
    file = exported(net, tmp_path / "d.pt2", batch=batch)
    assert formats.card_of(formats.source_of(file)).spaces[0]["shape"] == [5]
    model = explorer.open(file, trust=True, spec={"values": [0, 1]})
    for count in (1, 2, 7):
        code = model.space.sample(count, 0)
        assert torch.allclose(model.generator.decode(code), net(code.values) * 2 - 1, atol=1e-6)


def test_gradients_flow_through_both(net, tmp_path):
    for file in (scripted(net, tmp_path / "d.pt"), exported(net, tmp_path / "d.pt2")):
        model = explorer.open(file, trust=True, spec=LATENT)
        z = model.space.sample(1, 0).values.requires_grad_()
        model.generator.decode(model.code(z)).square().sum().backward()
        assert differentiable(model.generator) and z.grad.abs().sum() > 0


def test_an_encoder_of_its_own_is_named_by_the_spec(net, tmp_path):
    class Finding(nn.Module):
        def __init__(self, inner):
            super().__init__()
            self.inner = inner

        def forward(self, x):
            return self.inner(x.flatten(1))

    exported(net, tmp_path / "d.pt2")
    exported(Finding(net.inner), tmp_path / "e.pt2", example=torch.zeros(2, 3, 8, 10))
    (tmp_path / "d.json").write_text(json.dumps({"encoder": "e.pt2", "values": [0, 1]}))
    x = torch.rand(2, 3, 8, 10) * 2 - 1
    with torch.no_grad():
        assert torch.allclose(explorer.open(tmp_path / "d.pt2", trust=True).encoder.encode(x).values, net.encode((x + 1) / 2), atol=1e-5)


def test_a_program_without_derivatives_is_known_for_it(tmp_path):
    class Stepped(nn.Module):
        def forward(self, z: torch.Tensor) -> torch.Tensor:
            return (z > 0).float().view(-1, 1, 1, 5)

    model = explorer.open(scripted(Stepped(), tmp_path / "d.pt"), trust=True, spec=LATENT)
    assert not differentiable(model.generator)


def test_nothing_is_loaded_without_trust(net, tmp_path, monkeypatch):
    monkeypatch.setattr(torch.jit, "load", lambda *a, **k: pytest.fail("it was loaded"))
    monkeypatch.setattr(torch.export, "load", lambda *a, **k: pytest.fail("it was loaded"))
    for file in (scripted(net, tmp_path / "d.pt"), exported(net, tmp_path / "d.pt2")):
        with pytest.raises(CheckpointError, match=f"would run the program compiled into '{file.name}'"):
            explorer.open(file, spec=LATENT)


def test_what_torch_save_wrote_is_no_program_and_says_what_to_do(tmp_path):
    torch.save({"w": torch.zeros(2)}, tmp_path / "w.pt")
    with pytest.raises(CheckpointError, match=r"pickle of weights or objects.*\"class\": \"module:Class\""):
        explorer.open(tmp_path / "w.pt", trust=True)
    torch.save({"w": torch.zeros(2)}, tmp_path / "old.pt", _use_new_zipfile_serialization=False)
    with pytest.raises(CheckpointError, match="one of its old pickles, which are refused"):
        explorer.open(tmp_path / "old.pt", trust=True)


def test_files_that_are_something_else_are_refused(net, tmp_path):
    (tmp_path / "d.pt2").write_bytes(exported(net, tmp_path / "whole.pt2").read_bytes()[:1000])
    with zipfile.ZipFile(tmp_path / "d.pt", "w") as archive:
        archive.writestr("letter.txt", "hello")
    for name, words in (("d.pt2", "not a file that torch wrote"), ("d.pt", "neither a TorchScript nor an exported program: it holds letter.txt")):
        with pytest.raises(CheckpointError, match=words):
            explorer.open(tmp_path / name, trust=True, spec=LATENT)
    with zipfile.ZipFile(tmp_path / "e.pt", "w") as archive:
        archive.writestr("e/code/x.py", "def")
    with pytest.raises(CheckpointError, match="'e.pt' cannot be loaded as a TorchScript program"):
        explorer.open(tmp_path / "e.pt", trust=True, spec=LATENT)


def test_a_script_needs_a_word_about_its_codes(net, tmp_path):
    with pytest.raises(CheckpointError, match='its spec needs "latent"'):
        explorer.open(scripted(net, tmp_path / "d.pt"), trust=True)
    with pytest.raises(CheckpointError, match="'d' has no method 'paint'"):
        explorer.open(tmp_path / "d.pt", trust=True, spec=LATENT | {"decode": "paint"})
