"""Imports as JSON: one form for the topic, HTTP and the terminal."""

from typing import Final

from usercore.bulk.imports.values import Import, RowError, Tally, correlation_of
from usercore.codec.scalars import compact, kebab, optional_timestamp, timestamp
from usercore.delivery.ports import OutboxMessage
from usercore.kernel.ids import EventId, UserId

MESSAGE: Final = "UsersImported"
IMPORT: Final = "import"
"""The outbox's word for what tells of an import."""


def import_object(one: Import) -> dict[str, object]:
    """Return an import as a JSON object."""
    return {
        "id": one.id,
        "state": one.state.value,
        **_options(one),
        "counts": tally_object(one.progress.tally),
        "position": one.progress.end,
        "startedBy": one.started_by,
        "startedAt": timestamp(one.started_at),
        "updatedAt": timestamp(one.updated_at),
        "finishedAt": optional_timestamp(one.finished_at),
        "trouble": one.trouble,
    }


def _options(one: Import) -> dict[str, object]:
    options = one.options
    return {
        "format": options.format.value,
        "mode": options.mode.value,
        "by": options.by.value,
        "quietEvents": options.quiet,
        "invite": options.invite,
    }


def tally_object(tally: Tally) -> dict[str, int]:
    """Return what became of rows as a JSON object."""
    return {
        "rows": tally.rows,
        "created": tally.created,
        "updated": tally.updated,
        "unchanged": tally.unchanged,
        "skipped": tally.skipped,
        "failed": tally.failed,
    }


def error_object(error: RowError) -> dict[str, object]:
    """Return what is wrong with a row as a JSON object."""
    return {"line": error.line, "code": error.code, "pointer": error.pointer, "detail": error.detail}


def imported_message(ended: Import, *, event_id: EventId, position: int) -> OutboxMessage:
    """Return the event that tells of a quiet import as a whole, as the outbox holds it."""
    at = ended.finished_at or ended.updated_at
    payload = {
        "importId": ended.id,
        "startedAt": timestamp(ended.started_at),
        "finishedAt": timestamp(at),
        "created": ended.progress.tally.created,
        "updated": ended.progress.tally.updated,
    }
    return OutboxMessage(
        position=position,
        event_id=event_id,
        message=MESSAGE,
        user_id=UserId(ended.id),
        sequence=1,
        occurred_at=at,
        payload=compact(payload),
        headers=(("ce_actor", ended.started_by), ("ce_correlationid", correlation_of(ended))),
        aggregate=IMPORT,
        topic=kebab(MESSAGE),
    )
