"""The WebSocket door: origin check, several tabs of one session, and no harm from what breaks off."""

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from explorer.live.desk import Desk
from explorer.live.protocol import VERSION, pack, unpack
from explorer.live.server import route, same_origin
from tests import studios


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    studio = studios.studio(tmp_path_factory.mktemp("toys"))
    with TestClient(Starlette(routes=[route(Desk(studio))])) as client:
        yield client
    studio.close()


def ask(socket, kind, **fields):
    socket.send_bytes(pack({"type": kind, "seq": 1, "view": "test", **fields}))
    return unpack(socket.receive_bytes())


def test_a_drag_goes_through_the_socket(client):
    with client.websocket_connect("/live") as socket:
        assert ask(socket, "hello", version=VERSION)[0]["type"] == "welcome"
        header, pixels = ask(socket, "decode", patch={"spot": {"origin": {"kind": "seed", "seed": 1}}})
        assert header["type"] == "frame" and len(pixels) == 16 * 16 * 4


def test_a_second_tab_of_the_session_is_told_of_a_commit_and_the_first_is_not_told_twice(client):
    with client.websocket_connect("/live") as one, client.websocket_connect("/live") as two:
        session = ask(one, "hello", version=VERSION)[0]["session"]
        assert ask(two, "hello", version=VERSION, session=session)[0]["session"] == session
        committed, _ = ask(one, "commit", patch={"spot": {"origin": {"kind": "seed", "seed": 5}}}, label="seed 5")
        told, _ = unpack(two.receive_bytes())
        assert told["type"] == "session" and told["state"] == committed["state"]
        assert ask(one, "undo")[0]["state"]["session"]["spot"]["origin"]["seed"] == 0


@pytest.mark.parametrize("rubbish", [b"", b"\x00", b"\xff" * 64, pack({"type": "decode", "patch": []})])
def test_a_malformed_frame_is_answered_and_the_socket_stays_open(client, rubbish):
    with client.websocket_connect("/live") as socket:
        ask(socket, "hello", version=VERSION)
        socket.send_bytes(rubbish)
        assert unpack(socket.receive_bytes())[0]["type"] == "error"
        assert ask(socket, "decode", patch={})[0]["type"] == "frame"


def test_closing_the_tab_while_pictures_are_under_way_harms_nobody(client):
    with client.websocket_connect("/live") as socket:
        ask(socket, "hello", version=VERSION)
        for seed in range(5):
            socket.send_bytes(pack({"type": "grid", "seq": seed, "view": f"v{seed}", "first": seed, "count": 64}))
    with client.websocket_connect("/live") as socket:
        assert ask(socket, "hello", version=VERSION)[0]["type"] == "welcome"
        assert ask(socket, "decode", patch={})[0]["type"] == "frame"


def test_a_page_of_another_origin_is_turned_away(client):
    with pytest.raises(WebSocketDisconnect), client.websocket_connect("/live", headers={"origin": "https://elsewhere.example"}) as socket:
        socket.receive_bytes()
    with client.websocket_connect("/live", headers={"origin": "http://testserver"}) as socket:
        assert ask(socket, "hello", version=VERSION)[0]["type"] == "welcome"


@pytest.mark.parametrize(
    ("origin", "host", "same"),
    [
        (None, "a:1", True), ("http://a:1", "a:1", True), ("https://A:1", "a:1", True), ("http://a:2", "a:1", False),
        ("null", "a:1", False), ("http://a:1.evil", "a:1", False), ("http://a:1", None, False), ("file://", "", False),
    ],
)  # fmt: skip
def test_only_the_same_host_and_port_is_the_same_origin(origin, host, same):
    assert same_origin(origin, host) is same
