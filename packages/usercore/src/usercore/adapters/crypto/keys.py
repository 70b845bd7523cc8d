"""Keys for AES-256-GCM.

A sealed text is a form byte, a nonce, and the ciphertext with its tag. The place where it stands (which table, whose
row, which version) is authenticated with it, so that what is moved elsewhere does not open.
"""

import hmac
import os
from collections.abc import Mapping
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from attrs import define, field, frozen
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from usercore.kernel.sealing import DataKey, MasterKeyMissingError, MasterKeys, SealBrokenError, WrappedKey

_KEY_BYTES: Final = 32
"""Source: FIPS 197, AES-256."""
_NONCE_BYTES: Final = 12
"""Source: NIST SP 800-38D, 5.2.1.1, the recommended length. Random nonces do for 2^32 texts a key (8.3)."""
_FORM: Final = b"\x01"
_TEXT_AT: Final = len(_FORM) + _NONCE_BYTES
_WRAPS: Final = b"user-service data key\x00"


@define(eq=False)
class AesDataKey:
    """A key that seals texts.

    Args:
        raw: 32 random bytes.
    """

    raw: bytes = field(repr=False)
    _cipher: AESGCM = field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        """Make the cipher."""
        self._cipher = AESGCM(self.raw)

    def seal(self, place: bytes, text: bytes) -> bytes:
        """Return a text sealed for the place where it will stand."""
        nonce = os.urandom(_NONCE_BYTES)
        return _FORM + nonce + self._cipher.encrypt(nonce, text, _FORM + place)

    def open(self, place: bytes, sealed: bytes) -> bytes:
        """Return the text that was sealed for a place."""
        if sealed[:1] != _FORM or len(sealed) < _TEXT_AT:
            raise SealBrokenError
        try:
            return self._cipher.decrypt(sealed[len(_FORM) : _TEXT_AT], sealed[_TEXT_AT:], _FORM + place)
        except InvalidTag:
            raise SealBrokenError from None

    def mac(self, text: bytes) -> bytes:
        """Return a text's HMAC-SHA256 under this key."""
        return hmac.digest(self.raw, text, sha256)


@frozen(eq=False)
class AesMasterKeys:
    """The master keys of a deployment, by version."""

    _keys: Mapping[int, AesDataKey] = field(repr=False)

    @classmethod
    def of(cls, raw: Mapping[int, bytes]) -> "AesMasterKeys":
        """Return the keys of some versions, one at least, each of 32 bytes."""
        return cls({version: AesDataKey(key) for version, key in raw.items()})

    @property
    def current(self) -> int:
        """The version that wraps what is new."""
        return max(self._keys)

    @property
    def versions(self) -> tuple[int, ...]:
        """Every version that is known, the oldest first."""
        return tuple(sorted(self._keys))

    def fresh(self) -> AesDataKey:
        """Return a new data key that nobody knows."""
        return AesDataKey(os.urandom(_KEY_BYTES))

    def wrap(self, owner: str, key: DataKey) -> WrappedKey:
        """Return a data key wrapped for its owner with the current master key.

        Raises:
            TypeError: the data key is of another make.
        """
        if not isinstance(key, AesDataKey):
            raise TypeError("only a key made here can be wrapped here")
        version = self.current
        return WrappedKey(version, self._keys[version].seal(_place(owner, version), key.raw))

    def unwrap(self, owner: str, wrapped: WrappedKey) -> AesDataKey:
        """Return the data key of an owner."""
        master = self._keys.get(wrapped.version)
        if master is None:
            detail = f"master key {wrapped.version} is missing; give the service every version that wraps stored keys"
            raise MasterKeyMissingError(detail, version=wrapped.version)
        return AesDataKey(master.open(_place(owner, wrapped.version), wrapped.sealed))


def _place(owner: str, version: int) -> bytes:
    return _WRAPS + version.to_bytes(4, "big") + owner.encode()


if TYPE_CHECKING:
    _data_key: DataKey = AesDataKey(b"")
    _master_keys: MasterKeys = AesMasterKeys({})
