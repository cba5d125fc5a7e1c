"""One edit on many pictures: each is encoded, edited and drawn again, and all come as one zip file with the record of what was done."""

import io
import json
import re
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from explorer import render
from explorer.core.errors import DataError, ExplorerError
from explorer.methods.inversion import decibels, mean_square
from explorer.render import from_pixels
from explorer.studio.changes import Change
from explorer.studio.codes import as_code
from explorer.studio.photo import Photo
from explorer.studio.refine import Wishes, refined
from explorer.studio.studio import Studio

__all__ = ["MOST_PICTURES", "MOST_ZIP", "Pile", "edited", "inside", "within"]

MOST_PICTURES = 200
MOST_ZIP = 64 << 20  # bytes
MOST_FILE = 32 << 20  # bytes of one picture in a zip file
MOST_UNPACKED = 256 << 20  # bytes of all of them
MOST_ENTRIES = 5000
TOGETHER = 8
SEARCH = Wishes(steps=100)  # for each picture, where there is no encoder
EDIT, REST = "edit.json", re.compile(r"[^\w.-]+")

Report = Callable[[int, int, str], None]

HOW = (
    "Each picture was cut around its middle to the model's shape and its code found; the change was made to that code, and the result drawn. "
    "redrawn_error: mean square error, in [-1, 1], of the model's picture for the unedited code; redrawn_psnr the same in decibels. "
    "typicality: in [0, 1], of the code before and after the edit."
)


@dataclass
class Pile:
    """Pictures that wait for an edit, and what could not be read, each with the reason."""

    model: str
    most: int = MOST_PICTURES
    photos: list[Photo] = field(default_factory=list)
    unreadable: list[tuple[str, str]] = field(default_factory=list)

    @property
    def bytes(self) -> int:
        """What the pictures take in memory."""
        return sum(photo.pixels.nbytes for photo in self.photos)

    def add(self, name: str, read: Callable[[], Photo]) -> None:
        """Adds what `read` gives, or notes why it gave nothing. Raises DataError when there are as many as there may be."""
        if len(self.photos) >= self.most:
            raise DataError(f"At most {self.most} pictures can be edited at once; '{name}' would be one more.")
        try:
            self.photos.append(read())
        except DataError as error:
            self.unreadable.append((name, str(error)))


def inside(content: bytes) -> Iterator[tuple[str, bytes | DataError]]:
    """The files in a zip file, one after another, each with its name; or what keeps it from being read.

    Nothing is unpacked into a file, and no more than is allowed into memory, whatever the zip file claims.

    Raises:
        DataError: not a zip file, or one that unpacks to more than 256 MB.
    """
    left = MOST_UNPACKED
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            entries = [entry for entry in packed.infolist() if not entry.is_dir() and not _hidden(entry.filename)]
            if len(entries) > MOST_ENTRIES:
                raise DataError(f"The zip file holds {len(entries)} files, expected at most {MOST_ENTRIES}.")
            for entry in entries:
                found = _unpacked(packed, entry)
                left -= len(found) if isinstance(found, bytes) else 0
                if left < 0:
                    raise DataError(f"The zip file unpacks to more than {MOST_UNPACKED >> 20} MB.")
                yield Path(entry.filename).name, found
    except zipfile.BadZipFile as error:
        raise DataError(f"This is not a zip file that can be read: {error}.") from error


