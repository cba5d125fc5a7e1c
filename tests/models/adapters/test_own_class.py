"""A Python class with weights and a few lines about it opens like a model of ours, but only for whoever says that it may run."""

import json
import sys

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

import explorer
from explorer import formats
from explorer.core.errors import CheckpointError, ModelError, SpaceError
from explorer.studio.studio import Studio
from tests import strangers

VAE = {"class": "nets:VAE", "weights": "weights.safetensors", "latent": [6], "values": [0, 1]}


def described(folder, **changes):
    values = {key: value for key, value in (VAE | changes).items() if value is not None}
    (folder / "mine.json").write_text(json.dumps(values))
    return folder / "mine.json"


@pytest.fixture
def net(tmp_path):
    return strangers.own_network(tmp_path)


@torch.no_grad()
def test_it_draws_and_encodes_what_the_class_does(net, tmp_path):
    model = explorer.open(described(tmp_path), trust=True)
    code = model.space.sample(3, 0)
    pictures = model.generator.decode(code)
    assert torch.allclose(pictures, net.decode(code.values) * 2 - 1, atol=1e-6) and model.card.name == "mine"
    mean, log_variance = net.encode((pictures + 1) / 2)
    posterior = model.encoder.posterior(pictures)
    assert torch.allclose(posterior.mean, mean, atol=1e-5) and torch.allclose(posterior.variance, log_variance.exp(), atol=1e-5)
    assert len(model.card.weights) == 64 and model.card.config == {"class": "nets:VAE"}


def test_the_same_words_open_it_from_a_dictionary_and_from_toml(net, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code = torch.randn(1, 6)
    (tmp_path / "mine.toml").write_text('class = "nets:VAE"\nweights = "weights.safetensors"\nlatent = [6]\nvalues = [0, 1]\n')
    models = [explorer.open(thing, trust=True) for thing in (VAE, tmp_path / "mine.toml", described(tmp_path))]
    pictures = [model.generator.decode(model.code(code)) for model in models]
    assert torch.equal(pictures[0], pictures[1]) and torch.equal(pictures[0], pictures[2])


def test_codes_in_space_wide_pictures_and_a_class_that_is_called(tmp_path):
    net = strangers.own_network(tmp_path, "Generator", width=2)
    spec = described(tmp_path, **{"class": "nets:Generator", "args": {"width": 2}, "latent": [2, 3, 5], "values": None})
    model = explorer.open(spec, trust=True)
    code = model.space.sample(2, 0)
    assert model.generator.picture_shape == (3, 12, 20) and model.encoder is None
    assert torch.allclose(model.generator.decode(code), net(code.values), atol=1e-6)
    z = code.values.requires_grad_()
    model.generator.decode(model.code(z)).sum().backward()
    assert z.grad.abs().sum() > 0


def test_nothing_is_imported_without_trust_and_the_card_needs_none(net, tmp_path):
    (tmp_path / "nets.py").write_text("raise SystemExit('it was run')")
    with pytest.raises(CheckpointError, match="would run the Python class 'nets:VAE'.*--trust"):
        explorer.open(described(tmp_path))
    studio = Studio()
    with pytest.raises(CheckpointError, match="--trust"):
        studio.add(str(described(tmp_path)))
    assert formats.card_of(formats.source_of(described(tmp_path))).spaces[0]["shape"] == [6]


def test_a_network_made_in_a_program_opens_as_it_is(net):
    model = explorer.open(net, spec={"latent": [6], "values": [0, 1], "name": "fresh"})
    assert model.card.name == "fresh" and len(model.card.weights) == 64
    assert torch.allclose(model.generator.decode(model.code(torch.ones(1, 6))), net.decode(torch.ones(1, 6)) * 2 - 1, atol=1e-6)
    with pytest.raises(CheckpointError, match='needs "latent"'):
        explorer.open(net)


@pytest.mark.parametrize("wrap", [lambda k: f"module.{k}", lambda k: f"_orig_mod.{k}", lambda k: f"a.b.{k}"])
def test_a_prefix_before_all_names_is_seen_through(net, tmp_path, wrap):
    state = load_file(tmp_path / "weights.safetensors")
    save_file({wrap(key): value for key, value in state.items()} | {"optimiser": torch.zeros(1)}, tmp_path / "weights.safetensors")
    model = explorer.open(described(tmp_path), trust=True)
    code = model.space.sample(1, 0)
    assert torch.allclose(model.generator.decode(code), net.decode(code.values) * 2 - 1, atol=1e-6)


def test_a_part_is_filled_from_the_weights_of_the_whole(net, tmp_path):
    (tmp_path / "parts.py").write_text("from torch import nn\nfrom nets import VAE\n\ndef Decoder():\n    return VAE().decoder\n")
    model = explorer.open(described(tmp_path, **{"class": "parts:Decoder", "picture": [1, 8, 8]}), trust=True)
    code = model.space.sample(1, 0)
    assert torch.allclose(model.generator.decode(code), net.decode(code.values) * 2 - 1, atol=1e-6)


def test_weights_of_half_precision_are_computed_in_single(net, tmp_path):
    save_file({k: v.half() for k, v in load_file(tmp_path / "weights.safetensors").items()}, tmp_path / "weights.safetensors")
    model = explorer.open(described(tmp_path), trust=True)
    assert model.generator.decode(model.space.sample(1, 0)).dtype == torch.float32


def test_pickled_weights_are_read_as_tensors_only(net, tmp_path):
    torch.save({"epoch": 3, "state_dict": net.state_dict()}, tmp_path / "w.pth")
    model = explorer.open(described(tmp_path, weights="w.pth"), trust=True)
    code = model.space.sample(1, 0)
    assert torch.allclose(model.generator.decode(code), net.decode(code.values) * 2 - 1, atol=1e-6)
    torch.save(nn.Linear(2, 2), tmp_path / "whole.pth")
    with pytest.raises(CheckpointError, match="'whole.pth' holds more than plain weights"):
        explorer.open(described(tmp_path, weights="whole.pth"), trust=True)


def spoil(state, how):
    key = "decoder.0.weight"
    if how == "missing":
        del state[key]
    elif how == "left over":
        state["decoder.9.weight"] = torch.zeros(1)
    else:
        state[key] = torch.zeros(5, 6)
    return state


@pytest.mark.parametrize(
    ("how", "words"),
    [("missing", r"decoder\.0\.weight is missing"), ("left over", r"decoder\.9\.weight is left over"), ("shape", r"\[5, 6\], should be \[16, 6\]")],
)
def test_weights_that_do_not_fit_are_named(net, tmp_path, how, words):
    save_file(spoil(load_file(tmp_path / "weights.safetensors"), how), tmp_path / "weights.safetensors")
    with pytest.raises(CheckpointError, match=words):
        explorer.open(described(tmp_path), trust=True)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"class": "nowhere:VAE"}, "module 'nowhere' cannot be imported: ModuleNotFoundError"),
        ({"class": "nets:Nothing"}, "no class 'Nothing' in the module 'nets'"),
        ({"class": "nets.py"}, "'class' in mine.json should be a Python class like"),
        ({"args": {"depth": 3}}, "cannot be made with depth: TypeError"),
        ({"latent": None}, 'needs "latent"'),
        ({"latent": [0]}, "'latent' in mine.json should be the shape of one code"),
        ({"latent": [5]}, "failed while drawing: RuntimeError"),
        ({"decode": "paint"}, "no method 'paint'. It has: decode, decoder, encode"),
        ({"values": [1, 0]}, "'values' in mine.json should be the lowest and the highest"),
        ({"weights": "other.safetensors"}, "There is no 'other.safetensors'"),
        ({"weights": "nets.py"}, "should be a .safetensors file"),
        ({"colour": "red"}, "a field 'colour' that means nothing here. Known: class, args"),
        ({"picture": [3, 8, 8]}, r"should be \[3, 8, 8\].*but are \[1, 8, 8\]"),
    ],
)
def test_a_description_that_is_wrong_says_where(net, tmp_path, changes, words):
    with pytest.raises((CheckpointError, ModelError), match=words):
        explorer.open(described(tmp_path, **changes), trust=True)


