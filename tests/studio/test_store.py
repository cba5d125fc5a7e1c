"""Histories branch, undo and redo, and tell whoever watches."""

import pytest

from explorer.core.errors import SessionError
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
