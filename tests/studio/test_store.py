"""Histories branch, undo and redo, tell whoever watches, and outlive the process."""

import contextlib
import hashlib
import os
import secrets
import signal
import sqlite3
import subprocess
import sys
import time
import zlib
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from explorer.core.errors import SessionError
from explorer.studio import ledger as ledger_module
from explorer.studio import store as store_module
from explorer.studio.session import Seed, Session, Spot
from explorer.studio.store import SessionStore


def session(seed: int) -> Session:
    return Session("m", Spot(Seed(seed)))


@pytest.fixture
def started():
    store = SessionStore()
    return store, store.create(session(0))


def test_undo_and_redo_walk_the_steps_and_stop_at_the_ends(started):
    store, visitor = started
    store.commit(visitor, session(1), "one")
    store.commit(visitor, session(2), "two")
    assert [store.undo(visitor).session for _ in range(3)] == [session(1), session(0), session(0)]
    assert [store.redo(visitor).session for _ in range(3)] == [session(1), session(2), session(2)]


def test_a_commit_after_undo_starts_a_branch_and_the_old_one_is_kept(started):
    store, visitor = started
    store.commit(visitor, session(1), "one")
    store.undo(visitor)
    history = store.commit(visitor, session(5), "other")
    assert history.session == session(5) and len(history.steps) == 3
    store.undo(visitor)
    assert store.redo(visitor).session == session(5)


def test_committing_the_same_state_again_adds_no_step(started):
    store, visitor = started
    assert len(store.commit(visitor, session(0), "again").steps) == 1


def test_labels_say_what_undo_and_redo_would_do(started):
    store, visitor = started
    assert store.history(visitor).undo_label is None
    assert store.commit(visitor, session(1), "axis 3").undo_label == "axis 3"
    assert store.undo(visitor).redo_label == "axis 3"


def test_watchers_hear_of_changes_but_not_of_their_own(started):
    store, visitor = started
    heard = {"a": [], "b": []}
    stop = store.watch(visitor, lambda history: heard["a"].append(history.now), owner="a")
    store.watch(visitor, lambda history: heard["b"].append(history.now), owner="b")
    store.commit(visitor, session(1), "one", by="a")
    stop()
    store.commit(visitor, session(2), "two", by="c")
    assert heard == {"a": [], "b": [1, 2]}


def test_an_unknown_session_says_what_to_do():
    with pytest.raises(SessionError, match="Reload"):
        SessionStore().history("nobody")


def test_old_steps_and_old_visitors_are_forgotten_first(monkeypatch):
    monkeypatch.setattr(store_module, "MOST_STEPS", 5)
    monkeypatch.setattr(store_module, "MOST_VISITORS", 3)
    store = SessionStore()
    visitors = [store.create(session(0)) for _ in range(4)]
    assert not store.knows(visitors[0]) and store.knows(visitors[3])
    store.watch(visitors[1], lambda history: None)
    visitors.append(store.create(session(0)))
    assert store.knows(visitors[1]) and not store.knows(visitors[2])  # an open page is kept
    for seed in range(1, 20):
        history = store.commit(visitors[3], session(seed), str(seed))
    assert len(history.steps) == 5 and history.session == session(19)
    for _ in range(10):
        history = store.undo(visitors[3])
    assert history.session == session(15)


def test_ids_cannot_be_guessed():
    store = SessionStore()
    ids = {store.create(session(0)) for _ in range(50)}
    assert len(ids) == 50 and all(len(one) >= 32 for one in ids)


def test_any_step_of_any_branch_can_be_gone_to(started):
    store, visitor = started
    store.commit(visitor, session(1), "one")
    store.undo(visitor)
    store.commit(visitor, session(2), "two")
    assert store.go(visitor, 1).session == session(1)
    assert store.undo(visitor).session == session(0) and store.redo(visitor).session == session(1)
    with pytest.raises(SessionError, match="Step 9 is no longer kept"):
        store.go(visitor, 9)


