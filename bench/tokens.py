"""Bearer tokens as the authentication service would give them, signed with a key made for one run."""

import secrets
import time
from pathlib import Path

import jwt
from attrs import field, frozen
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

_LIFETIME_S = 3600


@frozen
class TokenMaker:
    """Signs tokens.

    Args:
        key_file: the public key, as the service reads it.
    """

    key_file: Path
    _key: Ed25519PrivateKey = field(repr=False)

    @classmethod
    def make(cls, folder: Path) -> "TokenMaker":
        """Make a key and write its public half into the folder."""
        key = Ed25519PrivateKey.generate()
        public = key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        path = folder / "token-key.pem"
        path.write_bytes(public)
        return cls(path, key)

    def bearer(self) -> str:
        """Return a token of a service that reads and changes users, good for an hour. Its reads leave no record."""
        now = int(time.time())
        claims = {
            "iss": "user-service",
            "aud": "user-service",
            "sub": "bench",
            "iat": now,
            "nbf": now,
            "exp": now + _LIFETIME_S,
            "jti": secrets.token_hex(8),
            "scope": "users:read users:write",
        }
        return jwt.encode(claims, self._key, algorithm="EdDSA", headers={"typ": "at+jwt"})
