"""What can be wrong with a message: nobody can tell what it wants, or what it wants is not valid."""

from collections.abc import Mapping
from typing import ClassVar, Final

from attrs import define

from usercore.kernel.errors import InvalidError

UNREADABLE: Final[Mapping[str, str]] = {
    "topic_unknown": "Nothing that is read here comes in this topic",
    "no_payload": "The message is empty",
    "too_large": "The message is larger than is read",
    "content_type_unsupported": "The message is not JSON in UTF-8, by its own words",
    "invalid_utf8": "The message is not UTF-8",
    "not_json": "The message is not JSON",
    "too_deep": "The message is nested too deep",
    "duplicate_key": "An object names a member twice",
    "number_out_of_range": "A number is too long to be read exactly",
    "text_not_storable": "A text has NUL or a lone surrogate in it",
    "header_invalid": "A header is not short text in UTF-8",
    "header_repeated": "A header that counts stands twice",
    "envelope_invalid": "An attribute of a CloudEvent is missing or malformed",
    "specversion_unknown": "The CloudEvent is of another version than 1.0",
    "type_unknown": "The topic does not carry messages of this type",
    "version_unknown": "The message is written in a version that is not read",
    "time_invalid": "The time is not as RFC 3339 says",
    "actor_invalid": "The actor is none that may act over Kafka",
    "signature_missing": "The topic's messages must be signed, and this one is not",
    "signature_invalid": "The signature is malformed, or does not fit the message",
    "signature_key_unknown": "The message is signed with a key that is not known here",
    "signature_expired": "The message is not of the time at which it was sent, or older than repetitions are noticed",
    "reply_to_invalid": "No topic can have the name that the answer is wanted in",
}
"""Why a message may be unreadable: stable codes, and what they say."""


class UnreadableMessageError(Exception):
    """The message cannot be understood at all, so that nobody can be answered.

    Args:
        code: stable word for the rule it breaks, one of :data:`UNREADABLE`.
        detail: what is wrong, without a value of the message.
    """

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(code)
        self.code = code
        self.detail = detail


@define(auto_exc=True, eq=False)
class PayloadInvalidError(InvalidError):
    """The payload breaks its schema; the paths of the violations are names on the wire."""

    code: ClassVar[str] = "payload_invalid"
    summary: ClassVar[str] = "The message does not satisfy its schema"


@define(auto_exc=True, eq=False)
class KeyMismatchError(PayloadInvalidError):
    """The record's key is another user's id than the one that the command names."""

    code: ClassVar[str] = "key_mismatch"
    summary: ClassVar[str] = "The record's key names another user than the command"
