# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Binary event streams: what botocore reads, we read; what was changed on its way, nobody does."""

from binascii import crc32
from struct import pack

import pytest
from botocore.eventstream import EventStreamBuffer

from llm.engine.event_stream import Frame, FrameBroken, FrameReader
from tests.fakes.providers.bedrock import message, text_header

EVENT = message(text_header(":event-type", "contentBlockDelta") + b"\x01n\x04\x00\x00\x00\x07", b'{"delta":1}')
PING = message(b"", b"")


def frames(*pieces: bytes) -> list[Frame]:
    reader = FrameReader()
    return [frame for piece in pieces for frame in reader.feed(piece)]


def test_messages_are_read_whatever_pieces_they_come_in():
    whole = [Frame({":event-type": "contentBlockDelta"}, b'{"delta":1}'), Frame({}, b"")]
    assert frames(EVENT + PING) == whole
    assert frames(*(bytes([byte]) for byte in EVENT + PING)) == whole


def test_botocore_reads_the_same():
    theirs = EventStreamBuffer()
    theirs.add_data(EVENT)
    assert next(theirs).payload == frames(EVENT)[0].payload


def test_every_changed_byte_is_noticed():
    for place in range(len(EVENT)):
        changed = bytearray(EVENT)
        changed[place] ^= 0x40
        with pytest.raises(FrameBroken):
            frames(bytes(changed))


@pytest.mark.parametrize("headers", [b"\x05ab", b"\x01n\x63", b"\x01n\x07\x00\x09ab", b"\x01n"])
def test_headers_that_lie_are_refused(headers: bytes):
    with pytest.raises(FrameBroken):
        frames(message(headers, b""))


def test_a_size_beyond_the_bound_is_not_waited_for():
    start = pack("!II", 1 << 30, 0)
    with pytest.raises(FrameBroken, match="impossible"):
        frames(start + pack("!I", crc32(start)))


def test_what_has_begun_and_not_ended_is_known():
    reader = FrameReader()
    assert not list(reader.feed(EVENT[:-1]))
    assert reader.is_inside
    assert len(list(reader.feed(EVENT[-1:]))) == 1
    assert not reader.is_inside
