"""One entry of the audit trail."""

from datetime import datetime

from attrs import frozen

from usercore.kernel.context import Actor
from usercore.kernel.ids import EventId, UserId
from usercore.users.ports import Change


@frozen
class AuditEntry:
    """Who did what to whom, when and because of what. It names fields and never holds their values.

    Args:
        user_id: whose data.
        sequence: the user's version that came of it; entries of one user have no gap.
        event_id: the step.
        at: aware, UTC.
        actor: who did it.
        action: the message that announced it: ``UserUpdated``.
        fields: domain names of what changed.
        correlation_id: names the conversation.
        causation_id: names the request or message.
    """

    user_id: UserId
    sequence: int
    event_id: EventId
    at: datetime
    actor: Actor
    action: str
    fields: tuple[str, ...]
    correlation_id: str
    causation_id: str | None


def entry_of(change: Change) -> AuditEntry:
    """Return what the audit trail keeps of a change."""
    return AuditEntry(
        user_id=change.user.id,
        sequence=change.user.version,
        event_id=change.event_id,
        at=change.user.updated_at,
        actor=change.context.actor,
        action=change.event.message,
        fields=tuple(one.field for one in change.changes),
        correlation_id=change.context.correlation_id,
        causation_id=change.context.causation_id,
    )
