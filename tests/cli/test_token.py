"""`userctl token`: keys that only their owner reads, and tokens that those keys prove."""

import json
import stat
from pathlib import Path

import jwt
import pytest

from tests.cli.userctl import Userctl


@pytest.fixture
def keys(alone: Userctl) -> tuple[Path, Path]:
    """A private key and its JWKS."""
    private, public = alone.folder / "key.pem", alone.folder / "jwks.json"
    done = alone("token", "keygen", "--private", str(private), "--public", str(public))
    assert (done.code, done.err) == (0, "")
    return private, public


def test_a_token_is_proved_by_the_public_key_and_says_what_was_asked(alone: Userctl, keys: tuple[Path, Path]) -> None:
    private, public = keys
    mint = ("token", "--key-file", str(private), "--subject", "reports", "--lifetime", "2h")
    made = alone.json(*mint, "--scope", "users:read", "--scope", "audit:read", USER_SERVICE_TOKEN_ISSUER="tests")
    [jwk] = jwt.PyJWKSet.from_json(public.read_text(encoding="utf-8")).keys
    header = jwt.get_unverified_header(made["token"])
    assert header == {"alg": "EdDSA", "typ": "at+jwt", "kid": jwk.key_id}
    claims = jwt.decode(made["token"], jwk.key, algorithms=["EdDSA"], audience="user-service", issuer="tests")
    assert (claims["sub"], claims["scope"]) == ("reports", "users:read audit:read")
    assert claims["exp"] - claims["iat"] == 7200
    assert "d" not in json.loads(public.read_text(encoding="utf-8"))["keys"][0]


def test_a_private_key_is_its_owners_alone_and_never_replaced_unasked(alone: Userctl, keys: tuple[Path, Path]) -> None:
    private, public = keys
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    before = private.read_bytes()
    command = ("token", "keygen", "--private", str(private), "--public", str(public))
    refused = alone(*command)
    assert (refused.code, refused.error.split(":")[1]) == (64, " usage")
    assert private.read_bytes() == before
    assert alone(*command, "--force").code == 0
    assert private.read_bytes() != before


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (("--subject", "s", "--lifetime", "soon"), 64),
        (("--subject", "s", "--scope", "users:everything"), 64),
        (("--subject", " "), 64),
        ((), 64),
    ],
)
def test_a_token_for_nobody_or_nothing_is_refused(
    alone: Userctl, keys: tuple[Path, Path], options: tuple[str, ...], code: int
) -> None:
    done = alone("token", "--key-file", str(keys[0]), *options)
    assert (done.code, done.error.split(":")[1]) == (code, " usage")


def test_what_is_no_private_key_is_refused(alone: Userctl, keys: tuple[Path, Path]) -> None:
    done = alone("token", "--key-file", str(keys[1]), "--subject", "s")
    assert (done.code, done.error.split(":")[1]) == (65, " input_invalid")
    absent = alone("token", "--key-file", "absent.pem", "--subject", "s")
    assert (absent.code, absent.error.split(":")[1]) == (74, " file_unusable")
