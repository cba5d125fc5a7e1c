"""The file that sessions outlive a process in: SQLite, one row a visitor and one a step.

What a transaction has written survives the process being killed (write-ahead log). Several processes may have the file
open: each writes in turns, and notices what others wrote. A visitor is found by the SHA-256 of the session id, so that
whoever reads the file cannot act as one.
"""

import contextlib
import hashlib
import sqlite3
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Ledger", "Record", "Row"]

VERSION = 1
PATIENCE = 5.0  # seconds to wait for another process' turn
MOST_CHECKED = 128 << 20  # bytes; a larger file is not read through at every start
BROKEN = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}

SCHEMA = """
CREATE TABLE visitors (key TEXT PRIMARY KEY, now INTEGER NOT NULL, next INTEGER NOT NULL, seen REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE steps (
  key TEXT NOT NULL REFERENCES visitors(key) ON DELETE CASCADE,
  number INTEGER NOT NULL, parent INTEGER, ahead INTEGER, made REAL NOT NULL, label TEXT NOT NULL, star TEXT, session BLOB NOT NULL,
  PRIMARY KEY (key, number)
) WITHOUT ROWID;
CREATE INDEX seen ON visitors(seen);
"""


@dataclass(frozen=True)
class Row:
    """One step as it is kept: `session` is packed, `ahead` the step that redo leads to."""

    number: int
    parent: int | None
    ahead: int | None
    made: float
    label: str
    star: str | None
    session: bytes


@dataclass(frozen=True)
class Record:
    """All that is kept of a visitor: the shown step, the next number, when it was last heard of, and the steps by number."""

    now: int
    next: int
    seen: float
    steps: tuple[Row, ...]


class Ledger:
    """An open file. Not for several threads at once; whoever uses it holds a lock.

    `note` says what was found wrong when it was opened ("" for nothing): a file that is corrupt or of a newer version is moved aside.

    Raises:
        sqlite3.Error, OSError: the file can be neither read nor made.
    """

    def __init__(self, file: Path):
        self.file, self.note = file, ""
        file.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._open()
        except sqlite3.DatabaseError as error:
            if not (isinstance(error, _Newer) or getattr(error, "sqlite_errorcode", None) in BROKEN):
                raise
            aside = self._move_aside()
            why = str(error) if isinstance(error, _Newer) else f"it is damaged ({error})"
            self.note = f"The steps kept until now could not be read: {why}. The file was moved aside, to {aside.name}, and a new one begun."
            self._open()
        self._heard = self._version()

    def _open(self) -> None:
        self._db = sqlite3.connect(self.file, timeout=PATIENCE, isolation_level=None, check_same_thread=False)
        try:
            self.file.chmod(0o600)
            self._db.execute("PRAGMA journal_mode = WAL")
            for setting in ("synchronous = NORMAL", "foreign_keys = ON", "secure_delete = ON"):
                self._db.execute(f"PRAGMA {setting}")
            with self.turn():
                self._begin()
            if self.file.stat().st_size < MOST_CHECKED and (found := self._db.execute("PRAGMA quick_check(1)").fetchone()[0]) != "ok":
                raise _broken(found)
        except sqlite3.Error:
            self._db.close()
            raise

    def _begin(self) -> None:
        version = self._db.execute("PRAGMA user_version").fetchone()[0]
        if version > VERSION:
            raise _Newer(f"it was written by a newer Latent Explorer (format {version}, this one knows {VERSION})")
        if version == 0:
            for statement in SCHEMA.split(";"):
                self._db.execute(statement)
            self._db.execute(f"PRAGMA user_version = {VERSION}")

    def _move_aside(self) -> Path:
        aside = self.file.with_name(f"{self.file.stem}.aside-{time.strftime('%Y%m%d-%H%M%S')}-{time.time_ns() % 10**6:06d}{self.file.suffix}")
        for ending in ("", "-wal", "-shm"):
            with contextlib.suppress(FileNotFoundError):
                self.file.with_name(self.file.name + ending).rename(aside.with_name(aside.name + ending))
        return aside

    def _version(self) -> int:
        return self._db.execute("PRAGMA data_version").fetchone()[0]

    def changed(self) -> bool:
        """Whether another process has written since this was last asked."""
        before, self._heard = self._heard, self._version()
        return before != self._heard

    @contextlib.contextmanager
    def turn(self) -> Iterator[None]:
        """A transaction: everything written in it is kept, or nothing."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise

    @property
    def in_turn(self) -> bool:
        """Whether a transaction is under way."""
        return self._db.in_transaction

    def read(self, visitor: str) -> Record | None:
        """All that is kept of a visitor, or None."""
        found = self._db.execute("SELECT now, next, seen FROM visitors WHERE key = ?", (_key(visitor),)).fetchone()
        if found is None:
            return None
        columns = "number, parent, ahead, made, label, star, session"
        steps = self._db.execute(f"SELECT {columns} FROM steps WHERE key = ? ORDER BY number", (_key(visitor),)).fetchall()
        return Record(*found, tuple(Row(*step) for step in steps))

    def touch(self, visitor: str, now: int, following: int) -> bool:
        """Writes which step is shown, which number is next, and that the visitor was here; returns whether anything was kept before."""
        values = (now, following, time.time(), _key(visitor))
        if self._db.execute("UPDATE visitors SET now = ?, next = ?, seen = ? WHERE key = ?", values).rowcount:
            return True
        self._db.execute("INSERT INTO visitors (now, next, seen, key) VALUES (?, ?, ?, ?)", values)
        return False

    def write(self, visitor: str, steps: Iterable[Row], gone: Iterable[int]) -> None:
        """Writes steps, in place of what was kept under their numbers, and removes others."""
        key = _key(visitor)
        self._db.executemany("DELETE FROM steps WHERE key = ? AND number = ?", [(key, number) for number in gone])
        rows = [(key, s.number, s.parent, s.ahead, s.made, s.label, s.star, s.session) for s in steps]
        self._db.executemany(
            "INSERT OR REPLACE INTO steps (key, number, parent, ahead, made, label, star, session) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows
        )

    def forget(self, visitor: str) -> None:
        """Removes a visitor for good: the bytes are overwritten, in the log as well."""
        self._db.execute("DELETE FROM visitors WHERE key = ?", (_key(visitor),))
        self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def prune(self, *, before: float, most: int) -> None:
        """Removes visitors last heard of before a time (seconds since 1970), and the oldest beyond `most`."""
        self._db.execute("DELETE FROM visitors WHERE seen < ?", (before,))
        self._db.execute("DELETE FROM visitors WHERE key IN (SELECT key FROM visitors ORDER BY seen DESC LIMIT -1 OFFSET ?)", (most,))

    def close(self) -> None:
        """Ends it; what was written stays."""
        self._db.close()


class _Newer(sqlite3.DatabaseError):
    """The file is of a later version."""


def _broken(words: str) -> sqlite3.DatabaseError:
    error = sqlite3.DatabaseError(words)
    error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
    return error


def _key(visitor: str) -> str:
    return hashlib.sha256(visitor.encode("utf-8", "surrogatepass")).hexdigest()
