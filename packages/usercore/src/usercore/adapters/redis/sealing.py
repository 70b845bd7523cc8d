"""Profiles sealed, so that the cache's server learns nothing of them and can pass off none as another's.

A sealed profile is a header, a nonce, and the body under AES-256-GCM. The header (form, key id, version,
account state) and the user id are authenticated with it: a value found under another user's key, or with
another version written on it, does not open.
"""

import hashlib
import os
import struct
from collections.abc import Mapping
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from usercore.kernel.ids import UserId
from usercore.users.ports import ProfileDocument
from usercore.users.values import AccountState

_HEADER: Final = struct.Struct(">B4sQB")
_FORM: Final = 1
_NONCE_BYTES: Final = 12
"""Source: NIST SP 800-38D, 5.2.1.1, the recommended length."""
_FIXED_BYTES: Final = 6
"""Of the nonce: random, for this process. The rest counts (NIST SP 800-38D, 8.2.1, deterministic construction)."""
_BODY_AT: Final = _HEADER.size + _NONCE_BYTES

_STATE_BYTES: Final[Mapping[AccountState, int]] = {
    AccountState.ACTIVE: 1,
    AccountState.DEACTIVATED: 2,
    AccountState.MERGED: 3,
}
"""Never reuse a number. The erased are not cached."""
_STATES: Final = {number: state for state, number in _STATE_BYTES.items()}


class Sealer:
    """Seals and opens profiles with one key.

    To rotate the key, give the service another one: values under the old key count as misses and are
    replaced, and at most a minute later none is left.

    Args:
        key: 32 random bytes.
    """

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)
        self._key_id = hashlib.sha256(b"user-service cache key id" + key).digest()[:4]
        self._fixed = os.urandom(_FIXED_BYTES)
        self._sealed = 0

    def seal(self, document: ProfileDocument) -> bytes | None:
        """Return a document sealed, or None where documents of its account state are not cached."""
        state = _STATE_BYTES.get(document.state)
        if state is None:
            return None
        header = _HEADER.pack(_FORM, self._key_id, document.version, state)
        self._sealed += 1
        nonce = self._fixed + self._sealed.to_bytes(_NONCE_BYTES - _FIXED_BYTES, "big")
        return header + nonce + self._cipher.encrypt(nonce, document.body, header + id_bytes(document.user_id))

    def open(self, user_id: UserId, sealed: bytes) -> ProfileDocument | None:
        """Return what was sealed for this user, or None where that is not what this is."""
        if len(sealed) <= _BODY_AT:
            return None
        header = sealed[: _HEADER.size]
        form, key_id, version, state = _HEADER.unpack(header)
        if form != _FORM or key_id != self._key_id or state not in _STATES:
            return None
        nonce = sealed[_HEADER.size : _BODY_AT]
        try:
            body = self._cipher.decrypt(nonce, sealed[_BODY_AT:], header + id_bytes(user_id))
        except InvalidTag:
            return None
        return ProfileDocument(user_id, version, _STATES[state], body)


def id_bytes(user_id: UserId) -> bytes:
    """Return any text as bytes of its own, even such as no UTF-8 has: an id may come straight from a caller."""
    return user_id.encode("utf-8", "surrogatepass")
