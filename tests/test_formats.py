"""One table opens everything: what is ours, what plug-ins bring, what the Hub has; the rest is refused with what could be opened."""

import subprocess
import sys

import pytest
import torch
from typer.testing import CliRunner

import explorer
from explorer import checkpoints, cli, formats
from explorer.core.errors import CheckpointError, ModelError
from explorer.models.adapters import hub, plug_ins
from explorer.studio import passport
from explorer.studio.studio import Studio
from tests import strangers, studios


@pytest.fixture
def plugged(tmp_path, monkeypatch):
    """Installs packages that declare plug-ins: a dist-info folder and a module each, on the path for this test."""
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.syspath_prepend(str(site))

    def install(name, code, target=None):
        (site / f"{name}_pkg.py").write_text(code)
        info = site / f"{name}_pkg-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}-pkg\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[explorer.models]\n{name} = {target or name + '_pkg'}\n")
        plug_ins.found.cache_clear()

    yield install
    plug_ins.found.cache_clear()
    for module in [m for m in sys.modules if m.endswith("_pkg")]:
        del sys.modules[module]


FORMAT = """
import torch
from typer.testing import CliRunner
from explorer.core.model import Card, Decoder, Model

def recognises(path):
    return path.suffix == ".wave"

def card(path):
    return Card(path.stem, "A wave", "wave", {}, ({"name": "z", "shape": [2]},))

def load(path, device):
    c = card(path)
    (space,) = c.latent_spaces
    strength = float(path.read_text())
    ramp = torch.linspace(-1, 1, 8)
    return Model(c, (space,), generator=Decoder(c.name, (1, 8, 8), {space: lambda z: torch.tanh(strength * z[:, :1, None, None] * ramp.expand(1, 8, 8))}))
"""


def test_a_format_that_a_plug_in_brings_opens_like_ours(plugged, tmp_path):
    plugged("wave", FORMAT)
    (tmp_path / "sea.wave").write_text("2.0")
    model = explorer.open(tmp_path / "sea.wave")
    assert model.card.family == "wave" and model.generator.decode(model.space.sample(2, 0)).shape == (2, 1, 8, 8)
    studio = Studio()
    name = studio.add(str(tmp_path / "sea.wave"))
    assert studio.decode(name, model.space.sample(1, 0)).shape == (1, 8, 8, 1)
    studio.close()


def test_one_model_that_a_plug_in_brings_is_there_by_its_name(plugged):
    one = (
        FORMAT.replace('def recognises(path):\n    return path.suffix == ".wave"\n', "")
        .replace("path.stem", "'ripple'")
        .replace("path.read_text()", "3")
    )
    plugged("ripple", one)
    assert explorer.open("ripple").card.name == "ripple"
    studio = Studio()
    assert "ripple" in studio.cards and studio.model("ripple").generator.picture_shape == (1, 8, 8)
    studio.close()


def test_a_plug_in_may_be_something_that_makes_one(plugged, tmp_path):
    made = FORMAT + "\nclass Wave:\n    recognises = staticmethod(recognises)\n    card = staticmethod(card)\n    load = staticmethod(load)\n"
    plugged("wave", made, target="wave_pkg:Wave")
    (tmp_path / "sea.wave").write_text("2.0")
    assert explorer.open(tmp_path / "sea.wave").card.family == "wave"


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("raise RuntimeError('no licence')", "'bad' of the package 'bad-pkg' cannot be used: RuntimeError: no licence"),
        ("import not_there", "ModuleNotFoundError"),
        ("def load(path, device): ...", "it should have a function 'card'"),
        ("def recognises(path): return 1 / 0\ndef card(path): ...\ndef load(path, device): ...", "'bad' failed: ZeroDivisionError"),
    ],
)
def test_a_broken_plug_in_is_reported_and_stops_nothing(plugged, code, words):
    plugged("bad", code)
    studio = Studio()
    assert "avatars-vae" in studio.cards and words in studio.unreadable["bad"]
    assert any(row["name"] == "bad" and words in row["why"] for row in passport.models(studio))
    studio.close()


