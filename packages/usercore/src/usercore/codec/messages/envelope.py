"""The three ways in which a message may be written, and what is known about it besides its payload.

A record is a CloudEvent in structured mode if its content type says so; else one in binary mode if it has a header
of a CloudEvent's required attributes; else plain JSON, about which nothing is known but where it stood.

Source: CloudEvents 1.0.2; its JSON format; its Kafka protocol binding.
"""

import re
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from attrs import field, frozen

from usercore.codec.messages.errors import UnreadableMessageError
from usercore.codec.messages.headers import (
    CONTENT_TYPE,
    PREFIX,
    SCHEMA_MAX_CHARS,
    TEXT_MAX_CHARS,
    TRACEPARENT,
    Headers,
    check_text,
    trace,
)
from usercore.codec.strict_json import JsonRefusedError, read_json
from usercore.codec.times import read_time
from usercore.messaging.dead_letters import ORIGINAL
from usercore.messaging.values import Place, RawMessage

SPEC_VERSION: Final = "1.0"
PLACE_MAX_CHARS: Final = 320
"""A topic of 249 characters and three numbers of 64 bits."""
STRUCTURED: Final = "application/cloudevents+json"
REQUIRED: Final = ("specversion", "id", "source", "type")
_LIMITS: Final = {"dataschema": SCHEMA_MAX_CHARS, "datacontenttype": SCHEMA_MAX_CHARS}
_READ: Final = (
    *REQUIRED,
    "time",
    "dataschema",
    "datacontenttype",
    "actor",
    "correlationid",
    "traceparent",
)
_JSON_TYPE = re.compile(r"(?:application|text)/(?:[a-z0-9.!#$&^_-]+\+)?json", re.IGNORECASE)


@frozen
class Envelope:
    """A message out of its wrapping.

    Args:
        id: what tells it apart within its source.
        source: who made the id.
        attributes: further attributes of a CloudEvent, by name.
        time: when it happened, by its sender's clock; aware, UTC.
        traceparent: the trace that it belongs to.
        payload: any JSON value but null, its numbers exact.
        plain: it was no CloudEvent.
    """

    id: str
    source: str
    attributes: Mapping[str, str]
    time: datetime | None
    traceparent: str | None
    payload: Any = field(repr=False)
    plain: bool = False


def open_envelope(raw: RawMessage, value: bytes, headers: Headers) -> Envelope:
    """Take a message out of its wrapping.

    Raises:
        UnreadableMessageError: it cannot be understood.
    """
    media, parameters = _media_type(headers.text(CONTENT_TYPE, limit=SCHEMA_MAX_CHARS))
    if media.startswith("application/cloudevents"):
        if media != STRUCTURED:
            raise _unsupported()
        _check_charset(parameters)
        return _structured(value, headers)
    _check_json(media, parameters)
    if any(PREFIX + name in headers.values for name in REQUIRED):
        return _binary(value, headers)
    return _plain(raw, value, headers)


def _structured(value: bytes, headers: Headers) -> Envelope:
    event = _parse(value)
    if not isinstance(event, Mapping):
        raise _invalid("a CloudEvent is a JSON object")
    attributes = {name: _attribute(name, event[name]) for name in _READ if event.get(name) is not None}
    _check_json(*_media_type(attributes.get("datacontenttype")))
    given = trace(headers.text(TRACEPARENT)) or trace(attributes.get("traceparent"))
    return _event(attributes, _data(event), given)


def _data(event: Mapping[str, Any]) -> Any:  # noqa: ANN401 -- any JSON value
    encoded = event.get("data_base64")
    if encoded is None:
        return event.get("data")
    if event.get("data") is not None:
        raise _invalid("give data or data_base64, not both")
    try:
        return _parse(b64decode(encoded, validate=True))
    except (TypeError, ValueError, Base64Error):
        raise _invalid("write data_base64 in Base64") from None


