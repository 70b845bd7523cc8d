"""Bearer tokens: what proves nothing is refused, however it is made."""

import base64
import hashlib
import hmac
import json
import time
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from attrs import define, field
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from tests.http.api import Api, serving
from tests.http.problems import problem_of
from tests.http.tokens import KEY, claims, public_pem, token
from user_http.auth.keys import KeySet, KeysUnusableError, read_keys
from user_http.auth.sources import REFRESH_AFTER_S, REFRESH_GAP_S, JwksUrl, KeyRing
from user_http.auth.tokens import REMEMBERED_MAX, TOKEN_MAX_CHARS, TokenRefusedError, TokenVerifier
from usercore.kernel.errors import UnavailableError

NOW = int(time.time())
OTHER = Ed25519PrivateKey.generate()


def part(value: object) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def signed(header: dict[str, Any], payload: Any = None, key: Any = KEY) -> str:
    """Sign anything with a key, without a library's second thoughts."""
    content = f"{part(header)}.{part(claims() if payload is None else payload)}"
    return f"{content}.{part(key.sign(content.encode()))}"


def with_public_key_as_secret() -> str:
    content = f"{part({'alg': 'HS256', 'typ': 'JWT'})}.{part(claims())}"
    return f"{content}.{part(hmac.digest(public_pem().encode(), content.encode(), hashlib.sha256))}"


GOOD_HEADER = {"alg": "EdDSA", "typ": "JWT"}
ATTACKS: dict[str, str] = {
    "no algorithm": f"{part({'alg': 'none', 'typ': 'JWT'})}.{part(claims())}.",
    "no algorithm in capitals": f"{part({'alg': 'NONE'})}.{part(claims())}.",
    "no algorithm but a signature": signed({"alg": "none"}),
    "the public key as an HMAC secret": with_public_key_as_secret(),
    "another key": signed(GOOD_HEADER, key=OTHER),
    "another key in the header": signed(
        GOOD_HEADER | {"jwk": json.loads(OKPAlgorithm.to_jwk(OTHER.public_key()))}, key=OTHER
    ),
    "a key's URL in the header": signed(GOOD_HEADER | {"jku": "http://evil.example/jwks"}, key=OTHER),
    "a certificate in the header": signed(GOOD_HEADER | {"x5c": ["AAAA"]}, key=OTHER),
    "an algorithm of another key": signed({"alg": "RS256"}),
    "an algorithm we do not take": signed({"alg": "ES384"}),
    "an algorithm that is no text": signed({"alg": ["EdDSA"]}),
    "no algorithm member": signed({"typ": "JWT"}),
    "a type of another use": signed({"alg": "EdDSA", "typ": "logout+jwt"}),
    "a type that is no text": signed({"alg": "EdDSA", "typ": 1}),
    "a critical extension": signed(GOOD_HEADER | {"crit": ["exp"]}),
    "an unencoded payload": signed(GOOD_HEADER | {"b64": False, "crit": ["b64"]}),
    "a key's name that is a path": signed(GOOD_HEADER | {"kid": "../../etc/passwd"}, key=OTHER),
    "a key's name that is SQL": signed(GOOD_HEADER | {"kid": "' OR 1=1 --"}, key=OTHER),
    "a key's name that is a list": signed(GOOD_HEADER | {"kid": ["a"]}),
    "a key's name that is long": signed(GOOD_HEADER | {"kid": "k" * 300}),
    "another issuer": token(iss="https://evil.example"),
    "no issuer": token(iss=None),
    "another audience": token(aud="billing"),
    "no audience": token(aud=None),
    "an empty audience": token(aud=[]),
    "expired": token(exp=NOW - 3600),
    "no expiry": token(exp=None),
    "an expiry that is text": signed(GOOD_HEADER, claims(exp=str(NOW + 600))),
    "an expiry that is true": signed(GOOD_HEADER, claims(exp=True)),
    "an expiry that is infinite": signed(GOOD_HEADER, claims(exp=float("inf"))) + "x",
    "an expiry that is not a number": signed(GOOD_HEADER, claims(exp=float("nan"))),
    "not valid yet": token(nbf=NOW + 3600),
    "a beginning that is text": signed(GOOD_HEADER, claims(nbf="soon")),
    "issued in the future": token(iat=NOW + 3600),
    "no time of issue": token(iat=None),
    "no subject": signed(GOOD_HEADER, claims(sub=None)),
    "an empty subject": token(sub=""),
    "a subject that is a number": signed(GOOD_HEADER, claims(sub=7)),
    "a subject with a line break": token(sub="a\r\nx: y"),
    "a subject that is long": token(sub="s" * 256),
    "a payload that is a list": signed(GOOD_HEADER, [1]),
    "a payload that is no JSON": signed(GOOD_HEADER, b"\xff\xfe"),
    "a payload of 5,000 lists": signed(GOOD_HEADER, b"[" * 5000),
    "a header of 5,000 lists": f"{part(b'[' * 5000)}.{part(claims())}.AAAA",
    "a huge token": "a" * (TOKEN_MAX_CHARS + 1),
    "a huge token in parts": signed(GOOD_HEADER, claims(more="x" * TOKEN_MAX_CHARS)),
    "a changed signature": token()[:-6] + "AAAAAA",
    "a cut off signature": token().rpartition(".")[0] + ".",
    "one part": "abc",
    "five parts": "a.b.c.d.e",
    "an encrypted token": f"{part({'alg': 'dir', 'enc': 'A256GCM'})}..a.b.c",
    "characters outside ASCII": "\xe9.\xe9.\xe9",
    "blanks inside": token().replace(".", ". "),
}


