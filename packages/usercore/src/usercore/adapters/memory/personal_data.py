"""Everything that is kept of a person, in memory."""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from attrs import frozen

from usercore.adapters.memory.database import MemoryDatabase
from usercore.codec.merging import merge_row
from usercore.codec.personal_data import (
    audit_row,
    consent_row,
    delivery_row,
    fact_row,
    history_row,
    notice_row,
    preference_row,
    privacy_request_row,
    user_row,
    verification_row,
)
from usercore.kernel.ids import UserId
from usercore.privacy.export.ports import PersonalDataReader, PersonalRow


@frozen
class MemoryPersonalDataReader:
    """Reads a person's rows, those of a table at once."""

    database: MemoryDatabase

    async def batches(self, table: str, user_id: UserId) -> AsyncIterator[Sequence[PersonalRow]]:
        """Yield a person's rows of one table."""
        read = READERS.get(table)
        if read is not None and (rows := list(read(self.database, user_id))):
            yield rows


def _users(database: MemoryDatabase, user_id: UserId) -> Iterable[PersonalRow]:
    user = database.users.get(user_id)
    return [] if user is None else [user_row(user)]


def _history(database: MemoryDatabase, user_id: UserId) -> Iterable[PersonalRow]:
    return map(history_row, reversed(database.history.get(user_id, [])))


def _preferences(database: MemoryDatabase, user_id: UserId) -> Iterable[PersonalRow]:
    said = database.preferences.get(user_id, {})
    return (preference_row(said[topic]) for topic in sorted(said))


def _consents(database: MemoryDatabase, user_id: UserId) -> Iterable[PersonalRow]:
    return map(consent_row, database.consents.get(user_id, []))


def _facts(database: MemoryDatabase, user_id: UserId) -> Iterable[PersonalRow]:
    found = (entry for entry in database.facts.values() if entry.user_id == user_id)
    return map(fact_row, sorted(found, key=lambda entry: (entry.fact.kind, entry.fact.at, entry.event_id)))


def _audit(database: MemoryDatabase, user_id: UserId) -> Iterable[PersonalRow]:
    return map(audit_row, database.audit.get(user_id, []))


def _deliveries(database: MemoryDatabase, user_id: UserId) -> Iterable[PersonalRow]:
    kept = (*database.deliveries.values(), *database.settled_deliveries.values())
    found = (row for row in kept if row.delivery.user_id == user_id)
    return (delivery_row(row.delivery, row.line) for row in sorted(found, key=lambda row: row.seq))


def _privacy_requests(database: MemoryDatabase, user_id: UserId) -> Iterable[PersonalRow]:
    found = (row.request for row in database.privacy_requests.values() if row.request.user_id == user_id)
    return map(privacy_request_row, sorted(found, key=lambda request: request.id))


def _verifications(database: MemoryDatabase, user_id: UserId) -> Iterable[PersonalRow]:
    found = (one for one in database.verifications.values() if one.user_id == user_id)
    return map(verification_row, sorted(found, key=lambda one: (one.started_at, one.id)))


def _notices(database: MemoryDatabase, user_id: UserId) -> Iterable[PersonalRow]:
    notice = database.notices.get(user_id)
    return [] if notice is None else [notice_row(notice)]


def _merges(database: MemoryDatabase, user_id: UserId) -> Iterable[PersonalRow]:
    found = (merge for merge in database.merges.values() if merge.survivor == user_id)
    return map(merge_row, sorted(found, key=lambda merge: merge.id))


READERS: Final[Mapping[str, Callable[[MemoryDatabase, UserId], Iterable[PersonalRow]]]] = {
    "users": _users,
    "user_history": _history,
    "email_preferences": _preferences,
    "consents": _consents,
    "activity_facts": _facts,
    "audit_entries": _audit,
    "deliveries": _deliveries,
    "privacy_requests": _privacy_requests,
    "verifications": _verifications,
    "inactivity_notices": _notices,
    "user_merges": _merges,
}
"""One for each table that has a section in the archive."""


if TYPE_CHECKING:
    _reader: PersonalDataReader = MemoryPersonalDataReader(MemoryDatabase())
