"""Public keys that tokens are checked with, and the algorithms each may be used for."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias, TypeGuard

from attrs import field, frozen
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from jwt import PyJWK
from jwt.exceptions import PyJWTError

PublicKey: TypeAlias = RSAPublicKey | EllipticCurvePublicKey | Ed25519PublicKey

RSA_MIN_BITS: Final = 2048
"""Source: RFC 7518, 3.3 and 3.5."""
KEYS_MAX: Final = 100
"""A key set of an issuer has a handful; more is a mistake or an attack."""


class KeysUnusableError(ValueError):
    """What was given is no set of public keys that tokens can be checked with."""


@frozen
class VerificationKey:
    """One public key.

    Args:
        kid: its name, or None.
        algorithms: what it may verify; nothing else, whatever a token says (RFC 8725, 3.1).
        key: the key itself.
    """

    kid: str | None
    algorithms: frozenset[str]
    key: PublicKey = field(repr=False)


@frozen
class KeySet:
    """The keys of one issuer at one time."""

    keys: tuple[VerificationKey, ...] = ()

    def fitting(self, kid: str | None, algorithm: str) -> Sequence[VerificationKey]:
        """Return the keys that may have signed a token of this header.

        A token that names a key is checked with that key alone; one that names none with each key of
        the algorithm.
        """
        fit = (one for one in self.keys if algorithm in one.algorithms)
        return [one for one in fit if kid is None or one.kid is None or one.kid == kid]


def read_keys(text: str) -> KeySet:
    """Read keys from a PEM file (one or several public keys) or a JWKS document.

    Raises:
        KeysUnusableError: there is no usable key in it.
    """
    stripped = text.strip()
    keys = _of_jwks(stripped) if stripped.startswith("{") else _of_pem(stripped)
    if not keys:
        raise KeysUnusableError("no public key of a kind that signs tokens (RSA, EC P-256, Ed25519)")
    return KeySet(keys)


def _of_pem(text: str) -> tuple[VerificationKey, ...]:
    if "PRIVATE KEY" in text:
        raise KeysUnusableError("a private key; give the public one alone")
    end = "-----END PUBLIC KEY-----"
    blocks = [block + end for block in text.split(end)[:-1]]
    try:
        loaded = [load_pem_public_key(block.strip().encode()) for block in blocks[:KEYS_MAX]]
    except ValueError as error:
        raise KeysUnusableError("no PEM public key") from error
    return tuple(VerificationKey(None, _algorithms(key), key) for key in loaded if _is_usable(key))


def _of_jwks(text: str) -> tuple[VerificationKey, ...]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise KeysUnusableError("no JWKS document") from error
    listed = document.get("keys", [document] if "kty" in document else None)
    if not isinstance(listed, list):
        raise KeysUnusableError("no JWKS document")
    found = (_of_jwk(one) for one in listed[:KEYS_MAX] if isinstance(one, dict))
    return tuple(key for key in found if key is not None)


def _of_jwk(jwk: Mapping[str, Any]) -> VerificationKey | None:
    """Return one key of a set, or None where it is not meant for verifying tokens."""
    kid = jwk.get("kid")
    if jwk.get("use", "sig") != "sig" or jwk.get("kty") not in {"RSA", "EC", "OKP"} or "d" in jwk:
        return None
    if kid is not None and not isinstance(kid, str):
        return None
    try:
        key = PyJWK.from_dict(dict(jwk)).key
    except (PyJWTError, ValueError, TypeError, KeyError):
        return None
    if not _is_usable(key):
        return None
    named = jwk.get("alg")
    algorithms = _algorithms(key) if named is None else _algorithms(key) & {named}
    return VerificationKey(kid, algorithms, key) if algorithms else None


def _is_usable(key: object) -> TypeGuard[PublicKey]:
    match key:
        case RSAPublicKey():
            return key.key_size >= RSA_MIN_BITS
        case EllipticCurvePublicKey():
            return isinstance(key.curve, SECP256R1)
        case _:
            return isinstance(key, Ed25519PublicKey)


def _algorithms(key: object) -> frozenset[str]:
    match key:
        case RSAPublicKey():
            return frozenset({"RS256", "PS256"})
        case EllipticCurvePublicKey():
            return frozenset({"ES256"})
        case _:
            return frozenset({"EdDSA"})


ALGORITHMS: Final = frozenset({"RS256", "PS256", "ES256", "EdDSA"})
"""What a token may be signed with. Source: RFC 8725, 3.1 and 3.2: an allow-list of asymmetric ones."""
