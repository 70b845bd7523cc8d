"""Where a page of facts ends, and how that is written down."""

import base64
import binascii
import json
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from attrs import frozen

from usercore.kernel.errors import Violation
from usercore.kernel.ids import EventId
from usercore.users.errors import QueryInvalidError
from usercore.users.queries import CURSOR_MAX_CHARS


@frozen
class FactPosition:
    """The last fact of a page: where the next one begins.

    Args:
        at: when it happened.
        event_id: decides among facts of one moment.
    """

    at: datetime
    event_id: EventId


def write_cursor(position: FactPosition) -> str:
    """Return the opaque word for a position."""
    raw = json.dumps([(position.at - _EPOCH) // _MICROSECOND, position.event_id], separators=(",", ":"))
    return base64.urlsafe_b64encode(raw.encode()).decode().rstrip("=")


def read_cursor(cursor: str) -> FactPosition:
    """Return the position a cursor stands for.

    Raises:
        QueryInvalidError: the cursor is not ours.
    """
    if len(cursor) > CURSOR_MAX_CHARS or not cursor.isascii():
        raise _bad_cursor()
    try:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        match json.loads(raw):
            case [int(micros), str(event_id)] if not isinstance(micros, bool):
                return FactPosition(_EPOCH + micros * _MICROSECOND, EventId(str(UUID(event_id))))
    except (binascii.Error, ValueError, OverflowError, RecursionError):
        pass
    raise _bad_cursor()


def _bad_cursor() -> QueryInvalidError:
    return QueryInvalidError(
        violations=(Violation(("cursor",), "cursor_invalid", "use the cursor of the page before"),)
    )


_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
