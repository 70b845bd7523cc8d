"""By what users were chosen, in words that tell of nobody."""

from collections.abc import Iterator
from datetime import UTC, datetime

from usercore.bulk.exports.values import Restricted, Selection
from usercore.users.conditions import And, Comparison, Condition, Not, Or
from usercore.users.values import AccountState


def filters_of(selection: Selection) -> tuple[str, ...]:
    """Return the filters in their one order: states and times with their values, of anything else that it was used.

    The values of the rest (an email, a name) may be personal, and audit entries are kept for ever.
    """
    return tuple(_filters(selection))


def _filters(selection: Selection) -> Iterator[str]:
    query = selection.query
    yield f"status={','.join(state.value for state in AccountState if state in query.visible_states)}"
    yield from (
        f"{name}={_time(at)}"
        for name, at in (
            ("createdAfter", query.created_after),
            ("createdBefore", query.created_before),
            ("updatedAfter", query.updated_after),
            ("updatedBefore", query.updated_before),
        )
        if at is not None
    )
    used = (("email", query.email), ("username", query.username), ("externalId", query.external_id), ("q", query.words))
    yield from (f"{name}=…" for name, value in used if value)
    if query.condition is not None:
        yield f"filter={_shape(query.condition)}"
    if selection.restricted is not Restricted.EXCLUDE:
        yield f"restricted={selection.restricted.value}"


def _shape(condition: Condition) -> str:
    """Return a condition without the values that it compares with."""
    match condition:
        case And(parts):
            return f"({' and '.join(map(_shape, parts))})"
        case Or(parts):
            return f"({' or '.join(map(_shape, parts))})"
        case Not(part):
            return f"not {_shape(part)}"
        case Comparison(field, operator):
            return f"{field.value} {operator.value}"


def _time(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().removesuffix("+00:00") + "Z"