def test_a_plug_in_that_gives_something_else_is_named(plugged, tmp_path):
    plugged("wave", FORMAT.replace("return Model(", "return dict(card=").replace("(space,), generator", "generator"))
    (tmp_path / "sea.wave").write_text("2.0")
    with pytest.raises(CheckpointError, match="'wave' should give a Model, got dict"):
        explorer.open(tmp_path / "sea.wave")


def test_a_plug_in_can_claim_a_folder_of_the_hub_mixin(plugged, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = strangers.hub_folder(tmp_path / "theirs")
    claims = FORMAT.replace('path.suffix == ".wave"', '(path / "config.json").exists()').replace("float(path.read_text())", "1.0")
    plugged("claims", claims)
    assert explorer.open(folder).card.family == "wave"


def test_a_checkpoint_of_ours_in_a_folder_opens_as_ours(tmp_path):
    file = studios.save_vae(tmp_path)
    (tmp_path / "pushed").mkdir()
    file.rename(tmp_path / "pushed" / "model.safetensors")
    (tmp_path / "pushed" / "config.json").write_text("{}")
    assert explorer.open(tmp_path / "pushed").card.name == "toy-vae"


def test_every_bundled_model_opens_by_name_and_by_path():
    for file in checkpoints.bundled():
        assert formats.card_of(formats.source_of(file.stem)).name == formats.card_of(formats.source_of(file)).name == file.stem
    assert explorer.open("digits-vae").card.weights == explorer.load("digits-vae").card.weights


@pytest.mark.parametrize(("text", "yes"), [("owner/name", True), ("a/b/c", False), ("../x", False), ("/x/y", False), ("x", False), ("a/..", False)])
def test_what_can_be_an_id_of_the_hub(text, yes):
    assert hub.is_id(text) == yes


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """The Hub's cache in a folder of this test, and no network."""
    import huggingface_hub.constants as constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    return tmp_path / "hub"


def test_a_model_of_the_hub_is_found_in_the_cache_without_a_network(cache):
    pytest.importorskip("diffusers")
    home, commit = cache / "models--someone--small-vae", "0" * 40
    strangers.autoencoder_kl(home / "snapshots" / commit)
    (home / "refs").mkdir()
    (home / "refs" / "main").write_text(commit)
    model = explorer.open("someone/small-vae")
    assert model.card.name == "small-vae" and model.space.shape == (4, 8, 8)


def test_a_model_of_the_hub_that_is_not_in_the_cache_says_that_there_is_no_network(cache):
    with pytest.raises(CheckpointError, match="'someone/nothing' is no file or folder here.*without a network"):
        explorer.open("someone/nothing")


def test_of_a_pipeline_only_its_autoencoder_is_fetched_and_never_code_or_pickles(monkeypatch, tmp_path):
    import huggingface_hub

    asked = {}
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", lambda name, file: str(tmp_path / file))
    monkeypatch.setattr(huggingface_hub, "snapshot_download", lambda name, allow_patterns: asked.update(p=allow_patterns) or str(tmp_path))
    hub.fetched("someone/pipeline")
    assert "vae/*.safetensors" in asked["p"] and not any(p.startswith("*") or p.endswith((".py", ".bin", ".pt", ".pkl")) for p in asked["p"])


def test_a_model_opened_while_drawing_can_still_be_differentiated_through(tmp_path):
    studio = studios.studio(tmp_path)
    code = studio.cards["toy-vae"].latent_spaces[0].sample(1, 0)
    studio.decode("toy-vae", code)  # the engine's worker opens it, in inference mode
    model = studio.model("toy-vae")
    z = code.values.clone().requires_grad_()
    model.generator.decode(model.code(z)).sum().backward()
    assert z.grad.abs().sum() > 0
    studio.close()


def test_the_network_of_a_program_can_be_traversed_in_the_studio():
    net = strangers.halves()
    studio = Studio()
    name = studio.know(net, spec={"latent": [5], "values": [0, 1]})
    assert name == "Halves" and studio.know(strangers.halves(), spec={"latent": [5]}) == "Halves-2"
    assert studio.decode(name, studio.model(name).space.sample(2, 0)).shape == (2, 8, 10, 3)
    studio.close()


def test_the_whole_table_is_imported_without_the_heavy_packages():
    code = "import explorer.formats, sys; print(*sorted({name.split('.')[0] for name in sys.modules}))"
    loaded = set(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split())
    assert not loaded & {"diffusers", "onnxruntime", "onnx", "huggingface_hub", "transformers"}


def test_a_decoder_that_breaks_down_at_some_codes_says_so_and_the_others_are_drawn(tmp_path):
    class Breaking(torch.nn.Module):
        def forward(self, z):
            return torch.where(z[:, :1, None, None] > 10, torch.nan, 0.5).expand(-1, 1, 4, 4)

    studio = Studio()
    name = studio.know(Breaking(), spec={"latent": [3], "values": [0, 1]})
    space = studio.model(name).space
    assert studio.decode(name, space.sample(1, 0)).shape == (1, 4, 4, 1)
    with pytest.raises(explorer.ExplorerError, match="'Breaking' drew a picture in which 16 of 16 values are not numbers"):
        studio.decode(name, studio.model(name).code(torch.full((1, 3), 20.0)))
    studio.close()
    with pytest.raises(ModelError, match="not numbers"):
        explorer.open(torch.nn.Threshold(1e9, float("nan")), spec={"latent": [1, 4, 4], "values": [0, 1]})


def test_a_description_that_names_neither_class_nor_weights_is_refused():
    with pytest.raises(CheckpointError, match="should say where a model is"):
        explorer.open({"latent": [3]})


def test_unknown_names_and_files_are_refused_with_what_there_is(tmp_path):
    (tmp_path / "x.bin").write_bytes(b"?")
    for thing, words in (
        (tmp_path / "x.bin", r"a file that ends in '\.bin'. What can be: .*safetensors.*diffusers.*ONNX"),
        ("nobody", "No checkpoint 'nobody'"),
    ):
        with pytest.raises(CheckpointError, match=words):
            explorer.open(thing)
    (tmp_path / "empty").mkdir()
    with pytest.raises(CheckpointError, match="an empty folder"):
        explorer.open(tmp_path / "empty")


def test_a_model_of_ours_that_is_too_large_is_refused_before_it_is_loaded(tmp_path, monkeypatch):
    monkeypatch.setattr("explorer.devices.free_memory", lambda device: 10)
    monkeypatch.setattr(checkpoints, "load", lambda *a: pytest.fail("it was loaded"))
    with pytest.raises(CheckpointError, match="too large to open here"):
        explorer.open(studios.save_vae(tmp_path))


def test_a_file_that_stands_for_its_folder_opens_the_folder(tmp_path):
    folder = strangers.autoencoder_kl(tmp_path / "kl")
    for name in ("config.json", "diffusion_pytorch_model.safetensors"):
        assert formats.card_of(formats.source_of(folder / name)).family == "diffusers"
    file = studios.save_vae(tmp_path)
    (tmp_path / "config.json").write_text("{}")
    assert formats.card_of(formats.source_of(file)).name == "toy-vae"


def test_files_that_go_away_and_names_that_no_file_can_have_are_said(tmp_path):
    source = formats.source_of(studios.save_vae(tmp_path))
    source.path.unlink()
    with pytest.raises(CheckpointError, match="'toy-vae.safetensors' cannot be read: No such file"):
        formats.card_of(source)
    for name, words in (("x" * 5000, "cannot be read: File name too long"), ("a\0b", "No checkpoint")):
        with pytest.raises(CheckpointError, match=words):
            formats.source_of(name)


def test_codes_that_are_too_long_to_traverse_are_refused():
    with pytest.raises(CheckpointError, match="have 4294967296 numbers"):
        explorer.open(strangers.halves(), spec={"latent": [65536, 65536]})


def test_code_is_never_run_for_a_page_that_others_can_reach(tmp_path, monkeypatch):
    (tmp_path / "nets.py").write_text("raise SystemExit('it was run')")
    (tmp_path / "mine.json").write_text('{"class": "nets:VAE", "latent": [6]}')
    command = ["serve", str(tmp_path / "mine.json"), "--trust", "--no-browser"]
    reached = CliRunner().invoke(cli.app, [*command, "--host", "0.0.0.0"])
    assert "works only for a page that this computer alone can reach" in str(reached.exception)
    monkeypatch.setenv("SPACE_ID", "someone/space")
    assert "works only for a page that this computer alone can reach" in str(CliRunner().invoke(cli.app, command).exception)
