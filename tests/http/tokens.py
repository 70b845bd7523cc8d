"""Signing keys and tokens, as the AuthenticationService would have them."""

import time
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

ISSUER = "user-service"
AUDIENCE = "user-service"
KEY = Ed25519PrivateKey.generate()
EVERYTHING = "users:read users:write users:admin privacy:manage audit:read"


def public_pem(key: Any = KEY) -> str:
    """Give the public half of a key as PEM."""
    return str(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode())


def key_file(folder: Path) -> Path:
    """Write the public key into a folder and give its path."""
    path = folder / "token-keys.pem"
    path.write_text(public_pem(), encoding="utf-8")
    return path


def claims(**more: Any) -> dict[str, Any]:
    """Give the claims of a good token; a None takes one away."""
    now = int(time.time())
    good = {"iss": ISSUER, "aud": AUDIENCE, "sub": "shop", "iat": now, "exp": now + 600, "scope": EVERYTHING}
    return {name: value for name, value in (good | more).items() if value is not None}


def token(scope: str = "users:read users:write", sub: str = "shop", **more: Any) -> str:
    """Give a good token."""
    return jwt.encode(claims(scope=scope, sub=sub, **more), KEY, algorithm="EdDSA")


def bearer(scope: str = "users:read users:write", sub: str = "shop") -> dict[str, str]:
    """Give the header of a good token."""
    return {"authorization": f"Bearer {token(scope, sub)}"}
