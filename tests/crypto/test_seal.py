import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from synthgate.crypto.seal import OVERHEAD_BYTES, SealError, seal, unseal

PRIVATE = bytes(range(1, 33))
PUBLIC = X25519PrivateKey.from_private_bytes(PRIVATE).public_key().public_bytes_raw()


@given(st.binary(max_size=200), st.binary(max_size=20))
def test_opens_with_key_and_context(plaintext: bytes, aad: bytes) -> None:
    box = seal(PUBLIC, plaintext, aad)
    assert unseal(PRIVATE, box, aad) == plaintext
    assert len(box) == len(plaintext) + OVERHEAD_BYTES


@given(st.integers(min_value=0), st.integers(0, 7))
def test_any_bit_flip_is_found(place: int, bit: int) -> None:
    box = bytearray(seal(PUBLIC, b"quarantined", b"origin"))
    box[place % len(box)] ^= 1 << bit
    with pytest.raises(SealError):
        unseal(PRIVATE, bytes(box), b"origin")


@given(st.integers(min_value=0))
def test_any_cut_is_found(length: int) -> None:
    box = seal(PUBLIC, b"quarantined", b"origin")
    with pytest.raises(SealError):
        unseal(PRIVATE, box[: length % len(box)], b"origin")


def test_wrong_key_or_context() -> None:
    box = seal(PUBLIC, b"quarantined", b"origin")
    with pytest.raises(SealError):
        unseal(bytes(range(2, 34)), box, b"origin")
    with pytest.raises(SealError):
        unseal(PRIVATE, box, b"another origin")


def test_two_boxes_of_one_text_share_nothing() -> None:
    one, two = seal(PUBLIC, b"same", b""), seal(PUBLIC, b"same", b"")
    assert one[5:37] != two[5:37]
    assert one[37:] != two[37:]


@pytest.mark.parametrize("public", [b"", b"\x01" * 31, bytes(32)])
def test_bad_public_key(public: bytes) -> None:
    with pytest.raises(SealError):
        seal(public, b"x", b"")


def test_bad_private_key_and_small_order_point() -> None:
    with pytest.raises(SealError):
        unseal(b"short", seal(PUBLIC, b"x", b""), b"")
    box = bytearray(seal(PUBLIC, b"x", b""))
    box[5:37] = bytes(32)
    with pytest.raises(SealError):
        unseal(PRIVATE, bytes(box), b"")
