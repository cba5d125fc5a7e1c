"""Small pictures of the steps of a history, drawn anew from their sessions and remembered for a while."""

import threading
from collections import OrderedDict
from dataclasses import replace

import numpy as np
from PIL import Image

from explorer import render
from explorer.studio.session import Session

__all__ = ["SIDE", "Glances", "glance"]

SIDE = 48  # pixels
MOST = 3000  # of 9 kB each


def glance(pixels: np.ndarray) -> np.ndarray:
    """A picture `(H, W, C)` within `(48, 48, 4)`, RGBA: as large as fits, centred, the rest transparent."""
    picture = Image.fromarray(render.rgb(pixels))
    scale = SIDE / max(picture.size)
    width, height = (max(1, round(side * scale)) for side in picture.size)
    field = Image.new("RGBA", (SIDE, SIDE))
    field.paste(
        picture.resize((width, height), Image.Resampling.BOX if scale < 1 else Image.Resampling.NEAREST), ((SIDE - width) // 2, (SIDE - height) // 2)
    )
    return np.asarray(field)


class Glances:
    """The pictures drawn so far, by visitor and by what decides a picture; the oldest are forgotten. Safe to use from several threads."""

    def __init__(self):
        self._kept: OrderedDict[tuple[str, Session], np.ndarray] = OrderedDict()
        self._lock = threading.Lock()

    def find(self, visitor: str, session: Session) -> np.ndarray | None:
        """The small picture `(48, 48, 4)` of a session, if it was drawn before."""
        key = visitor, _pictured(session)
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def keep(self, visitor: str, session: Session, pixels: np.ndarray) -> np.ndarray:
        """Remembers the picture `(H, W, C)` of a session; returns its small one."""
        with self._lock:
            small = self._kept[visitor, _pictured(session)] = glance(pixels)
            while len(self._kept) > MOST:
                self._kept.popitem(last=False)
        return small

    def drop(self, visitor: str) -> None:
        """Forgets all pictures of a visitor."""
        with self._lock:
            self._kept = OrderedDict((key, small) for key, small in self._kept.items() if key[0] != visitor)


def _pictured(session: Session) -> Session:
    """The session without what changes nothing on the stage."""
    return replace(session, locked=(), layout="", colour="", selection=())
