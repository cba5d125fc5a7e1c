"""Style-based generators (Karras et al. 2020, StyleGAN2, arXiv 1912.04958).

    z -> mapping -> w,    w -> a style for every layer,    a learned 4x4 constant -> picture

A style multiplies the channels that a convolution reads, and the outcome is divided by the standard deviation it would have
if what was read had unit variance. Doing both to the activations,

    y_o = ( sum_i W_oi * (s_i x_i) ) / sqrt( sum_i s_i^2 |W_oi|^2 ),

is the same as the paper's doing it to the weights, and needs no convolution of its own for every picture of a batch.

A picture is a function of its code alone (no noise inputs). z is not brought to unit length before the mapping, as it is in the
paper: a code pulled towards the centre then gives a more ordinary picture. SiLU, so that second derivatives exist.

What is stored is `whitened`: the codes w of prior draws then have mean 0 and covariance I, and the axes of W come in the order of what
they change. The prior of W is "radial": right in its first two moments and in how long codes are (their lengths differ more than those
of a Gaussian), not in which directions go together. Who wants the true law draws z.
"""

import copy
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from explorer.core.errors import SpaceError
from explorer.core.model import Card, Decoder, Model
from explorer.core.space import Code, LatentSpace

__all__ = ["GAN", "Even", "Styled", "build", "spaces", "whitened", "widened"]

STARTS = 128  # codes at which the picture's derivative is taken
QUANTILES = 101  # of the lengths of w
GAIN = 1 / math.sqrt(0.3557)  # brings the second moment of SiLU of a unit normal to 1


def active(x: Tensor) -> Tensor:
    """SiLU at unit variance."""
    return F.silu(x) * GAIN


class Even(nn.Module):
    """A linear layer whose weights are kept at unit variance and scaled when used, so that Adam moves all layers at an even pace.

    `pace` slows it down further; `start` is what the bias begins with.
    """

    def __init__(self, inside: int, outside: int, *, pace: float = 1.0, start: float = 0.0):
        super().__init__()
        self.scale, self.pace = pace / math.sqrt(inside), pace
        self.weight = nn.Parameter(torch.randn(outside, inside) / pace)
        self.bias = nn.Parameter(torch.full((outside,), start / pace))

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight * self.scale, self.bias * self.pace)


class Styled(nn.Module):
    """A 3x3 convolution of `(B, inside, h, w)` that codes `(B, latent)` modulate; with `up`, of the picture at twice the size.

    Doubling every pixel and then convolving is a transposed convolution with a 4x4 kernel, each tap of which sums up to four of the
    3x3: less than half the work. Where what is read is flat, so is the outcome, which a free 4x4 kernel has to learn.
    """

    def __init__(self, inside: int, outside: int, latent: int, *, up: bool = False):
        super().__init__()
        self.up = up
        self.style = Even(latent, inside, start=1.0)
        self.weight = nn.Parameter(torch.randn(outside, inside, 3, 3))
        self.bias = nn.Parameter(torch.zeros(outside))
        self.scale = 1 / math.sqrt(inside * 9)

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        style = self.style(w).float()
        y = self.convolved(x * style.to(x.dtype)[:, :, None, None])
        return active(y * self.unit(style).to(y.dtype)[:, :, None, None] + self.bias.to(y.dtype)[:, None, None])

    def convolved(self, x: Tensor) -> Tensor:
        weight = self.weight * self.scale
        return F.conv_transpose2d(x, doubled(weight), stride=2, padding=1) if self.up else F.conv2d(x, weight, padding=1)

    def unit(self, style: Tensor) -> Tensor:
        """The factors `(B, outside)` that bring each channel to unit variance."""
        power = self.weight.float().square().sum(dim=(2, 3)) * self.scale**2
        return (style.square() @ power.T + 1e-8).rsqrt()


def doubled(weight: Tensor) -> Tensor:
    """From 3x3 kernels `(outside, inside, 3, 3)` to the transposed 4x4 ones `(inside, outside, 4, 4)` that double every pixel first."""
    turned = weight.transpose(0, 1).flip(2, 3)
    return F.avg_pool2d(F.pad(turned, (1, 1, 1, 1)), 2, stride=1, divisor_override=1)


