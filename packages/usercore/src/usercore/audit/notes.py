"""Signed notes: text, and under it who signed it with which key.

Source: the formats of C2SP, https://c2sp.org/signed-note: any tool for such notes checks ours.
"""

import base64
import binascii
from collections.abc import Iterator
from hashlib import sha256
from typing import Final

from attrs import frozen

KEY_BYTES: Final = 32
"""Source: RFC 8032, 5.1.5: an Ed25519 public key."""
_ED25519: Final = b"\x01"
_ID_BYTES: Final = 4
_DASH: Final = "\u2014 "
_MOST_SIGNATURES: Final = 100
"""Source: signed-note: how many are looked at."""


@frozen
class PublicKey:
    """An Ed25519 key that signatures are checked with, and the name of who holds its other half.

    Args:
        name: of the signer; without blanks and ``+``.
        raw: 32 bytes.
    """

    name: str
    raw: bytes

    def __attrs_post_init__(self) -> None:
        """Refuse what no signature could be checked with."""
        if not self.name or "+" in self.name or any(one.isspace() for one in self.name):
            message = "the name of a key has no blanks and no +"
            raise ValueError(message)
        if len(self.raw) != KEY_BYTES:
            message = "an Ed25519 public key has 32 bytes"
            raise ValueError(message)

    @property
    def id(self) -> bytes:
        """What tells this key from others of the same name: 4 bytes."""
        return sha256(self.name.encode() + b"\n" + _ED25519 + self.raw).digest()[:_ID_BYTES]

    def __str__(self) -> str:
        """Return the line by which a key is handed on: ``name+id+key``."""
        return f"{self.name}+{self.id.hex()}+{base64.b64encode(_ED25519 + self.raw).decode()}"

    @classmethod
    def parse(cls, line: str) -> "PublicKey":
        """Read what :meth:`__str__` wrote.

        Raises:
            ValueError: it is no such line, or of a key of another kind.
        """
        name, ident, encoded = [*line.split("+", 2), "", ""][:3]
        data = _decode(encoded)
        if data is None or data[:1] != _ED25519:
            message = "a key is written name+id+key, as userctl audit keygen writes it"
            raise ValueError(message)
        key = cls(name, data[1:])
        if key.id.hex() != ident:
            message = "the id does not belong to the key"
            raise ValueError(message)
        return key


@frozen
class Signature:
    """One signature under a note: who says so, with which key, and the bytes that prove it."""

    name: str
    key_id: bytes
    value: bytes


@frozen
class Note:
    """A text and the signatures under it.

    Args:
        text: what is signed, with the line break at its end.
        signatures: in their order.
    """

    text: str
    signatures: tuple[Signature, ...]

    def __str__(self) -> str:
        """Return the note as it is published."""
        return f"{self.text}\n" + "".join(map(_line, self.signatures))

    @classmethod
    def parse(cls, note: str) -> "Note":
        """Read what :meth:`__str__` wrote.

        Raises:
            ValueError: it is no signed note.
        """
        text, blank, lines = note.rpartition("\n\n")
        if not blank or not lines.endswith("\n"):
            message = "it is no signed note"
            raise ValueError(message)
        return cls(text + "\n", tuple(_signatures(lines.removesuffix("\n").split("\n"))))


def _line(one: Signature) -> str:
    return f"{_DASH}{one.name} {base64.b64encode(one.key_id + one.value).decode()}\n"


def _signatures(lines: list[str]) -> Iterator[Signature]:
    for line in lines[:_MOST_SIGNATURES]:
        name, _, encoded = line.removeprefix(_DASH).partition(" ")
        data = _decode(encoded)
        if not line.startswith(_DASH) or not name or data is None or len(data) <= _ID_BYTES:
            message = "a line under the note is no signature"
            raise ValueError(message)
        yield Signature(name, data[:_ID_BYTES], data[_ID_BYTES:])


def _decode(encoded: str) -> bytes | None:
    try:
        return base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        return None
