"""Positions as callers see them: opaque words that they give back."""

import base64
import binascii
from typing import Final

from usercore.kernel.consistency import Position

_FORM: Final = b"\x01"
"""What the first byte says: that a position of PostgreSQL's write-ahead log follows."""
_POSITION_BYTES: Final = 8
_TOKEN_CHARS: Final = 12


def write_token(position: Position) -> str:
    """Return a position as a word of letters, digits, ``-`` and ``_``."""
    return base64.urlsafe_b64encode(_FORM + position.to_bytes(_POSITION_BYTES)).decode()


def read_token(token: str) -> Position | None:
    """Return the position in a word; None where it is none that this version of the service has written."""
    if len(token) != _TOKEN_CHARS:
        return None
    try:
        raw = base64.b64decode(token, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    return int.from_bytes(raw[1:]) if raw[:1] == _FORM else None
