"""Signed notes are those of C2SP: others' tools check ours, and ours check theirs."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from usercore.adapters.crypto.signing import Ed25519Signer, Ed25519Verifier
from usercore.audit.errors import AuditKeyUnusableError
from usercore.audit.notes import Note, PublicKey, Signature

# Source: golang.org/x/mod/sumdb/note, the example of its documentation.
KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
NOTE = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
    "\n"
    "\u2014 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)


def test_the_reference_note_is_read_and_its_signature_holds() -> None:
    key, note = PublicKey.parse(KEY), Note.parse(NOTE)

    assert (str(key), key.id.hex()) == (KEY, "c74f20a3")
    assert str(note) == NOTE
    assert Ed25519Verifier([key]).is_signed(note)


def test_a_signature_of_nobody_known_counts_for_nothing() -> None:
    note = Note.parse(NOTE)
    other = Ed25519Signer.generate("PeterNeumann").key

    assert not Ed25519Verifier([]).is_signed(note)
    assert not Ed25519Verifier([other]).is_signed(note)
    assert not Ed25519Verifier([PublicKey("SomebodyElse", PublicKey.parse(KEY).raw)]).is_signed(note)


def test_a_false_signature_of_somebody_known_spoils_a_good_one() -> None:
    key, note = PublicKey.parse(KEY), Note.parse(NOTE)
    false = Signature("PeterNeumann", key.id, bytes(64))

    assert not Ed25519Verifier([key]).is_signed(Note(note.text, (*note.signatures, false)))
    assert not Ed25519Verifier([key]).is_signed(Note(note.text, ()))


async def test_what_is_signed_here_holds_after_it_was_written_and_read() -> None:
    signer, second = Ed25519Signer.generate("tests"), Ed25519Signer.generate("tests")
    note = Note.parse(str(await signer.sign("a line\nand another\n")))
    both = Note(note.text, (*note.signatures, *(await second.sign(note.text)).signatures))

    assert Ed25519Verifier.parse([str(signer.key), "", "# a comment"]).is_signed(note)
    assert Ed25519Verifier([second.key]).is_signed(both)
    assert not Ed25519Verifier([signer.key]).is_signed(Note("another line\n", note.signatures))
    assert "PRIVATE KEY" in signer.pem().decode()
    assert "PRIVATE" not in repr(signer)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "name",
        "name+c74f20a3",
        KEY.replace("c74f20a3", "c74f20a4"),
        KEY.replace("ARpc", "AhpC"),
        KEY.removesuffix("TW"),
        "na me" + KEY[12:],
        KEY + "+",
    ],
)
def test_a_line_that_is_no_key_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        PublicKey.parse(line)
    if line:
        with pytest.raises(AuditKeyUnusableError):
            Ed25519Verifier.parse([line])


@given(st.text(max_size=200))
def test_whatever_is_read_as_a_note_is_written_as_it_was(text: str) -> None:
    for candidate in (text, f"{text}\n\n\u2014 a {base64.b64encode(text.encode()[:20]).decode()}\n"):
        try:
            note = Note.parse(candidate)
        except ValueError:
            continue
        assert str(note) == candidate
