"""Folders that diffusers saved open as diffusers itself would open them, in the units of latent diffusion."""

import json

import pytest
import torch

import explorer
from explorer import formats
from explorer.core.errors import CheckpointError
from explorer.core.model import differentiable
from tests import strangers

diffusers = pytest.importorskip("diffusers")
MAKERS = {"AutoencoderKL": strangers.autoencoder_kl, "VQModel": strangers.vq_model, "AutoencoderTiny": strangers.autoencoder_tiny}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    return {name: make(tmp_path_factory.mktemp("diffusers") / name.lower()) for name, make in MAKERS.items()}


def reconfigured(folder, **changes):
    file = folder / "config.json"
    file.write_text(json.dumps({k: v for k, v in (json.loads(file.read_text()) | changes).items() if v is not ...}))
    return folder


@pytest.mark.parametrize("name", MAKERS)
@torch.no_grad()
def test_it_draws_and_encodes_what_diffusers_does(folders, name):
    model, theirs = explorer.open(folders[name]), getattr(diffusers, name).from_pretrained(folders[name])
    code = model.space.sample(2, seed=1)
    scale, shift = 0.18215 if name == "AutoencoderKL" else 1.0, 0.0
    if name == "VQModel":
        entries = theirs.quantize.embedding.weight
        scale, shift = (1 / entries.std(dim=0)).view(-1, 1, 1), entries.mean(dim=0).view(-1, 1, 1)
    pictures = model.generator.decode(code)
    assert torch.allclose(pictures, theirs.decode(code.values / scale + shift).sample.clamp(-1, 1), atol=1e-5)
    posterior = model.encoder.posterior(pictures)
    found = theirs.encode(pictures)
    if name == "AutoencoderKL":
        assert torch.allclose(posterior.mean, found.latent_dist.mean * scale, atol=1e-5)
        assert torch.allclose(posterior.variance, found.latent_dist.var * scale**2, atol=1e-5)
    else:
        own = theirs.quantize(found.latents)[0] if name == "VQModel" else found.latents
        assert torch.allclose(posterior.mean, (own - shift) * scale, atol=1e-4) and not posterior.variance.any()
    assert differentiable(model.generator)


def test_a_quantised_code_is_decoded_to_the_same_picture_again(folders):
    model = explorer.open(folders["VQModel"])
    with torch.no_grad():
        code = model.encoder.encode(model.generator.decode(model.space.sample(1, 0)))
        again = model.encoder.encode(model.generator.decode(code))
    assert code.values.abs().max() < 10 and again.values.shape == code.values.shape


def test_the_card_is_known_before_anything_is_loaded_and_says_what_is_assumed(folders, monkeypatch):
    monkeypatch.setattr("explorer.models.adapters.diffusers_folder.package", lambda *a, **k: pytest.fail("nothing may be loaded"))
    card = formats.card_of(formats.source_of(folders["AutoencoderKL"]))
    assert card.spaces[0]["shape"] == [4, 8, 8] and card.name == "autoencoderkl" and card.data["prior_assumed"]
    assert any("standard normal prior is assumed" in note for note in card.data["notes"])
    assert formats.weigh(formats.source_of(folders["AutoencoderKL"])) > 1000


def test_the_whole_card_vouches_for_configuration_and_weights(folders, tmp_path):
    other = strangers.autoencoder_kl(tmp_path / "other", scaling_factor=1.0)
    hashes = {explorer.open(folder).card.weights for folder in (folders["AutoencoderKL"], other)}
    assert len(hashes) == 2 and all(len(h) == 64 for h in hashes)


def test_gradients_flow_from_pictures_to_codes(folders):
    model = explorer.open(folders["AutoencoderKL"])
    z = model.space.sample(1, 0).values.requires_grad_()
    model.generator.decode(model.code(z)).square().mean().backward()
    assert z.grad.abs().sum() > 0


def test_another_size_also_one_that_is_not_square_can_be_asked_for(folders):
    model = explorer.open(folders["AutoencoderKL"], spec={"size": [16, 48]})
    assert model.space.shape == (4, 4, 12) and model.generator.picture_shape == (3, 16, 48)
    with torch.no_grad():
        pictures = model.generator.decode(model.space.sample(2, 0))
        assert pictures.shape == (2, 3, 16, 48) and model.encoder.encode(pictures).space == model.space
    with pytest.raises(CheckpointError, match=r"multiples of 4, got \[15, 48\]"):
        explorer.open(folders["AutoencoderKL"], spec={"size": [15, 48]})


