"""The app in a process of its own, as `explorer serve` starts it."""

import contextlib
import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

MODEL = "avatars-vae"


class Server:
    """The app on a port of its own, in a process that can be stopped and started again."""

    def __init__(self, root: Path, log: Path):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.address = f"http://127.0.0.1:{self.port}/"
        self._root, self._log = root, log

    def arguments(self) -> list[str]:
        """What Python is started with."""
        return ["-c", "from explorer.cli import main; main()", "serve", MODEL, "--port", str(self.port), "--no-browser"]

    def start(self, patience: float = 120) -> None:
        command = [sys.executable, *self.arguments()]
        environment = os.environ | {"PYTHONPATH": str(self._root), "GRADIO_ANALYTICS_ENABLED": "False"}
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(command, cwd=self._root, env=environment, stdout=log, stderr=log)
        until = time.monotonic() + patience
        while time.monotonic() < until:
            assert self._process.poll() is None, f"The app ended before it answered:\n{self._log.read_text()}"
            with contextlib.suppress(OSError), urllib.request.urlopen(self.address, timeout=5):
                return
            time.sleep(0.05)
        raise AssertionError(f"{self.address} did not answer within {patience:g} s:\n{self._log.read_text()}")

    def stop(self) -> None:
        self._process.kill()  # as abruptly as a machine that goes down
        self._process.wait(20)
