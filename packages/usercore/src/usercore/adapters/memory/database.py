"""The tables, and how a change enters them: whole, or not at all.

Everything here runs without awaiting, so within one event loop each method is a transaction of its
own. Whatever can fail is done before the first table is touched.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, TypeVar

from attrs import define, evolve, field, fields, frozen

from usercore.activity.facts import OrderPlaced, PointsEarned
from usercore.activity.ports import FactEntry
from usercore.activity.values import FactKind
from usercore.adapters.memory.rows import Rows, rows_of
from usercore.audit.chain import chained
from usercore.audit.entry import AuditEntry, ChainedEntry, ChainHead
from usercore.audit.ports import NewCheckpoint
from usercore.bulk.imports.values import Import, ImportId, RowError
from usercore.delivery.ports import OutboxMessage
from usercore.delivery.values import Delivery, DeliveryLine, DeliveryState, Recipient
from usercore.kernel.errors import UserCoreError
from usercore.kernel.ids import EventId, UserId
from usercore.kernel.inbox import AlreadyAppliedError, MessageId, Receipt
from usercore.kernel.receipts import Claim, ClaimLostError, Settled
from usercore.merging.candidates import Candidate
from usercore.merging.errors import MergeRequestOpenError
from usercore.merging.events import MergeRecord, UndoRecord
from usercore.merging.values import Merge
from usercore.messaging.values import DeadLetter, ParkedMessage, Place, RawMessage
from usercore.preferences.values import EmailPreference, EmailTopic
from usercore.privacy.consents.values import LedgerEntry, Purpose
from usercore.privacy.mailing.values import Suppression, SuppressionReason
from usercore.privacy.requests.errors import UserHeldError
from usercore.privacy.requests.events import ErasureRecord
from usercore.privacy.requests.holds import LegalHold, without_words
from usercore.privacy.requests.model import PrivacyRequest, RequestId
from usercore.privacy.retention.ports import Notice
from usercore.segments.values import Segment
from usercore.users.attributes import AttributeSchema
from usercore.users.errors import (
    EmailTakenError,
    ExternalIdTakenError,
    StaleVersionError,
    UserExistsError,
    UsernameTakenError,
    UserNotFoundError,
)
from usercore.users.model import User
from usercore.users.ports import Change, HistoryEntry, LookupKind, ProfileDocument
from usercore.users.values import VerificationChannel
from usercore.verification.records import Settlement
from usercore.verification.values import Verification, VerificationState

K = TypeVar("K")
V = TypeVar("V")

_TAKEN: dict[LookupKind, type[UserCoreError]] = {
    LookupKind.EMAIL: EmailTakenError,
    LookupKind.USERNAME: UsernameTakenError,
    LookupKind.EXTERNAL_ID: ExternalIdTakenError,
}
"""What must be unique, in the order in which it is looked at."""


@frozen
class KeyRow:
    """One idempotency key: who holds it until when, or what came of it."""

    fingerprint: bytes
    token: str
    lease_until: datetime
    expires_at: datetime
    result: Settled | None = None


@frozen
class DeliveryRow:
    """One delivery; those of one user and recipient stand in the order of `seq`."""

    delivery: Delivery
    due_at: datetime
    seq: int
    leased_until: datetime | None = None
    error_code: str | None = None
    state: DeliveryState = DeliveryState.WAITING
    settled_at: datetime | None = None
    settled_by: str | None = None
    settled_reason: str | None = None

    @property
    def line(self) -> DeliveryLine:
        """The same without payload and secret."""
        one = self.delivery
        return DeliveryLine(
            event_id=one.event_id,
            recipient=one.recipient,
            operation=one.operation,
            user_id=one.user_id,
            state=self.state,
            created_at=one.created_at,
            due_at=self.leased_until or self.due_at,
            attempts=one.attempts,
            error_code=self.error_code,
            settled_at=self.settled_at,
            settled_by=self.settled_by,
            settled_reason=self.settled_reason,
        )


@frozen
class ReceiptRow:
    """One message that has had its effect."""

    receipt: Receipt
    received_at: datetime


@frozen
class ParkedRow:
    """One message that waits; while somebody holds it, `due_at` is the end of the lease."""

    parked: ParkedMessage
    due_at: datetime


@frozen
class RequestRow:
    """One privacy request; `run_at` is when the service goes on by itself, or the end of a lease."""

    request: PrivacyRequest
    run_at: datetime | None


@frozen
class ArchiveRow:
    """One archive for one person."""

    user_id: UserId
    content: bytes = field(repr=False)
    expires_at: datetime


def names_of(user: User) -> dict[LookupKind, str | None]:
    """Return what names the user besides the id, each in the form under which it is unique."""
    return {
        LookupKind.EMAIL: user.profile.email.canonical,
        LookupKind.USERNAME: user.profile.canonical_username,
        LookupKind.EXTERNAL_ID: user.profile.external_id,
    }


@define(eq=False)
class MemoryDatabase:
    """All tables of one process. Share one among all memory adapters that belong together.

    It belongs to one event loop, and keeps everything until the process ends.
    """

    users: dict[UserId, User] = field(factory=dict, repr=False)
    documents: dict[UserId, ProfileDocument] = field(factory=dict, repr=False)
    names: dict[tuple[LookupKind, str], UserId] = field(factory=dict, repr=False)
    outbox: list[OutboxMessage] = field(factory=list, repr=False)
    published: dict[int, datetime] = field(factory=dict, repr=False)
    forgotten: int = 0
    history: dict[UserId, list[HistoryEntry]] = field(factory=dict, repr=False)
    audit: dict[UserId, list[ChainedEntry]] = field(factory=dict, repr=False)
    listed: dict[EventId, tuple[UserId, ...]] = field(factory=dict, repr=False)
    leaves: list[ChainHead] = field(factory=list, repr=False)
    checkpoints: list[NewCheckpoint] = field(factory=list, repr=False)
    deliveries: dict[tuple[EventId, Recipient], DeliveryRow] = field(factory=dict, repr=False)
    settled_deliveries: dict[tuple[EventId, Recipient], DeliveryRow] = field(factory=dict, repr=False)
    last_seq: int = 0
    preferences: dict[UserId, dict[str, EmailPreference]] = field(factory=dict, repr=False)
    consents: dict[UserId, list[LedgerEntry]] = field(factory=dict, repr=False)
    purposes: dict[str, Purpose] = field(factory=dict, repr=False)
    suppressions: dict[bytes, dict[SuppressionReason, Suppression]] = field(factory=dict, repr=False)
    keys: dict[tuple[str, str], KeyRow] = field(factory=dict, repr=False)
    topics: dict[str, EmailTopic] = field(factory=dict, repr=False)
    schemas: list[AttributeSchema] = field(factory=list, repr=False)
    segments: dict[str, Segment] = field(factory=dict, repr=False)
    inbox: dict[MessageId, ReceiptRow] = field(factory=dict, repr=False)
    facts: dict[tuple[FactKind, str], FactEntry] = field(factory=dict, repr=False)
    parked: dict[Place, ParkedRow] = field(factory=dict, repr=False)
    verifications: dict[EventId, Verification] = field(factory=dict, repr=False)
    dead_letters: dict[Place, DeadLetter] = field(factory=dict, repr=False)
    privacy_requests: dict[RequestId, RequestRow] = field(factory=dict, repr=False)
    legal_holds: list[LegalHold] = field(factory=list, repr=False)
    notices: dict[UserId, Notice] = field(factory=dict, repr=False)
    retention_leased_until: datetime | None = None
    retention_last_run: datetime | None = None
    archives: dict[RequestId, ArchiveRow] = field(factory=dict, repr=False)
    merges: dict[EventId, Merge] = field(factory=dict, repr=False)
    told_of: dict[tuple[FactKind, str], UserId] = field(factory=dict, repr=False)
    candidates: dict[tuple[UserId, UserId], Candidate] = field(factory=dict, repr=False)
    merge_scanned_at: datetime | None = None
    imports: dict[ImportId, Import] = field(factory=dict, repr=False)
    import_errors: dict[ImportId, list[RowError]] = field(factory=dict, repr=False)
    uploads: dict[ImportId, dict[int, tuple[datetime, bytes]]] = field(factory=dict, repr=False)
    uploads_taken: dict[ImportId, datetime] = field(factory=dict, repr=False)

    def commit(self, change: Change) -> UserCoreError | None:
        """Write everything a change brings, or return why nothing of it was written."""
        if change.along:
            return self._commit_together(change)
        refusal = self._refusal(change)
        if refusal is None:
            self._write(change, rows_of(change, position=self.next_position()))
        return refusal

    def _commit_together(self, change: Change) -> UserCoreError | None:
        """Write all steps of a change, or none: what was written before one is refused is put back."""
        before = {one.name: _copied(getattr(self, one.name)) for one in fields(type(self))}
        for record in _merges(change):
            if record.moves_names:
                self._make_way(record.merge)
        refusal = next(filter(None, map(self._step, change.steps)), None)
        for record in _merges(change) if refusal is None else ():
            refusal = self.obstacle(record.merge.survivor, record.merge.merged)
            if refusal is None:
                self._carry_over(record)
        if refusal is not None:
            for name, value in before.items():
                self._restore(name, value)
        return refusal

    def _step(self, step: Change) -> UserCoreError | None:
        return self.commit(evolve(step, along=()))

    def _restore(self, name: str, value: Any) -> None:  # noqa: ANN401 -- a table of any sort
        """Put a table back in place: others may hold the very object."""
        match getattr(self, name):
            case dict() as table:
                table.clear()
                table.update(value)
            case list() as table:
                table[:] = value
            case _:
                setattr(self, name, value)

    def _make_way(self, merge: Merge) -> None:
        for user_id in (merge.survivor, merge.merged):
            for kind, value in names_of(self.users[user_id]).items() if user_id in self.users else ():
                self.names.pop((kind, value or ""), None)

    def _carry_over(self, record: MergeRecord | UndoRecord) -> None:
        """Keep a merge, or its end, and move the facts."""
        merge = record.merge
        self.merges[merge.id] = merge
        theirs = {merge.merged, *self.merged_into(merge.merged)}
        for name, entry in list(self.facts.items()):
            told_of = self.told_of.get(name)
            if isinstance(record, MergeRecord) and entry.user_id == merge.merged:
                self.told_of.setdefault(name, merge.merged)
                self.facts[name] = entry_of_other(entry, merge.survivor)
            elif isinstance(record, UndoRecord) and entry.user_id == merge.survivor and told_of in theirs:
                if told_of == merge.merged:
                    del self.told_of[name]
                self.facts[name] = entry_of_other(entry, merge.merged)

    def obstacle(self, survivor: UserId, merged: UserId) -> UserCoreError | None:
        """Return why the law forbids to touch one of two users now."""
        both = {survivor, merged}
        if any(hold.user_id in both and hold.release is None for hold in self.legal_holds):
            return UserHeldError()
        asked = (row.request for row in self.privacy_requests.values())
        return MergeRequestOpenError() if any(one.user_id in both and one.is_open for one in asked) else None

    def merged_into(self, user_id: UserId) -> set[UserId]:
        """Return whose accounts were merged into a user's, over any number of merges."""
        found = {merge.merged for merge in self.merges.values() if merge.survivor == user_id and merge.undone is None}
        return found.union(*(self.merged_into(one) for one in found))

    def heir(self, user_id: UserId) -> UserId:
        """Return who stands for a user: the one at the end of all merges."""
        user = self.users.get(user_id)
        following = None if user is None else user.status.merged_into
        return user_id if following is None else self.heir(following)

    def settle(self, claim: Claim, result: Settled) -> None:
        """Settle a claim.

        Raises:
            ClaimLostError: it is not held any more.
        """
        if not self.holds(claim):
            raise ClaimLostError
        name = (claim.key.scope, claim.key.key)
        self.keys[name] = evolve(self.keys[name], result=result)

    def holds(self, claim: Claim) -> bool:
        """Return whether a claim is still its try's own, and unsettled."""
        row = self.keys.get((claim.key.scope, claim.key.key))
        return row is not None and row.token == claim.token and row.result is None

    def _refusal(self, change: Change) -> UserCoreError | None:
        claim = change.context.claim
        if claim is not None and not self.holds(claim):
            return ClaimLostError()
        receipt = change.context.receipt
        if receipt is not None and receipt.message in self.inbox:
            return AlreadyAppliedError()
        user = change.user
        current = self.users.get(user.id)
        if user.version == 1:
            return self._taken(user) or (UserExistsError() if current else None)
        if current is None:
            return UserNotFoundError()
        if current.version != user.version - 1:
            return StaleVersionError(current=current.version)
        return self._taken(user)

    def _taken(self, user: User) -> UserCoreError | None:
        names = names_of(user)
        for kind, error in _TAKEN.items():
            value = names[kind]
            # A new user's own id counts as another's: the user of that id exists already.
            owner = None if value is None else self.names.get((kind, value))
            if owner is not None and (owner != user.id or user.version == 1):
                return error()
        return None

    def _write(self, change: Change, rows: Rows) -> None:
        user = change.user
        before = self.users.get(user.id)
        for kind, value in names_of(before).items() if before else ():
            if self.names.get((kind, value or "")) == user.id:
                del self.names[kind, value or ""]
        self.names.update({(kind, value): user.id for kind, value in names_of(user).items() if value})
        self.users[user.id] = user
        self.documents[user.id] = rows.document
        self.outbox.append(rows.message)
        self.history.setdefault(user.id, []).append(rows.history)
        self.append(rows.audit)
        self.deliver(rows.deliveries)
        for said in rows.preferences:
            self.preferences.setdefault(user.id, {})[said.topic] = said
        if rows.consents:
            self.consents.setdefault(user.id, []).extend(rows.consents)
        self.verifications.update((one.id, one) for one in rows.verifications)
        for settlement in rows.settlements:
            self._end(settlement)
        for erasure in rows.erasures:
            self._erase(erasure, user.updated_at)
        if change.context.claim is not None:
            self.settle(change.context.claim, Settled(user.id, user.version))
        if change.context.receipt is not None:
            self.receive(change.context.receipt, at=user.updated_at)

    def deliver(self, deliveries: Iterable[Delivery]) -> None:
        """Keep deliveries until they are acknowledged."""
        for one in deliveries:
            self.last_seq += 1
            self.deliveries[one.event_id, one.recipient] = DeliveryRow(one, due_at=one.created_at, seq=self.last_seq)

    def append(self, entry: AuditEntry) -> None:
        """Append an entry to its user's audit chain."""
        chain = self.audit.setdefault(entry.user_id, [])
        head = ChainHead(entry.user_id, chain[-1].sequence, chain[-1].hash) if chain else None
        chain.append(chained(head, entry))

    def _erase(self, record: ErasureRecord, at: datetime) -> None:
        """Take everything personal of a user away, but for what the erasure itself has written."""
        user_id, event_id = record.user_id, record.event_id
        kept = [one for one in self.outbox if one.user_id != user_id or one.event_id == event_id]
        self.forgotten += len(self.outbox) - len(kept)
        self.outbox[:] = kept
        for rows in (self.deliveries, self.settled_deliveries):
            _drop(rows, lambda row: _is_overtaken(row.delivery, user_id, event_id))
        self.history[user_id] = [evolve(entry, changes=()) for entry in self.history[user_id]]
        self.preferences.pop(user_id, None)
        self.notices.pop(user_id, None)
        self.consents[user_id] = [
            evolve(entry, proof=None, consent=evolve(entry.consent, source=""))
            for entry in self.consents.pop(user_id, ())
        ]
        _drop(self.keys, lambda row: row.result is not None and row.result.user_id == user_id)
        _drop(self.facts, lambda entry: entry.user_id == user_id)
        _drop(self.candidates, lambda one: user_id in {one.first, one.second})
        _drop(self.merges, lambda merge: user_id in {merge.survivor, merge.merged})
        _drop(self.verifications, lambda one: one.user_id == user_id)
        _drop(self.parked, lambda row: _names(row.parked.message, user_id))
        _drop(self.dead_letters, lambda letter: _names(letter.message, user_id))
        _drop(self.archives, lambda row: row.user_id == user_id)
        self.legal_holds[:] = [without_words(hold) if hold.user_id == user_id else hold for hold in self.legal_holds]
        for row in [row for row in self.privacy_requests.values() if row.request.user_id == user_id]:
            over = row.request.overtaken(now=at) if row.request.id != record.request_id else row.request
            self.privacy_requests[over.id] = evolve(row, request=over.without_words())

    def pending(self, user_id: UserId, channel: VerificationChannel | None) -> list[Verification]:
        """Return a user's pending verifications, of one channel or of all."""
        return [
            one
            for one in self.verifications.values()
            if one.user_id == user_id and one.state is VerificationState.PENDING and channel in (None, one.channel)
        ]

    def _end(self, settlement: Settlement) -> None:
        for one in self.pending(settlement.user_id, settlement.channel):
            confirmed = one.id == settlement.confirmed
            state = VerificationState.CONFIRMED if confirmed else VerificationState.CANCELLED
            self.verifications[one.id] = evolve(one, state=state, settled_at=settlement.at)

    def next_position(self) -> int:
        """Return the next place in the outbox; one that was purged is not used again."""
        return self.forgotten + len(self.outbox) + 1

    def receive(self, receipt: Receipt, *, at: datetime) -> bool:
        """Remember a message, and return whether it is new."""
        if receipt.message in self.inbox:
            return False
        self.inbox[receipt.message] = ReceiptRow(receipt, at)
        return True