class Painted(nn.Module):
    """What one resolution adds to the picture: a modulated 3x3 convolution to `channels`."""

    def __init__(self, inside: int, channels: int, latent: int):
        super().__init__()
        self.style = Even(latent, inside, start=1.0)
        self.weight = nn.Parameter(torch.randn(channels, inside, 3, 3))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.scale = 1 / math.sqrt(inside * 9)

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        style = self.style(w).to(x.dtype)
        return F.conv2d(x * style[:, :, None, None], self.weight * self.scale, self.bias, padding=1)


class Synthesis(nn.Module):
    """Codes w `(B, latent)` to pictures in [-1, 1].

    `widths` are the channels at 4x4, 8x8 and so on; every resolution but the first begins with an up-sampling convolution, those of
    64 channels or more have a further one, and each adds its part of the picture to that of the one below, enlarged.
    """

    def __init__(self, *, channels: int, latent: int, widths: list[int]):
        super().__init__()
        self.start = nn.Parameter(torch.randn(1, widths[0], 4, 4))
        self.ups = nn.ModuleList(Styled(i, o, latent, up=True) for i, o in zip(widths, widths[1:]))
        self.further = nn.ModuleDict({str(k): Styled(width, width, latent) for k, width in enumerate(widths) if width >= 64})
        self.painted = nn.ModuleList(Painted(width, channels, latent) for width in widths)

    def styles(self) -> Tensor:
        """The affine maps from a code to every style, one below the other, `(F, latent)`."""
        return torch.cat([layer.weight * layer.scale for layer in self.modules() if isinstance(layer, Even)])

    def forward(self, w: Tensor) -> Tensor:
        x = self.start.expand(len(w), -1, -1, -1).contiguous(memory_format=torch.channels_last)
        picture = None
        for k, painted in enumerate(self.painted):
            x = self.ups[k - 1](x, w) if k else x
            x = self.further[str(k)](x, w) if str(k) in self.further else x
            part = painted(x, w)
            picture = part if picture is None else part + F.interpolate(picture, scale_factor=2, mode="bilinear")
        return torch.tanh(picture)


class GAN(nn.Module):
    """The generator: codes z `(B, latent)` to w `(B, latent)` to pictures `(B, channels, size, size)`; size is 4 * 2^(len(widths) - 1)."""

    def __init__(self, *, channels: int, latent: int, widths: list[int], mapping: int, depth: int):
        super().__init__()
        sides = [latent, *[mapping] * depth]
        self.mapping = nn.ModuleList(Even(i, o, pace=0.1) for i, o in zip(sides, [*sides[1:], latent]))
        self.synthesis = Synthesis(channels=channels, latent=latent, widths=widths)

    def map(self, z: Tensor) -> Tensor:
        for layer in self.mapping[:-1]:
            z = active(layer(z))
        return self.mapping[-1](z)

    def forward(self, z: Tensor) -> Tensor:
        return self.synthesis(self.map(z))


def widened(net: GAN, factor: float) -> GAN:
    """What the net draws for `factor` times the z it is given: with a factor above 1 a draw of the prior is less ordinary than in training."""
    copied = copy.deepcopy(net)
    with torch.no_grad():
        copied.mapping[0].weight.mul_(factor)
    return copied


def whitened(net: GAN, *, draws: int = 50_000, seed: int = 0) -> GAN:
    """The same pictures of the same z from a net whose w have mean 0 and covariance I, as estimated from `draws` codes.

    That leaves a rotation free. It is chosen so that the first axes change the picture most: the axes are the eigenvectors of
    E[J^T J], J the derivative of the picture by w.
    """
    latent = net.mapping[0].weight.shape[1]
    z = torch.randn(draws, latent, generator=torch.Generator().manual_seed(seed))
    with torch.no_grad():
        w = copy.deepcopy(net).double().map(z.double())
        white = _rebased(net, w.mean(dim=0), torch.linalg.cholesky(w.T.cov()))
        turn = torch.linalg.eigh(_stretch(white, white.map(z[:STARTS]))).eigenvectors.flip(1)
        return _rebased(white, torch.zeros(latent), turn * turn.sum(dim=0).sign())  # an eigenvector has no sign of its own


