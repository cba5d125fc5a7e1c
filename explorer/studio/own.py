"""Models of one's own: pictures that were brought, training in a child process, and where the outcome lies.

Only for whoever sits at this computer. What is made lies in the folder of the user's own data and is found there the next time.
"""

import contextlib
import json
import logging
import os
import re
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

from explorer.core.errors import DataError, ExplorerError
from explorer.core.progress import Progress
from explorer.data.folder import SIZES
from explorer.places import user_data
from explorer.studio.jobs import Cancelled, Job
from explorer.studio.studio import Studio
from explorer.training.folder import FEWEST_LATENT, MOST_LATENT

__all__ = ["Wish", "keep_picture", "know", "models", "new_pile", "train"]

log = logging.getLogger(__name__)

MOST_PICTURES = 20_000
MOST_PICTURE = 512 << 10  # bytes of one picture that was brought
MOST_STEPS = 20_000
PATIENCE = 60.0  # seconds in which a child that was told to stop keeps its state
FIGURES = {"psnr": "likeness {0:.3g} dB", "kl": "{0:.3g} nats in a code"}
LOOK = 0.5  # seconds between two looks at whether a training is still wanted


@dataclass(frozen=True)
class Wish:
    """What to train: pictures, a name, the side of the pictures, how many numbers a code has, and for how many steps (None: by their number)."""

    folder: Path
    name: str
    size: int
    latent: int
    steps: int | None = None

    def __post_init__(self):
        if self.size not in SIZES:
            raise DataError(f"Pictures are trained on at {', '.join(map(str, SIZES))} pixels a side, got {self.size}.")
        if not FEWEST_LATENT <= self.latent <= MOST_LATENT:
            raise DataError(f"A code has {FEWEST_LATENT} to {MOST_LATENT} numbers, got {self.latent}.")
        if self.steps is not None and not 1 <= self.steps <= MOST_STEPS:
            raise DataError(f"A training has 1 to {MOST_STEPS} steps, got {self.steps}.")
        if not self.folder.is_dir():
            raise DataError(f"There is no folder '{self.folder}'.")


def models() -> list[Path]:
    """The checkpoints of one's own that were trained before."""
    return sorted(file for file in _home().glob("*.safetensors") if not file.name.endswith(".atlas.safetensors"))


def know(studio: Studio) -> None:
    """Lets a studio know them. One that cannot be read is left out, with a word in the log: it must not keep the page from opening."""
    for file in models():
        try:
            studio.know(file)
        except ExplorerError as error:
            log.warning("A model of one's own is left out: %s", error)


def new_pile() -> str:
    """An empty folder for pictures to be brought, by a name of its own."""
    name = secrets.token_hex(8)
    (user_data() / "pictures" / name).mkdir(parents=True)
    return name


def pile(name: str) -> Path:
    """The folder of pictures that were brought under that name. Raises DataError for an unknown one; a path is never taken from a visitor."""
    folder = user_data() / "pictures" / name
    if not re.fullmatch(r"[0-9a-f]{16}", name) or not folder.is_dir():
        raise DataError("These pictures are not here any more. Choose them again.")
    return folder


def keep_picture(name: str, number: int, content: bytes) -> None:
    """Keeps one picture that was brought. Raises DataError for one too large, or one too many."""
    if not 0 <= number < MOST_PICTURES:
        raise DataError(f"At most {MOST_PICTURES} pictures can be brought, got number {number + 1}.")
    if not 0 < len(content) <= MOST_PICTURE:
        raise DataError(f"A picture should have at most {MOST_PICTURE >> 10} kB once it is made smaller, got {len(content) >> 10} kB.")
    if not content.startswith((b"\xff\xd8", b"\x89PNG", b"RIFF")):
        raise DataError("What was brought is no JPEG, PNG or WebP picture.")
    (pile(name) / f"{number:05}.jpg").write_bytes(content)


