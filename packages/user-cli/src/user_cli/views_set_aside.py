"""How messages that were set aside look: as wire objects for programs, as rows for people."""

import base64
from collections.abc import Iterable, Mapping
from typing import Any, Final

from user_cli.output import show_pairs, show_table
from user_cli.views import show_next, to_seconds
from usercore.codec.scalars import timestamp
from usercore.messaging.values import (
    DeadLetter,
    DeadLetterLine,
    ParkedLine,
    Place,
    RawMessage,
    Settlement,
)

__all__ = ["letter_object", "line_object", "parked_object", "show_letter", "show_lines", "show_parked"]

VALUE_MAX_BYTES: Final = 64 * 1024
"""How much of a value is shown; all of it goes into a file."""
_NOTHING: Final = "—"


def line_object(line: DeadLetterLine) -> dict[str, object]:
    """Return a dead letter as lists show it."""
    return {
        "id": line.id,
        **_place(line.place),
        "size": line.size,
        "code": line.code,
        "detail": line.detail,
        "attempts": line.attempts,
        "diedAt": timestamp(line.died_at),
        "state": line.state.value,
        "settlement": _settlement(line.settlement),
    }


def letter_object(letter: DeadLetter) -> dict[str, object]:
    """Return a dead letter whole, but for what its value has beyond :data:`VALUE_MAX_BYTES`."""
    message = letter.message
    return {
        **line_object(letter.line),
        "headers": [{"name": name, **_readable("value", value)} for name, value in message.headers],
        **_readable("key", message.key),
        **_readable("value", None if message.value is None else message.value[:VALUE_MAX_BYTES]),
        "truncated": _is_cut(message),
    }


def _place(place: Place) -> dict[str, object]:
    return {
        "topic": place.topic,
        "partition": place.partition,
        "offset": place.offset,
        "timestampMs": place.timestamp_ms,
    }


def _settlement(settlement: Settlement | None) -> Mapping[str, str] | None:
    if settlement is None:
        return None
    return {"at": timestamp(settlement.at), "by": settlement.by, "reason": settlement.reason}


def _readable(name: str, value: bytes | None) -> dict[str, Any]:
    """Return bytes as text where they are UTF-8, else in base64 under a name that says so."""
    if value is None:
        return {name: None}
    try:
        return {name: value.decode("utf-8")}
    except UnicodeDecodeError:
        return {f"{name}Base64": base64.b64encode(value).decode()}


def _is_cut(message: RawMessage) -> bool:
    return message.value is not None and len(message.value) > VALUE_MAX_BYTES


def show_lines(lines: Iterable[DeadLetterLine], next_cursor: str | None) -> None:
    """Write dead letters, one a line, and how to go on."""
    show_table(
        ("ID", "DIED", "MESSAGE", "CODE", "TRIES", "BYTES", "STATE"),
        (
            (
                line.id,
                to_seconds(timestamp(line.died_at)),
                _message(line.place),
                line.code,
                line.attempts,
                _NOTHING if line.size is None else line.size,
                line.state.value,
            )
            for line in lines
        ),
        empty="No dead letters.",
    )
    show_next(next_cursor)


def show_letter(letter: DeadLetter) -> None:
    """Write one dead letter: what is known of it, its headers, its key and its value."""
    message, settlement = letter.message, letter.settlement
    settled = [] if settlement is None else [("settled", timestamp(settlement.at)), ("by", settlement.by)]
    reason = [] if settlement is None else [("reason", settlement.reason)]
    show_pairs(
        [
            ("id", letter.id),
            ("state", letter.state.value),
            *settled,
            *reason,
            ("code", letter.code),
            ("detail", letter.detail),
            ("tries", letter.attempts),
            ("died", timestamp(letter.died_at)),
            ("message", _message(message.place)),
            *((f"header {name}", _shown(value)) for name, value in message.headers),
            ("key", _shown(message.key)),
            ("value", _shown(None if message.value is None else message.value[:VALUE_MAX_BYTES])),
        ]
    )
    if _is_cut(message):
        size = len(message.value or b"")
        show_pairs([("more", f"{VALUE_MAX_BYTES} of {size} bytes are shown: --value-to FILE writes all of them")])


def _shown(value: bytes | None) -> str:
    if value is None:
        return _NOTHING
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return "base64: " + base64.b64encode(value).decode()


def _message(place: Place) -> str:
    return f"{place.topic}/{place.partition}/{place.offset}"


def parked_object(line: ParkedLine) -> dict[str, object]:
    """Return a parked message."""
    return {
        "id": line.id,
        **_place(line.place),
        "waitsFor": {"kind": line.awaited.kind.value, "id": line.awaited.id},
        "parkedAt": timestamp(line.parked_at),
        "expiresAt": timestamp(line.expires_at),
    }


def show_parked(lines: Iterable[ParkedLine], next_cursor: str | None) -> None:
    """Write parked messages, one a line, and how to go on."""
    show_table(
        ("ID", "PARKED", "MESSAGE", "WAITS FOR", "NAMED", "EXPIRES"),
        (
            (
                line.id,
                to_seconds(timestamp(line.parked_at)),
                _message(line.place),
                line.awaited.kind.value.lower(),
                line.awaited.id,
                to_seconds(timestamp(line.expires_at)),
            )
            for line in lines
        ),
        empty="Nothing waits.",
    )
    show_next(next_cursor)
