# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""A file of secrets opens whole, with its own key, as it was written; or not at all."""

import io
import struct
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codexos.kernel.sealing import new_key
from vault.crypto import bundle
from vault.crypto.bundle import MAGIC, BundleHeader, read_bundle, read_header, write_bundle
from vault.errors import BundleBroken

KEY = new_key()
RECORDS = st.lists(st.binary(max_size=200), max_size=12)


def header_for(records: list[bytes], organization: str = "acme") -> BundleHeader:
    return BundleHeader.fresh(organization, count=len(records), made_at="2026-01-01T00:00:00+00:00")


def written(records: list[bytes], key: bytes = KEY, header: BundleHeader | None = None) -> bytes:
    return b"".join(write_bundle(key, header or header_for(records), records))


def read(file: bytes, key: bytes = KEY) -> list[bytes]:
    return list(read_bundle(key, io.BytesIO(file).read))


def pieces_of(file: bytes) -> tuple[bytes, list[bytes]]:
    """The head of a file, and its sealed records with their lengths."""
    start = len(MAGIC) + 4 + struct.unpack(">I", file[len(MAGIC) : len(MAGIC) + 4])[0]
    at, pieces = start, []
    while at < len(file):
        end = at + 4 + struct.unpack(">I", file[at : at + 4])[0]
        pieces.append(file[at:end])
        at = end
    return file[:start], pieces


@given(RECORDS)
def test_what_is_written_is_read(records: list[bytes]) -> None:
    file = written(records)
    assert read(file) == records
    assert read_header(io.BytesIO(file).read).count == len(records)


@given(RECORDS, st.data())
def test_no_byte_may_be_another(records: list[bytes], data: st.DataObject) -> None:
    file = bytearray(written(records))
    file[data.draw(st.integers(0, len(file) - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises(BundleBroken):
        read(bytes(file))


@given(RECORDS, st.data())
def test_a_file_that_was_cut_off_anywhere_is_noticed(records: list[bytes], data: st.DataObject) -> None:
    file = written(records)
    with pytest.raises(BundleBroken):
        read(file[: data.draw(st.integers(0, len(file) - 1))])


@given(st.lists(st.binary(min_size=1, max_size=20), min_size=2, max_size=8), st.data())
def test_records_in_another_order_left_out_or_twice_are_noticed(records: list[bytes], data: st.DataObject) -> None:
    head, pieces = pieces_of(written(records))
    order = data.draw(st.lists(st.integers(0, len(pieces) - 1), max_size=len(pieces) + 2))
    if order == list(range(len(pieces))):
        order = order[::-1]
    with pytest.raises(BundleBroken):
        read(head + b"".join(pieces[number] for number in order))


@given(st.lists(st.binary(min_size=1, max_size=20), min_size=1, max_size=6), st.data())
def test_a_record_of_another_file_under_the_same_key_is_noticed(records: list[bytes], data: st.DataObject) -> None:
    head, pieces = pieces_of(written(records))
    _, others = pieces_of(written(records))
    at = data.draw(st.integers(0, len(pieces) - 1))
    with pytest.raises(BundleBroken):
        read(head + b"".join([*pieces[:at], others[at], *pieces[at + 1 :]]))


def test_a_header_that_says_something_else_is_noticed() -> None:
    records = [b"one", b"two"]
    header = header_for(records)
    _, pieces = pieces_of(written(records, header=header))
    for other in (replace(header, organization="mine"), replace(header, count=1), replace(header, made_at="x")):
        head, _ = pieces_of(written(records[: other.count], header=other))
        with pytest.raises(BundleBroken):
            read(head + b"".join(pieces))


def test_another_key_and_something_behind_the_end_are_noticed() -> None:
    file = written([b"one"])
    with pytest.raises(BundleBroken, match="another key"):
        read(file, new_key())
    for more in (b"x", file):
        with pytest.raises(BundleBroken, match="behind its end"):
            read(file + more)
    for other in (b"", b"PK\x03\x04 something else entirely", MAGIC + b"\xff\xff\xff\xff"):
        with pytest.raises(BundleBroken):
            read(other)


def test_a_later_version_is_named() -> None:
    with pytest.raises(BundleBroken, match="version 2; this CodexOS reads version 1"):
        read(written([], header=replace(header_for([]), version=2)))


def test_what_could_not_be_read_is_not_written(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BundleBroken, match="was to have 3 records and has 1"):
        list(write_bundle(KEY, replace(header_for([]), count=3), [b"x"]))
    monkeypatch.setattr(bundle, "MOST_RECORD_BYTES", 10)
    with pytest.raises(BundleBroken, match="record 1 is too long"):
        written([b"x" * 11])


def test_nothing_of_a_value_stands_in_the_file() -> None:
    file = written([b"canary-9ce1"])
    assert b"canary" not in file
    assert b"acme" in file