def _binary(value: bytes, headers: Headers) -> Envelope:
    found = {name: headers.text(PREFIX + name, limit=_LIMITS.get(name, TEXT_MAX_CHARS)) for name in _READ}
    attributes = {name: text for name, text in found.items() if text is not None}
    given = trace(headers.text(TRACEPARENT)) or trace(attributes.get("traceparent"))
    return _event(attributes, _parse(value), given)


def _event(attributes: Mapping[str, str], payload: Any, traceparent: str | None) -> Envelope:  # noqa: ANN401 -- any JSON value
    missing = [name for name in REQUIRED if name not in attributes]
    if missing:
        raise _invalid(f"a CloudEvent needs {', '.join(missing)}")
    if attributes["specversion"] != SPEC_VERSION:
        raise UnreadableMessageError("specversion_unknown", f"send CloudEvents of version {SPEC_VERSION}")
    return Envelope(
        id=attributes["id"],
        source=attributes["source"],
        attributes=attributes,
        time=_time(attributes.get("time")),
        traceparent=traceparent,
        payload=_present(payload),
    )


def _plain(raw: RawMessage, value: bytes, headers: Headers) -> Envelope:
    place = _place(raw, headers)
    found = {name: headers.text(PREFIX + name) for name in ("actor", "correlationid")}
    return Envelope(
        id=f"{place.topic}-{place.partition}-{place.offset}",
        source=f"kafka:{place.timestamp_ms}",
        attributes={name: text for name, text in found.items() if text is not None},
        time=_time(headers.text(PREFIX + "time")),
        traceparent=trace(headers.text(TRACEPARENT)),
        payload=_present(_parse(value)),
        plain=True,
    )


def _place(raw: RawMessage, headers: Headers) -> Place:
    """Return what tells a plain message apart: where it stood when it came first."""
    first = headers.text(ORIGINAL, limit=PLACE_MAX_CHARS)
    if first is None:
        return Place(raw.topic, raw.partition, raw.offset, raw.timestamp_ms)
    try:
        place = Place.parse(first)
    except (TypeError, ValueError):
        place = None
    if place is None or place.topic != raw.topic:
        raise UnreadableMessageError("header_invalid", f"{ORIGINAL} names no place in this topic")
    return place


def _attribute(name: str, value: Any) -> str:  # noqa: ANN401 -- any JSON value
    limit = _LIMITS.get(name, TEXT_MAX_CHARS)
    try:
        if isinstance(value, str):
            return check_text(value, limit=limit)
    except ValueError:
        pass
    raise _invalid(f"write {name} as text of 1 to {limit} characters, none of them a control character")


def _time(text: str | None) -> datetime | None:
    try:
        return None if text is None else read_time(text)
    except ValueError:
        raise UnreadableMessageError(
            "time_invalid", "write time as RFC 3339 says, as in 2026-01-31T12:00:00Z"
        ) from None


def _parse(raw: bytes) -> Any:  # noqa: ANN401 -- any JSON value
    try:
        return read_json(raw, exact=True)
    except JsonRefusedError as refused:
        raise UnreadableMessageError(refused.code, refused.detail) from None


def _present(payload: Any) -> Any:  # noqa: ANN401 -- any JSON value
    if payload is None:
        raise UnreadableMessageError("no_payload", "the message is empty")
    return payload


def _media_type(text: str | None) -> tuple[str, list[str]]:
    media, *parameters = (part.strip() for part in (text or "").split(";"))
    return media.lower(), list(filter(None, parameters))


def _check_json(media: str, parameters: list[str]) -> None:
    if media and not _JSON_TYPE.fullmatch(media):
        raise _unsupported()
    _check_charset(parameters)


def _check_charset(parameters: list[str]) -> None:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset" and value.strip().strip('"').lower() not in {"utf-8", "utf8"}:
            raise _unsupported()


def _unsupported() -> UnreadableMessageError:
    return UnreadableMessageError("content_type_unsupported", f"send JSON in UTF-8, plain or as {STRUCTURED}")


def _invalid(detail: str) -> UnreadableMessageError:
    return UnreadableMessageError("envelope_invalid", detail)
