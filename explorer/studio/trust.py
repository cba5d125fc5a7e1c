"""What was measured of each place of a map: read from the atlas file, or measured once, and then kept for the next time.

Files of before this was measured, and other people's, say nothing of single places. What is found out about those lies in the
cache folder, by the hash of the map it belongs to, so that a restart does not measure again.
"""

import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary
from zipfile import BadZipFile

import numpy as np
import torch

from explorer.core.atlas import Atlas
from explorer.core.layout import Layout
from explorer.data.cache import cache_folder
from explorer.methods.maps.trust import MEASURES, Found, measure

if TYPE_CHECKING:
    from explorer.methods.maps.umap import Worker

__all__ = ["Trust"]

PATIENCE = 0.2  # seconds between two looks at whether it is still wanted
IDLE = 300.0  # seconds after which the process that draws maps is let go

Report = Callable[[int, int, str], None]


class Trust:
    """Measures of single places, for all visitors; safe to use from several threads. `folder` is where they are kept."""

    def __init__(self, folder: Path | None = None):
        self._folder = folder
        self._found: WeakKeyDictionary[Layout, dict[str, Found]] = WeakKeyDictionary()
        self._lock = threading.Lock()
        self._turn = threading.Lock()
        self._worker: Worker | None = None
        self._leave: threading.Timer | None = None

    def known(self, atlas: Atlas, layout: Layout, name: str) -> Found | None:
        """A measure of every place, where it is known already."""
        if name in layout.local:
            return Found(layout.local[name], layout.honesty.get("local", {}).get(name, {}))
        with self._lock:
            found = self._found.setdefault(layout, {})
        if name not in found and (kept := self._read(atlas, layout, name)) is not None:
            found[name] = kept
        return found.get(name)

    def find(self, atlas: Atlas, layout: Layout, name: str, *, report: Report, stop: Callable[[], bool]) -> Found:
        """A measure of every place, measured now if need be; one map at a time. Raises ExplorerError as `methods.maps.trust.measure` does."""
        while not self._turn.acquire(timeout=PATIENCE):
            report(0, 1, "waiting for another map")
        try:
            if (known := self.known(atlas, layout, name)) is not None:
                return known
            with self._borrowed(name) as worker:
                found = measure(layout, name, worker=worker, report=report, stop=stop)
            self._found[layout][name] = found
            self._write(atlas, layout, name, found)
            return found
        finally:
            self._turn.release()

    def close(self) -> None:
        """Lets go of the process that draws maps, whatever it is doing."""
        if self._leave is not None:
            self._leave.cancel()
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.close()

    @contextmanager
    def _borrowed(self, name: str) -> Iterator["Worker | None"]:
        """The process that draws maps, for a measure that needs one; kept for a while, as it takes half a minute to warm up."""
        if name != "stays":
            yield None
            return
        from explorer.methods.maps.umap import Worker  # slow to import

        if self._leave is not None:
            self._leave.cancel()
        if self._worker is None or not self._worker.alive:
            self._worker = Worker()
        try:
            yield self._worker
        finally:
            self._leave = threading.Timer(IDLE, self._idle)
            self._leave.daemon = True
            self._leave.start()

    def _idle(self) -> None:
        if self._turn.acquire(blocking=False):
            try:
                self.close()
            finally:
                self._turn.release()

    def _file(self, atlas: Atlas, layout: Layout, name: str) -> Path | None:
        if name not in MEASURES:
            return None
        hashed = hashlib.sha256(f"{atlas.weights} {layout.name} {len(layout.xy)} ".encode() + layout.xy.contiguous().numpy().tobytes())
        return (self._folder or cache_folder() / "maps") / f"{hashed.hexdigest()[:32]}.{name}.npz"

    def _read(self, atlas: Atlas, layout: Layout, name: str) -> Found | None:
        file = self._file(atlas, layout, name)
        if file is None or not file.is_file():
            return None
        try:
            with np.load(file, allow_pickle=False) as kept:
                share, about = torch.from_numpy(kept["share"]), json.loads(str(kept["about"]))
        except (OSError, ValueError, KeyError, EOFError, BadZipFile):  # a file cut off by a full disk: measured again
            return None
        return Found(share, about) if share.dtype == torch.uint8 and share.shape == (len(layout.xy),) else None

    def _write(self, atlas: Atlas, layout: Layout, name: str, found: Found) -> None:
        file = self._file(atlas, layout, name)
        if file is None:
            return
        partial = file.with_suffix(f".{threading.get_ident()}.npz")
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            np.savez(partial, share=found.share.numpy(), about=np.array(json.dumps(found.about)))
            partial.replace(file)
        except OSError:  # a disk that is full or may not be written to only means measuring again
            partial.unlink(missing_ok=True)
