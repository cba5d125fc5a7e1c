"""A folder of one's own pictures as a dataset.

Every picture in the folder and below it is read once (`data/pictures.py`), cut and scaled to one square size, and kept in the cache as one
array under a key made of the files' names, sizes and dates: what has not changed is not read again. Files that cannot be read are
named and left out, and so are copies: what is the same once it is scaled.

A tenth is held out, chosen by a hash of the pixels. Labels come from `labels.csv` in the folder, or without it from the names of the
subfolders (`data/labels.py`).
"""

import hashlib
import json
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from explorer.core.errors import DataError
from explorer.data import pictures
from explorer.data.cache import cache_folder
from explorer.data.dataset import Part
from explorer.data.factors import Factor
from explorer.data.labels import LABELS, of_files

__all__ = ["FEWEST", "SIZES", "Folder", "read"]

SIZES = (16, 32, 64, 128)
ENDINGS = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif"}
FEWEST = 64  # different pictures
MOST_BYTES = 8 << 30  # of pixels
MOST_HELD_OUT = 2_000
GREY = 8  # steps of 255 by which the channels of a grey picture may differ, after a lossy format
KIND = 1  # raised when the way of reading changes: it is part of the key
NAMED = 5  # files that cannot be read and are named

Report = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class Folder:
    """A `Dataset` of `n` pictures with K labels; a row is a class a label (-1 where there is none) and the number of the picture.

    Args:
        name: of the folder, without where it lies.
        FACTORS, SHAPE: the labels, and (C, H, W).
        VERSION: follows from the content: another one for other pictures or labels.
        pixels: `(n, H, W, C)` uint8, memory-mapped; the last `held_out` are not trained on.
        classes: `(n, K)` int64.
        notes: sentences about what was left out.
    """

    name: str
    FACTORS: tuple[Factor, ...]
    SHAPE: tuple[int, int, int]
    VERSION: int
    pixels: np.ndarray
    classes: np.ndarray
    held_out: int
    notes: tuple[str, ...] = ()

    LICENCE = "unknown: your own pictures"
    CREDITS = ""

    def __len__(self) -> int:
        return len(self.pixels)

    def split(self, part: Part) -> np.ndarray:
        """The rows of one part, `(n, K + 1)` int64."""
        training = len(self) - self.held_out
        numbers = np.arange(training) if part == "train" else np.arange(training, len(self))
        return np.concatenate([self.classes[numbers], numbers[:, None]], axis=1)

    def sample(self, n: int, seed: int) -> np.ndarray:
        """Draws `n` different training rows. Raises DataError when there are not as many."""
        rows = self.split("train")
        if n > len(rows):
            raise DataError(f"'{self.name}' has {len(rows)} training pictures, got a request for {n}.")
        return rows[np.random.default_rng(seed).permutation(len(rows))[:n]]

    def visible(self, rows: np.ndarray) -> np.ndarray:
        """Which labels are known, bool `(n, K)`."""
        return rows[:, : len(self.FACTORS)] >= 0

    def render(self, rows: np.ndarray, *, workers: int = 1) -> np.ndarray:
        """The pictures of `rows`; those of a whole part are not copied."""
        numbers = rows[:, -1]
        if len(numbers) and (np.diff(numbers) == 1).all():
            return self.pixels[numbers[0] : numbers[-1] + 1]
        return np.asarray(self.pixels[numbers])

    def captions(self, rows: np.ndarray, seed: int) -> list[str]:
        """One sentence a picture: what its labels say."""
        return [_sentence(self.FACTORS, row) for row in rows]


def _sentence(factors: tuple[Factor, ...], row: np.ndarray) -> str:
    known = [f"{factor.name} {factor.classes[value]}" for factor, value in zip(factors, row) if value >= 0]
    return "a picture" + (f": {', '.join(known)}" if known else "")


def read(path: Path, *, size: int = 64, channels: int | None = None, report: Report = lambda done, of: None) -> Folder:
    """The pictures below a folder, from the cache where nothing has changed.

    Args:
        size: of the sides, in pixels.
        channels: 1 for grey, 3 for colour; without it grey where every picture is.
        report: called with how many files have been read, out of how many; what it raises ends the reading.

    Raises:
        DataError: no such folder, a size that is not offered, fewer than 64 different pictures, more than fit, or labels that make no sense.
    """
    if size not in SIZES or channels not in (None, 1, 3):
        raise DataError(f"Pictures can be {', '.join(map(str, SIZES))} pixels wide with 1 or 3 channels, got {size} and {channels}.")
    if not path.is_dir():
        raise DataError(f"There is no folder '{path}'.")
    files = _files(path)
    if len(files) < FEWEST:
        raise DataError(f"'{path.name}' holds {_pictures(len(files))} ({', '.join(sorted(ENDINGS))}), expected at least {FEWEST}.")
    if (needed := len(files) * size * size * 3) > MOST_BYTES:
        raise DataError(
            f"{_pictures(len(files))} of {size} pixels take {needed / 2**30:.1f} GiB, expected at most {MOST_BYTES >> 30}. Try a smaller size."
        )
    key = _key(path, files, size, channels)
    kept, about = cache_folder() / f"folder-{key}.npy", cache_folder() / f"folder-{key}.json"
    if not (kept.is_file() and about.is_file()):
        _keep(path, files, size=size, channels=channels, kept=kept, about=about, report=report)
    return _opened(path, int(key[:8], 16), kept, json.loads(about.read_text("utf-8")))


