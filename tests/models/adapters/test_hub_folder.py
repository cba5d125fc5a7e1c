"""Folders as PyTorchModelHubMixin writes them open once somebody says which class they are of."""

import json

import pytest
import torch
from safetensors.torch import load_file

import explorer
from explorer import formats
from explorer.core.errors import CheckpointError
from tests import strangers


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # where hubnets.py is
    return strangers.hub_folder(tmp_path / "their-vae", latent=5, side=12)


def described(folder, **changes):
    (folder / "explorer.json").write_text(json.dumps({"class": "hubnets:HubVAE", "latent": [5], "values": [0, 1]} | changes))
    return folder


@torch.no_grad()
def test_the_mixin_writes_what_is_expected_and_it_draws_what_its_class_does(folder):
    assert json.loads((folder / "config.json").read_text()) == {"latent": 5, "side": 12}
    model = explorer.open(described(folder), trust=True)
    state, code = load_file(folder / "model.safetensors"), model.space.sample(2, 0)
    drawn = torch.sigmoid(code.values @ state["decoder.0.weight"].T + state["decoder.0.bias"]).view(-1, 1, 12, 12)
    assert torch.allclose(model.generator.decode(code), drawn * 2 - 1, atol=1e-5) and model.card.name == "their-vae"
    assert model.encoder.encode(model.generator.decode(code)).values.shape == (2, 5)


def test_a_class_without_the_mixin_is_made_from_the_configuration(folder, tmp_path):
    plain = strangers.HUB.replace("(nn.Module, PyTorchModelHubMixin)", "(nn.Module)")
    (tmp_path / "plainnets.py").write_text(plain)
    models = [explorer.open(described(folder, **{"class": kind}), trust=True) for kind in ("plainnets:HubVAE", "hubnets:HubVAE")]
    pictures = [model.generator.decode(model.code(torch.ones(1, 5))) for model in models]
    assert torch.equal(*pictures) and models[0].card.weights == models[1].card.weights


def test_a_folder_that_does_not_say_its_class_is_told_how(folder):
    with pytest.raises(CheckpointError, match=r"not which class.*their-vae/explorer\.json.*plug-in"):
        formats.card_of(formats.source_of(folder))
    (folder / "config.json").write_text('{"model_type": "vit_mae", "architectures": ["ViTMAE"]}')
    with pytest.raises(CheckpointError, match="names 'vit_mae', as transformers writes"):
        formats.card_of(formats.source_of(folder))


def test_the_class_runs_only_with_trust(folder):
    with pytest.raises(CheckpointError, match="would run the Python class 'hubnets:HubVAE'"):
        explorer.open(described(folder))


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda f: (f / "config.json").write_text("["), "not JSON"),
        (lambda f: (f / "config.json").write_text("[]"), "must hold a JSON object"),
        (lambda f: (f / "config.json").write_text('{"latent": 7, "side": 12}'), "does not fit its class"),
        (lambda f: (f / "config.json").write_text('{"latent": "many"}'), "does not fit its class"),
        (lambda f: (f / "model.safetensors").write_bytes(b"\x80\x04N."), "Python pickle"),
        (lambda f: (f / "model.safetensors").rename(f / "pytorch_model.bin"), "only a Python pickle .pytorch_model.bin."),
        (lambda f: (f / "model.safetensors").unlink(), "got none"),
        (lambda f: described(f, latent=None), "'latent' in explorer.json should be"),
    ],
)
def test_a_spoilt_folder_is_refused_in_words(folder, spoil, words):
    spoil(described(folder))
    with pytest.raises(CheckpointError, match=words):
        explorer.open(folder, trust=True)


def test_a_folder_that_diffusers_wrote_is_left_to_diffusers(tmp_path):
    pytest.importorskip("diffusers")
    folder = strangers.autoencoder_kl(tmp_path / "kl")
    assert explorer.open(folder).card.family == "diffusers"