def test_a_bookmark_outlives_the_limit_of_steps_and_ends_with_its_removal(started, monkeypatch):
    monkeypatch.setattr(store_module, "MOST_STEPS", 3)
    monkeypatch.setattr(store_module, "MOST_STARS", 2)
    store, visitor = started
    store.commit(visitor, session(1), "one")
    store.star(visitor, 1, "mine")
    for seed in range(2, 9):
        history = store.commit(visitor, session(seed), str(seed))
    assert list(history.steps) == [1, 6, 7, 8] and [step.star for step in history.stars] == ["mine"]
    assert store.star(visitor, 1, "renamed").stars[0].star == "renamed"
    store.star(visitor, 7, "other")
    with pytest.raises(SessionError, match="2 bookmarks"):
        store.star(visitor, 8, "one too many")
    store.star(visitor, 1, None)
    assert 1 not in store.commit(visitor, session(9), "9").steps


def test_large_states_are_forgotten_sooner(started, monkeypatch):
    monkeypatch.setattr(store_module, "MOST_BYTES", 20_000)
    store, visitor = started
    for k in range(1, 9):
        history = store.commit(visitor, Session("m", selection=tuple(range(k, 9000, k + 1))), str(k))
    assert 1 < len(history.steps) < 8 and sum(len(step.packed) for step in history.steps.values()) <= 20_000


# Kept in a file

ACTS = st.lists(st.one_of(
    st.tuples(st.just("commit"), st.integers(0, 5)), st.tuples(st.sampled_from(["undo", "redo"]), st.just(0)),
    st.tuples(st.just("go"), st.integers(0, 12)), st.tuples(st.just("star"), st.integers(0, 12)),
), max_size=40)  # fmt: skip


def act(store: SessionStore, visitor: str, kind: str, number: int) -> None:
    """Does one thing, unless it is refused."""
    with contextlib.suppress(SessionError):
        match kind:
            case "commit":
                store.commit(visitor, session(number), f"seed {number}")
            case "go":
                store.go(visitor, number)
            case "star":
                store.star(visitor, number, f"star {number}" if number % 3 else None)
            case _:
                getattr(store, kind)(visitor)


def tree(store: SessionStore, visitor: str) -> tuple:
    """Everything of a history that a visitor can notice."""
    history = store.history(visitor)
    return history.steps, history.now, history.next, history.ahead, history.stars


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts=ACTS)
def test_whatever_was_done_is_there_after_a_restart(tmp_path_factory, monkeypatch, acts):
    monkeypatch.setattr(store_module, "MOST_STEPS", 6)
    file = tmp_path_factory.mktemp("kept") / "sessions.db"
    store, memory = SessionStore(file), SessionStore()
    visitor, other = store.create(session(0)), memory.create(session(0))
    store.commit(visitor, session(77), "seed 77"), memory.commit(other, session(77), "seed 77")
    for kind, number in acts:
        act(store, visitor, kind, number), act(memory, other, kind, number)
    before = tree(store, visitor)
    again = SessionStore(file)  # the first was never closed, as when its process is killed
    assert tree(again, visitor) == before and not again.trouble
    assert {n: (s.parent, s.label, s.star, s.session) for n, s in before[0].items()} == {
        n: (s.parent, s.label, s.star, s.session) for n, s in tree(memory, other)[0].items()
    }
    store.close(), again.close()


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts=st.lists(st.tuples(st.booleans(), ACTS.map(lambda acts: acts[:3])), max_size=12))
def test_two_processes_on_one_file_see_each_others_steps(tmp_path_factory, acts):
    file = tmp_path_factory.mktemp("shared") / "sessions.db"
    one, two = SessionStore(file), SessionStore(file)
    visitor = one.create(session(0))
    one.commit(visitor, session(77), "seed 77")
    for first, some in acts:
        for kind, number in some:
            act(one if first else two, visitor, kind, number)
        assert tree(one, visitor) == tree(two, visitor)
    one.close(), two.close()


