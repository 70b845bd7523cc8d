"""History on the wire."""

from usercore.codec.facets import wire_field, wire_value
from usercore.codec.scalars import actor, timestamp
from usercore.users.ports import HistoryEntry


def history_object(entry: HistoryEntry) -> dict[str, object]:
    """Return one entry as a JSON object."""
    return {
        "version": entry.version,
        "eventId": entry.event_id,
        "event": entry.message,
        "at": timestamp(entry.at),
        "actor": actor(entry.actor),
        "correlationId": entry.correlation_id,
        "causationId": entry.causation_id,
        "changes": [
            {
                "field": wire_field(change.field),
                "before": wire_value(change.before),
                "after": wire_value(change.after),
            }
            for change in entry.changes
        ],
    }
