"""Convolutional variational autoencoders (Kingma & Welling 2014, arXiv 1312.6114).

    x -> q(z|x) = N(mean, variance),   z -> x

SiLU instead of ReLU, so that the decoder has second derivatives (geodesics and flows need them). Up-sampling is by 4x4
transposed convolutions of stride 2: a quarter of the work of up-sampling and convolving, and no checkerboard, because every
output pixel sees the same number of taps.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from explorer.core.errors import SpaceError
from explorer.core.model import Card, Decoder, Model, Posterior
from explorer.core.space import Code, LatentSpace

__all__ = ["VAE", "build"]


class Residual(nn.Module):
    """x + f(x), f a 3x3 convolution after normalisation."""

    def __init__(self, width: int):
        super().__init__()
        self.layers = nn.Sequential(nn.BatchNorm2d(width), nn.SiLU(), nn.Conv2d(width, width, 3, padding=1))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.layers(x)


def _down(inside: int, outside: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inside, outside, 4, 2, 1), nn.BatchNorm2d(outside), nn.SiLU())


def _up(inside: int, outside: int) -> nn.Sequential:
    return nn.Sequential(nn.ConvTranspose2d(inside, outside, 4, 2, 1), nn.BatchNorm2d(outside), nn.SiLU())


class VAE(nn.Module):
    """Encoder and decoder between `(B, channels, size, size)` pictures and `(B, latent)` codes.

    `widths` are the channels after each halving, from the picture inwards; a width of 64 or 128 also gets a residual layer
    in the decoder.
    """

    def __init__(self, *, size: int, channels: int, latent: int, widths: list[int]):
        super().__init__()
        self.start = (widths[-1], size >> len(widths), size >> len(widths))
        inner = self.start[0] * self.start[1] * self.start[2]
        self.encoder = nn.Sequential(*(_down(i, o) for i, o in zip([channels, *widths], widths)), nn.Flatten(), nn.Linear(inner, 2 * latent))
        outward = [*reversed(widths), max(widths[0] // 2, 8)]
        ups = [layer for i, o in zip(outward, outward[1:]) for layer in (_up(i, o), *([Residual(o)] if 64 <= o <= 128 else []))]
        last = nn.Conv2d(outward[-1], channels, 3, padding=1)
        self.decoder = nn.Sequential(nn.Linear(latent, inner), nn.Unflatten(1, self.start), nn.SiLU(), *ups, last, nn.Tanh())

    def posterior(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log-variance of q(z|x), each `(B, latent)`."""
        mean, log_variance = self.encoder(x).chunk(2, dim=1)
        return mean, log_variance.clamp(-12, 4)


@dataclass(frozen=True, eq=False)
class VAEEncoder:
    """The encoder as the explorer sees it."""

    net: VAE
    space: LatentSpace

    def encode(self, x: Tensor) -> Code:
        return Code(self.net.posterior(x)[0], self.space)

    def posterior(self, x: Tensor) -> Posterior:
        mean, log_variance = self.net.posterior(x)
        return Posterior(mean, log_variance.exp(), self.space)


def build(card: Card, state: Mapping[str, Tensor], device: torch.device) -> Model:
    """Rebuilds the model of `card` around its weights."""
    with torch.device("meta"):  # nothing is allocated that the file does not hold
        net = network(card.config)
    net.load_state_dict(dict(state), assign=True)
    net.to(device).eval().requires_grad_(False)
    (space,) = card.latent_spaces
    if space.shape != (card.config["latent"],):
        raise SpaceError(f"'{card.name}' says its codes have shape {space.shape}, but its decoder takes ({card.config['latent']},).")
    shape = (card.config["channels"], card.config["size"], card.config["size"])
    return Model(
        card, (space,), generator=Decoder(card.name, shape, {space: net.decoder}, first=lambda: net.decoder[0].weight), encoder=VAEEncoder(net, space)
    )


def network(config: Mapping[str, Any]) -> VAE:
    """An untrained network of that configuration."""
    return VAE(size=config["size"], channels=config["channels"], latent=config["latent"], widths=list(config["widths"]))
