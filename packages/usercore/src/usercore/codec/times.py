"""Reading times as others write them."""

import re
from datetime import UTC, datetime
from typing import Final

# Source: RFC 3339, section 5.6, date-time; without leap seconds, which no clock of ours can tell.
_TIME = re.compile(r"(\d{4}-\d{2}-\d{2})[Tt ](\d{2}:\d{2}:\d{2})(\.\d+)?([Zz]|[+-]\d{2}:\d{2})", re.ASCII)
_MICROSECOND_CHARS: Final = 7


def read_time(text: str) -> datetime:
    """Return an RFC 3339 time, to the microsecond, in UTC.

    Raises:
        ValueError: it is none.
    """
    found = _TIME.fullmatch(text)
    if not found:
        raise ValueError("no RFC 3339 time")
    day, clock, fraction, offset = found.groups()
    iso = f"{day}T{clock}{(fraction or '')[:_MICROSECOND_CHARS]}{offset.upper().replace('Z', '+00:00')}"
    return in_utc(datetime.fromisoformat(iso))


def in_utc(at: datetime) -> datetime:
    """Return an aware time in UTC.

    Raises:
        ValueError: it would fall before the year 1 or after 9999.
    """
    try:
        return at.astimezone(UTC)
    except OverflowError:
        raise ValueError("beyond the calendar") from None
