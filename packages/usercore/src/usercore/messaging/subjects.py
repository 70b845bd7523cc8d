"""Whose message it is, as far as that can be made out of a message that nobody could use."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Final

from usercore.kernel.ids import UserId
from usercore.messaging.values import RawMessage

_UUID = re.compile(rb"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.ASCII)
_NAMES: Final = ("userId", "customerId", "id", "subject")
"""Under which members of a payload, or of the envelope around it, a user's id stands."""


def subject_of(raw: RawMessage) -> UserId | None:
    """Return the user that a message names by its key, or else by its payload; None where it names none of ours."""
    return next(_named(raw), None)


def _named(raw: RawMessage) -> Iterator[UserId]:
    if raw.key is not None and _UUID.fullmatch(raw.key):
        yield UserId(raw.key.decode())
    for text in _texts(raw.value):
        if _UUID.fullmatch(text.encode("utf-8", "surrogatepass")):
            yield UserId(text)


def _texts(value: bytes | None) -> Iterator[str]:
    try:
        envelope = json.loads(value or b"")
    except (ValueError, RecursionError):
        return
    inner = envelope.get("data") if isinstance(envelope, dict) else None
    for members in (inner, envelope):
        if isinstance(members, Mapping):
            yield from (text for name in _NAMES if isinstance(text := members.get(name), str))
