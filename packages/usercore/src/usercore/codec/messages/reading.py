"""Read a record: what message it is, who sent it because of what, and what it asks for."""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from hashlib import sha256
from typing import Any, Final

from attrs import field, frozen

from usercore.codec.messages.contracts import Contract, major_of, version_said
from usercore.codec.messages.envelope import Envelope, open_envelope
from usercore.codec.messages.errors import KeyMismatchError, PayloadInvalidError, UnreadableMessageError
from usercore.codec.messages.headers import CORRELATION, read_headers, reply_topic
from usercore.codec.messages.numbers import read_number
from usercore.codec.messages.redaction import is_secret
from usercore.codec.messages.registry import BY_TOPIC
from usercore.codec.messages.requests import request_of
from usercore.codec.messages.values import MessageKind, Request
from usercore.codec.shapes import ShapeRefusedError, read_shape
from usercore.kernel.context import Actor, ActorKind, CommandContext
from usercore.kernel.errors import Violation
from usercore.kernel.ids import USER_ID_MAX_CHARS
from usercore.kernel.inbox import MessageId, Receipt
from usercore.messaging.values import RawMessage

UNKNOWN_SENDER: Final = Actor(ActorKind.SERVICE, "kafka")
"""Who acts where a message does not say."""
_USER_FIELDS: Final = ("userId", "customerId", "id")
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


@frozen
class ReceivedMessage:
    """A message that was understood; whether it is valid shows in :meth:`read`.

    Args:
        contract: what the catalogue says of it.
        version: in which it is written.
        receipt: what tells it apart from every other, and a digest of its content.
        user_id: whom its payload names, where it names one.
        time: when it happened, by its sender's clock; aware, UTC; None where it does not say.
        context: who asks, because of what.
        reply_to: where the answer to a query is wanted, where the query says.
        correlation: the header that the answer to a query repeats.
        payload: any JSON value, its numbers exact.
        key: of the record.
        plain: it was no CloudEvent, so that its id is where it stood.
    """

    contract: Contract = field(repr=False)
    version: str
    receipt: Receipt
    user_id: str | None
    time: datetime | None
    context: CommandContext
    reply_to: str | None
    correlation: bytes | None
    payload: Any = field(repr=False)
    key: bytes | None = field(repr=False)
    plain: bool = False

    @property
    def name(self) -> str:
        """Its name in the event catalogue."""
        return self.contract.name

    @property
    def kind(self) -> MessageKind:
        """What sort of message it is."""
        return self.contract.kind

    def read(self) -> Request:
        """Return what it asks for, or tells.

        Raises:
            PayloadInvalidError: the payload does not satisfy the message's schema.
            KeyMismatchError: the key names another user than the command.
        """
        payload = self.contract.chosen(self.contract.current(self.payload, major_of(self.version)))
        try:
            message = read_shape(payload, self.contract.shape, hook=read_number)
        except ShapeRefusedError as refused:
            found = tuple(Violation(one.path, one.code, one.detail) for one in refused.problems)
            raise PayloadInvalidError(violations=found) from None
        if violations := tuple(_choices(self.contract, payload)):
            raise PayloadInvalidError(violations=violations)
        request = request_of(message, self.receipt.message.id)
        self._check_key()
        return request

    def _check_key(self) -> None:
        if self.kind is not MessageKind.COMMAND or self.user_id is None or self.key is None:
            return
        key = self.key.decode("utf-8", "replace").lower()
        if _UUID.fullmatch(key) and key != self.user_id.lower():
            violation = Violation(("userId",), "key_mismatch", "send the command with the user's id as its key")
            raise KeyMismatchError(violations=(violation,))


def read_message(raw: RawMessage, *, limit_bytes: int) -> ReceivedMessage:
    """Return the message that a record carries.

    Args:
        raw: the record.
        limit_bytes: the largest value that is looked at.

    Raises:
        UnreadableMessageError: it cannot be understood at all.
    """
    contract = BY_TOPIC.get(raw.topic)
    if contract is None:
        raise UnreadableMessageError("topic_unknown", "no message that is read here comes in this topic")
    if raw.value is None:
        raise UnreadableMessageError("no_payload", "the message is empty")
    if len(raw.value) > limit_bytes:
        raise UnreadableMessageError("too_large", f"keep messages within {limit_bytes} bytes")
    headers = read_headers(raw)
    envelope = open_envelope(raw, raw.value, headers)
    version = version_said(contract, envelope.attributes.get("type"), envelope.attributes.get("dataschema"))
    receipt = Receipt(
        MessageId(raw.topic, envelope.source, envelope.id), _fingerprint(contract.name, version, envelope.payload)
    )
    return ReceivedMessage(
        contract=contract,
        version=version,
        receipt=receipt,
        user_id=_user_of(contract, envelope.payload),
        time=envelope.time,
        context=_context(envelope, receipt),
        reply_to=reply_topic(headers) if contract.kind is MessageKind.QUERY else None,
        correlation=headers.values.get(CORRELATION),
        payload=envelope.payload,
        key=raw.key,
        plain=envelope.plain,
    )


def _context(envelope: Envelope, receipt: Receipt) -> CommandContext:
    return CommandContext(
        actor=_actor(envelope),
        correlation_id=envelope.attributes.get("correlationid", envelope.id),
        causation_id=envelope.id,
        traceparent=envelope.traceparent,
        receipt=receipt,
    )


def _actor(envelope: Envelope) -> Actor:
    said = envelope.attributes.get("actor")
    if said is None:
        return UNKNOWN_SENDER if envelope.plain else Actor(ActorKind.SERVICE, envelope.source)
    try:
        actor = Actor.parse(said)
    except ValueError:
        actor = None
    if actor is None or not actor.id or actor.kind is ActorKind.SYSTEM:
        detail = "write the actor as USER:, SERVICE: or OPERATOR: and a name"
        raise UnreadableMessageError("actor_invalid", detail)
    return actor


def _user_of(contract: Contract, payload: Any) -> str | None:  # noqa: ANN401 -- any JSON value
    if not isinstance(payload, Mapping):
        return None
    known, given = contract.shape.__struct_encode_fields__, contract.chosen(payload)
    named = (given.get(name) for name in _USER_FIELDS if name in known)
    return next((one for one in named if isinstance(one, str) and 1 <= len(one) <= USER_ID_MAX_CHARS), None)


def _choices(contract: Contract, payload: Mapping[str, Any]) -> Iterator[Violation]:
    """Yield what is wrong with fields that stand for each other."""
    for names in contract.one_of:
        if sum(name in payload for name in names) != 1:
            yield Violation((), "exactly_one", f"give one of {', '.join(names)}")
    for names in contract.any_of:
        if not any(name in payload for name in names):
            yield Violation((names[0],), "required", "give a value")


def _fingerprint(name: str, version: str, payload: Any) -> bytes:  # noqa: ANN401 -- any JSON value
    """Return a digest of what a message says, however it is spelled.

    A password is left out: a digest of it, kept in a table, would let guesses be tried against it.
    """
    said = json.dumps(_without_secrets(payload), sort_keys=True, separators=(",", ":"), default=_exactly)
    return sha256(f"{name}\n{major_of(version)}\n{said}".encode()).digest()


def _exactly(number: Decimal) -> list[str]:
    return ["number", str(number)]


def _without_secrets(value: Any) -> Any:  # noqa: ANN401 -- any JSON value
    if isinstance(value, Mapping):
        return {name: None if is_secret(name) else _without_secrets(inner) for name, inner in value.items()}
    return [_without_secrets(item) for item in value] if isinstance(value, list) else value