def test_grey_pictures_shifted_and_normalised_codes(tmp_path):
    changes = {"in_channels": 1, "out_channels": 1, "scaling_factor": 0.5, "shift_factor": 0.25}
    model = explorer.open(strangers.autoencoder_kl(tmp_path / "grey", **changes))
    theirs = diffusers.AutoencoderKL.from_pretrained(tmp_path / "grey")
    z = model.space.sample(1, 0).values
    with torch.no_grad():
        assert torch.allclose(model.generator.decode(model.code(z)), theirs.decode(z / 0.5 + 0.25).sample.clamp(-1, 1), atol=1e-5)
    mean, std = [0.1, 0.2, 0.3, 0.4], [1.0, 2.0, 3.0, 4.0]
    model = explorer.open(strangers.autoencoder_kl(tmp_path / "normalised", scaling_factor=1.0, latents_mean=mean, latents_std=std))
    theirs = diffusers.AutoencoderKL.from_pretrained(tmp_path / "normalised")
    own = z * torch.tensor(std).view(-1, 1, 1) + torch.tensor(mean).view(-1, 1, 1)
    with torch.no_grad():
        assert torch.allclose(model.generator.decode(model.code(z)), theirs.decode(own).sample.clamp(-1, 1), atol=1e-5)


def test_large_pictures_are_drawn_in_small_helpings(folders, monkeypatch):
    monkeypatch.setattr("explorer.models.adapters.assembled.MOST_PIXELS", 2 * 32 * 32)
    model = explorer.open(folders["AutoencoderKL"])
    code = model.space.sample(5, 0)
    with torch.no_grad():
        assert torch.allclose(model.generator.decode(code)[4:], model.generator.decode(code[4:]), atol=1e-5)


def test_a_huge_model_starts_at_a_size_that_stays_quick(tmp_path):
    folder = reconfigured(strangers.autoencoder_kl(tmp_path / "huge"), sample_size=1024)
    card = formats.card_of(formats.source_of(folder))
    assert card.spaces[0]["shape"] == [4, 64, 64] and any("1024×1024" in note for note in card.data["notes"])


def test_the_autoencoder_inside_a_pipeline_is_found(tmp_path):
    strangers.autoencoder_kl(tmp_path / "pipeline" / "vae")
    (tmp_path / "pipeline" / "model_index.json").write_text('{"_class_name": "StableDiffusionPipeline"}')
    assert explorer.open(tmp_path / "pipeline").card.name == "pipeline"
    assert explorer.open(tmp_path / "pipeline" / "vae").card.name == "pipeline-vae"


def test_half_precision_variants_and_shards_are_opened(tmp_path):
    from diffusers import AutoencoderKL

    folder = strangers.autoencoder_kl(tmp_path / "whole")
    net = AutoencoderKL.from_pretrained(folder)
    net.save_pretrained(tmp_path / "sharded", max_shard_size="50KB")
    assert len(list((tmp_path / "sharded").glob("*.safetensors"))) > 1
    net.half().save_pretrained(tmp_path / "half", variant="fp16")
    whole, sharded, half = (explorer.open(tmp_path / name) for name in ("whole", "sharded", "half"))
    code = whole.space.sample(1, 0)
    with torch.no_grad():
        picture = whole.generator.decode(code)
        assert torch.equal(sharded.generator.decode(code), picture) and torch.allclose(half.generator.decode(code), picture, atol=0.02)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda f: reconfigured(f, _class_name="UNet2DModel"), "a UNet2DModel.*AutoencoderKL"),
        (lambda f: reconfigured(f, block_out_channels="many"), "'block_out_channels' as a list"),
        (lambda f: reconfigured(f, block_out_channels=[8, 16, 32]), "does not hold the AutoencoderKL"),
        (lambda f: reconfigured(f, layers_per_block=2), "do not fit its AutoencoderKL: .* missing"),
        (lambda f: reconfigured(f, out_channels=7), "7 channels"),
        (lambda f: reconfigured(f, sample_size=30), "multiples of 4"),
        (lambda f: (f / "config.json").write_text("{"), "cannot be opened"),
        (lambda f: (f / "diffusion_pytorch_model.safetensors").unlink(), "no weights"),
        (lambda f: (f / "diffusion_pytorch_model.safetensors").rename(f / "diffusion_pytorch_model.bin"), "Python pickle.*refused"),
        (lambda f: (f / "diffusion_pytorch_model.safetensors").write_bytes(b"\x80\x04pickle"), "Python pickle"),
        (lambda f: (f / "diffusion_pytorch_model.safetensors").write_bytes((f / "diffusion_pytorch_model.safetensors").read_bytes()[:-9]), "cut off"),
    ],
)
def test_a_spoilt_folder_is_refused_in_words(tmp_path, spoil, words):
    folder = strangers.autoencoder_kl(tmp_path / "spoilt")
    spoil(folder)
    with pytest.raises(CheckpointError, match=words):
        explorer.open(folder)


def test_without_diffusers_the_folder_says_what_to_install(folders, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "diffusers", None)
    with pytest.raises(CheckpointError, match=r"pip install .latent-explorer\[diffusers\]"):
        explorer.open(folders["AutoencoderKL"])


def test_one_too_large_for_the_memory_is_refused_before_it_is_loaded(folders, monkeypatch):
    monkeypatch.setattr("explorer.devices.free_memory", lambda device: 1000)
    monkeypatch.setattr("explorer.models.adapters.diffusers_folder.package", lambda *a, **k: pytest.fail("nothing may be loaded"))
    with pytest.raises(CheckpointError, match="too large to open here"):
        explorer.open(folders["AutoencoderKL"])
