# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""An envelope opens in its place, with its key, unaltered, and in no other case."""

from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codexos.kernel.sealing import SealBroken
from vault.crypto.envelope import (
    OrganizationKey,
    Place,
    about_organization_key,
    open_value,
    rewrap,
    seal_value,
)
from vault.crypto.keyring import Keyring
from vault.errors import MasterUnknown

ACME, OTHER = UUID(int=1), UUID(int=2)
KEY = OrganizationKey.fresh(ACME, version=1)
PLACE = Place(ACME, UUID(int=7), 3)
VALUE = b"sk-canary-5d1f"


@given(st.binary(max_size=5_000))
def test_what_was_sealed_comes_out(value: bytes) -> None:
    envelope = seal_value(KEY, value, place=PLACE)
    assert open_value(KEY, envelope, place=PLACE) == value
    assert len(envelope.sealed) == len(value) + 28
    assert len(envelope.wrapped_key) == 60


def test_the_same_value_never_looks_the_same() -> None:
    made = [seal_value(KEY, VALUE, place=PLACE) for _ in range(50)]
    assert len({envelope.sealed for envelope in made}) == len({envelope.wrapped_key for envelope in made}) == 50
    assert all(VALUE not in envelope.sealed + envelope.wrapped_key for envelope in made)


@pytest.mark.parametrize(
    "elsewhere",
    [
        replace(PLACE, organization=OTHER),
        replace(PLACE, secret=UUID(int=8)),
        replace(PLACE, version=4),
        # the same bytes cut in another place
        Place(PLACE.secret, PLACE.organization, 3),
    ],
)
def test_a_row_that_is_moved_relabelled_or_replayed_stays_shut(elsewhere: Place) -> None:
    envelope = seal_value(KEY, VALUE, place=PLACE)
    assert open_value(KEY, envelope, place=PLACE) == VALUE  # the row is good where it belongs
    with pytest.raises(SealBroken):
        open_value(replace(KEY, organization=elsewhere.organization), envelope, place=elsewhere)


def test_halves_of_two_envelopes_do_not_fit() -> None:
    one, two = seal_value(KEY, b"one", place=PLACE), seal_value(KEY, b"two", place=PLACE)
    for mixed in (replace(one, sealed=two.sealed), replace(one, wrapped_key=two.wrapped_key)):
        with pytest.raises(SealBroken):
            open_value(KEY, mixed, place=PLACE)


def test_no_bit_can_be_turned_and_no_byte_left_out() -> None:
    envelope = seal_value(KEY, VALUE, place=PLACE)
    for name in ("sealed", "wrapped_key"):
        whole: bytes = getattr(envelope, name)
        turned = [
            whole[:at] + bytes([whole[at] ^ 1 << bit]) + whole[at + 1 :] for at in range(len(whole)) for bit in range(8)
        ]
        cut = [whole[:length] for length in range(len(whole))]
        for altered in [*turned, *cut, whole + b"\0"]:
            with pytest.raises(SealBroken):
                open_value(KEY, replace(envelope, **{name: altered}), place=PLACE)


def test_another_key_opens_nothing_even_under_the_same_number() -> None:
    envelope = seal_value(KEY, VALUE, place=PLACE)
    for key in (OrganizationKey.fresh(ACME, version=1), replace(KEY, version=2)):
        with pytest.raises(SealBroken):
            open_value(key, envelope, place=PLACE)


def test_rewrapping_changes_the_data_keys_cover_alone() -> None:
    new = OrganizationKey.fresh(ACME, version=2)
    before = seal_value(KEY, VALUE, place=PLACE)
    after = rewrap(KEY, new, before, place=PLACE)
    assert after.sealed == before.sealed
    assert (after.key_version, len(after.wrapped_key)) == (2, 60)
    assert open_value(new, after, place=PLACE) == VALUE
    with pytest.raises(SealBroken):
        open_value(KEY, after, place=PLACE)
    with pytest.raises(SealBroken):
        rewrap(KEY, new, after, place=PLACE)  # a second time from the old key: refused, not doubled


def test_without_the_organizations_key_nothing_opens() -> None:
    envelope = seal_value(KEY, VALUE, place=PLACE)
    ring = Keyring([b"m" * 32])
    wrapped = ring.wrap(KEY.key, associated=about_organization_key(ACME, 1))
    opened = ring.unwrap(wrapped, associated=about_organization_key(ACME, 1))
    assert open_value(OrganizationKey(ACME, 1, opened), envelope, place=PLACE) == VALUE
    # the master alone is no help once the wrapped key is shredded: the key was never made from it
    for guess in (ring.unwrap(ring.wrap(bytes(32), associated=b""), associated=b""), b"m" * 32):
        with pytest.raises(SealBroken):
            open_value(OrganizationKey(ACME, 1, guess), envelope, place=PLACE)


def test_a_wrapped_key_opens_for_its_organization_and_number_alone() -> None:
    ring = Keyring([b"m" * 32])
    wrapped = ring.wrap(KEY.key, associated=about_organization_key(ACME, 1))
    for about in (about_organization_key(OTHER, 1), about_organization_key(ACME, 2), b""):
        with pytest.raises(SealBroken):
            ring.unwrap(wrapped, associated=about)


def test_a_ring_closes_with_the_first_master_and_opens_with_any() -> None:
    old, new = Keyring([b"o" * 32]), Keyring([b"n" * 32, b"o" * 32])
    wrapped = old.wrap(KEY.key, associated=b"a")
    assert new.unwrap(wrapped, associated=b"a") == KEY.key
    moved = new.wrap(KEY.key, associated=b"a")
    assert moved.master == new.master != old.master
    assert Keyring([b"n" * 32]).unwrap(moved, associated=b"a") == KEY.key
    with pytest.raises(MasterUnknown, match=new.master):
        old.unwrap(moved, associated=b"a")


def test_keys_do_not_show_in_what_is_printed() -> None:
    assert KEY.key.hex() not in repr(KEY)
    assert repr(KEY.key) not in repr(KEY)
    assert b"m" * 32 not in Keyring([b"m" * 32]).master.encode()
