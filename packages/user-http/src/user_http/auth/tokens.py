"""Bearer tokens: JSON Web Tokens, checked as RFC 8725 asks.

The algorithm comes from our list and from the key, never from the token alone; issuer, audience and expiry
must be there and right; a header that asks for anything we do not know is refused.
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from time import time
from typing import Any, Final

import jwt
from attrs import frozen

from user_http.auth.callers import Caller, Scope
from user_http.auth.keys import ALGORITHMS, VerificationKey
from user_http.auth.sources import KeyRing

TOKEN_MAX_CHARS: Final = 8192
KID_MAX_CHARS: Final = 256
SUBJECT_MAX_CHARS: Final = 255
"""Source: OpenID Connect Core 1.0, section 2, `sub`."""
LEEWAY_S: Final = 30
"""How far the issuer's clock may be off. Source: RFC 7519, 4.1.4: no more than a few minutes."""
REMEMBERED_MAX: Final = 10_000
TYPES: Final = frozenset({"jwt", "at+jwt", "application/at+jwt"})
"""Source: RFC 8725, 3.11; RFC 9068, 2.1. A token without a type is taken as well."""

_KNOWN_SCOPES: Final = {scope.value: scope for scope in Scope}
_REQUIRED: Final = ["exp", "iat", "iss", "aud", "sub"]


class TokenRefusedError(Exception):
    """The token proves nothing."""


@frozen
class _Remembered:
    caller: Caller
    expires_at: float


class TokenVerifier:
    """Checks tokens and remembers those it has checked, until they expire or the keys change.

    Args:
        ring: the issuer's keys.
        issuer: the `iss` to insist on.
        audience: the `aud` to insist on.
        clock: seconds since 1970.
    """

    def __init__(self, ring: KeyRing, issuer: str, audience: str, clock: Callable[[], float] = time) -> None:
        self._ring = ring
        self._issuer = issuer
        self._audience = audience
        self._clock = clock
        self._generation = ring.generation
        self._remembered: OrderedDict[str, _Remembered] = OrderedDict()

    async def verify(self, token: str) -> Caller:
        """Return whom a token stands for.

        Raises:
            TokenRefusedError: it proves nothing.
            UnavailableError: there are no keys to check it with.
        """
        keys = await self._ring.current()
        known = self.recall(token)
        if known is not None:
            return known
        kid, algorithm = _header(token)
        candidates = keys.fitting(kid, algorithm)
        if not candidates:
            await self._ring.refresh()
            candidates = self._ring.keys.fitting(kid, algorithm)
        for candidate in candidates:
            claims = self._claims(token, candidate, algorithm)
            if claims is not None:
                return self._remember(token, claims)
        raise TokenRefusedError

    def recall(self, token: str) -> Caller | None:
        """Return whom a token stands for that was verified before, or None where it has to be verified."""
        self._ring.renew()
        if self._generation != self._ring.generation:
            self._generation = self._ring.generation
            self._remembered.clear()
        known = self._remembered.get(token)
        if known is None:
            return None
        if known.expires_at <= self._clock():
            del self._remembered[token]
            return None
        return known.caller

    def _claims(self, token: str, key: VerificationKey, algorithm: str) -> Mapping[str, Any] | None:
        try:
            claims: Mapping[str, Any] = jwt.decode(
                token,
                key.key,
                algorithms=[algorithm],
                audience=self._audience,
                issuer=self._issuer,
                leeway=LEEWAY_S,
                options={"require": _REQUIRED, "verify_exp": False, "verify_iat": False, "verify_nbf": False},
            )
        except Exception:  # noqa: BLE001 -- whatever a hostile token provokes, it proves nothing
            return None
        return claims if self._is_current(claims) else None

    def _is_current(self, claims: Mapping[str, Any]) -> bool:
        """Check the times, which are numbers of seconds and no text that reads like one."""
        now = self._clock()
        times = [claims["exp"], claims["iat"], claims.get("nbf", 0)]
        if any(isinstance(at, bool) or not isinstance(at, int | float) for at in times):
            return False
        expires, issued, begins = map(float, times)
        # So written, NaN is refused as well.
        return now < expires + LEEWAY_S and issued <= now + LEEWAY_S and begins <= now + LEEWAY_S

    def _remember(self, token: str, claims: Mapping[str, Any]) -> Caller:
        who = (self._issuer, _subject(claims), _scopes(claims), _client(claims))
        caller = Caller(*who, signed_in_at=_signed_in_at(claims))
        self._remembered[token] = _Remembered(caller, claims["exp"] + LEEWAY_S)
        while len(self._remembered) > REMEMBERED_MAX:
            self._remembered.popitem(last=False)
        return caller


def _header(token: str) -> tuple[str | None, str]:
    """Return the key's name and the algorithm a token claims."""
    if len(token) > TOKEN_MAX_CHARS:
        raise TokenRefusedError
    try:
        header = jwt.get_unverified_header(token)
    except Exception as error:
        raise TokenRefusedError from error
    kid, algorithm, kind = header.get("kid"), header.get("alg"), header.get("typ")
    if not isinstance(algorithm, str) or algorithm not in ALGORITHMS or "crit" in header or "b64" in header:
        raise TokenRefusedError
    if kind is not None and not (isinstance(kind, str) and kind.lower() in TYPES):
        raise TokenRefusedError
    if kid is not None and not (isinstance(kid, str) and len(kid) <= KID_MAX_CHARS):
        raise TokenRefusedError
    return kid, algorithm


def _subject(claims: Mapping[str, Any]) -> str:
    subject = claims["sub"]
    if not isinstance(subject, str) or not 1 <= len(subject) <= SUBJECT_MAX_CHARS:
        raise TokenRefusedError
    if not (subject.isascii() and subject.isprintable()):
        raise TokenRefusedError
    return subject


def _client(claims: Mapping[str, Any]) -> str:
    """Return for whom the token was issued, or nothing. Source: OpenID Connect Core 1.0, 2, `azp`; RFC 9068, 2.2."""
    client = claims.get("azp", claims.get("client_id"))
    return client if isinstance(client, str) and client.isprintable() and len(client) <= SUBJECT_MAX_CHARS else ""


def _signed_in_at(claims: Mapping[str, Any]) -> datetime | None:
    """Return when the person signed in, which a token that was renewed since says apart.

    Source: OpenID Connect Core 1.0, section 2, `auth_time`.
    """
    at = claims.get("auth_time", claims["iat"])
    try:
        return None if isinstance(at, bool) else datetime.fromtimestamp(float(at), UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        return None


def _scopes(claims: Mapping[str, Any]) -> frozenset[Scope]:
    """Return the scopes that this service knows. Source: RFC 8693, 4.2: words parted by blanks."""
    raw = claims.get("scope", "")
    words = raw.split(" ") if isinstance(raw, str) else ()
    return frozenset(_KNOWN_SCOPES[word] for word in words if word in _KNOWN_SCOPES)
