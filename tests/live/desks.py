"""Asking a desk, and reading what it answers."""

import asyncio
import itertools

import numpy as np

from explorer.live.protocol import pack, unpack

order = itertools.count(1)


def ask(desk, visitor, kind, payload=b"", /, view="test", **fields):
    """Header and payload of the answer to one request."""
    return unpack(asyncio.run(desk.answer(visitor, pack({"type": kind, "seq": next(order), "view": view, **fields}, payload))))


def pictures(header, payload):
    """The pictures `(N, H, W, 4)` of an answer that holds several."""
    return np.frombuffer(payload, np.uint8).reshape(header["count"], header["height"], header["width"], 4)
