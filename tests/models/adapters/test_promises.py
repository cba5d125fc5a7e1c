"""What every model promises, asked of one of each format that people bring: in Python, on the command line, over the live channel."""

import asyncio
import json

import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from explorer import cli, formats
from explorer.core.errors import SpaceError
from explorer.core.space import Code, LatentSpace
from explorer.live.desk import Desk, Visitor
from explorer.live.protocol import VERSION, pack, unpack
from explorer.studio.studio import Studio
from tests import strangers

for package in ("diffusers", "onnxruntime", "onnx"):
    pytest.importorskip(package)


def own_class(folder):
    strangers.own_network(folder / "own")
    (folder / "own" / "mine.json").write_text(json.dumps({"class": "nets:VAE", "weights": "weights.safetensors", "latent": [6], "values": [0, 1]}))
    return folder / "own" / "mine.json"


def hub_folder(folder):
    strangers.hub_folder(folder / "hub" / "theirs")
    (folder / "hub" / "theirs" / "explorer.json").write_text(json.dumps({"class": "hubnets:HubVAE", "latent": [4], "values": [0, 1]}))
    (folder / "hub" / "hubnets.py").rename(folder / "hub" / "theirs" / "hubnets.py")
    return folder / "hub" / "theirs"


def onnx_pair(folder):
    (folder / "pair").mkdir()
    strangers.onnx_decoder(folder / "pair" / "decoder.onnx")
    strangers.onnx_encoder(folder / "pair" / "encoder.onnx")
    return folder / "pair"


def script(folder):
    torch.jit.script(strangers.halves()).save(str(folder / "script.pt"))
    (folder / "script.json").write_text('{"latent": [5], "values": [0, 1]}')
    return folder / "script.pt"


def exported(folder):
    torch.export.save(torch.export.export(strangers.halves(), (torch.zeros(2, 5),)), folder / "exported.pt2")
    return folder / "exported.pt2"


MAKERS = {
    "AutoencoderKL": lambda folder: strangers.autoencoder_kl(folder / "kl"),
    "AutoencoderTiny": lambda folder: strangers.autoencoder_tiny(folder / "tiny"),
    "VQModel": lambda folder: strangers.vq_model(folder / "vq"),
    "ONNX, wide": lambda folder: strangers.onnx_decoder(folder / "wide.onnx"),
    "ONNX, grey, codes in space": lambda folder: strangers.onnx_decoder(folder / "grey.onnx", latent=(2, 3, 4), picture=(1, 9, 7)),
    "ONNX, large": lambda folder: strangers.onnx_decoder(folder / "large.onnx", picture=(3, 320, 512)),
    "ONNX, with opacity": lambda folder: strangers.onnx_decoder(folder / "opacity.onnx", picture=(4, 12, 16)),
    "ONNX pair": onnx_pair,
    "own class": own_class,
    "hub folder": hub_folder,
    "TorchScript": script,
    "exported program": exported,
}


@pytest.fixture(scope="module", params=MAKERS)
def place(request, tmp_path_factory):
    return MAKERS[request.param](tmp_path_factory.mktemp("stranger"))


@pytest.fixture(scope="module")
def model(place):
    return formats.open(place, trust=True)


@torch.inference_mode()
def test_pictures_have_the_promised_shape_and_range_and_repeat(model):
    pictures = model.generator.decode(model.space.sample(3, seed=1))
    assert tuple(pictures.shape) == (3, *model.generator.picture_shape) and torch.isfinite(pictures).all() and pictures.abs().max() <= 1
    assert torch.equal(pictures, model.generator.decode(model.space.sample(3, seed=1)))
    alone = model.generator.decode(model.space.sample(3, seed=1)[1:2])
    assert (pictures[1:2] - alone).abs().max() < 1e-3


def test_foreign_and_misshapen_codes_are_refused_by_name(model):
    with pytest.raises(SpaceError, match="foreign"):
        model.generator.decode(LatentSpace("foreign", (3,)).sample(1, seed=0))
    with pytest.raises(SpaceError, match="shape"):
        model.code(torch.zeros(1, 3, 3, 3, 3))


@torch.inference_mode()
def test_encoding_gives_codes_of_the_model_and_variances_that_are_not_negative(model):
    if model.encoder is None:
        pytest.skip("it has no encoder")
    pictures = model.generator.decode(model.space.sample(2, seed=0))
    posterior = model.encoder.posterior(pictures)
    assert isinstance(model.encoder.encode(pictures), Code) and model.encoder.encode(pictures).space == model.space
    assert posterior.mean.shape == posterior.variance.shape == (2, *model.space.shape) and (posterior.variance >= 0).all()


def test_the_card_read_before_loading_is_the_one_of_the_loaded_model(model, place):
    before = formats.card_of(formats.source_of(place))
    assert before.spaces == model.card.spaces and before.name == model.card.name and before.family == model.card.family
    assert len(model.card.weights) == 64 and model.card.name in repr(model) and model.card.data["notes"]
    assert formats.weigh(formats.source_of(place)) > 0


def test_the_command_line_draws_what_python_draws(model, place, tmp_path):
    command = ["decode", str(place), "--seed", "3", "--trust", "--out", str(tmp_path / "out.png")]
    result = CliRunner().invoke(cli.app, command)
    assert result.exit_code == 0, result.exception
    with torch.no_grad():
        x = model.generator.decode(model.space.sample(1, 3))[0]
    expected = ((x + 1) * 127.5).round().permute(1, 2, 0).numpy()
    assert np.abs(np.asarray(Image.open(tmp_path / "out.png").convert("RGB")).astype(float) - expected).max() <= 1


def test_over_the_live_channel_it_is_opened_and_traversed(place):
    studio = Studio()
    name = studio.know(place, trust=True)
    desk, visitor = Desk(studio), Visitor()

    async def ask(kind, **fields):
        header, payload = unpack(await desk.answer(visitor, pack({"type": kind, "seq": 1, "view": "test", **fields})))
        assert header["type"] != "error", header
        return header, payload

    async def visit():
        await ask("hello", version=VERSION)
        told, _ = await ask("open", model=name)
        frames = [await ask("decode", still=True, patch={"spot": {"origin": {"kind": "seed", "seed": seed}}}) for seed in (1, 2)]
        moved = await ask("decode", patch={"spot": {"origin": {"kind": "seed", "seed": 1}, "axes": [[0, 2.5]]}})
        return told, *frames, moved

    told, one, other, moved = asyncio.run(visit())
    assert told["info"]["name"] == name and told["info"]["picture"] == {
        "width": one[0]["width"],
        "height": one[0]["height"],
        "channels": told["info"]["picture"]["channels"],
    }
    assert one[1] != other[1] and one[1] != moved[1]
    studio.close()