def test_many_threads_and_two_stores_lose_no_step(tmp_path):
    stores = [SessionStore(tmp_path / "sessions.db") for _ in range(2)]
    visitor = stores[0].create(session(0))
    stores[0].commit(visitor, session(1), "begin")

    def work(worker: int) -> None:
        for k in range(12):
            stores[worker % 2].commit(visitor, session(1000 * (worker + 1) + k), f"{worker} {k}")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    seeds = {step.session.spot.origin.seed for step in SessionStore(tmp_path / "sessions.db").history(visitor).steps.values()}
    assert seeds == {0, 1} | {1000 * (worker + 1) + k for worker in range(4) for k in range(12)}


COMMITTER = """
import sys
from pathlib import Path
from explorer.studio.session import Seed, Session, Spot
from explorer.studio.store import SessionStore
store = SessionStore(Path(sys.argv[1]))
visitor = store.create(Session("m", Spot(Seed(0))))
print(visitor, flush=True)
for seed in range(1, 10**6):
    store.commit(visitor, Session("m", Spot(Seed(seed))), str(seed))
    print(seed, flush=True)
"""


def test_a_process_killed_while_saving_loses_no_step_that_it_had_answered(tmp_path):
    for patience in (0.02, 0.1, 0.3):
        file = tmp_path / f"{patience}.db"
        process = subprocess.Popen([sys.executable, "-c", COMMITTER, str(file)], stdout=subprocess.PIPE, text=True)
        visitor = process.stdout.readline().strip()
        process.stdout.readline()
        time.sleep(patience)
        process.send_signal(signal.SIGKILL)
        answered = [int(line) for line in process.stdout.read().split("\n")[:-1]]
        process.wait()
        store = SessionStore(file)
        history = store.history(visitor)
        assert not store.trouble and answered and history.now in (answered[-1], answered[-1] + 1)
        assert set(answered[-250:]) <= {step.session.spot.origin.seed for step in history.steps.values()}
        assert store.commit(visitor, session(5), "on").session == session(5)


