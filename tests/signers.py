"""Keys that sign messages, and messages signed with them."""

import json
from base64 import urlsafe_b64encode
from datetime import datetime
from typing import Any

from attrs import evolve
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from usercore.adapters.crypto.signers import SigningKey
from usercore.codec.scalars import timestamp
from usercore.messaging.values import RawMessage

ED25519 = Ed25519PrivateKey.generate()
P256 = generate_private_key(SECP256R1())
STRANGER = Ed25519PrivateKey.generate()
OWNER = "SERVICE:shop"


def private_pem(key: Any = ED25519) -> str:
    """Give a private key as PEM."""
    return str(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode())


def public_pem(key: Any, kid: str, owner: str = OWNER) -> str:
    """Give the public half as PEM, with what must stand before it."""
    raw = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    return f"kid: {kid}\nowner: {owner}\n{raw}"


def jwk(key: Any, kid: str, owner: str = OWNER, **more: Any) -> dict[str, Any]:
    """Give the public half as a JSON Web Key."""
    if isinstance(key, EllipticCurvePrivateKey):
        numbers = key.public_key().public_numbers()
        shape = {"kty": "EC", "crv": "P-256", "x": _text(numbers.x.to_bytes(32)), "y": _text(numbers.y.to_bytes(32))}
    else:
        shape = {"kty": "OKP", "crv": "Ed25519", "x": _text(key.public_key().public_bytes_raw())}
    return {**shape, "kid": kid, "owner": owner, **more}


def jwks(*keys: dict[str, Any]) -> str:
    """Give a key set."""
    return json.dumps({"keys": keys})


def signed(raw: RawMessage, key: Any = ED25519, kid: str = "shop-1") -> RawMessage:
    """Give a message with a signature."""
    return evolve(raw, headers=(*raw.headers, SigningKey(kid, key).sign(raw)))


def command(at: datetime, **more: Any) -> RawMessage:
    """Give an UpdateUser in binary mode that its broker got as it was sent."""
    user = "0199d6a8-7a54-7bd5-9b3c-1c3f7c0a4a11"
    attributes = {"specversion": "1.0", "id": "c-1", "source": "/shop", "type": "UpdateUser", "time": timestamp(at)}
    headers = tuple((f"ce_{name}", text.encode()) for name, text in (attributes | more).items())
    value = json.dumps({"userId": user, "firstName": "Ada"}).encode()
    place = (0, 7, round(at.timestamp() * 1000))
    return RawMessage("update-user", *place, user.encode(), value, (*headers, ("content-type", b"application/json")))


def _text(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()
