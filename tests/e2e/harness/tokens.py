"""Bearer tokens as the AuthenticationService would issue them, and the public key that copies check them with."""

import time
import uuid
from pathlib import Path
from typing import Final

import jwt
from attrs import field, frozen
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

ISSUER: Final = "https://authentication.example"
AUDIENCE: Final = "user-service-e2e"
_LIFETIME_S: Final = 900


@frozen
class Signer:
    """Issues tokens.

    Args:
        key_file: the public key, in PEM.
    """

    key_file: Path
    _key: Ed25519PrivateKey = field(repr=False)

    @classmethod
    def create(cls, folder: Path) -> "Signer":
        """Make a new key, and write its public half into a folder."""
        key = Ed25519PrivateKey.generate()
        path = folder / "token-key.pem"
        path.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
        return cls(path, key)

    def token(self, *scopes: str, subject: str = "e2e-tests") -> str:
        """Return a token; without scopes it is that of a user who only touches their own profile."""
        now = int(time.time())
        claims: dict[str, object] = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": subject,
            "iat": now,
            "exp": now + _LIFETIME_S,
            "jti": str(uuid.uuid4()),
            "scope": " ".join(scopes),
        }
        return jwt.encode(claims, self._key, algorithm="EdDSA", headers={"typ": "at+jwt"})
