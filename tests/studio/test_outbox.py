"""Made files are found by their owner only, in parts, and not forever."""

import pytest

from explorer.core.errors import DataError, SessionError
from explorer.studio import outbox
from explorer.studio.outbox import Made, Outbox


def test_a_file_is_handed_over_in_parts_to_its_owner_only():
    box, content = Outbox(), bytes(range(256)) * 40_000
    key = box.put("me", Made("a.gif", "image/gif", content))
    made = box.find("me", key)
    assert made.parts == 3 and b"".join(made.part(i) for i in range(3)) == content
    for owner, which in (("you", key), ("me", "x")):
        with pytest.raises(SessionError, match="no longer kept"):
            box.find(owner, which)
    with pytest.raises(SessionError, match="parts 0 to 2"):
        made.part(3)


def test_the_oldest_files_go_first(monkeypatch):
    monkeypatch.setattr(outbox, "MOST_IN_ALL", 50)
    box = Outbox()
    keys = [box.put("me", Made(f"{i}", "x", b"0" * 10)) for i in range(4)]
    with pytest.raises(SessionError):
        box.find("me", keys[0])
    assert box.find("me", keys[1]).name == "1"
    box.put("you", Made("large", "x", b"0" * 40))
    with pytest.raises(SessionError):
        box.find("me", keys[1])
    assert box.find("me", keys[3]).name == "3"
    box.drop("me")
    with pytest.raises(SessionError):
        box.find("me", keys[3])


def test_too_large_a_file_is_refused(monkeypatch):
    monkeypatch.setattr(outbox, "MOST_BYTES", 1 << 20)
    with pytest.raises(DataError, match="2 MB, expected at most 1"):
        Outbox().put("me", Made("a", "x", bytes(2 << 20)))