def _opened(path: Path, version: int, kept: Path, about: dict[str, Any]) -> Folder:
    pixels = np.load(kept, mmap_mode="r")
    factors = tuple(Factor(name, tuple(classes)) for name, classes in about["factors"])
    return Folder(
        name=path.resolve().name or "pictures", FACTORS=factors, SHAPE=(pixels.shape[3], *pixels.shape[1:3]), VERSION=version, pixels=pixels,
        classes=np.array(about["classes"], np.int64).reshape(len(pixels), len(factors)), held_out=about["held_out"], notes=tuple(about["notes"]),
    )  # fmt: skip


def _pictures(n: int) -> str:
    return f"{n} picture{'' if n == 1 else 's'}"


def _files(path: Path) -> list[str]:
    """The picture files below a folder, as relative paths with forward slashes, in order. What is hidden is left out."""
    found = []
    for folder, inner, names in os.walk(path):
        inner[:] = [name for name in inner if not name.startswith((".", "__MACOSX"))]
        found += [
            (Path(folder) / name).relative_to(path).as_posix() for name in names if not name.startswith(".") and Path(name).suffix.lower() in ENDINGS
        ]
    return sorted(found)


def _key(path: Path, files: list[str], size: int, channels: int | None) -> str:
    """What the array depends on, hashed."""
    dates = [(name, *_date(path / name)) for name in [*files, LABELS]]
    return hashlib.sha256(json.dumps([KIND, size, channels, dates]).encode("utf-8", "surrogateescape")).hexdigest()[:24]


def _date(file: Path) -> tuple[int, int]:
    """Size and date of a file, or zeros for none."""
    try:
        state = file.stat()
    except OSError:
        return 0, 0
    return state.st_size, state.st_mtime_ns


def _keep(path: Path, files: list[str], *, size: int, channels: int | None, kept: Path, about: Path, report: Report) -> None:
    """Reads the files and writes array and description; the description comes last, so that both are whole when it is there."""
    with tempfile.TemporaryDirectory(dir=cache_folder(), prefix="folder-") as room:
        raw = np.lib.format.open_memmap(Path(room) / "raw.npy", "w+", np.uint8, (len(files), size, size, channels or 3))
        readable, unreadable = _read(path, files, raw, report)
        order = _ordered(path, raw, readable)
        factors, classes, notes = of_files(path, [files[i] for i in order])
        _write(raw, order, Path(room) / "kept.npy", channels or (1 if _grey(raw, order) else 3))
        described = {
            "factors": [(f.name, f.classes) for f in factors], "classes": classes.tolist(), "held_out": min(len(order) // 10, MOST_HELD_OUT),
            "notes": [*_lost(unreadable, len(files)), *_copies(len(readable) - len(order)), *notes],
        }  # fmt: skip
        (Path(room) / "about.json").write_text(json.dumps(described), "utf-8")
        (Path(room) / "kept.npy").replace(kept)
        (Path(room) / "about.json").replace(about)


def _read(path: Path, files: list[str], raw: np.ndarray, report: Report) -> tuple[list[int], list[str]]:
    """Fills `raw`; returns the numbers of the files that could be read, and a sentence for each of the others."""
    readable, unreadable = [], []
    for number, name in enumerate(files):
        report(number, len(files))
        try:
            raw[number] = pictures.read(path / name, (raw.shape[3], *raw.shape[1:3]))[0]
            readable.append(number)
        except DataError as error:
            unreadable.append(str(error).replace(f"{path}{os.sep}", ""))
    report(len(files), len(files))
    return readable, unreadable


def _lost(unreadable: list[str], n: int) -> list[str]:
    more = len(unreadable) - NAMED
    named = " ".join(unreadable[:NAMED]) + (f" And {more} more." if more > 0 else "")
    return [f"{len(unreadable)} of {n} files could not be read: {named}"] if unreadable else []


def _copies(n: int) -> list[str]:
    return [f"{_pictures(n)} that {'equals another' if n == 1 else 'equal others'} at this size {'was' if n == 1 else 'were'} left out."] if n else []


def _ordered(path: Path, raw: np.ndarray, readable: list[int]) -> list[int]:
    """The numbers of the different pictures, in the order of a hash of their pixels."""
    first: dict[str, int] = {}
    for number in readable:
        first.setdefault(hashlib.sha256(raw[number].tobytes()).hexdigest(), number)
    if len(first) < FEWEST:
        said = f"{_pictures(len(raw))}, of which {len(readable)} can be read and {len(first)} are different"
        raise DataError(f"'{path.name}' holds {said}; expected at least {FEWEST} different ones.")
    return [first[digest] for digest in sorted(first)]


def _grey(raw: np.ndarray, order: list[int]) -> bool:
    return all(np.ptp(raw[number].astype(np.int16), axis=-1).max() <= GREY for number in order)


def _write(raw: np.ndarray, order: list[int], file: Path, channels: int) -> None:
    whole = np.lib.format.open_memmap(file, "w+", np.uint8, (len(order), *raw.shape[1:3], channels))
    for place, number in enumerate(order):
        whole[place] = raw[number] if channels == raw.shape[3] else raw[number].mean(axis=-1, keepdims=True).round()
    whole.flush()