@pytest.mark.parametrize("text", ["{", "[1]", "nonsense = ", '{"latent": 1e999}'])
def test_a_description_that_cannot_be_read_is_said(tmp_path, text):
    (tmp_path / "mine.json").write_text(text)
    with pytest.raises(CheckpointError, match="mine.json"):
        explorer.open(tmp_path / "mine.json", trust=True)


def test_a_decoder_that_fails_at_some_codes_is_named_and_the_rest_goes_on(tmp_path):
    text = strangers.NETS.replace("return self.layers(z)", "assert z.abs().max() < 50, 'too far out'\n        return self.layers(z)")
    strangers.own_network(tmp_path, "Generator", text=text)
    model = explorer.open(described(tmp_path, **{"class": "nets:Generator", "latent": [4, 2, 2], "values": None}), trust=True)
    with pytest.raises(ModelError, match="'mine' failed while drawing: AssertionError: too far out"):
        model.generator.decode(model.code(torch.full((1, 4, 2, 2), 60.0)))
    assert model.generator.decode(model.space.sample(1, 0)).shape == (1, 3, 8, 8)


def test_a_network_that_adds_noise_of_its_own_is_known_for_it(tmp_path):
    text = strangers.NETS.replace("return self.layers(z)", "return self.layers(z + torch.randn_like(z))")
    strangers.own_network(tmp_path, "Generator", text=text)
    model = explorer.open(described(tmp_path, **{"class": "nets:Generator", "latent": [4, 2, 2], "values": None}), trust=True)
    assert any("differently each time" in note for note in model.card.data["notes"])


def test_two_folders_may_have_modules_of_one_name(tmp_path):
    for folder, side in (("a", 8), ("b", 12)):
        strangers.own_network(tmp_path / folder, text=strangers.NETS.replace("side=8", f"side={side}"))
        assert explorer.open(described(tmp_path / folder), trust=True).generator.picture_shape == (1, side, side)
    assert str(tmp_path / "a") not in sys.path


def test_an_encoder_that_gives_codes_of_another_shape_or_far_out_is_said(tmp_path):
    class Odd(nn.Module):
        def decode(self, z):
            return torch.zeros(len(z), 1, 4, 4) + z.mean() * 0

        def encode(self, x):
            return self.answer(x)

    net = Odd()
    net.weight = nn.Parameter(torch.zeros(1))
    model = explorer.open(net, spec={"latent": [6], "values": [0, 1]})
    x = torch.zeros(2, 1, 4, 4)
    for answer, error, words in [
        (lambda x: torch.zeros(len(x), 5), ModelError, r"codes of \[6\], got \[5\]"),
        (lambda x: {"z": 1}, ModelError, "got dict"),
        (lambda x: torch.full((len(x), 6), 1e6), SpaceError, "reaches 1e\\+06"),
    ]:
        net.answer = answer
        with pytest.raises(error, match=words):
            model.encoder.encode(x)
    net.answer = lambda x: torch.distributions.Normal(torch.ones(len(x), 6), 2.0)
    posterior = model.encoder.posterior(x)
    assert (posterior.mean == 1).all() and (posterior.variance == 4).all()
