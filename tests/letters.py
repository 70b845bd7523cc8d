"""Records of a topic, parked messages and dead letters for tests, each from a place of its own."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from tests.builders import IDS, NOW
from usercore.activity.values import Awaited, WaitsFor
from usercore.messaging.values import DeadLetter, ParkedMessage, RawMessage

HOUR = timedelta(hours=1)
_OFFSETS = count()


def a_message(topic: str = "order-placed", **fields: Any) -> RawMessage:
    """Give a record."""
    plain: dict[str, Any] = {
        "partition": 1,
        "offset": next(_OFFSETS),
        "timestamp_ms": 1_772_000_000_000,
        "key": b"key",
        "value": b'{"orderId":"o-1"}',
    }
    return RawMessage(topic, **{**plain, **fields})


def parked(
    awaited: Awaited | None = None,
    *,
    at: datetime = NOW,
    expires_at: datetime = NOW + HOUR,
    message: RawMessage | None = None,
) -> ParkedMessage:
    """Give a message that waits, for somebody nobody knows unless something is named."""
    awaits = awaited or Awaited(WaitsFor.USER, IDS.user_id())
    return ParkedMessage(IDS.event_id(), message or a_message(), awaits, at, expires_at)


def a_letter(message: RawMessage | None = None, **fields: Any) -> DeadLetter:
    """Give a dead letter that waits."""
    plain: dict[str, Any] = {"code": "not_json", "detail": "write JSON in UTF-8", "attempts": 1, "died_at": NOW}
    return DeadLetter(IDS.event_id(), message or a_message(), **{**plain, **fields})


def letters(number: int, **fields: Any) -> Sequence[DeadLetter]:
    """Give several, in the order of their age."""
    return [a_letter(**fields) for _ in range(number)]