@pytest.mark.parametrize("attack", ATTACKS)
async def test_a_token_that_proves_nothing_is_refused(api: Api, attack: str) -> None:
    user = await api.create()
    headers = {"authorization": f"Bearer {ATTACKS[attack]}".encode("latin-1")}
    for _ in range(2):  # the second time nothing must have been remembered
        response = await api.client.get(f"/v1/users/{user['id']}", headers=headers)  # type: ignore[arg-type]
        problem_of(response, 401, "token_invalid")
        assert response.headers["www-authenticate"] == 'Bearer realm="user-service", error="invalid_token"'


@pytest.mark.parametrize(
    "good",
    [
        signed({"alg": "EdDSA"}),
        signed({"alg": "EdDSA", "typ": "at+jwt"}),
        signed({"alg": "EdDSA", "typ": "application/at+jwt", "kid": "any"}),
        token(aud=["billing", "user-service"]),
        token(nbf=NOW - 60),
        token(exp=NOW + 0.5 + 600),
        token(iat=NOW + 20),
    ],
)
async def test_a_good_token_is_taken_however_it_is_written(api: Api, good: str) -> None:
    response = await api.client.get("/v1/users", headers={"authorization": f"BEARER  {good}"})
    assert response.status_code == 200, response.text


PAIRS: dict[str, tuple[Any, Any]] = {
    "RS256": (rsa.generate_private_key(65537, 2048), RSAAlgorithm),
    "PS256": (rsa.generate_private_key(65537, 2048), RSAAlgorithm),
    "ES256": (ec.generate_private_key(ec.SECP256R1()), ECAlgorithm),
    "EdDSA": (Ed25519PrivateKey.generate(), OKPAlgorithm),
}


@define
class Shelf:
    """A source of keys that a test changes."""

    keys: KeySet = field(factory=KeySet)
    fetches: int = 0
    broken: bool = False

    async def fetch(self) -> KeySet:
        self.fetches += 1
        if self.broken:
            raise OSError
        return self.keys


@define
class Hands:
    """A clock that a test sets."""

    at: float = 1000.0

    def __call__(self) -> float:
        return self.at


def jwks(**named: str) -> str:
    """Give a key set of public keys by name and algorithm."""
    keys = []
    for kid, algorithm in named.items():
        private, kind = PAIRS[algorithm]
        jwk = json.loads(kind.to_jwk(private.public_key()))
        keys.append(jwk | {"kid": kid, "use": "sig", "alg": algorithm})
    return json.dumps({"keys": keys})


def token_of(algorithm: str, kid: str | None = None, **more: Any) -> str:
    headers = {} if kid is None else {"kid": kid}
    return jwt.encode(claims(**more), PAIRS[algorithm][0], algorithm=algorithm, headers=headers)


@pytest.mark.parametrize("algorithm", PAIRS)
@pytest.mark.parametrize("kid", ["k", None])
async def test_each_algorithm_verifies_with_its_key(tmp_path: Path, algorithm: str, kid: str | None) -> None:
    keys = read_keys(jwks(k=algorithm))
    async with serving(tmp_path, keys=Shelf(keys)) as api:
        headers = {"authorization": f"Bearer {token_of(algorithm, kid)}"}
        assert (await api.client.get("/v1/users", headers=headers)).status_code == 200


async def test_a_key_verifies_nothing_but_its_algorithm() -> None:
    verifier = TokenVerifier(KeyRing(Shelf(read_keys(jwks(k="PS256")))), "user-service", "user-service")
    with pytest.raises(TokenRefusedError):
        await verifier.verify(jwt.encode(claims(), PAIRS["PS256"][0], algorithm="RS256"))


