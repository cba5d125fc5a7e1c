"""Small real checkpoints with atlases, saved in the true format, and studios that open them."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image

from explorer import atlases, checkpoints
from explorer.core.atlas import Atlas
from explorer.core.layout import Layout
from explorer.core.model import Card
from explorer.methods.maps import pca
from explorer.methods.measure.activity import activity
from explorer.models import judge, vae
from explorer.studio.studio import Studio

LATENT = 6
ENTRIES = 60


def vae_card(name: str = "toy-vae", **changes) -> Card:
    """The card of a VAE of 16 px grey pictures and six axes."""
    config = {"size": 16, "channels": 1, "latent": LATENT, "widths": [8, 16]}
    spaces = ({"name": "z", "shape": [LATENT], "prior": "normal"},)
    return Card(name=name, title="A toy", family="vae", config=config, spaces=spaces, data={"name": "toys"}, licence="Apache-2.0").but(**changes)


def save_vae(folder: Path, name: str = "toy-vae", *, seed: int = 0) -> Path:
    """Writes an untrained VAE with an atlas, thumbnails included; returns the checkpoint's file."""
    torch.manual_seed(seed)
    card = vae_card(name)
    file = folder / f"{name}.safetensors"
    card = checkpoints.save(file, card, vae.network(card.config).state_dict())
    atlases.write(toy_atlas(card, folder), folder)
    return file


def toy_atlas(card: Card, folder: Path) -> Atlas:
    """Sixty normal codes with two labels, on a linear map."""
    codes = torch.randn(ENTRIES, LATENT, generator=torch.Generator().manual_seed(7))
    linear = pca.fit(codes)
    bent = Layout("bent", torch.stack([codes[:, 0].sinh(), codes[:, 1]], dim=1), codes)
    thumbs = folder / f"{card.name}.thumbs.webp"
    Image.fromarray(np.tile(np.arange(32, dtype=np.uint8)[:, None, None] * 7, (1, 3200, 3))).save(thumbs)
    axes = tuple(axis.to_dict() for axis in activity(codes, torch.full_like(codes, 0.04)))
    labels = {"side": (codes[:, 0] > 0).long(), "hat": torch.where(codes[:, 1] > 1, -1, 0)}
    classes = {"side": ("left", "right"), "hat": ("none",)}
    return Atlas(card.name, card.weights, "z", codes, torch.full_like(codes, 0.04), labels, classes, {"pca": linear, "bent": bent}, axes, thumbs)


def save_judge(folder: Path, name: str = "toy-judge") -> Path:
    """Writes an untrained judge of 16 px grey pictures."""
    torch.manual_seed(0)
    config = {"size": 16, "channels": 1, "widths": [8, 8], "features": 12, "questions": {"side": ["left", "right"]}}
    card = Card(name=name, title="A toy judge", family="judge", config=config)
    file = folder / f"{name}.safetensors"
    checkpoints.save(file, card, judge.network(config).state_dict())
    return file


def studio(folder: Path) -> Studio:
    """A studio with the toy VAE, a second one, and the toy judge, next to what is bundled."""
    return Studio((save_vae(folder), save_vae(folder, "toy-vae-2", seed=1), save_judge(folder)), first="toy-vae")
