"""Signing keys and the tokens signed with them: for development, and for machines that operators trust."""

import base64
import hashlib
import json
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import jwt
from attrs import frozen
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from user_cli.failures import InputInvalidError
from user_cli.inputs import read_bytes

__all__ = ["ALL_SCOPES", "Audience", "new_signing_key", "public_jwks", "read_signing_key", "sign_token"]

ALL_SCOPES: Final = ("users:read", "users:write", "users:admin", "privacy:manage", "audit:read")
_ALGORITHM: Final = "EdDSA"


@frozen
class Audience:
    """Who says it, and to whom: the `iss` and `aud` of a token."""

    issuer: str
    audience: str


def new_signing_key() -> bytes:
    """Return a new Ed25519 private key as PEM (PKCS #8, not encrypted)."""
    return Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def read_signing_key(path: Path) -> Ed25519PrivateKey:
    """Return the key in a PEM file.

    Raises:
        FileUnusableError: it cannot be read.
        InputInvalidError: it holds no Ed25519 private key, or an encrypted one.
    """
    try:
        key = load_pem_private_key(read_bytes(str(path)), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise InputInvalidError(f"the file {path} holds no Ed25519 private key in PEM (userctl token keygen makes one)")
    return key


def _public_jwk(key: Ed25519PrivateKey) -> dict[str, str]:
    public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return {"crv": "Ed25519", "kty": "OKP", "x": _base64url(public)}


def _key_id(key: Ed25519PrivateKey) -> str:
    """Return the key's thumbprint. Source: RFC 7638, 3, with the members that RFC 8037, 2, requires."""
    canonical = json.dumps(_public_jwk(key), sort_keys=True, separators=(",", ":"))
    return _base64url(hashlib.sha256(canonical.encode()).digest())


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def public_jwks(key: Ed25519PrivateKey) -> bytes:
    """Return the JWKS with which the key's tokens are checked. Source: RFC 7517, 5; RFC 8037, 2."""
    jwk = {**_public_jwk(key), "alg": _ALGORITHM, "use": "sig", "kid": _key_id(key)}
    return json.dumps({"keys": [jwk]}, indent=2).encode() + b"\n"


def sign_token(
    key: Ed25519PrivateKey,
    between: Audience,
    *,
    subject: str,
    scopes: Sequence[str],
    now: datetime,
    lifetime: timedelta,
) -> str:
    """Return a bearer token: a JWT with the claims of RFC 9068.

    Args:
        key: signs it.
        between: issuer and audience.
        subject: a user's id, or the name of the machine or person that calls.
        scopes: what the caller may do; none for a user who only touches their own profile.
        now: aware, UTC; the token is valid from then on.
        lifetime: and for so long.
    """
    claims: Mapping[str, object] = {
        "iss": between.issuer,
        "aud": between.audience,
        "sub": subject,
        "iat": int(now.timestamp()),
        "nbf": int(now.timestamp()),
        "exp": int((now + lifetime).timestamp()),
        "jti": str(uuid.uuid4()),
        "scope": " ".join(scopes),
    }
    headers = {"typ": "at+jwt", "kid": _key_id(key)}
    return jwt.encode(dict(claims), key, algorithm=_ALGORITHM, headers=headers)
