"""Signed messages: who sent a command is proved by a key, not said by a header.

The header `signature` holds a JSON Web Signature in compact form whose payload is left out (RFC 7515, appendix F), and
signed as it is (RFC 7797). What is signed is all that decides what a message means: topic, key, value, content type
and every attribute of the CloudEvent, so its id and time as well. So a signature fits one message of one topic; that
it comes twice is noticed by the inbox, as for every message.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

from attrs import evolve, field, frozen

from usercore.codec.messages.errors import UnreadableMessageError
from usercore.codec.messages.headers import TRACEPARENT, read_headers
from usercore.codec.messages.reading import ReceivedMessage
from usercore.codec.scalars import compact
from usercore.codec.strict_json import JsonRefusedError, read_json
from usercore.kernel.context import Actor
from usercore.messaging.dead_letters import ORIGINAL
from usercore.messaging.values import RawMessage

HEADER: Final = "signature"
HEADER_MAX_BYTES: Final = 4096
ALGORITHMS: Final = frozenset({"EdDSA", "ES256"})
"""What a message may be signed with. Source: RFC 8725, 3.1: an allow-list."""
WINDOW_S: Final = 300.0
"""How far the time of a message may be from when the broker got it."""

_DOMAIN: Final = b"user-service message 1"
"""Begins what is signed, so that the signature fits nothing else that the key may sign."""
_NOT_SIGNED: Final = frozenset({TRACEPARENT, "ce_traceparent", ORIGINAL, HEADER})
"""Tracing proxies change the first two; the third says where a dead letter stood that is sent once more."""
_MEMBERS: Final = frozenset({"alg", "kid", "b64", "crit"})
_PARTS: Final = 3


class Signer(Protocol):
    """Somebody whose signatures are believed."""

    @property
    def algorithm(self) -> str:
        """The one algorithm that the key may be used for."""
        ...

    @property
    def owner(self) -> Actor:
        """Who acts by what the key has signed."""
        ...

    def verifies(self, signature: bytes, signed: bytes) -> bool:
        """Return whether the key has made a signature of these bytes."""
        ...


@frozen
class SignedTopics:
    """Which messages must be signed, by whom, and how fresh they must be.

    Args:
        topics: those whose every message must be signed, without the deployment's prefix.
        signers: by the key's id.
        window_s: how far a message's time may be from when the broker got it.
        kept_s: how long the inbox remembers messages: what is older could be a repetition that nobody notices.
    """

    topics: frozenset[str] = frozenset()
    signers: Mapping[str, Signer] = field(factory=dict, repr=False)
    window_s: float = WINDOW_S
    kept_s: float = WINDOW_S

    def check(self, raw: RawMessage, message: ReceivedMessage, now: datetime) -> ReceivedMessage:
        """Return a message with its signer as the actor, where its topic asks for a signature; else as it is.

        Args:
            raw: the record.
            message: what was read in it.
            now: aware, UTC.

        Raises:
            UnreadableMessageError: `signature_missing`, `signature_invalid`, `signature_key_unknown` or
                `signature_expired`.
        """
        if raw.topic not in self.topics:
            return message
        protected, signature = _parts(_header(raw))
        stated = _protected(protected)
        signer = self.signers.get(stated["kid"])
        if signer is None:
            raise UnreadableMessageError("signature_key_unknown", "sign with a key that this service knows")
        if signer.algorithm != stated["alg"] or not signer.verifies(signature, signing_input(protected, raw)):
            raise _invalid("the signature does not fit the message, its topic, its key or its headers")
        self._check_time(raw, message, now)
        return evolve(message, context=evolve(message.context, actor=signer.owner))

    def _check_time(self, raw: RawMessage, message: ReceivedMessage, now: datetime) -> None:
        if message.time is None or message.plain:
            raise _invalid("sign a CloudEvent that has a time: an id and a time of its own stop repetitions")
        apart_s = abs(message.time.timestamp() - raw.timestamp_ms / 1000)
        if apart_s > self.window_s or now - message.time > timedelta(seconds=self.kept_s):
            raise UnreadableMessageError("signature_expired", f"send a message within {self.window_s:g} s of its time")


UNSIGNED: Final = SignedTopics()
"""Nothing need be signed."""


def protected_header(algorithm: str, key_id: str) -> bytes:
    """Return the header of a signature, encoded as it stands in it."""
    return _encoded(compact({"alg": algorithm, "kid": key_id, "b64": False, "crit": ["b64"]}))


def signing_input(protected: bytes, raw: RawMessage) -> bytes:
    """Return the bytes that are signed. Source: RFC 7797, section 3.

    Args:
        protected: the signature's header, encoded.
        raw: the message; where it stands counts for nothing but its topic.
    """
    return protected + b"." + b"".join(b"%d:%b" % (len(part), part) for part in _signed(raw))


def signature_header(protected: bytes, signature: bytes) -> tuple[str, bytes]:
    """Return the header that carries a signature, its payload left out."""
    return HEADER, protected + b".." + _encoded(signature)


def _signed(raw: RawMessage) -> Iterator[bytes]:
    """Yield everything that decides what a message means; each part goes in with its length before it."""
    yield _DOMAIN
    yield raw.topic.encode()
    yield b"" if raw.key is None else b"=" + raw.key
    named = sorted((name, value) for name, value in read_headers(raw).values.items() if name not in _NOT_SIGNED)
    yield b"%d" % len(named)
    for name, value in named:
        yield name.encode("utf-8", "surrogatepass")
        yield value
    yield raw.value or b""


def _header(raw: RawMessage) -> bytes:
    found = [value for name, value in raw.headers if name.lower() == HEADER]
    if not found:
        raise UnreadableMessageError("signature_missing", "messages of this topic must be signed")
    if len(found) > 1 or len(found[0]) > HEADER_MAX_BYTES:
        raise _invalid(f"give one signature, within {HEADER_MAX_BYTES} bytes")
    return found[0]


def _parts(header: bytes) -> tuple[bytes, bytes]:
    """Return the encoded header of a signature, and its value."""
    parts = header.split(b".")
    if len(parts) != _PARTS or parts[1]:
        raise _invalid("write a compact JSON Web Signature without its payload: header..signature")
    return parts[0], _decoded(parts[2])


def _protected(encoded: bytes) -> Mapping[str, Any]:
    """Return what the header of a signature states."""
    stated: dict[str, Any] | None
    try:
        stated = read_json(_decoded(encoded))
    except JsonRefusedError:
        stated = None
    if not isinstance(stated, dict) or stated.keys() != _MEMBERS or not _usable(stated):
        wanted = " or ".join(sorted(ALGORITHMS))
        raise _invalid(f'its header holds alg ({wanted}), kid, "b64": false and "crit": ["b64"], and nothing else')
    return stated


def _usable(stated: Mapping[str, Any]) -> bool:
    names = isinstance(stated["kid"], str) and isinstance(stated["alg"], str) and stated["alg"] in ALGORITHMS
    return names and stated["b64"] is False and stated["crit"] == ["b64"]


def _encoded(raw: bytes) -> bytes:
    return urlsafe_b64encode(raw).rstrip(b"=")


def _decoded(encoded: bytes) -> bytes:
    """Decode base64url without padding; of several spellings of the same bytes the shortest alone is taken."""
    try:
        raw = urlsafe_b64decode(encoded + b"=" * (-len(encoded) % 4))
    except (Base64Error, ValueError):
        raw = b""
    if _encoded(raw) != encoded:
        raise _invalid("write it in base64url without padding")
    return raw


def _invalid(detail: str) -> UnreadableMessageError:
    return UnreadableMessageError("signature_invalid", detail)
