"""Models that no one here wrote, as other programs save them: untrained, small, and of every format that can be opened."""

from pathlib import Path

import torch


def autoencoder_kl(folder: Path, *, widths=(8, 16, 16), **changes) -> Path:
    """A folder that diffusers saved: pictures of 32 px, codes of 4×8×8."""
    from diffusers import AutoencoderKL

    torch.manual_seed(0)
    down, up = ("DownEncoderBlock2D",) * 3, ("UpDecoderBlock2D",) * 3
    options = {"latent_channels": 4, "sample_size": 32, "norm_num_groups": 4} | changes
    AutoencoderKL(down_block_types=down, up_block_types=up, block_out_channels=widths, **options).save_pretrained(folder)
    return folder


def vq_model(folder: Path) -> Path:
    """A quantised autoencoder that diffusers saved: pictures of 32 px, codes of 3×16×16."""
    from diffusers import VQModel

    torch.manual_seed(0)
    blocks = {"down_block_types": ("DownEncoderBlock2D",) * 2, "up_block_types": ("UpDecoderBlock2D",) * 2, "block_out_channels": (8, 16)}
    VQModel(**blocks, norm_num_groups=4, latent_channels=3, sample_size=32, num_vq_embeddings=64, vq_embed_dim=3).save_pretrained(folder)
    return folder


def autoencoder_tiny(folder: Path) -> Path:
    """A distilled autoencoder that diffusers saved; it names no size."""
    from diffusers import AutoencoderTiny

    torch.manual_seed(0)
    AutoencoderTiny(encoder_block_out_channels=(8,) * 4, decoder_block_out_channels=(8,) * 4).save_pretrained(folder)
    return folder


def onnx_decoder(
    file: Path, *, latent=(5,), picture=(3, 16, 24), batch="batch", last="Sigmoid", kind="FLOAT", reshaped=-1, seed=0, opened=None
) -> Path:
    """An ONNX decoder of one linear layer and an activation. `opened` are the input's sides as the file gives them, where not `latent`."""
    import math

    import numpy as np
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    number = getattr(TensorProto, kind)
    dtype = {"FLOAT": np.float32, "FLOAT16": np.float16, "DOUBLE": np.float64}[kind]
    weight = np.random.default_rng(seed).normal(size=(math.prod(latent), math.prod(picture))).astype(dtype)
    nodes = [
        helper.make_node("Flatten", ["z"], ["flat"], axis=1),
        helper.make_node("MatMul", ["flat", "weight"], ["drawn"]),
        helper.make_node("Reshape", ["drawn", "shape"], ["laid"]),
        helper.make_node(last, ["laid"], ["picture"]),
    ]
    held = [numpy_helper.from_array(weight, "weight"), numpy_helper.from_array(np.array([reshaped, *picture], dtype=np.int64), "shape")]
    inputs = [helper.make_tensor_value_info("z", number, [batch, *(opened or latent)])]
    outputs = [helper.make_tensor_value_info("picture", number, [batch, *picture])]
    graph = helper.make_graph(nodes, "decoder", inputs, outputs, held)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), file)
    return file


def onnx_encoder(file: Path, *, latent=(5,), picture=(3, 16, 24), names=("mean", "log_var"), seed=1) -> Path:
    """An ONNX encoder whose outputs, as many as `names`, are linear in the picture: `latent` numbers each."""
    import math

    import numpy as np
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    nodes, held = [helper.make_node("Flatten", ["x"], ["flat"], axis=1)], []
    for i, name in enumerate(names):
        weight = np.random.default_rng(seed + i).normal(size=(math.prod(picture), math.prod(latent))).astype(np.float32) / math.prod(picture)
        held += [numpy_helper.from_array(weight, f"w{i}"), numpy_helper.from_array(np.array([-1, *latent], dtype=np.int64), f"s{i}")]
        nodes += [helper.make_node("MatMul", ["flat", f"w{i}"], [f"h{i}"]), helper.make_node("Reshape", [f"h{i}", f"s{i}"], [name])]
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", *picture])]
    outputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", *latent]) for name in names]
    graph = helper.make_graph(nodes, "encoder", inputs, outputs, held)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), file)
    return file


NETS = '''
import torch
from torch import nn


class VAE(nn.Module):
    """A tiny autoencoder of flat codes, as a beginner writes it."""

    def __init__(self, latent=6, side=8, channels=1):
        super().__init__()
        self.shape = (channels, side, side)
        size = channels * side * side
        self.encoder = nn.Linear(size, 2 * latent)
        self.decoder = nn.Sequential(nn.Linear(latent, 16), nn.ReLU(), nn.Linear(16, size), nn.Sigmoid())

    def encode(self, x):
        return self.encoder(x.flatten(1)).chunk(2, dim=1)

    def decode(self, z):
        return self.decoder(z).view(-1, *self.shape)


class Generator(nn.Module):
    """A generator of codes in space, drawing wide colour pictures in [-1, 1] when it is called."""

    def __init__(self, width=4):
        super().__init__()
        self.layers = nn.Sequential(nn.ConvTranspose2d(width, 3, 4, 4), nn.Tanh())

    def forward(self, z):
        return self.layers(z)
'''


def own_network(folder: Path, kind: str = "VAE", *, text: str = NETS, module: str = "nets", **args):
    """Writes a module of networks and the weights of one of them into a folder; returns the network."""
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{module}.py").write_text(text)
    names: dict = {}
    exec(compile(text, module, "exec"), names)
    torch.manual_seed(0)
    net = names[kind](**args).eval()
    save_file({key: value.contiguous() for key, value in net.state_dict().items()}, folder / "weights.safetensors")
    return net


HUB = '''
from huggingface_hub import PyTorchModelHubMixin
from torch import nn


class HubVAE(nn.Module, PyTorchModelHubMixin):
    """What a paper's repository shares: flat codes, grey pictures in [0, 1]."""

    def __init__(self, latent: int = 4, side: int = 8):
        super().__init__()
        self.side = side
        self.encoder = nn.Linear(side * side, latent)
        self.decoder = nn.Sequential(nn.Linear(latent, side * side), nn.Sigmoid())

    def encode(self, x):
        return self.encoder(x.flatten(1))

    def decode(self, z):
        return self.decoder(z).view(-1, 1, self.side, self.side)
'''


def hub_folder(folder: Path, *, text: str = HUB, kind: str = "HubVAE", **args) -> Path:
    """A folder that `PyTorchModelHubMixin` wrote, its module in a file beside it."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    (folder.parent / "hubnets.py").write_text(text)
    names: dict = {"__name__": "hubnets"}
    exec(compile(text, "hubnets", "exec"), names)
    torch.manual_seed(0)
    names[kind](**args).save_pretrained(folder)
    return folder


class Halves(torch.nn.Module):
    """An autoencoder to be compiled: flat codes, colour pictures of 8×10 in [0, 1]."""

    def __init__(self):
        super().__init__()
        self.inner, self.outer = torch.nn.Linear(240, 5), torch.nn.Linear(5, 240)

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        return self.outer(z).sigmoid().view(-1, 3, 8, 10)

    @torch.jit.export
    def encode(self, x: torch.Tensor) -> torch.Tensor:
        return self.inner(x.flatten(1))


def halves() -> Halves:
    """The same one each time."""
    torch.manual_seed(0)
    return Halves().eval()
