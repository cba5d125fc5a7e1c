"""Long work that must not hold up a hand: started, watched, cancelled, and its result fetched.

A job is a function that is given its `Job` and reports to it. It runs on one of a few threads (torch lets go of the
interpreter while it computes; what does not belongs in a child process that the function starts). Each job belongs to one
visitor; nobody else can see or stop it. Reporting is also where a job notices that it has been cancelled.
"""

import logging
import os
import secrets
import sys
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Literal

from explorer.core.errors import ExplorerError, SessionError
from explorer.core.progress import Progress

__all__ = ["Cancelled", "Job", "Jobs"]

log = logging.getLogger(__name__)

AT_ONCE = 2
LATER = 5  # by which the threads of jobs stand back, as `nice` counts
MOST_OF_ONE = 4  # jobs of one visitor that wait or run
MOST_KEPT = 500

State = Literal["waiting", "running", "done", "failed", "cancelled"]


class Cancelled(ExplorerError):
    """A job was cancelled by whoever asked for it."""


@dataclass(eq=False)
class Job:
    """One piece of long work.

    Args:
        id: a secret of its owner.
        owner: the visitor's session id.
        kind: what it does, in one word, as in "refine".
        title: the same for people.
        so_far: what the work has found until now, in plain JSON; it is told while the job runs.
    """

    id: str
    owner: str
    kind: str
    title: str
    state: State = "waiting"
    progress: Progress = Progress(0, 1)
    words: str = ""
    result: Any = None
    so_far: Any = None
    error: str = ""
    began: float = field(default_factory=time.monotonic)
    _stop: threading.Event = field(default_factory=threading.Event, repr=False)
    _over: threading.Event = field(default_factory=threading.Event, repr=False)

    def report(self, step: int, steps: int, words: str = "", **figures: float) -> None:
        """Tells how far the work is. Raises Cancelled when it is no longer wanted."""
        if self.stopped():
            raise Cancelled(f"{self.title} was cancelled at step {step} of {steps}.")
        self.progress = Progress(step, steps, figures, (time.monotonic() - self.began) / 60)
        self.words = words or self.words

    def stopped(self) -> bool:
        """Whether the work should end as soon as it can."""
        return self._stop.is_set()

    def cancel(self) -> None:
        """Asks the work to end; what has not begun never will."""
        self._stop.set()

    def wait(self, seconds: float | None = None) -> "Job":
        """Waits for the end. Raises TimeoutError when it has not come by then."""
        if not self._over.wait(seconds):
            raise TimeoutError(f"{self.title} has not ended within {seconds:g} seconds.")
        return self

    def to_json(self) -> dict[str, Any]:
        """What its owner may know, without the result."""
        return {
            "id": self.id, "kind": self.kind, "title": self.title, "state": self.state, "step": self.progress.step, "steps": self.progress.steps,
            "figures": self.progress.figures, "minutes": self.progress.minutes, "words": self.words, "error": self.error,
        }  # fmt: skip


class Jobs:
    """All visitors' jobs, in the order they were asked for; finished ones are forgotten beyond a limit."""

    def __init__(self):
        self._jobs: OrderedDict[str, Job] = OrderedDict()
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="job", initializer=_step_back)

    def start(self, owner: str, kind: str, title: str, work: Callable[[Job], Any]) -> Job:
        """Queues `work`; its return value becomes the job's result. Raises SessionError for a fifth job of one visitor."""
        with self._lock:
            under_way = [job for job in self._jobs.values() if job.owner == owner and job.state in ("waiting", "running")]
            if len(under_way) >= MOST_OF_ONE:
                raise SessionError(f"{len(under_way)} long jobs of yours are under way: {under_way[0].title}, … Wait for one, or cancel one.")
            job = Job(secrets.token_hex(12), owner, kind, title)
            self._jobs[job.id] = job
            self._forget()
        self._pool.submit(self._run, job, work)
        return job

    def find(self, owner: str, job: str) -> Job:
        """A visitor's own job. Raises SessionError for an unknown one, and for another visitor's alike."""
        found = self._jobs.get(job)
        if found is None or found.owner != owner:
            raise SessionError("This job is not known here; it may have been forgotten in a restart. Start it again.")
        return found

    def of(self, owner: str) -> list[Job]:
        """A visitor's jobs, oldest first."""
        return [job for job in list(self._jobs.values()) if job.owner == owner]

    def drop(self, owner: str) -> None:
        """Cancels and forgets all jobs of a visitor."""
        with self._lock:
            for job in [job for job in self._jobs.values() if job.owner == owner]:
                job.cancel()
                del self._jobs[job.id]

    def close(self) -> None:
        """Cancels everything and takes no more."""
        for job in list(self._jobs.values()):
            job.cancel()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _forget(self) -> None:
        over = [job for job in self._jobs.values() if job._over.is_set()]
        for job in over[: max(0, len(self._jobs) - MOST_KEPT)]:
            del self._jobs[job.id]

    @staticmethod
    def _run(job: Job, work: Callable[[Job], Any]) -> None:
        try:
            if job.stopped():
                raise Cancelled(f"{job.title} was cancelled before it began.")
            job.state, job.began = "running", time.monotonic()
            job.result = work(job)
            job.state = "done"
        except Cancelled as error:
            job.state, job.error = "cancelled", str(error)
        except ExplorerError as error:
            job.state, job.error = ("cancelled" if job.stopped() else "failed"), str(error)
        except Exception:
            log.exception("The job %r failed", job.kind)
            job.state, job.error = "failed", "Something went wrong in this job; it has been logged. Your session is kept."
        finally:
            job._over.set()


def _step_back() -> None:
    """Lets pictures that a hand waits for go first. On Linux a thread has a priority of its own; elsewhere all are alike."""
    if sys.platform == "linux":
        own = threading.get_native_id()
        os.setpriority(os.PRIO_PROCESS, own, min(19, os.getpriority(os.PRIO_PROCESS, own) + LATER))
