"""When the law wants a request answered.

A period begins with the receipt, whatever has still to be found out: the law lets a company wait for proof of identity,
and this is the stricter reading. It ends with the last hour of its last day, in the zone of the company.
"""

from calendar import monthrange
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Final

from usercore.privacy.requests.values import Jurisdiction, RequestKind

GDPR_MONTHS: Final = 1
"""Source: GDPR, Art. 12(3), first sentence."""
GDPR_EXTENDED_MONTHS: Final = 3
"""Source: GDPR, Art. 12(3), second sentence: two further months, so three from the receipt."""
CCPA_DAYS: Final = 45
"""Source: California Civil Code, 1798.130 (a)(2)(A)."""
CCPA_EXTENDED_DAYS: Final = 90
"""Source: the same, an additional 45 days when reasonably necessary."""
OPT_OUT_DAYS: Final = 15
"""Source: California Code of Regulations, title 11, 7026 (f): 15 business days, of which we take calendar days."""

_DAY: Final = timedelta(days=1)
_LAST: Final = timedelta(microseconds=1)


def due_at(
    kind: RequestKind, jurisdiction: Jurisdiction, received_at: datetime, zone: tzinfo, *, extended: bool = False
) -> datetime:
    """Return the last moment at which an answer is in time, aware and in UTC.

    Where the last day is a Saturday, a Sunday or a holiday, Regulation (EEC, Euratom) 1182/71, Art. 3(4), would let
    the period end with the next working day. We do not use that.

    Args:
        kind: what is asked; an opt-out of sale is due sooner in California, and not extended.
        jurisdiction: whose law.
        received_at: aware.
        zone: where the company's days begin and end.
        extended: whether the person was told that it takes longer.
    """
    day = received_at.astimezone(zone).date()
    if jurisdiction is Jurisdiction.GDPR:
        last = add_months(day, GDPR_EXTENDED_MONTHS if extended else GDPR_MONTHS)
    elif kind is RequestKind.OPT_OUT_OF_SALE:
        last = day + timedelta(days=OPT_OUT_DAYS)
    else:
        last = day + timedelta(days=CCPA_EXTENDED_DAYS if extended else CCPA_DAYS)
    return end_of(last, zone)


def add_months(day: date, months: int) -> date:
    """Return the same day some months later, or the last one of a month that has no such day.

    Source: Regulation (EEC, Euratom) 1182/71, Art. 3(2)(c).
    """
    years, month = divmod(day.month - 1 + months, 12)
    year, month = day.year + years, month + 1
    return date(year, month, min(day.day, monthrange(year, month)[1]))


def end_of(day: date, zone: tzinfo) -> datetime:
    """Return the last microsecond of a day in a zone, in UTC: the one before the next day begins there."""
    # Where the clocks skip midnight, the zone's offset before the gap gives the moment of the change: the day's end.
    return datetime.combine(day + _DAY, time(), zone).astimezone(UTC) - _LAST