async def test_a_new_key_is_fetched_when_a_token_names_it_but_not_at_every_token() -> None:
    shelf, hands = Shelf(read_keys(jwks(old="ES256"))), Hands()
    verifier = TokenVerifier(KeyRing(shelf, hands), "user-service", "user-service")
    await verifier.verify(token_of("ES256", "old"))
    shelf.keys = read_keys(jwks(old="ES256", new="EdDSA"))
    with pytest.raises(TokenRefusedError):
        await verifier.verify(token_of("EdDSA", "new"))
    assert shelf.fetches == 1
    hands.at += REFRESH_GAP_S
    caller = await verifier.verify(token_of("EdDSA", "new"))
    assert (caller.subject, shelf.fetches) == ("shop", 2)
    for number in range(20):
        with pytest.raises(TokenRefusedError):
            await verifier.verify(token_of("EdDSA", f"unknown-{number}"))
    assert shelf.fetches == 2


async def test_a_withdrawn_key_takes_its_tokens_along() -> None:
    shelf, hands = Shelf(read_keys(jwks(a="ES256", b="EdDSA"))), Hands()
    ring = KeyRing(shelf, hands)
    verifier = TokenVerifier(ring, "user-service", "user-service")
    leaked = token_of("ES256", "a")
    await verifier.verify(leaked)
    shelf.keys = read_keys(jwks(b="EdDSA"))
    hands.at += REFRESH_AFTER_S + 1
    await ring.current()
    await ring.refresh()  # waits for the refresh that has begun
    with pytest.raises(TokenRefusedError):
        await verifier.verify(leaked)


async def test_without_keys_nobody_can_tell_and_the_old_ones_stay() -> None:
    shelf, hands = Shelf(broken=True), Hands()
    verifier = TokenVerifier(KeyRing(shelf, hands), "user-service", "user-service")
    with pytest.raises(UnavailableError):
        await verifier.verify(token_of("ES256", "a"))
    shelf.broken, shelf.keys = False, read_keys(jwks(a="ES256"))
    hands.at += REFRESH_GAP_S
    await verifier.verify(token_of("ES256", "a"))
    shelf.broken = True
    hands.at += REFRESH_GAP_S
    with pytest.raises(TokenRefusedError):
        await verifier.verify(token_of("EdDSA", "unknown"))
    await verifier.verify(token_of("ES256", "a", sub="another"))


async def test_a_remembered_token_expires_and_the_memory_is_bounded() -> None:
    now = time.time()
    hands = Hands(now)
    verifier = TokenVerifier(KeyRing(Shelf(read_keys(public_pem()))), "user-service", "user-service", hands)
    short = token(exp=int(now) + 60)
    await verifier.verify(short)
    assert len(verifier._remembered) == 1
    hands.at = now + 60 + 31
    with pytest.raises(TokenRefusedError):
        await verifier.verify(short)
    assert len(verifier._remembered) == 0
    hands.at = now
    for number in range(REMEMBERED_MAX + 5):
        verifier._remember(f"token-{number}", claims())
    assert len(verifier._remembered) == REMEMBERED_MAX


async def test_keys_come_over_http_whole_or_not_at_all(tmp_path: Path) -> None:
    served = {
        "/jwks": httpx.Response(200, text=jwks(a="ES256")),
        "/moved": httpx.Response(302, headers={"location": "/jwks"}),
        "/gone": httpx.Response(500),
        "/huge": httpx.Response(200, text=" " * 300_000),
        "/html": httpx.Response(200, text="<html>"),
    }

    def source(path: str) -> JwksUrl:
        transport = httpx.MockTransport(lambda request: served[request.url.path])
        return JwksUrl(f"http://issuer{path}", lambda: httpx.AsyncClient(transport=transport))

    assert len((await source("/jwks").fetch()).keys) == 1
    for path in ("/moved", "/gone"):
        with pytest.raises(httpx.HTTPStatusError):
            await source(path).fetch()
    for path in ("/huge", "/html"):
        with pytest.raises(KeysUnusableError):
            await source(path).fetch()


WEAK = rsa.generate_private_key(65537, 1024)  # noqa: S505 -- too short on purpose
WRONG_CURVE = ec.generate_private_key(ec.SECP384R1())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nonsense",
        "{}",
        '{"keys": 7}',
        '{"keys": []}',
        '{"keys": [{"kty": "oct", "k": "AAAA"}]}',
        '{"keys": [{"kty": "RSA"}]}',
        json.dumps({"keys": [json.loads(OKPAlgorithm.to_jwk(KEY))]}),
        json.dumps({"keys": [json.loads(OKPAlgorithm.to_jwk(KEY.public_key())) | {"use": "enc"}]}),
        json.dumps({"keys": [json.loads(OKPAlgorithm.to_jwk(KEY.public_key())) | {"alg": "HS256"}]}),
        public_pem(WEAK),
        public_pem(WRONG_CURVE),
        "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----",
        "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----",
    ],
)
def test_what_is_no_set_of_public_keys_is_refused(text: str) -> None:
    with pytest.raises(KeysUnusableError):
        read_keys(text)


def test_a_pem_file_may_hold_several_keys() -> None:
    assert len(read_keys(public_pem() + public_pem(OTHER)).keys) == 2
