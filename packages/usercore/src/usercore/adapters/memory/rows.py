"""What a change writes besides the user."""

from collections.abc import Iterator

from attrs import frozen

from usercore.audit.entry import AuditEntry, entry_of
from usercore.codec.events import event_headers, event_payload
from usercore.codec.profile import profile_document
from usercore.codec.scalars import kebab
from usercore.delivery.ports import OutboxMessage
from usercore.delivery.routing import deliveries_of
from usercore.delivery.values import Delivery
from usercore.merging.events import MergeRecord, UndoRecord
from usercore.preferences.events import PreferencesRecord
from usercore.preferences.values import EmailPreference
from usercore.privacy.consents.events import ConsentRecord
from usercore.privacy.consents.values import LedgerEntry
from usercore.privacy.requests.events import ErasureRecord
from usercore.users.ports import Change, HistoryEntry, ProfileDocument
from usercore.verification.records import (
    Settlement,
    VerificationConfirmed,
    VerificationRecord,
    settlements_of,
)
from usercore.verification.values import Verification


@frozen
class Rows:
    """One change, ready to be written."""

    document: ProfileDocument
    message: OutboxMessage
    history: HistoryEntry
    audit: AuditEntry
    deliveries: tuple[Delivery, ...]
    preferences: tuple[EmailPreference, ...]
    consents: tuple[LedgerEntry, ...]
    erasures: tuple[ErasureRecord, ...]
    verifications: tuple[Verification, ...]
    settlements: tuple[Settlement, ...]


def rows_of(change: Change, *, position: int) -> Rows:
    """Return what a change writes; `position` is its place in the outbox.

    Raises:
        TypeError: a record is of a kind that nobody here keeps.
    """
    for record in change.records:
        if not isinstance(record, _KEPT):
            raise TypeError(f"no table here keeps {type(record).__name__}")
    return Rows(
        document=profile_document(change.user),
        message=_message(change, position),
        history=_history(change),
        audit=entry_of(change),
        deliveries=deliveries_of(change),
        preferences=tuple(_preferences(change)),
        consents=tuple(one.entry for one in change.records if isinstance(one, ConsentRecord)),
        erasures=tuple(one for one in change.records if isinstance(one, ErasureRecord)),
        verifications=tuple(one.verification for one in change.records if isinstance(one, VerificationRecord)),
        settlements=tuple(settlements_of(change)),
    )


_KEPT = (
    PreferencesRecord,
    ConsentRecord,
    ErasureRecord,
    MergeRecord,
    UndoRecord,
    VerificationRecord,
    VerificationConfirmed,
)


def _message(change: Change, position: int) -> OutboxMessage:
    return OutboxMessage(
        position=position,
        event_id=change.event_id,
        message=change.event.message,
        user_id=change.user.id,
        sequence=change.user.version,
        occurred_at=change.user.updated_at,
        payload=event_payload(change.event),
        headers=event_headers(change.context),
        topic=kebab(change.event.message),
    )


def _history(change: Change) -> HistoryEntry:
    return HistoryEntry(
        user_id=change.user.id,
        version=change.user.version,
        event_id=change.event_id,
        message=change.event.message,
        at=change.user.updated_at,
        actor=change.context.actor,
        correlation_id=change.context.correlation_id,
        causation_id=change.context.causation_id,
        changes=change.changes,
    )


def _preferences(change: Change) -> Iterator[EmailPreference]:
    for record in change.records:
        if isinstance(record, PreferencesRecord):
            yield from record.preferences
