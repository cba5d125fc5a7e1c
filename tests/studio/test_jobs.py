"""Long jobs: progress, cancelling, failures, and who may see them."""

import threading

import pytest

from explorer.core.errors import DataError, SessionError
from explorer.studio.jobs import Jobs


@pytest.fixture
def jobs():
    made = Jobs()
    yield made
    made.close()


def test_a_job_reports_and_returns(jobs):
    def work(job):
        job.report(1, 2, "half", loss=0.5)
        return {"answer": 42}

    job = jobs.start("ann", "count", "Counting", work).wait(10)
    assert (job.state, job.result, job.progress.step, job.words) == ("done", {"answer": 42}, 1, "half")
    assert job.to_json()["figures"] == {"loss": 0.5}


def test_a_cancelled_job_ends_at_its_next_report(jobs):
    begun, go = threading.Event(), threading.Event()
    reached = []

    def work(job):
        begun.set()
        go.wait(10)
        job.report(1, 2)
        reached.append("past the report")

    job = jobs.start("ann", "walk", "Walking", work)
    begun.wait(10)
    job.cancel()
    go.set()
    assert job.wait(10).state == "cancelled" and "Walking was cancelled" in job.error and not reached


def test_a_job_that_is_cancelled_while_it_waits_never_begins(jobs):
    go, ran = threading.Event(), []
    busy = [jobs.start("ann", "busy", "Busy", lambda job: go.wait(10)) for _ in range(2)]
    waiting = jobs.start("bob", "late", "Late", lambda job: ran.append(1))
    waiting.cancel()
    go.set()
    assert waiting.wait(10).state == "cancelled" and not ran
    assert all(job.wait(10).state == "done" for job in busy)


def test_what_a_visitor_can_act_on_is_told_and_a_bug_is_not(jobs):
    def refused(job):
        raise DataError("The folder 'x' holds no pictures.")

    def broken(job):
        raise RuntimeError("secret path")

    assert jobs.start("ann", "a", "A", refused).wait(10).error == "The folder 'x' holds no pictures."
    bug = jobs.start("ann", "b", "B", broken).wait(10)
    assert bug.state == "failed" and "secret" not in bug.error


def test_a_job_belongs_to_one_visitor(jobs):
    job = jobs.start("ann", "a", "A", lambda job: None)
    assert jobs.find("ann", job.id) is job
    with pytest.raises(SessionError, match="not known"):
        jobs.find("bob", job.id)
    jobs.drop("ann")
    assert jobs.of("ann") == []


def test_one_visitor_cannot_fill_the_queue(jobs):
    go = threading.Event()
    for _ in range(4):
        jobs.start("ann", "a", "A", lambda job: go.wait(10))
    with pytest.raises(SessionError, match="4 long jobs"):
        jobs.start("ann", "a", "A", lambda job: None)
    jobs.start("bob", "b", "B", lambda job: None)
    go.set()