@pytest.mark.parametrize("damage", ["rubbish", "cut", "hole", "newer"])
def test_a_file_that_cannot_be_read_is_moved_aside_with_a_word_and_work_goes_on(tmp_path, damage):
    file = tmp_path / "sessions.db"
    store = SessionStore(file)
    visitor = store.create(session(0))
    for seed in range(1, 200):
        store.commit(visitor, Session("m", Spot(Seed(seed)), colour=secrets.token_hex(40)), str(seed))
    store.close()
    content = file.read_bytes()
    if damage == "newer":
        with contextlib.closing(sqlite3.connect(file)) as db:
            db.execute("PRAGMA user_version = 99")
    else:
        file.write_bytes(
            {"rubbish": b"no database " * 999, "cut": content[: len(content) // 2], "hole": content[:8192] + b"\xff" * 8192 + content[16384:]}[damage]
        )
    again = SessionStore(file)
    assert "moved aside" in again.about() and ("newer" if damage == "newer" else "damaged") in again.about()
    assert [kept.name for kept in tmp_path.iterdir() if "aside" in kept.name]
    other = again.create(session(0))
    again.commit(other, session(3), "three")
    again.close()
    assert SessionStore(file).history(other).session == session(3)


def test_a_step_that_this_version_cannot_read_is_left_out_and_the_rest_kept(tmp_path):
    file = tmp_path / "sessions.db"
    store = SessionStore(file)
    visitor = store.create(session(0))
    for seed in (1, 2, 3):
        store.commit(visitor, session(seed), str(seed))
    store.close()
    with contextlib.closing(sqlite3.connect(file)) as db, db:
        db.execute("UPDATE steps SET session = ? WHERE number = 2", (zlib.compress(b'{"model": "m", "spot": {"origin": {"kind": "dream"}}}'),))
        db.execute("UPDATE steps SET session = ? WHERE number = 0", (b"\x00",))
    again = SessionStore(file)
    assert {n: step.parent for n, step in again.history(visitor).steps.items()} == {1: None, 3: None}
    assert again.commit(visitor, session(4), "four").undo_label == "four"


def test_a_folder_that_cannot_be_written_leaves_sessions_in_memory_and_says_so(tmp_path):
    (tmp_path / "file").write_text("")
    store = SessionStore(tmp_path / "file" / "sessions.db")
    visitor = store.create(session(0))
    assert store.commit(visitor, session(1), "one").session == session(1)
    assert "cannot be kept in a file" in store.about()


def test_a_file_that_another_program_holds_keeps_nobody_from_working_and_is_made_up_for(tmp_path, monkeypatch):
    monkeypatch.setattr(ledger_module, "PATIENCE", 0.05)
    file = tmp_path / "sessions.db"
    store = SessionStore(file)
    visitor = store.create(session(0))
    store.commit(visitor, session(1), "one")
    with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as db:
        db.execute("BEGIN IMMEDIATE")
        assert store.commit(visitor, session(2), "two").session == session(2)
        assert "cannot be saved" in store.about()
        db.execute("ROLLBACK")
    store.commit(visitor, session(3), "three")
    assert "cannot be saved" not in store.about()
    assert [step.label for step in SessionStore(file).history(visitor).steps.values()] == ["start", "one", "two", "three"]


def test_who_has_not_come_for_long_is_forgotten(tmp_path, monkeypatch):
    file = tmp_path / "sessions.db"
    store = SessionStore(file)
    old, new, idle = (store.create(session(0)) for _ in range(3))
    for visitor in (old, new):
        store.commit(visitor, session(1), "one")
    with contextlib.closing(sqlite3.connect(file)) as db, db:
        db.execute("UPDATE visitors SET seen = seen - ? WHERE key = ?", (store_module.DAYS * 86400 + 60, hashlib.sha256(old.encode()).hexdigest()))
    again = SessionStore(file)
    again.create(session(0))
    assert not again.knows(old) and again.knows(new)
    assert not again.knows(idle), "Who never did anything is not written down."


def test_what_is_deleted_is_nowhere_in_the_file_and_others_are_untouched(tmp_path):
    file = tmp_path / "sessions.db"
    store = SessionStore(file)
    mine, other = store.create(session(0)), store.create(session(0))
    store.commit(mine, session(1), "MY-SECRET-LABEL")
    store.star(mine, 1, "MY-SECRET-NAME")
    store.commit(other, session(1), "kept")
    elsewhere = SessionStore(file)
    assert elsewhere.knows(mine)
    store.forget(mine)
    left = b"".join(part.read_bytes() for part in tmp_path.iterdir())
    assert b"MY-SECRET" not in left and b"kept" in left
    assert not store.knows(mine) and store.knows(other)
    with pytest.raises(SessionError, match="no longer known"):
        elsewhere.history(mine)


def test_a_commit_takes_a_few_milliseconds_at_most(tmp_path):
    store = SessionStore(tmp_path / "sessions.db")
    visitor = store.create(session(0))
    took = []
    for seed in range(1, 400):
        began = time.perf_counter()
        store.commit(visitor, session(seed), str(seed))
        took.append(time.perf_counter() - began)
    assert sorted(took)[len(took) // 2] < 0.005, f"{1000 * sorted(took)[len(took) // 2]:.1f} ms"


def test_nothing_in_the_file_lets_its_reader_act_as_a_visitor(tmp_path):
    store = SessionStore(tmp_path / "sessions.db")
    visitor = store.create(session(0))
    store.commit(visitor, session(1), "one")
    assert visitor.encode() not in b"".join(part.read_bytes() for part in tmp_path.iterdir())
    if os.name == "posix":
        assert (tmp_path / "sessions.db").stat().st_mode & 0o077 == 0
