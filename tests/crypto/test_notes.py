import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from synthgate.crypto.notes import NoteError, Verifier, open_note, sign

# The key pair and note of golang.org/x/mod/sumdb/note's documentation.
NAME = "PeterNeumann"
VERIFIER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
SIGNED = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
    "\n"
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"  # noqa: E501
)
TEXT = "one\n\ntwo\n"
PRIVATE = bytes(range(32))
OURS = Verifier(
    "log.example/00001",
    Ed25519PrivateKey.from_private_bytes(PRIVATE).public_key().public_bytes_raw(),
)


def published() -> Verifier:
    import base64

    return Verifier(NAME, base64.b64decode(VERIFIER.split("+", 2)[2])[1:])


def test_a_published_note_opens() -> None:
    assert published().encoded() == VERIFIER
    assert open_note(SIGNED, published(), "here") == SIGNED.partition("\n\n")[0] + "\n"


@pytest.mark.parametrize("more", ["\x00\n", "more\n", "— ours\n", "— ours !\n"])
def test_what_is_no_signature_is_seen_behind_ours_too(more: str) -> None:
    with pytest.raises(NoteError, match=r"^here: a signature "):
        open_note(sign(TEXT, OURS.name, PRIVATE) + more, OURS, "here")


def test_what_is_signed_opens_beside_others_signatures() -> None:
    note = sign(TEXT, OURS.name, PRIVATE)
    assert open_note(note, OURS, "here") == TEXT
    witnessed = note + SIGNED.splitlines(keepends=True)[-1]
    assert open_note(witnessed, OURS, "here") == TEXT


@pytest.mark.parametrize(
    "damage",
    [
        lambda note: note.replace("one", "One"),
        lambda note: note.replace("log.example", "log.example2"),
        lambda note: note[:-1],
        lambda note: note[:-5] + "\n",
        lambda note: note.replace("— ", "- "),
        lambda note: note.replace("\n\n", "\n"),
        lambda note: note + "\n",
        lambda note: note.replace("— log.example/00001 ", "— log.example/00001 !"),
        lambda note: "",
    ],
)
def test_damage_is_refused(damage: object) -> None:
    note = sign(TEXT, OURS.name, PRIVATE)
    with pytest.raises(NoteError, match="here"):
        open_note(damage(note), OURS, "here")  # type: ignore[operator]


def test_every_flipped_bit_is_refused() -> None:
    raw = sign(TEXT, OURS.name, PRIVATE).encode()
    for place in range(len(raw)):
        for bit in (1 << n for n in range(8)):
            bad = bytearray(raw)
            bad[place] ^= bit
            try:
                note = bad.decode()
            except UnicodeDecodeError:
                continue
            with pytest.raises(NoteError):
                open_note(note, OURS, "here")


def test_another_key_of_the_same_name_is_another() -> None:
    note = sign(TEXT, OURS.name, b"z" * 32)
    with pytest.raises(NoteError, match="not signed by"):
        open_note(note, OURS, "here")


@pytest.mark.parametrize(
    ("text", "name"), [("no end", "a"), ("x\n", "a b"), ("x\n", "a+b"), ("x\n", "")]
)
def test_what_cannot_be_signed(text: str, name: str) -> None:
    with pytest.raises(NoteError):
        sign(text, name, PRIVATE)
