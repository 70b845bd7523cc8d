"""Keys that sign messages: Ed25519 (`EdDSA`) and P-256 (`ES256`), in PEM files or JSON Web Key sets.

A key has an id and an owner. A key set says them by the members `kid` and `owner`; a PEM file by lines before the key,
where RFC 7468, 5.2, lets text stand::

    kid: shop-2026
    owner: SERVICE:shop
    -----BEGIN PUBLIC KEY-----
"""

import json
import re
from base64 import urlsafe_b64decode
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from attrs import field, frozen
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
    EllipticCurvePublicNumbers,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from usercore.codec.messages.signatures import Signer, protected_header, signature_header, signing_input
from usercore.kernel.context import Actor, ActorKind
from usercore.messaging.values import RawMessage

PublicKey: TypeAlias = Ed25519PublicKey | EllipticCurvePublicKey
PrivateKey: TypeAlias = Ed25519PrivateKey | EllipticCurvePrivateKey

_COORDINATE_BYTES: Final = 32
"""Of each of the two numbers of an ES256 signature. Source: RFC 7518, 3.4."""
_PEM = re.compile(r"(.*?)(-----BEGIN ([A-Z ]+)-----.*?-----END \3-----)", re.DOTALL)
_LINE = re.compile(r"^\s*(kid|owner)\s*:\s*(\S+)\s*$", re.MULTILINE)
_WANTED: Final = "public keys of Ed25519 or P-256, each with a kid and an owner, in PEM or as a JSON Web Key set"


class SignerKeysError(ValueError):
    """What was given are no keys that messages can be signed or checked with."""


@frozen
class SignerKey:
    """A public key whose signatures are believed.

    Args:
        owner: who acts by what it has signed.
        key: the key itself.
    """

    owner: Actor
    key: PublicKey = field(repr=False)

    @property
    def algorithm(self) -> str:
        """The one algorithm that the key may be used for (RFC 8725, 3.1)."""
        return _algorithm(self.key)

    def verifies(self, signature: bytes, signed: bytes) -> bool:
        """Return whether the key has made a signature of these bytes."""
        try:
            if isinstance(self.key, Ed25519PublicKey):
                self.key.verify(signature, signed)
            elif len(signature) != 2 * _COORDINATE_BYTES:
                return False
            else:
                numbers = (_number(signature[:_COORDINATE_BYTES]), _number(signature[_COORDINATE_BYTES:]))
                self.key.verify(encode_dss_signature(*numbers), signed, ECDSA(SHA256()))
        except (InvalidSignature, ValueError):
            return False
        return True


@frozen
class SigningKey:
    """A private key that signs messages.

    Args:
        key_id: by which others know it.
        key: the key itself.
    """

    key_id: str
    key: PrivateKey = field(repr=False)

    def sign(self, raw: RawMessage) -> tuple[str, bytes]:
        """Return the header that signs a message; whatever else the message has must be in it by now."""
        protected = protected_header(_algorithm(self.key), self.key_id)
        signed = signing_input(protected, raw)
        if isinstance(self.key, Ed25519PrivateKey):
            return signature_header(protected, self.key.sign(signed))
        numbers = decode_dss_signature(self.key.sign(signed, ECDSA(SHA256())))
        return signature_header(protected, b"".join(one.to_bytes(_COORDINATE_BYTES) for one in numbers))


def read_signer_keys(text: str) -> Mapping[str, SignerKey]:
    """Return keys by their ids.

    Raises:
        SignerKeysError: they are none, one has no id or owner, or two have the same id.
    """
    listed = list(_of_jwks(text) if text.lstrip().startswith("{") else _of_pem(text))
    found = dict(listed)
    if not listed or len(found) != len(listed):
        raise SignerKeysError(f"give {_WANTED}; no two with the same kid")
    return found


