"""Labels of one's own pictures: from a table `labels.csv`, or from the names of subfolders.

The table has a column `file`, with the path of each picture in the folder (or its bare name, where only one has it), and a column a
label; commas, semicolons or tabs between them. An empty cell, and a picture that the table leaves out, has no label.
"""

import csv
import io
import re
from collections import Counter
from pathlib import Path

import numpy as np

from explorer.core.errors import DataError
from explorer.data.factors import Factor

__all__ = ["LABELS", "of_files"]

LABELS = "labels.csv"
KEY = "file"
SUBFOLDER = "folder"
MOST_CLASSES = 60
MOST_BYTES = 64 << 20
LONGEST = 60  # characters of a name or a class
NONE = -1


def of_files(path: Path, names: list[str]) -> tuple[tuple[Factor, ...], np.ndarray, list[str]]:
    """Labels of the pictures `names` (relative paths) in a folder: factors, classes `(n, K)` with -1 for none, and sentences on what was left out.

    Raises:
        DataError: the table cannot be read, or has no column `file`, or names a picture twice.
    """
    file = path / LABELS
    columns, notes = _from_table(file, names) if file.is_file() else (_from_subfolders(names), [])
    factors, classes = [], [np.empty((len(names), 0), np.int64)]
    for column, values in columns.items():
        found = sorted(set(values) - {""}, key=_natural)
        if len(found) < 2:
            notes += [f"Label '{column}' was left out: it has one value only."] if found else []
        elif len(found) > MOST_CLASSES:
            notes.append(f"Label '{column}' was left out: it has {len(found)} different values, more than {MOST_CLASSES}.")
        else:
            numbers = {name: number for number, name in enumerate(found)}
            factors.append(Factor(column, tuple(found)))
            classes.append(np.array([numbers.get(value, NONE) for value in values], np.int64)[:, None])
    return tuple(factors), np.concatenate(classes, axis=1), notes


def _from_subfolders(names: list[str]) -> dict[str, list[str]]:
    """The first folder on the way to each picture, where there are several."""
    firsts = [_clean(name.split("/")[0]) if "/" in name else "" for name in names]
    return {SUBFOLDER: firsts} if len(set(firsts) - {""}) > 1 else {}


def _from_table(file: Path, names: list[str]) -> tuple[dict[str, list[str]], list[str]]:
    """For each label its values in the order of the pictures, "" where there is none; and sentences about rows that fit no picture."""
    header, rows = _table(file)
    bare = Counter(Path(name).name for name in names)
    known = set(names) | {name for name, times in bare.items() if times == 1}
    by_file: dict[str, list[str]] = {}
    strangers = 0
    for row in rows:
        name = row[header.index(KEY)].strip().replace("\\", "/").removeprefix("./")
        if name in by_file:
            raise DataError(f"'{file.name}' names the picture '{name[:LONGEST]}' twice.")
        by_file[name] = row
        strangers += name not in known
    nothing = [""] * len(header)
    found = [by_file.get(name) or (by_file.get(Path(name).name) if bare[Path(name).name] == 1 else None) or nothing for name in names]
    notes = [f"{strangers} of {len(rows)} rows of '{file.name}' name no picture that could be read."] if strangers else []
    return {column: [_clean(row[k]) for row in found] for k, column in enumerate(header) if column not in ("", KEY)}, notes


def _table(file: Path) -> tuple[list[str], list[list[str]]]:
    """The header and the rows of a table, each row as long as the header."""
    if file.stat().st_size > MOST_BYTES:
        raise DataError(f"'{file.name}' has {file.stat().st_size >> 20} MiB, expected at most {MOST_BYTES >> 20}.")
    try:
        text = file.read_text("utf-8-sig")
        between = max(",;\t", key=text.split("\n", 1)[0].count)
        table = [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=between) if any(row)]
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"'{file.name}' cannot be read as a table in UTF-8: {error}.") from error
    header = [_clean(name) for name in table[0]] if table else []
    header = [name.lower() if name.lower() == KEY else name for name in header]
    if header.count(KEY) != 1:
        raise DataError(f"'{file.name}' needs one column named '{KEY}', got {', '.join(filter(None, header)) or 'nothing'}.")
    if doubled := [name for name, times in Counter(filter(None, header)).items() if times > 1]:
        raise DataError(f"'{file.name}' has the column '{doubled[0]}' twice.")
    return header, [(row + [""] * len(header))[: len(header)] for row in table[1:]]


def _clean(text: str) -> str:
    """Without what cannot be shown, and no longer than fits."""
    return "".join(letter for letter in text if letter.isprintable()).strip()[:LONGEST]


def _natural(text: str) -> list[tuple[int, float, str]]:
    """Orders "2" before "10"."""
    return [(0, float(part), "") if part.isdecimal() else (1, 0.0, part.casefold()) for part in re.findall(r"\d+|\D+", text)] + [(2, 0.0, text)]
