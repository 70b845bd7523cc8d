"""Files of keys that sign messages, and of those whose signatures are believed."""

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP384R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key as rsa_key

from tests.signers import ED25519, P256, jwk, jwks, private_pem, public_pem
from usercore.adapters.crypto.signers import SignerKeysError, read_signer_keys, read_signing_key
from usercore.kernel.context import Actor, ActorKind

P384 = generate_private_key(SECP384R1())
RSA = rsa_key(public_exponent=65537, key_size=2048)


@pytest.mark.parametrize(
    "text",
    [
        jwks(jwk(ED25519, "a"), jwk(P256, "b", "OPERATOR:ada", use="sig", alg="ES256")),
        public_pem(ED25519, "a") + "\n" + public_pem(P256, "b", "OPERATOR:ada"),
    ],
)
def test_keys_are_read_with_their_ids_and_owners(text: str) -> None:
    keys = read_signer_keys(text)
    assert {kid: (key.owner, key.algorithm) for kid, key in keys.items()} == {
        "a": (Actor(ActorKind.SERVICE, "shop"), "EdDSA"),
        "b": (Actor(ActorKind.OPERATOR, "ada"), "ES256"),
    }


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "{",
        '{"keys": {}}',
        '{"keys": [1]}',
        jwks(),
        jwks(jwk(ED25519, "")),
        jwks(jwk(ED25519, "a", "shop")),
        jwks(jwk(ED25519, "a", "SYSTEM:user-service")),
        jwks(jwk(ED25519, "a", "SERVICE:")),
        jwks(jwk(ED25519, "a"), jwk(P256, "a")),
        jwks(jwk(ED25519, "a", alg="ES256")),
        jwks(jwk(ED25519, "a", use="enc")),
        jwks(jwk(ED25519, "a", d="secret")),
        jwks(jwk(P256, "a", x="AA")),
        jwks({"kty": "oct", "k": "AA", "kid": "a", "owner": "SERVICE:shop"}),
        public_pem(P384, "a"),
        public_pem(RSA, "a"),
        public_pem(ED25519, "a").replace("kid: a", ""),
        public_pem(ED25519, "a").replace("owner:", "belongs to"),
        "kid: a\nowner: SERVICE:shop\n" + private_pem(),
        public_pem(ED25519, "a") + private_pem(),
        public_pem(ED25519, "a").replace("MCow", "AAAA"),
    ],
)
def test_a_file_that_says_less_than_is_needed_is_refused_whole(text: str) -> None:
    with pytest.raises(SignerKeysError) as refused:
        read_signer_keys(text)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("key", [ED25519, P256])
def test_a_private_key_is_known_by_the_id_given_or_by_that_in_its_file(key: Any) -> None:
    text = private_pem(key)
    assert read_signing_key(text, "given").key_id == "given"
    assert read_signing_key(f"kid: held\n{text}").key_id == "held"
    assert read_signing_key(f"kid: held\n{text}", "given").key_id == "given"
    assert "PRIVATE" not in repr(read_signing_key(text, "given"))


@pytest.mark.parametrize("text", ["", private_pem(), private_pem(P384), private_pem(RSA), public_pem(ED25519, "a")])
def test_what_cannot_sign_is_refused(text: str) -> None:
    with pytest.raises(SignerKeysError):
        read_signing_key(text, None if text == private_pem() else "a")


def test_a_key_verifies_nothing_but_signatures_of_its_own_length() -> None:
    keys = read_signer_keys(jwks(jwk(ED25519, "a"), jwk(P256, "b")))
    for key in keys.values():
        for signature in (b"", bytes(63), bytes(64), bytes(65), b"\xff" * 64):
            assert not key.verifies(signature, b"signed")


def test_a_key_set_may_hold_members_that_nobody_reads() -> None:
    text = json.dumps({"keys": [jwk(ED25519, "a", key_ops=["verify"])], "more": 1})
    assert set(read_signer_keys(text)) == {"a"}