def read_signing_key(text: str, key_id: str | None = None) -> SigningKey:
    """Return the private key of a PEM file.

    Args:
        text: the file's.
        key_id: by which others know the key; the line ``kid:`` of the file, if left out.

    Raises:
        SignerKeysError: there is none, or it has no id.
    """
    found = _PEM.search(text)
    named = key_id or (dict(_LINE.findall(found[1])).get("kid") if found else None)
    if found is None or "PRIVATE KEY" not in found[3]:
        raise SignerKeysError("give a private key of Ed25519 or P-256 in PEM, without a passphrase")
    if not named:
        raise SignerKeysError("say which key it is: by a line kid: before it, or by its id beside the file")
    try:
        key = load_pem_private_key(found[2].encode(), password=None)
    except (ValueError, TypeError):
        key = None
    if not isinstance(key, Ed25519PrivateKey | EllipticCurvePrivateKey):
        raise SignerKeysError("give a private key of Ed25519 or P-256 in PEM, without a passphrase")
    _algorithm(key)
    return SigningKey(named, key)


def _of_pem(text: str) -> Iterator[tuple[str, SignerKey]]:
    for said, block, label in _PEM.findall(text):
        if label != "PUBLIC KEY":
            raise SignerKeysError(f"give {_WANTED}")
        try:
            key: object = load_pem_public_key(block.encode())
        except ValueError:
            key = None
        yield _known(dict(_LINE.findall(said)), key)


def _of_jwks(text: str) -> Iterator[tuple[str, SignerKey]]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        document = {}
    listed = document.get("keys", [])
    for jwk in listed if isinstance(listed, list) else ():
        if not isinstance(jwk, dict) or "d" in jwk:
            raise SignerKeysError(f"give {_WANTED}")
        yield _known(jwk, _of_jwk(jwk))


def _of_jwk(jwk: Mapping[str, Any]) -> PublicKey | None:
    """Return a key of a set, or None where it is none of ours. Source: RFC 7518, 6.2; RFC 8037, 2."""
    try:
        match jwk:
            case {"kty": "OKP", "crv": "Ed25519", "x": str(x)}:
                return Ed25519PublicKey.from_public_bytes(_decoded(x))
            case {"kty": "EC", "crv": "P-256", "x": str(x), "y": str(y)}:
                return EllipticCurvePublicNumbers(_number(_decoded(x)), _number(_decoded(y)), SECP256R1()).public_key()
    except ValueError:
        return None
    return None


def _known(said: Mapping[str, Any], key: object) -> tuple[str, SignerKey]:
    """Return a key with its id, having checked that it is usable and whose it is."""
    kid, owner = said.get("kid"), said.get("owner")
    if not (isinstance(kid, str) and kid and isinstance(owner, str)):
        raise SignerKeysError(f"give {_WANTED}")
    if not isinstance(key, Ed25519PublicKey | EllipticCurvePublicKey) or said.get("use", "sig") != "sig":
        raise SignerKeysError(f"give {_WANTED}")
    if said.get("alg", _algorithm(key)) != _algorithm(key):
        raise SignerKeysError(f"give {_WANTED}")
    try:
        actor = Actor.parse(owner)
    except ValueError:
        actor = None
    if actor is None or not actor.id or actor.kind is ActorKind.SYSTEM:
        raise SignerKeysError("write an owner as SERVICE:, OPERATOR: or USER: and a name")
    return kid, SignerKey(actor, key)


def _algorithm(key: PublicKey | PrivateKey) -> str:
    """Return the algorithm of a key.

    Raises:
        SignerKeysError: it is on another curve.
    """
    if isinstance(key, Ed25519PublicKey | Ed25519PrivateKey):
        return "EdDSA"
    if not isinstance(key.curve, SECP256R1):
        raise SignerKeysError(f"give {_WANTED}")
    return "ES256"


def _decoded(encoded: str) -> bytes:
    return urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))


def _number(raw: bytes) -> int:
    return int.from_bytes(raw)


if TYPE_CHECKING:

    def _conform(key: SignerKey) -> None:
        _signer: Signer = key
