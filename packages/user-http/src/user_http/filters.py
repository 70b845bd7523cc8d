"""Filters of requests: read, and refused where they ask for what their caller may not see."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from user_http import routes
from user_http.access import RULES, Rule, authorise
from user_http.auth.callers import Caller
from user_http.requests import Call
from usercore.segments.read_filter import UserFilter
from usercore.users.conditions import Field, leaves
from usercore.wiring.core import Core

SHOWN_ELSEWHERE: Final[Mapping[Field, str]] = {
    **dict.fromkeys(
        (
            Field.ORDERS,
            Field.ORDERS_TOTAL,
            Field.FIRST_ORDER_AT,
            Field.LAST_ORDER_AT,
            Field.PAYMENT_FAILURES,
            Field.PAYMENT_STANDING,
            Field.LAST_FAILURE_AT,
            Field.LOYALTY_POINTS,
        ),
        routes.GET_ACTIVITY.id,
    ),
    Field.EMAIL_PREFERENCE: routes.GET_EMAIL_PREFERENCES.id,
    Field.CONSENT: routes.GET_CONSENTS.id,
}
"""Field → the operation that shows it. All others are in the profile."""


async def read_choice(core: Core, call: Call, text: str | None, segment: str | None) -> UserFilter | None:
    """Return whom a caller asks for: by a filter, by a segment's, by both together, or by neither.

    Who is chosen tells what they have, so a caller asks only for what they may be shown of anybody.

    Args:
        core: reads filters.
        call: who asks.
        text: a filter.
        segment: the name of one that is kept.

    Raises:
        SegmentInvalidError: it is no filter.
        SegmentNotFoundError: there is no such segment.
        RequestRefusedError: it asks for a field that the caller may not see.
        UnavailableError: the database does not answer.
    """
    kept = None if segment is None else await core.read_segments.filter_of(segment)
    given = None if text is None else await core.read_filter(text)
    found = kept.joined(given) if kept is not None and given is not None else kept or given
    if found is not None:
        require_sight(call.who, {one.field for one in leaves(found.condition)})
    return found


def require_sight(caller: Caller, fields: Iterable[Field], rules: Mapping[str, Rule] = RULES) -> None:
    """Pass a caller who may see fields of anybody.

    Raises:
        RequestRefusedError: the token lacks the scope for one of them.
    """
    for operation in sorted({SHOWN_ELSEWHERE.get(field, routes.GET_USER.id) for field in fields}):
        authorise(rules[operation], caller, None)


def asked_of(names: Iterable[str], found: UserFilter | None) -> Iterator[str]:
    """List by what users were chosen, as the audit trail keeps it: parameters, and fields of a filter; no values."""
    yield from names
    if found is not None:
        yield from (f"filter:{field}" for field in found.fields)
