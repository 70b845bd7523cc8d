"""What stands in the headers of messages, as schemas."""

from typing import Any, Final

from usercore.codec.messages.contracts import Contract
from usercore.codec.messages.headers import CONTENT_TYPE, CORRELATION, REPLY_TO, TEXT_MAX_CHARS, TRACEPARENT
from usercore.codec.messages.schemas import Schema, schema_id
from usercore.codec.messages.signatures import HEADER, HEADER_MAX_BYTES
from usercore.codec.messages.values import MessageKind

_TEXT: Final = {"type": "string", "minLength": 1, "maxLength": TEXT_MAX_CHARS}
_TIME: Final = {"type": "string", "format": "date-time"}
_TRACE: Final = {
    "type": "string",
    "pattern": "^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$",
    "description": "W3C Trace Context.",
}
_SPEC: Final = {"type": "string", "const": "1.0", "description": "CloudEvents 1.0."}
_ACTOR: Final = {
    "type": "string",
    "pattern": "^(USER|SERVICE|OPERATOR|SYSTEM):.+$",
    "description": "Who acts, as `KIND:name`.",
}

_SIGNATURE: Final = {
    "type": "string",
    "pattern": r"^[A-Za-z0-9_-]+\.\.[A-Za-z0-9_-]+$",
    "maxLength": HEADER_MAX_BYTES,
    "description": "A detached JSON Web Signature (RFC 7515, RFC 7797) over topic, key, headers, value. Needed where "
    "the deployment says so; the owner of its key is then who acts. See docs/signed-commands.md.",
}


def received_headers(contract: Contract) -> Schema:
    """Return the headers of a message that we read; plain JSON needs none of them."""
    named: Schema = {
        "ce_specversion": _SPEC,
        "ce_id": {**_TEXT, "description": "Tells the message apart within its source."},
        "ce_source": {**_TEXT, "description": "Who made the id; also who acts, where `ce_actor` is missing."},
        "ce_type": {
            "type": "string",
            "pattern": rf"^(.+\.)?{contract.name}(\.v[1-9][0-9]*)?$",
            "examples": [contract.name],
        },
        "ce_time": {**_TIME, "description": "When it happened, by the sender's clock."},
        "ce_dataschema": {
            "type": "string",
            "description": "Ends in the version of the schema, after a slash or a colon; 1.0.0 where it is missing.",
            "examples": [schema_id(contract)],
        },
        "ce_actor": {**_ACTOR, "pattern": "^(USER|SERVICE|OPERATOR):.+$"},
        "ce_correlationid": {**_TEXT, "description": "The conversation that the message belongs to."},
        CONTENT_TYPE: {"type": "string", "examples": ["application/json"]},
        TRACEPARENT: _TRACE,
    }
    if contract.kind is MessageKind.COMMAND:
        named[HEADER] = _SIGNATURE
    if contract.kind is not MessageKind.QUERY:
        return {"type": "object", "properties": named}
    asked = {
        REPLY_TO: {"type": "string", "description": "The topic for the answer.", "examples": ["reply-shop"]},
        CORRELATION: {"type": "string", "description": "Repeated in the answer as it is."},
    }
    return {"type": "object", "properties": {**named, **asked}, "required": [REPLY_TO]}


def published_headers(contract: Contract) -> Schema:
    """Return the headers of a message that we publish."""
    about_user = contract.name != "UserCommandRejected"
    named: Schema = {
        **_event(contract, "What is published once more has the same id."),
        "ce_subject": {**_TEXT, "description": "The user's id, which is the key too."},
    }
    if about_user:
        named["ce_sequence"] = {"type": "string", "pattern": "^[1-9][0-9]*$", "description": "The user's version."}
    required = list(named)
    if contract.kind is MessageKind.STATE:
        # The state is no event: it has no time or cause of its own, and an erased user's has no content.
        del named["ce_time"]
        return _headers(named, [name for name in required if name not in {"ce_time", CONTENT_TYPE}])
    named |= {
        "ce_actor": _ACTOR,
        "ce_correlationid": {**_TEXT, "description": "The conversation that led to it."},
        "ce_causationid": {**_TEXT, "description": "The message or request that led to it."},
        TRACEPARENT: _TRACE,
    }
    return _headers(named, [*required, "ce_actor", "ce_correlationid"])


def reply_headers(contract: Contract) -> Schema:
    """Return the headers of an answer to a query."""
    problem = contract.name == "Problem"
    named = {
        **_event(contract, "Of the answer."),
        CONTENT_TYPE: {"type": "string", "const": "application/problem+json" if problem else "application/json"},
        "ce_causationid": {**_TEXT, "description": "The query's id."},
        "ce_correlationid": {**_TEXT, "description": "The conversation that the query belongs to."},
    }
    echoed = {
        CORRELATION: {"type": "string", "description": "The query's header, where it had one."},
        TRACEPARENT: _TRACE,
    }
    return _headers({**named, **echoed}, list(named))


def _event(contract: Contract, meant: str) -> dict[str, Any]:
    return {
        "ce_specversion": _SPEC,
        "ce_id": {**_TEXT, "description": meant},
        "ce_source": {**_TEXT, "description": "Set by the deployment.", "examples": ["/user-service"]},
        "ce_type": {"type": "string", "const": contract.name},
        "ce_time": _TIME,
        CONTENT_TYPE: {"type": "string", "const": "application/json"},
    }


def _headers(named: Schema, required: list[str]) -> Schema:
    return {"type": "object", "properties": named, "required": required}


_NUMBER: Final = {"type": "string", "pattern": "^-?[0-9]+$"}
DEAD_LETTER_HEADERS: Final[Schema] = _headers(
    {
        "dlq_id": {**_TEXT, "description": "By which an operator finds it."},
        "dlq_topic": {**_TEXT, "description": "Where the message came from."},
        "dlq_partition": _NUMBER,
        "dlq_offset": _NUMBER,
        "dlq_timestamp": {**_NUMBER, "description": "Milliseconds since 1970."},
        "dlq_code": {**_TEXT, "description": "Stable word for what is wrong."},
        "dlq_detail": {"type": "string", "description": "What is wrong, without a value of the message."},
        "dlq_attempts": {**_NUMBER, "description": "How often it was tried."},
        "dlq_time": {**_TIME, "description": "When it was given up."},
        "dlq_redacted": {"type": "string", "const": "password", "description": "What was taken out of it."},
        "dlq_truncated": {"type": "string", "description": "What was left out of it, being too large."},
        "dlq_original": {**_TEXT, "description": "Where it stood before an operator sent it again."},
    },
    [
        "dlq_id",
        "dlq_topic",
        "dlq_partition",
        "dlq_offset",
        "dlq_timestamp",
        "dlq_code",
        "dlq_detail",
        "dlq_attempts",
        "dlq_time",
    ],
)
"""The headers of ours on a dead letter; those of the message stand beside them."""
