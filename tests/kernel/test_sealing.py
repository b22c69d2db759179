# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The cryptographic door does what the published vectors say, and opens nothing it should not."""

import hashlib
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codexos.kernel import sealing
from codexos.kernel.errors import Broken

KEY = bytes(range(32))


def unhex(text: str) -> bytes:
    return bytes.fromhex(text)


GCM_256 = [  # McGrew & Viega, "The Galois/Counter Mode of Operation", test cases 13, 14 and 16
    ("00" * 32, "00" * 12, "", "", "530f8afbc74536b9a963b4f1c4cb738b"),
    ("00" * 32, "00" * 12, "00" * 16, "", "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919"),
    (
        "feffe9928665731c6d6a8f9467308308" * 2,
        "cafebabefacedbaddecaf888",
        "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
        "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
        "feedfacedeadbeeffeedfacedeadbeefabaddad2",
        "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
        "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f66276fc6ece0f4e1768cddf8853bb2d551b",
    ),
]


@pytest.mark.parametrize(("key", "nonce", "plain", "associated", "sealed"), GCM_256)
def test_gcm_agrees_with_the_published_vectors(monkeypatch, key, nonce, plain, associated, sealed):
    monkeypatch.setattr(sealing, "token_bytes", lambda length: unhex(nonce))
    made = sealing.seal(unhex(key), unhex(plain), associated=unhex(associated))
    assert made == unhex(nonce + sealed)
    assert sealing.open_sealed(unhex(key), made, associated=unhex(associated)) == unhex(plain)


@pytest.mark.parametrize(
    ("secret", "salt", "info", "length", "expected"),
    [  # RFC 5869, appendices A.1 to A.3
        ("0b" * 22, bytes(range(13)).hex(), "f0f1f2f3f4f5f6f7f8f9", 42,
         "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"),
        (bytes(range(0x50)).hex(), bytes(range(0x60, 0xB0)).hex(), bytes(range(0xB0, 0x100)).hex(), 82,
         "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09"
         "da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87"),
        ("0b" * 22, "", "", 42,
         "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"),
    ],
)  # fmt: skip
def test_hkdf_agrees_with_rfc_5869(secret, salt, info, length, expected):
    made = sealing.hkdf_sha256(unhex(secret), salt=unhex(salt), info=unhex(info), length=length)
    assert made == unhex(expected)


