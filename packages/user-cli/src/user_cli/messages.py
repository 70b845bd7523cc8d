"""Messages as an operator sends them: in which mode, with which headers, and whether the service would read them."""

import json
import uuid
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from attrs import field, frozen

from user_cli.failures import InputInvalidError, UsageError
from usercore.codec.messages import PayloadInvalidError, UnreadableMessageError, read_message
from usercore.codec.messages.contracts import Contract
from usercore.codec.messages.registry import RECEIVED
from usercore.codec.scalars import compact, timestamp
from usercore.kernel.context import Actor
from usercore.messaging.values import RawMessage

__all__ = ["Draft", "Mode", "Recipe", "contract_named", "example_of"]

SOURCE: Final = "/userctl"
_STRUCTURED: Final = "application/cloudevents+json"
_USER_FIELDS: Final = ("userId", "customerId", "id")


class Mode(StrEnum):
    """The three ways to write a message."""

    PLAIN = "plain"
    BINARY = "binary"
    STRUCTURED = "structured"


@frozen
class Draft:
    """A message that is ready to be sent."""

    topic: str
    key: bytes | None
    value: bytes = field(repr=False)
    headers: tuple[tuple[str, bytes], ...]
    correlation: bytes | None


@frozen
class Recipe:
    """How documents become messages.

    Args:
        contract: which message.
        mode: how it is written.
        actor: who sends it; a plain message does not say.
        key: of the records; the user's id where the payload names one, if left out.
        reply_to: the topic in which the answer to a query is wanted, with the deployment's prefix.
        limit_bytes: the largest message that the service reads; None checks nothing.
        ident: the id of the CloudEvents; a new one for each if left out.
        sign: makes the header that signs a message, where it is to be signed.
    """

    contract: Contract
    mode: Mode
    actor: Actor
    key: str | None
    reply_to: str | None
    limit_bytes: int | None
    ident: str | None = None
    sign: Callable[[RawMessage], tuple[str, bytes]] | None = None

    def draft(self, document: bytes, *, at: datetime) -> Draft:
        """Return the message for a document.

        Args:
            document: the payload.
            at: when it is sent: aware, UTC.

        Raises:
            InputInvalidError: the service would not take it.
        """
        ident = self.ident or str(uuid.uuid4())
        correlation = None if self.reply_to is None else uuid.uuid4().hex.encode()
        headers = tuple(self._headers(ident, at, correlation))
        value = self._structured(document, ident, at) if self.mode is Mode.STRUCTURED else document
        topic = str(self.contract.topic)
        key = None if self.key is None else self.key.encode()
        if self.limit_bytes is not None:
            raw = RawMessage(topic, 0, 0, round(at.timestamp() * 1000), key, value, headers)
            user_id = _checked(raw, self.limit_bytes)
            key = user_id.encode() if key is None and user_id is not None else key
        if self.sign is not None:
            headers = (*headers, self.sign(RawMessage(topic, 0, 0, 0, key, value, headers)))
        return Draft(topic, key, value, headers, correlation)

    def _attributes(self, ident: str, at: datetime) -> Mapping[str, str]:
        return {
            "specversion": "1.0",
            "id": ident,
            "source": SOURCE,
            "type": self.contract.name,
            "time": timestamp(at),
            "actor": str(self.actor),
        }

    def _headers(self, ident: str, at: datetime, correlation: bytes | None) -> Iterator[tuple[str, bytes]]:
        if self.mode is Mode.BINARY:
            for name, text in self._attributes(ident, at).items():
                yield f"ce_{name}", text.encode()
            yield "content-type", b"application/json"
        if self.mode is Mode.STRUCTURED:
            yield "content-type", _STRUCTURED.encode()
        if self.reply_to is not None and correlation is not None:
            yield "reply-to", self.reply_to.encode()
            yield "correlation-id", correlation

    def _structured(self, document: bytes, ident: str, at: datetime) -> bytes:
        # The payload stays byte for byte: a number read and written again may be another one.
        attributes = compact({**self._attributes(ident, at), "datacontenttype": "application/json"})
        return attributes.removesuffix(b"}") + b',"data":' + document + b"}"


def _checked(raw: RawMessage, limit_bytes: int) -> str | None:
    """Return the user that a message names, once it is clear that the service reads it.

    Raises:
        InputInvalidError: it does not.
    """
    try:
        message = read_message(raw, limit_bytes=limit_bytes)
        message.read()
    except UnreadableMessageError as error:
        raise InputInvalidError(f"the service would not read the message: {error.code}: {error.detail}") from None
    except PayloadInvalidError as error:
        detail = "the service would not take the message"
        raise InputInvalidError(detail, violations=error.violations) from None
    return message.user_id


def contract_named(name: str) -> Contract:
    """Return the message of that name, of those that the service receives.

    Raises:
        UsageError: there is none.
    """
    found = next((one for one in RECEIVED if one.name.lower() == name.lower()), None)
    if found is None:
        raise UsageError(f"--message is one of {', '.join(one.name for one in RECEIVED)}")
    return found


def example_of(contract: Contract, user: str | None) -> bytes:
    """Return the catalogue's example.

    Args:
        contract: of which message.
        user: whom it is about, in place of the example's user.

    Raises:
        UsageError: the message is not about a user.
    """
    example: dict[str, Any] = dict(contract.example)
    if user is not None:
        named = next((name for name in _USER_FIELDS if name in example), None)
        if named is None:
            raise UsageError(f"{contract.name} names no user: leave --user out")
        example[named] = user
    return json.dumps(example, ensure_ascii=False).encode()
