"""How deliveries, and what drifted, look: as wire objects for programs, as rows for people."""

from collections.abc import Iterable

from user_cli.output import show_pairs, show_table
from user_cli.views import show_next, to_seconds
from usercore.codec.scalars import timestamp
from usercore.delivery.reconcile import Found
from usercore.delivery.values import DeliveryLine

__all__ = ["delivery_object", "found_object", "show_deliveries", "show_delivery", "show_found"]

_NOTHING = "—"


def delivery_object(line: DeliveryLine) -> dict[str, object]:
    """Return a delivery, without what it says."""
    settlement = None
    if line.settled_at is not None:
        settlement = {"at": timestamp(line.settled_at), "by": line.settled_by, "reason": line.settled_reason}
    return {
        "id": line.key,
        "eventId": line.event_id,
        "recipient": line.recipient.value,
        "operation": line.operation.value,
        "userId": line.user_id,
        "state": line.state.value,
        "createdAt": timestamp(line.created_at),
        "dueAt": timestamp(line.due_at),
        "attempts": line.attempts,
        "errorCode": line.error_code,
        "settlement": settlement,
    }


def show_deliveries(lines: Iterable[DeliveryLine], next_cursor: str | None) -> None:
    """Write deliveries, one a line, and how to go on."""
    show_table(
        ("ID", "CREATED", "OPERATION", "USER", "STATE", "TRIES", "ERROR"),
        (
            (
                line.key,
                to_seconds(timestamp(line.created_at)),
                line.operation.value,
                line.user_id,
                line.state.value,
                line.attempts,
                line.error_code or _NOTHING,
            )
            for line in lines
        ),
        empty="No deliveries.",
    )
    show_next(next_cursor)


def show_delivery(line: DeliveryLine) -> None:
    """Write what is known of one delivery."""
    settled = []
    if line.settled_at is not None:
        settled = [("settled", timestamp(line.settled_at)), ("by", line.settled_by), ("reason", line.settled_reason)]
    show_pairs(
        [
            ("id", line.key),
            ("recipient", line.recipient.value),
            ("operation", line.operation.value),
            ("user", line.user_id),
            ("state", line.state.value),
            *((name, value) for name, value in settled if value is not None),
            ("created", timestamp(line.created_at)),
            ("due", timestamp(line.due_at)),
            ("tries", line.attempts),
            ("error", line.error_code or _NOTHING),
        ]
    )


def found_object(found: Found) -> dict[str, object]:
    """Return one drift."""
    mended_by = None if found.mended_by is None else found.mended_by.value
    return {"userId": found.user_id, "drift": found.drift.value, "mendedBy": mended_by}


def show_found(found: Iterable[Found]) -> None:
    """Write what has drifted, one a line."""
    show_table(
        ("USER", "DRIFT", "MENDED BY"),
        ((one.user_id, one.drift.value, one.mended_by or _NOTHING) for one in found),
        empty="Nothing has drifted.",
    )
