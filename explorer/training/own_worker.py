"""The child process that trains a model of one's own: `python -m explorer.training.own_worker`.

It reads one line of JSON settings from its standard input and answers by lines of JSON on its standard output: `{"progress": …}`,
`{"look": …}` (a PNG in base64: pictures held out, above what the model makes of them), and last `{"done": path}`, `{"stopped": sentence}`
or `{"error": sentence}`. A further line, or the end of the input, stops it: its state is kept, and the same settings go on from there.
"""

import base64
import json
import os
import sys
import threading
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any, TextIO

import numpy as np

__all__ = ["main"]

LOOK_EVERY = 15.0  # seconds between two looks at the network


def main() -> None:
    """Trains what the first line of the input describes."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # whatever a library prints must not end up between the answers
    if hasattr(os, "nice"):
        os.nice(5)  # the page has live pictures to draw
    settings = json.loads(sys.stdin.readline())
    stop = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.readline(), stop.set()), daemon=True).start()
    say(answers, train(settings, answers, stop))


def train(settings: dict[str, Any], answers: TextIO, stop: threading.Event) -> dict[str, Any]:
    """Trains and returns the last answer."""
    import torch

    from explorer.core.errors import ExplorerError
    from explorer.training.folder import train_folder
    from explorer.training.loop import Stopped

    torch.set_num_threads(1)
    torch.set_num_interop_threads(1)
    looked = [0.0]

    def look(pixels: np.ndarray) -> None:
        if time.monotonic() - looked[0] >= LOOK_EVERY:
            looked[0] = time.monotonic()
            say(answers, {"look": drawn(pixels)})

    try:
        file = train_folder(
            Path(settings["folder"]), settings["name"], out=Path(settings["out"]), size=settings["size"], latent=settings["latent"],
            steps=settings["steps"], stop=stop.is_set, look=look, report=lambda progress: say(answers, {"progress": asdict(progress)}),
        )  # fmt: skip
    except Stopped as stopped:
        return {"stopped": str(stopped)}
    except ExplorerError as error:
        return {"error": str(error)}
    return {"done": str(file)}


def drawn(pixels: np.ndarray) -> str:
    """Pixels `(2, n, H, W, C)` as one PNG in base64, row under row."""
    from explorer.render import encode, grid

    return base64.b64encode(encode(grid(pixels.reshape(-1, *pixels.shape[2:]), pixels.shape[1]))).decode()


def say(answers: TextIO, message: dict[str, Any]) -> None:
    """Writes one line."""
    answers.write(json.dumps(message) + "\n")
    answers.flush()


if __name__ == "__main__":
    main()