RFC_4231 = [
    ("0b" * 20, b"Hi There".hex(), "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
    (b"Jefe".hex(), b"what do ya want for nothing?".hex(),
     "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
    ("aa" * 20, "dd" * 50, "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"),
    (bytes(range(1, 26)).hex(), "cd" * 50, "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"),
    ("aa" * 131, b"Test Using Larger Than Block-Size Key - Hash Key First".hex(),
     "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"),
]  # fmt: skip


@pytest.mark.parametrize(("key", "message", "expected"), RFC_4231)
def test_mac_and_the_pads_agree_with_rfc_4231(key, message, expected):
    inner, outer = sealing.hmac_pads(unhex(key))
    by_pads = hashlib.sha256(outer + hashlib.sha256(inner + unhex(message)).digest()).digest()
    assert sealing.mac(unhex(key), unhex(message)) == by_pads == unhex(expected)
    assert len(inner) == len(outer) == 64


RFC_8032 = [
    ("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
     "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"),
    ("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
     "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
     "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"),
]  # fmt: skip


@pytest.mark.parametrize(("seed", "public", "message", "signature"), RFC_8032)
def test_signatures_agree_with_rfc_8032(seed, public, message, signature):
    assert sealing.verifying_key(unhex(seed)) == unhex(public)
    assert sealing.sign(unhex(seed), unhex(message)) == unhex(signature)
    assert sealing.is_signed(unhex(public), unhex(message), signature=unhex(signature))
    assert not sealing.is_signed(unhex(public), unhex(message) + b"!", signature=unhex(signature))
    assert not sealing.is_signed(unhex(public), unhex(message), signature=bytes(64))
    assert not sealing.is_signed(unhex(public), unhex(message), signature=b"short")


def test_every_single_flipped_bit_breaks_the_seal():
    sealed = sealing.seal(KEY, b"the value", associated=b"here")
    for bit in range(len(sealed) * 8):
        tampered = bytearray(sealed)
        tampered[bit // 8] ^= 1 << bit % 8
        with pytest.raises(sealing.SealBroken):
            sealing.open_sealed(KEY, bytes(tampered), associated=b"here")


@given(cut=st.integers(0, 36), place=st.binary(max_size=8), key=st.binary(min_size=32, max_size=32))
def test_cut_moved_or_under_another_key_nothing_opens(cut, place, key):
    sealed = sealing.seal(KEY, b"the value", associated=b"here, exactly")
    for attempt in [(KEY, sealed[:cut], b"here, exactly"), (KEY, sealed, place), (key, sealed, b"here, exactly")]:
        if attempt[0] == KEY and attempt[1:] == (sealed, b"here, exactly"):
            continue
        with pytest.raises(sealing.SealBroken):
            sealing.open_sealed(attempt[0], attempt[1], associated=attempt[2])


def test_a_broken_seal_tells_neither_the_value_nor_the_key():
    sealed = sealing.seal(KEY, b"the value", associated=b"here")
    with pytest.raises(sealing.SealBroken) as raised:
        sealing.open_sealed(KEY, sealed, associated=b"there")
    assert isinstance(raised.value, Broken)
    assert raised.value.code == "seal_broken"
    assert "the value" not in str(raised.value)
    assert raised.value.__suppress_context__


@given(st.binary(max_size=300), st.binary(max_size=40))
def test_what_was_sealed_comes_back_and_never_looks_the_same_twice(plaintext, associated):
    first, second = (sealing.seal(KEY, plaintext, associated=associated) for _ in range(2))
    assert first != second
    assert first[:12] != second[:12]
    assert sealing.open_sealed(KEY, first, associated=associated) == plaintext


@given(st.lists(st.binary(max_size=6), max_size=4), st.lists(st.binary(max_size=6), max_size=4))
def test_different_parts_never_encode_to_the_same_string(left, right):
    assert (sealing.associate(*left) == sealing.associate(*right)) is (left == right)


def test_text_and_its_bytes_are_the_same_part():
    assert sealing.associate("Zürich", b"x") == sealing.associate("Zürich".encode(), "x")


def test_each_purpose_has_a_key_of_its_own():
    keys = [sealing.derive_key(KEY, purpose=purpose) for purpose in ("audit", "tenant-token", "vault")]
    assert len({*keys, KEY}) == 4
    assert keys[0] == sealing.derive_key(KEY, purpose="audit")
    assert len(sealing.derive_key(KEY, purpose="audit", length=64)) == 64


@pytest.mark.parametrize("length", [0, 16, 31, 33])
def test_keys_of_the_wrong_length_are_refused(length):
    key = bytes(length)
    for attempt in (
        lambda: sealing.seal(key, b"", associated=b""),
        lambda: sealing.open_sealed(key, bytes(40), associated=b""),
        lambda: sealing.sign(key, b""),
        lambda: sealing.is_signed(key, b"", signature=bytes(64)),
    ):
        with pytest.raises(sealing.KeyInvalid):
            attempt()


def test_a_short_master_derives_nothing():
    with pytest.raises(sealing.KeyInvalid, match="32 bytes, this one has 31"):
        sealing.derive_key(bytes(31), purpose="audit")


def test_new_keys_differ():
    keys = [sealing.new_key() for _ in range(50)]
    assert all(left != right for left, right in pairwise(keys))
    assert {len(key) for key in keys} == {32}


def test_comparing_secrets():
    assert sealing.is_same(b"same", b"same")
    assert not sealing.is_same(b"same", b"sama")
    assert not sealing.is_same(b"same", b"same2")
