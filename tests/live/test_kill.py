"""A real server process, killed by SIGKILL in the middle of its work, has every step that it answered for when it comes back."""

import itertools
import sqlite3
import threading
import time

import pytest
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from explorer.live.protocol import VERSION, pack, unpack
from tests.browser.server import Server

pytestmark = pytest.mark.slow


def ask(socket, kind, **fields):
    socket.send(pack({"type": kind, "seq": 1, "view": "test", **fields}))
    return unpack(socket.recv(60))[0]


def test_no_answered_step_is_lost_and_the_file_is_whole(root, built_views, tmp_path, monkeypatch):
    monkeypatch.setenv("EXPLORER_DATA", str(tmp_path / "data"))
    server = Server(root, tmp_path / "log.txt")
    address = server.address.replace("http", "ws") + "live"
    session, answered = None, [0]
    seeds = itertools.count(1)
    for pause in (0.05, 0.4):
        server.start(400)
        try:
            with connect(address, open_timeout=60) as socket:
                welcome = ask(socket, "hello", version=VERSION, session=session)
                session = session or welcome["session"]
                assert welcome["session"] == session and welcome["state"]["session"]["spot"]["origin"]["seed"] >= answered[-1]
                killer = threading.Timer(pause, server.stop)
                killer.start()
                try:
                    while True:
                        seed = next(seeds)
                        ask(socket, "commit", patch={"spot": {"origin": {"kind": "seed", "seed": seed}}}, label=f"seed {seed}")
                        answered.append(seed)
                except (WebSocketException, OSError, EOFError):
                    pass  # killed
                killer.join()
        finally:
            server.stop()
    server.start(400)
    try:
        with connect(address, open_timeout=60) as socket:
            ask(socket, "hello", version=VERSION, session=session)
            history = ask(socket, "history")
    finally:
        server.stop()
    kept = [int(step["label"].split()[1]) for step in history["steps"] if step["label"] != "start"]
    assert len(answered) > 2 and not history["trouble"]
    assert set(answered[-250:]) - {0} <= set(kept)
    began = time.monotonic()
    with sqlite3.connect(tmp_path / "data" / "sessions.db") as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",) and time.monotonic() - began < 30
