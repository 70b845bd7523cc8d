"""One entry of the audit trail."""

from datetime import datetime
from typing import Final

from attrs import evolve, field, frozen

from usercore.kernel.context import Actor, CommandContext
from usercore.kernel.ids import EventId, UserId
from usercore.users.ports import Change
from usercore.verification.ports import NewVerification

SERVICE_CHAIN: Final = UserId("00000000-0000-0000-0000-000000000000")
"""Whose chain holds what concerns no single user. Source: RFC 9562, 5.9, the nil UUID, which no user can have."""
NO_CONTENTS: Final = b""


@frozen
class AuditEntry:
    """Who did what to whom, when and because of what. It names fields and never holds their values.

    Args:
        user_id: whose data; :data:`SERVICE_CHAIN` where it is nobody's in particular.
        event_id: names the entry for ever.
        at: aware, UTC, whole microseconds.
        actor: who did it.
        action: the message that announced it, or another word in its form: ``UserUpdated``, ``UserRead``.
        fields: domain names of what was changed or read.
        correlation_id: names the conversation.
        causation_id: names the request or message.
        version: the version of the user that came of it, or None where none did.
        contents_hash: SHA-256 of the sealed text that belongs to it, 32 bytes, or empty where there is none. The text
            can be deleted, or its key, and the entry still verifies.
    """

    user_id: UserId
    event_id: EventId
    at: datetime
    actor: Actor
    action: str
    fields: tuple[str, ...]
    correlation_id: str
    causation_id: str | None
    version: int | None = None
    contents_hash: bytes = field(default=NO_CONTENTS, repr=False)

    def with_contents(self, contents_hash: bytes) -> "AuditEntry":
        """Return the entry, bound to the sealed text of a hash."""
        return evolve(self, contents_hash=contents_hash)


@frozen
class ChainedEntry:
    """An entry in its place.

    Args:
        entry: what happened.
        sequence: its place in the user's chain: 1, 2, 3 without a gap.
        hash: binds it to everything before it in the chain, 32 bytes.
    """

    entry: AuditEntry
    sequence: int
    hash: bytes = field(repr=False)


@frozen
class ChainHead:
    """Where a chain ends.

    Args:
        user_id: whose chain.
        sequence: the place of its last entry.
        hash: that entry's hash.
    """

    user_id: UserId
    sequence: int
    hash: bytes = field(repr=False)


def entry_of(change: Change) -> AuditEntry:
    """Return what the audit trail keeps of a change."""
    return AuditEntry(
        user_id=change.user.id,
        event_id=change.event_id,
        at=change.user.updated_at,
        actor=change.context.actor,
        action=change.event.message,
        fields=tuple(one.field for one in change.changes),
        correlation_id=change.context.correlation_id,
        causation_id=change.context.causation_id,
        version=change.user.version,
    )


def entry_of_start(new: NewVerification) -> AuditEntry:
    """Return what the audit trail keeps of a verification that begins; it makes no version of the user."""
    verification, context = new.verification, new.context
    return AuditEntry(
        user_id=verification.user_id,
        event_id=verification.id,
        at=verification.started_at,
        actor=context.actor,
        action="VerificationStarted",
        fields=(f"verification.{verification.channel}",),
        correlation_id=context.correlation_id,
        causation_id=context.causation_id,
    )


def service_entry(
    action: str,
    fields: tuple[str, ...],
    reason: str,
    context: CommandContext,
    *,
    event_id: EventId,
    at: datetime,
) -> AuditEntry:
    """Return an entry about no single user: what an operator did to the service as a whole, and why.

    Args:
        action: what was done.
        fields: to what.
        reason: the operator's word; it stands where other entries name the message that caused them.
        context: who did it.
        event_id: names the entry.
        at: when.
    """
    return AuditEntry(
        user_id=SERVICE_CHAIN,
        event_id=event_id,
        at=at,
        actor=context.actor,
        action=action,
        fields=fields,
        correlation_id=context.correlation_id,
        causation_id=f"reason: {reason}",
    )
