"""What is written down of erasures outside the database, so that no backup brings anybody back.

Each entry names the one before it by its hash: one that is taken out, changed or moved is noticed. That the last ones
are missing is noticed by the database, which knows how many there were.
"""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from hashlib import sha256
from typing import Final

from attrs import field, frozen

from usercore.kernel.ids import EventId, UserId
from usercore.privacy.requests.model import RequestId
from usercore.privacy.requests.values import Jurisdiction

GENESIS: Final = bytes(32)
"""Stands for the hash before the first entry."""


@frozen
class ErasedPerson:
    """Who is erased, and why; nothing personal beyond the id.

    Args:
        user_id: who.
        request_id: the privacy request that asks for it.
        event_id: names the step of the user's life that erases them.
        jurisdiction: whose law.
        at: when it was decided for good; aware, UTC.
    """

    user_id: UserId
    request_id: RequestId
    event_id: EventId
    jurisdiction: Jurisdiction
    at: datetime


@frozen
class LedgerEntry:
    """One erasure in its place.

    Args:
        person: who is erased.
        sequence: 1, 2, 3 without a gap.
        previous: the hash of the entry before, 32 bytes.
        hash: binds it to everything before it, 32 bytes.
    """

    person: ErasedPerson
    sequence: int
    previous: bytes = field(repr=False)
    hash: bytes = field(repr=False)


def entry_behind(last: LedgerEntry | None, person: ErasedPerson) -> LedgerEntry:
    """Return a person's entry in the place behind the last one; None is the end of an empty ledger."""
    sequence = 1 if last is None else last.sequence + 1
    previous = GENESIS if last is None else last.hash
    return LedgerEntry(person, sequence, previous, hash_of(person, sequence, previous))


def hash_of(person: ErasedPerson, sequence: int, previous: bytes) -> bytes:
    """Return what binds an entry to everything it says and to everything before it, 32 bytes."""
    said = (
        sequence,
        person.user_id,
        person.request_id,
        person.event_id,
        person.jurisdiction.value,
        person.at.astimezone(UTC).isoformat(timespec="microseconds"),
    )
    return sha256(previous + json.dumps(said, separators=(",", ":")).encode()).digest()


def first_broken(entries: Iterable[LedgerEntry]) -> int | None:
    """Return the place of the first entry that does not follow from the one before it, or None."""
    last: LedgerEntry | None = None
    for place, entry in enumerate(entries, 1):
        if entry != entry_behind(last, entry.person):
            return place
        last = entry
    return None
