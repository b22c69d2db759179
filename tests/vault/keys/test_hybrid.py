# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The hybrid wrap opens with both halves and in its place, and with anything else not at all."""

import hashlib

import pytest

from codexos.kernel import sealing
from codexos.kernel.sealing import SealBroken, new_key
from vault.crypto import hybrid
from vault.crypto.hybrid import HybridKeyring
from vault.crypto.keyring import Keyring
from vault.crypto.ports import WrappedKey
from vault.errors import MasterUnknown

MASTER, KEY, HERE = new_key(), new_key(), b"vault/organization-key of one"
XWING_SEED = bytes.fromhex("7f9c2ba4e88f827d616045507605853ed73b8093f6efbc88eb1a6eacfa66ef26")
XWING_PUBLIC = "e2236b35a8c24b39b10aa1323a96a919a2ced88400633a7b07131713fc14b2b5b19cfc3da5fa1a92c49f25513e0fd30d"
KEM, POINT, SEALED = 1088, 32, 12 + 32 + 16


@pytest.fixture
def ring() -> HybridKeyring:
    return HybridKeyring([MASTER])


def test_x25519_agrees_with_rfc_7748() -> None:
    bob = bytes.fromhex("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb")
    assert sealing.x25519_public(bob).hex() == "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f"
    alice = bytes.fromhex("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a")
    shared = "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742"
    assert sealing.x25519_shared(bob, alice).hex() == shared


def test_ml_kem_makes_the_key_that_the_first_vector_of_x_wing_begins_with() -> None:
    seed = hashlib.shake_256(XWING_SEED).digest(96)[:64]
    assert sealing.mlkem_public(seed).hex().startswith(XWING_PUBLIC)


def test_the_parts_are_as_long_as_they_say(ring: HybridKeyring) -> None:
    wrapped = ring.wrap(KEY, associated=HERE)
    assert len(wrapped.data) == KEM + POINT + SEALED
    assert wrapped.master == ring.master
    assert wrapped.master.startswith("hybrid:")
    assert ring.unwrap(wrapped, associated=HERE) == KEY


def test_two_wraps_share_no_part(ring: HybridKeyring) -> None:
    one, other = (ring.wrap(KEY, associated=HERE).data for _ in range(2))
    for part in (slice(0, KEM), slice(KEM, KEM + POINT), slice(KEM + POINT, KEM + POINT + 12), slice(-16, None)):
        assert one[part] != other[part]


def test_every_flipped_bit_is_refused(ring: HybridKeyring) -> None:
    data = ring.wrap(KEY, associated=HERE).data
    for place in (*range(0, KEM, 17), *range(KEM, len(data))):
        bent = bytearray(data)
        bent[place] ^= 1 << place % 8
        with pytest.raises(SealBroken):
            ring.unwrap(WrappedKey(ring.master, bytes(bent)), associated=HERE)


@pytest.mark.parametrize("length", [0, 1, KEM - 1, KEM, KEM + POINT - 1, KEM + POINT, KEM + POINT + SEALED - 1])
def test_a_cut_one_is_refused(ring: HybridKeyring, length: int) -> None:
    data = ring.wrap(KEY, associated=HERE).data
    with pytest.raises(SealBroken):
        ring.unwrap(WrappedKey(ring.master, data[:length]), associated=HERE)
    with pytest.raises(SealBroken):
        ring.unwrap(WrappedKey(ring.master, data + b"\0"), associated=HERE)


def test_another_place_is_refused(ring: HybridKeyring) -> None:
    with pytest.raises(SealBroken):
        ring.unwrap(ring.wrap(KEY, associated=HERE), associated=HERE + b"'s neighbor")


def test_the_half_of_another_wrap_is_refused(ring: HybridKeyring) -> None:
    one, other = (ring.wrap(KEY, associated=HERE).data for _ in range(2))
    for mixed in (other[:KEM] + one[KEM:], one[:KEM] + other[KEM : KEM + POINT] + one[KEM + POINT :]):
        with pytest.raises(SealBroken):
            ring.unwrap(WrappedKey(ring.master, mixed), associated=HERE)


@pytest.mark.parametrize("half", ["x25519", "mlkem"])
def test_one_right_half_is_not_enough(half: str) -> None:
    """Whoever has broken one of the two and knows its private key still stands before a closed door."""
    right, wrong = hybrid._Pair.of(MASTER), hybrid._Pair.of(new_key())
    broken = hybrid._Pair(
        right.name,
        right.x25519 if half == "x25519" else wrong.x25519,
        right.mlkem if half == "mlkem" else wrong.mlkem,
        right.x25519_public,
        right.mlkem_public,
    )
    data = right.close(KEY, associated=HERE)
    assert right.open(data, associated=HERE) == KEY
    with pytest.raises(SealBroken):
        broken.open(data, associated=HERE)


@pytest.mark.parametrize("point", [bytes(32), b"\1" + bytes(31)])
def test_a_point_that_gives_nothing_away_for_nothing_is_refused(ring: HybridKeyring, point: bytes) -> None:
    """Points of small order make the shared secret one that everybody knows."""
    data = ring.wrap(KEY, associated=HERE).data
    with pytest.raises(SealBroken):
        ring.unwrap(WrappedKey(ring.master, data[:KEM] + point + data[KEM + POINT :]), associated=HERE)


def test_a_ring_opens_plain_and_hybrid_under_every_key_it_was_given() -> None:
    older, newer = new_key(), new_key()
    before = [Keyring([older]).wrap(KEY, associated=HERE), HybridKeyring([older]).wrap(KEY, associated=HERE)]
    ring = HybridKeyring([newer, older])
    assert [ring.unwrap(wrapped, associated=HERE) for wrapped in before] == [KEY, KEY]
    assert ring.wrap(KEY, associated=HERE).master == HybridKeyring([newer]).master


def test_a_master_that_is_not_given_is_named() -> None:
    stranger = HybridKeyring([new_key()])
    for wrapped in (stranger.wrap(KEY, associated=HERE), Keyring([new_key()]).wrap(KEY, associated=HERE)):
        with pytest.raises(MasterUnknown, match=wrapped.master):
            HybridKeyring([MASTER]).unwrap(wrapped, associated=HERE)


def test_a_wrap_cannot_be_relabelled(ring: HybridKeyring) -> None:
    plain = Keyring([MASTER]).wrap(KEY, associated=HERE)
    mixed = ring.wrap(KEY, associated=HERE)
    for relabelled in (WrappedKey(ring.master, plain.data), WrappedKey(plain.master, mixed.data)):
        with pytest.raises(SealBroken):
            ring.unwrap(relabelled, associated=HERE)


def test_nothing_of_a_key_is_shown() -> None:
    pair = hybrid._Pair.of(MASTER)
    assert repr(pair.x25519) not in repr(pair)
    assert repr(pair.mlkem) not in repr(pair)
