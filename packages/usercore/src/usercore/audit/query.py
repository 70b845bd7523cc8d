"""What may be asked of the audit trail."""

import base64
import binascii
import json
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from attrs import frozen

from usercore.audit.errors import AuditQueryInvalidError
from usercore.kernel.context import Actor
from usercore.kernel.errors import Violation
from usercore.kernel.ids import EventId, UserId

PAGE_DEFAULT: Final = 50
PAGE_MAX: Final = 500
CURSOR_MAX_CHARS: Final = 200
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


@frozen
class AuditPosition:
    """The last entry that was looked at: where the next page begins.

    Args:
        at: when it happened.
        event_id: decides among entries of one moment.
    """

    at: datetime
    event_id: EventId


@frozen
class AuditQuery:
    """A part of the trail. Conditions combine.

    Args:
        user_id: whose chain; entries about lists that showed the user belong to it as well.
        actor: who did it.
        action: one action: ``UserUpdated``, ``UserRead``.
        since: that happened then or later.
        until: that happened before then.
        limit: 1 to :data:`PAGE_MAX` entries.
        after: the end of the page before, or None for the first page.
    """

    user_id: UserId | None = None
    actor: Actor | None = None
    action: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    limit: int = PAGE_DEFAULT
    after: AuditPosition | None = None


def write_cursor(position: AuditPosition) -> str:
    """Return the opaque word for a position."""
    micros = (position.at - _EPOCH) // _MICROSECOND
    raw = json.dumps([micros, position.event_id], separators=(",", ":"))
    return base64.urlsafe_b64encode(raw.encode()).decode().rstrip("=")


def read_cursor(cursor: str) -> AuditPosition:
    """Return the position a cursor stands for.

    Raises:
        AuditQueryInvalidError: the cursor is not ours.
    """
    if len(cursor) <= CURSOR_MAX_CHARS and cursor.isascii():
        try:
            raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
            match json.loads(raw):
                case [int(micros), str(event_id)] if not isinstance(micros, bool):
                    return AuditPosition(_EPOCH + micros * _MICROSECOND, EventId(str(UUID(event_id))))
        except (binascii.Error, ValueError, OverflowError, RecursionError):
            pass
    detail = "use the cursor of the page before"
    raise AuditQueryInvalidError(violations=(Violation(("cursor",), "cursor_invalid", detail),))


def check_limit(limit: int) -> None:
    """Pass a number of entries that a page may have.

    Raises:
        AuditQueryInvalidError: it is out of range.
    """
    if not 1 <= limit <= PAGE_MAX:
        detail = f"ask for 1 to {PAGE_MAX} entries"
        raise AuditQueryInvalidError(violations=(Violation(("limit",), "out_of_range", detail),))