def train(job: Job, wish: Wish, *, look: Callable[[str], None] = lambda picture: None) -> Path:
    """Trains in a child process and returns the checkpoint's file.

    `look` is shown pictures held out above what the model makes of them, a PNG in base64, now and then. A job that is cancelled keeps
    its state; the same wish goes on from there.

    Raises:
        Cancelled: the job was cancelled.
        DataError: the pictures or a setting cannot be used.
    """
    settings = asdict(wish) | {"folder": str(wish.folder.resolve()), "out": str(_home())}
    with _Child(settings) as child:
        while not job.stopped():
            answer = child.answer(LOOK) or {}
            if "progress" in answer:
                with contextlib.suppress(Cancelled):  # the child is told first, so that it keeps its state
                    _report(job, Progress(**answer["progress"]))
            elif "look" in answer:
                look(answer["look"])
            elif answer:
                return _made(answer)
        if last := child.stop():
            return _made(last)
    raise Cancelled(f"Stopped at step {job.progress.step} of {job.progress.steps}. What was learned is kept: it can go on from there.")


def _made(last: dict[str, Any]) -> Path:
    """The file that a last answer tells of. Raises DataError with the sentence of one that tells of none."""
    if "done" not in last:
        raise DataError(last.get("error") or last.get("stopped") or "The training ended without a word.")
    return Path(last["done"])


def _report(job: Job, progress: Progress) -> None:
    read = progress.figures.get("files")
    words = f"Reading picture {progress.figures['read']:g} of {read:g}." if read else _figures(progress)
    job.report(progress.step, progress.steps, words, **progress.figures)


def _figures(progress: Progress) -> str:
    """As in "Step 150 of 600: likeness 18.4 dB, 12.3 nats in a code."; what comes without figures is the map that is made at the end."""
    if progress.step and not progress.figures:
        return f"Making its map, stage {progress.step} of {progress.steps}."
    figures = ", ".join(FIGURES.get(name, "{1} {0:.3g}").format(value, name.replace("_", " ")) for name, value in progress.figures.items())
    return f"Step {progress.step} of {progress.steps}: {figures}."


def _home() -> Path:
    return user_data() / "models"


class _Child:
    """The process that trains, its answers as they come, and its end whatever happens."""

    def __init__(self, settings: dict[str, Any]):
        folder = Path(settings["out"])
        folder.mkdir(parents=True, exist_ok=True)
        here = str(Path(__file__).resolve().parents[2])
        environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(filter(None, [here, os.environ.get("PYTHONPATH")]))}
        command = [sys.executable, "-m", "explorer.training.own_worker"]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8", env=environment)
        self._answers: SimpleQueue[dict[str, Any]] = SimpleQueue()
        threading.Thread(target=self._listen, name="own model", daemon=True).start()
        self._write(json.dumps(settings))

    def answer(self, seconds: float) -> dict[str, Any] | None:
        """The next answer, or None when there is none yet. Raises ExplorerError when the process has ended without its last one."""
        try:
            return self._answers.get(timeout=seconds)
        except Empty:
            if self._process.poll() is None:
                return None
        try:
            return self._answers.get(timeout=seconds)  # the last words of a process that has just ended
        except Empty:
            raise ExplorerError(
                f"The training ended with code {self._process.returncode}; the server's log says more. Its last state is kept."
            ) from None

    def stop(self) -> dict[str, Any] | None:
        """Tells the process to keep its state and end; returns its last answer where it has ended otherwise just then."""
        self._write("stop")
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            answer = self.answer(1.0) or {}
            if "stopped" in answer:
                return None
            if "done" in answer or "error" in answer:
                return answer
        return None  # it is ended hard, and goes on from what it saved last

    def __enter__(self) -> "_Child":
        return self

    def __exit__(self, *exc: object) -> None:
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
        self._process.stdin.close()
        self._process.wait(10)

    def _write(self, line: str) -> None:
        try:
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()
        except (BrokenPipeError, ValueError, OSError):  # it has ended, and its last answer says why
            return

    def _listen(self) -> None:
        for line in self._process.stdout:
            self._answers.put(json.loads(line))