def _unpacked(packed: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes | DataError:
    name = Path(entry.filename).name
    try:
        with packed.open(entry) as file:
            content = file.read(MOST_FILE + 1)
    except Exception as error:  # whatever a stranger's file does to its reader: encrypted, of an unknown method, damaged
        return DataError(f"'{name}' cannot be unpacked: {error}.")
    return content if len(content) <= MOST_FILE else DataError(f"'{name}' unpacks to more than {MOST_FILE >> 20} MB.")


def _hidden(name: str) -> bool:
    """What computers put beside people's files."""
    return name.startswith("__MACOSX/") or Path(name).name.startswith(".") or Path(name).name in ("Thumbs.db", "desktop.ini")


def within(folder: Path) -> list[Path]:
    """The files of a folder and those below it, by name. Raises DataError when it is none, empty, or cannot be looked into."""
    if not folder.is_dir():
        raise DataError(f"There is no folder '{folder}'.")
    try:
        files = sorted(file for file in folder.rglob("*") if file.is_file() and not _hidden(file.name))
    except OSError as error:
        raise DataError(f"'{folder}' cannot be looked into: {error.strerror}.") from error
    if not files:
        raise DataError(f"The folder '{folder}' holds no files.")
    return files


def edited(
    studio: Studio,
    name: str,
    photos: Sequence[Photo],
    change: Change,
    *,
    unreadable: Sequence[tuple[str, str]] = (),
    report: Report = lambda *_: None,
) -> bytes:
    """A zip file with the edited pictures as PNG and `edit.json`: model, hash of its weights, edit, and for each file how exact it is.

    `report` hears how many are done, of how many, in words. A picture that the model cannot draw is noted like one that cannot be read.

    Raises:
        DataError: there is no picture to edit.
        SessionError: the change is for another model.
    """
    if not photos:
        raise DataError(f"There is no picture to edit{f': none of {len(unreadable)} files could be read' if unreadable else ''}.")
    opened = studio.open(name)
    change(opened, torch.zeros(1, opened.model.workspace.size))  # one that fits no code of this model fails here, once
    buffer, taken = io.BytesIO(), {EDIT}
    rows: list[dict[str, Any]] = []
    failed = [{"file": file, "why": why} for file, why in unreadable]
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as packed:  # PNG files are packed already
        for done, photo in enumerate(photos):
            report(done, len(photos), _words(done, photos))
            try:
                told, picture = _one(studio, photo, change)
            except ExplorerError as error:
                failed.append({"file": photo.name, "why": str(error)})
                continue
            file = _free(photo.name, taken)
            packed.writestr(zipfile.ZipInfo(file), render.encode(picture))
            rows.append({"file": file, "from": photo.name} | told)
        report(len(photos), len(photos), _words(len(photos), photos))
        record = {
            "model": name, "weights": opened.model.card.weights, "space": opened.model.workspace.name, "edit": change.to_json(),
            "how": HOW, "found_by": "encoder" if opened.model.encoder is not None else "search", "pictures": rows, "unreadable": failed,
        }  # fmt: skip
        packed.writestr(zipfile.ZipInfo(EDIT), json.dumps(record, indent=1, ensure_ascii=False))
    return buffer.getvalue()


def _one(studio: Studio, photo: Photo, change: Change) -> tuple[dict[str, Any], np.ndarray]:
    """What is told of a photo, and its edited picture `(H, W, C)`."""
    code = photo.code if photo.code is not None else refined(studio, photo, SEARCH).code
    both = as_code(studio.model(photo.model), torch.cat([code[None], change(studio.open(photo.model), code[None])]))
    before, after = studio.decode(photo.model, both)
    error = float(mean_square(from_pixels(before[None]), photo.picture)[0])
    typicality = [float(value) for value in both.typicality]
    return {"redrawn_error": error, "redrawn_psnr": decibels(error), "typicality": typicality, "code": code.tolist()}, after


def _words(done: int, photos: Sequence[Photo]) -> str:
    slow = " Each code is searched for, which takes a while." if photos[0].code is None else ""
    return f"{done} of {len(photos)} pictures.{slow}"


def _free(name: str, taken: set[str]) -> str:
    """A file name that is safe everywhere and not taken yet."""
    stem = REST.sub("-", Path(name).stem).strip("-._")[:60] or "picture"
    candidates = (f"{stem}{f'-{i}' if i else ''}.png" for i in range(len(taken) + 1))
    file = next(candidate for candidate in candidates if candidate not in taken)
    taken.add(file)
    return file