def _merges(change: Change) -> list[MergeRecord | UndoRecord]:
    return [record for record in change.records if isinstance(record, MergeRecord | UndoRecord)]


def entry_of_other(entry: FactEntry, user_id: UserId) -> FactEntry:
    """Return a fact as if it had been told of another user."""
    fact = entry.fact
    told = evolve(fact, user_id=user_id) if isinstance(fact, OrderPlaced | PointsEarned) else fact
    return evolve(entry, user_id=user_id, fact=told)


def _copied(value: Any) -> Any:  # noqa: ANN401 -- a table of any sort
    """Return a copy of a table, and of the lists and mappings that are its rows."""
    match value:
        case dict():
            return {name: _copied(row) for name, row in value.items()}
        case list():
            return list(value)
        case _:
            return value


def _drop(rows: dict[K, V], condition: Callable[[V], bool]) -> None:
    for key in [key for key, row in rows.items() if condition(row)]:
        del rows[key]


def _is_overtaken(delivery: Delivery, user_id: UserId, event_id: EventId) -> bool:
    """Return whether a delivery is about a user who is erased, and not part of that; the audit hears all the same."""
    return delivery.user_id == user_id and delivery.event_id != event_id and delivery.recipient is not Recipient.AUDIT


def _names(message: RawMessage, user_id: UserId) -> bool:
    return user_id.encode() in (message.key or b"") or user_id.encode() in (message.value or b"")
