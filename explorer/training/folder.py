"""Trains a VAE on a folder of one's own pictures.

The recipe follows from the pictures: nets and the worth of an error by their size, as it proved itself with `avatars-vae`; the length of the
training by their number. Nobody says what the pictures show, so there is no judge: what is measured, on the tenth that is held out, is
how well pictures are kept and how many axes are used.
"""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import nn

from explorer import checkpoints
from explorer.core.errors import DataError
from explorer.core.progress import Progress
from explorer.data import folder as folders
from explorer.data.folder import Folder
from explorer.render import from_pixels, to_pixels
from explorer.training import prototypes
from explorer.training.loop import Stopped
from explorer.training.recipes import RECIPES, Recipe, follow

__all__ = ["kept", "prepare", "recipe_for", "train_folder"]

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
WIDTHS = {16: [64, 128], 32: [32, 64, 128], 64: [32, 64, 128, 256], 128: [16, 32, 64, 128, 256]}
BATCH, RATE = 128, 2e-3
FEWEST_LATENT, MOST_LATENT = 2, 256
FEWEST_STEPS, MOST_STEPS, EPOCHS = 600, 4_000, 40
WORTH = 25.0 / (3 * 64 * 64)  # the error of one value of one pixel that is worth a nat, times the number of values
SHOWN = 8  # pictures of a look at the network
OFTEN = 50  # files between two reports


def train_folder(
    folder: Path,
    name: str,
    *,
    out: Path,
    size: int = 64,
    channels: int | None = None,
    latent: int = 32,
    steps: int | None = None,
    seed: int = 0,
    report: Callable[[Progress], None] = lambda progress: None,
    stop: Callable[[], bool] = lambda: False,
    look: Callable[[np.ndarray], None] | None = None,
) -> Path:
    """Makes the model `name` of the pictures in `folder`, with its atlas, in `out`; returns its file. A run that was stopped goes on.

    Args:
        size: of the sides of the pictures, 16, 32, 64 or 128.
        channels: 1 for grey, 3 for colour; without it grey where every picture is.
        latent: how many numbers describe a picture.
        steps: of training; without it by the number of pictures.
        report: called with the progress; while files are read it stands at step 0, with "read" and "files" among its figures.
        stop: asked before every step; once true, the state is kept and Stopped is raised. The same call goes on from there.
        look: shown pixels `(2, 8, H, W, C)` after every report of the training: pictures held out, and what the model makes of them.

    Raises:
        DataError: the folder, the name or a setting cannot be used.
        Stopped: as asked.
    """
    _check(name, latent, steps)
    own = prepare(folder, name, size=size, channels=channels, report=report, stop=stop)
    shown = (lambda net: None) if look is None else (lambda net: look(kept(net, own)))
    return follow(recipe_for(own, name, latent=latent, steps=steps), folder=out, report=report, stop=stop, seed=seed, look=shown)


@torch.inference_mode()
def kept(net: nn.Module, own: Folder) -> np.ndarray:
    """Some pictures that are held out, above what the network makes of them as it stands: pixels `(2, 8, H, W, C)`."""
    pixels = np.asarray(own.pixels[-min(SHOWN, own.held_out) :])
    net.eval()
    drawn = net.decoder(net.posterior(from_pixels(pixels))[0])
    net.train()
    return np.stack([pixels, to_pixels(drawn)])


def prepare(
    folder: Path, name: str, *, size: int, channels: int | None, report: Callable[[Progress], None], stop: Callable[[], bool] = lambda: False
) -> Folder:
    """The pictures for the model `name`, read now or before; their `notes` say what was left out. See `train_folder`."""
    _check_name(name)

    def reading(done: int, of: int) -> None:
        if stop():
            raise Stopped(f"Stopped after reading {done} of {of} files. The same command begins again with reading.")
        if done % OFTEN == 0 or done == of:
            report(Progress(0, 1, {"read": done, "files": of}))

    return folders.read(folder, size=size, channels=channels, report=reading)


def recipe_for(own: Folder, name: str, *, latent: int, steps: int | None) -> Recipe:
    """How a model of these pictures is made."""
    channels, size, _ = own.SHAPE
    n = len(own) - own.held_out
    batch = min(BATCH, n)
    steps = steps or min(MOST_STEPS, max(FEWEST_STEPS, EPOCHS * n // batch))
    return Recipe(
        name=name, title=name, family="vae", data=own.name, own=own, net={"latent": latent, "widths": WIDTHS[size]}, steps=steps, batch=batch, rate=RATE,
        objective={"error": "both", "scale": WORTH * channels * size * size, "detail": 3.0, "ramp": max(1, steps // 5)},
    )  # fmt: skip


def _check(name: str, latent: int, steps: int | None) -> None:
    _check_name(name)
    if not FEWEST_LATENT <= latent <= MOST_LATENT:
        raise DataError(f"A code has {FEWEST_LATENT} to {MOST_LATENT} numbers, got {latent}.")
    if steps is not None and steps < 1:
        raise DataError(f"'{name}' needs at least one step of training, got {steps}.")


def _check_name(name: str) -> None:
    if not NAME.fullmatch(name):
        raise DataError(f"A model's name is 1 to 64 letters, digits, dashes and underscores, beginning with a letter or digit; got '{name[:80]}'.")
    if name in RECIPES or name in prototypes.RECIPES or name in {file.stem for file in checkpoints.bundled()}:
        raise DataError(f"'{name}' is the name of a bundled model. Give your own another one.")
