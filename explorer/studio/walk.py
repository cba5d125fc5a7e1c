"""All pictures along a session's path, for those who can wait: films, contact sheets, notebooks."""

from collections.abc import Callable

import numpy as np
import torch

from explorer.core.errors import SessionError
from explorer.core.space import Code
from explorer.studio.codes import journey_codes
from explorer.studio.session import Session
from explorer.studio.studio import Studio

__all__ = ["MOST", "frames", "walk"]

MOST = 240  # frames of one path
TURN = 400.0  # milliseconds that one batch may keep others waiting

Report = Callable[[int, int], None]  # pictures drawn, of how many; may raise to stop


def walk(studio: Studio, session: Session, *, count: int, report: Report = lambda done, of: None) -> tuple[np.ndarray, Code]:
    """The pixels `(count, H, W, C)` at evenly spaced times of a session's path, and their codes.

    Raises:
        SessionError: fewer than 2 or more than 240 frames, or a path without two points.
    """
    if not 2 <= count <= MOST:
        raise SessionError(f"A path gives 2 to {MOST} frames, got {count}.")
    opened = studio.open(session.model)
    code = journey_codes(opened, session, torch.linspace(0, 1, count))
    return frames(studio, session.model, code, report=report), code


def frames(studio: Studio, model: str, code: Code, *, report: Report = lambda done, of: None) -> np.ndarray:
    """The pixels `(B, H, W, C)` of any number of codes, a few at a time, so that no hand waits for all of them."""
    done: list[np.ndarray] = []
    while (start := sum(map(len, done))) < len(code):
        report(start, len(code))
        each = studio.engine.milliseconds(model)
        several = 8 if each is None else max(1, min(32, int(TURN / each)))
        done.append(studio.decode(model, code[start : start + several]))
    report(len(code), len(code))
    return np.concatenate(done)
