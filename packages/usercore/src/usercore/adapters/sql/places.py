"""Where sealed texts stand: each opens in its own place alone."""

from usercore.kernel.ids import EventId, UserId


def history_place(user_id: UserId, version: int) -> bytes:
    """Return the place of one version's differences."""
    return f"user_history {user_id} {version}".encode()


def outbox_place(event_id: EventId) -> bytes:
    """Return the place of an event's payload."""
    return f"outbox {event_id}".encode()