def spaces(net: GAN, *, draws: int = 50_000, seed: int = 1) -> tuple[LatentSpace, LatentSpace]:
    """Z and W of a whitened net, the lengths of W as measured on `draws` codes."""
    latent = net.mapping[0].weight.shape[1]
    with torch.no_grad():
        w = net.map(torch.randn(draws, latent, generator=torch.Generator().manual_seed(seed)))
    lengths = torch.quantile(w.norm(dim=1).double() / math.sqrt(latent), torch.linspace(0, 1, QUANTILES, dtype=torch.float64))
    return LatentSpace("z", (latent,)), LatentSpace("w", (latent,), "radial", lengths=tuple(round(length, 4) for length in lengths.tolist()))


def _rebased(net: GAN, mean: Tensor, factor: Tensor) -> GAN:
    """The same pictures of the same z with other w', w = mean + factor w': the mapping's last layer is followed by the inverse, each style reads w."""
    copied, mean, factor = copy.deepcopy(net).double(), mean.double(), factor.double()
    last = copied.mapping[-1]
    last.bias.copy_(torch.linalg.solve(factor, last.bias * last.pace - mean) / last.pace)
    last.weight.copy_(torch.linalg.solve(factor, last.weight))
    for style in (module.style for module in copied.synthesis.modules() if isinstance(module, (Styled, Painted))):
        style.bias.add_((style.weight * style.scale) @ mean)
        style.weight.copy_(style.weight @ factor)
    return copied.float()


def _stretch(net: GAN, w: Tensor) -> Tensor:
    """E[J^T J] `(D, D)` over codes w `(B, D)`, by central differences."""
    steps = torch.eye(w.shape[1]) / 20
    total = torch.zeros(w.shape[1], w.shape[1], dtype=torch.float64)
    for code in w:
        moved = (net.synthesis(code + steps) - net.synthesis(code - steps)).flatten(1).double() * 10
        total += moved @ moved.T
    return total / len(w)


@dataclass(frozen=True, eq=False)
class StyleMapper:
    """The mapping as the explorer sees it."""

    net: GAN
    source: LatentSpace
    target: LatentSpace

    def map(self, code: Code) -> Code:
        """The w of each z. Raises SpaceError for codes of another space."""
        if code.space != self.source:
            raise SpaceError(
                f"The mapping takes codes of {self.source.name}{list(self.source.shape)}, got codes of {code.space.name}{list(code.space.shape)}."
            )
        weight = self.net.mapping[0].weight
        return Code(self.net.map(code.values.to(weight)).to(code.values), self.target)


def build(card: Card, state: Mapping[str, Tensor], device: torch.device) -> Model:
    """Rebuilds the model of `card` around its weights."""
    with torch.device("meta"):  # nothing is allocated that the file does not hold
        net = network(card.config)
    net.load_state_dict(dict(state), assign=True)
    net.to(device).eval().requires_grad_(False)
    own = card.latent_spaces
    if [space.name for space in own] != ["z", "w"]:
        raise SpaceError(f"'{card.name}' needs spaces z and w, got {', '.join(space.name for space in own) or 'none'}.")
    for space in own:
        if space.shape != (card.config["latent"],):
            raise SpaceError(f"'{card.name}' says codes of {space.name} have shape {space.shape}, but its networks take ({card.config['latent']},).")
    mapper = StyleMapper(net, *own)
    shape = (card.config["channels"], card.config["size"], card.config["size"])
    generator = Decoder(card.name, shape, {own[1]: net.synthesis}, mappers=(mapper,), first=net.synthesis.styles)
    return Model(card, own, generator=generator, mapper=mapper)


def network(config: Mapping[str, Any]) -> GAN:
    """An untrained network of that configuration."""
    if config["size"] != 4 << (len(config["widths"]) - 1):
        raise SpaceError(f"{len(config['widths'])} widths make pictures of {4 << (len(config['widths']) - 1)} pixels, not of {config['size']}.")
    names = ("channels", "latent", "mapping", "depth")
    return GAN(**{name: config[name] for name in names}, widths=list(config["widths"]))
