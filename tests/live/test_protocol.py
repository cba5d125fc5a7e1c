"""Messages survive the trip; nothing that is not a message gets further than a sentence."""

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.core.errors import ProtocolError
from explorer.live.protocol import pack, unpack

plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=10,
)


@given(st.dictionaries(st.text(max_size=8), plain, max_size=6), st.text(max_size=10), st.binary(max_size=200))
def test_header_and_payload_survive_the_trip(header, kind, payload):
    header["type"] = kind
    assert unpack(pack(header, payload)) == (header, payload)


@given(st.dictionaries(st.text(max_size=8), plain, max_size=6), st.binary(max_size=64))
def test_the_payload_starts_at_a_multiple_of_four(header, payload):
    message = pack(header, payload)
    assert (len(message) - len(payload)) % 4 == 0


@settings(max_examples=500)
@given(st.binary(max_size=300))
def test_any_bytes_are_a_message_or_a_protocol_error(message):
    try:
        header, _ = unpack(message)
    except ProtocolError as error:
        assert str(error)
    else:
        assert isinstance(header["type"], str)


@given(st.dictionaries(st.text(max_size=8), plain, max_size=4), st.integers(0, 200))
def test_a_message_cut_off_in_its_header_is_refused(header, cut):
    message = pack(header | {"type": "decode"})
    with pytest.raises(ProtocolError):
        unpack(message[: min(cut, len(message) - 1)])


@pytest.mark.parametrize("text", [b"[1]", b'{"type": 3}', b'{"type":"x","v":NaN}', b"\xff\xfe", b"[" * 100_000])
def test_headers_that_are_not_objects_with_a_type_are_refused(text):
    with pytest.raises(ProtocolError):
        unpack(struct.pack("<I", len(text)) + text)
