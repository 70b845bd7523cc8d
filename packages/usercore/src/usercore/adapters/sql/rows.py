"""What a change writes, as JSON that PostgreSQL turns into rows: one parameter for any number of them."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from hashlib import sha256
from typing import Any, Final

import msgspec

from usercore.adapters.sql.keys import UserKey
from usercore.adapters.sql.mapping import row_of
from usercore.adapters.sql.places import history_place
from usercore.audit.chain import digest_of
from usercore.audit.entry import entry_of
from usercore.codec.events import event_headers, event_payload
from usercore.codec.facets import store_changes
from usercore.codec.scalars import compact, kebab
from usercore.delivery.routing import deliveries_of
from usercore.delivery.sharding import shard_of
from usercore.delivery.values import Delivery
from usercore.kernel.events import Record
from usercore.kernel.ids import UserId
from usercore.merging.events import MergeRecord, UndoRecord
from usercore.preferences.events import PreferencesRecord
from usercore.privacy.consents.events import ConsentRecord
from usercore.privacy.requests.events import ErasureRecord
from usercore.users.ports import Change
from usercore.verification.records import VerificationConfirmed, VerificationRecord, settlements_of

_ATTRIBUTES: Final = "attributes"
_ENCODER: Final = msgspec.json.Encoder()


def change_rows(changes: Iterable[Change], keys: Mapping[UserId, UserKey]) -> str:
    """Return the users with their outbox, history and audit rows, one JSON object a change.

    Args:
        changes: what is to be written.
        keys: of their users; history is sealed with them.
    """
    return _dump([_change(change, keys[change.user.id]) for change in changes])


def delivery_rows(changes: Iterable[Change]) -> str:
    """Return the deliveries of the changes."""
    return dump_deliveries([delivery for change in changes for delivery in deliveries_of(change)])


def dump_deliveries(deliveries: Iterable[Delivery]) -> str:
    """Return the rows of deliveries."""
    return _dump(
        [
            {
                "event_id": delivery.event_id,
                "user_id": delivery.user_id,
                "recipient": delivery.recipient,
                "operation": delivery.operation,
                "payload": delivery.payload,
                "secret": delivery.secret and delivery.secret.reveal(),
                "created_at": delivery.created_at.isoformat(),
                "traceparent": delivery.traceparent,
            }
            for delivery in deliveries
        ]
    )


def record_rows(changes: Iterable[Change]) -> str:
    """Return the rows of other features: an object with a member for each kind of record.

    Raises:
        TypeError: a record is of a kind that no table keeps.
    """
    rows: dict[str, list[Any]] = {member: [] for member, _ in _RECORDS.values()}
    for change in changes:
        rows["settlements"] += _settlements(change)
        for record in change.records:
            kind = type(record)
            if kind in _ELSEWHERE:
                continue
            if kind not in _RECORDS:
                raise TypeError(f"no table here keeps {kind.__name__}")
            member, render = _RECORDS[kind]
            rows[member] += render(record)
    return _dump(rows)


def _change(change: Change, key: UserKey) -> dict[str, Any]:
    context = change.context
    sealed = _history(change, key)
    contents_hash = sha256(sealed).digest()
    entry = entry_of(change).with_contents(contents_hash)
    receipt = context.receipt
    return {
        **row_of(change.user),
        _ATTRIBUTES: _exactly(change.user.profile.attributes),
        "event_id": change.event_id,
        "message": change.event.message,
        # Text inside the JSON, not JSON: it must arrive byte for byte as the codec made it.
        "payload": event_payload(change.event).decode(),
        "headers": event_headers(context),
        "shard": shard_of(change.user.id),
        "topic": kebab(change.event.message),
        "actor_kind": entry.actor.kind,
        "actor_id": entry.actor.id,
        "fields": entry.fields,
        "correlation_id": entry.correlation_id,
        "causation_id": entry.causation_id,
        # Binary values travel as hexadecimal digits.
        "sealed": sealed.hex(),
        "contents_hash": contents_hash.hex(),
        "digest": digest_of(entry).hex(),
        "key_version": key.wrapped and key.wrapped.version,
        "key_sealed": key.wrapped and key.wrapped.sealed.hex(),
        "inbox_topic": receipt and receipt.message.topic,
        "inbox_source": receipt and receipt.message.source,
        "inbox_id": receipt and receipt.message.id,
        "inbox_fingerprint": receipt and receipt.fingerprint.hex(),
    }


def _history(change: Change, key: UserKey) -> bytes:
    return key.key.seal(history_place(change.user.id, change.user.version), compact(store_changes(change.changes)))


def _exactly(value: object) -> object:
    """Return JSON whose numbers stay as the codec writes them: it is kept as text, and 1e-05 may be in it."""
    return msgspec.Raw(compact(value)) if value else value


def _preferences(record: PreferencesRecord) -> Iterator[Mapping[str, object]]:
    for said in record.preferences:
        yield {
            "user_id": record.user_id,
            "topic": said.topic,
            "subscribed": said.subscribed,
            "source": said.source,
            "said_at": said.at.isoformat(),
            "wording_version": said.wording_version,
        }


def _consents(record: ConsentRecord) -> Iterator[Mapping[str, object]]:
    entry, said = record.entry, record.entry.consent
    yield {
        "user_id": entry.user_id,
        "version": entry.version,
        "purpose": said.purpose,
        "given": said.given,
        "wording_version": said.wording_version,
        "source": said.source,
        "said_at": said.at.isoformat(),
        "actor_kind": entry.actor.kind,
        "actor_id": entry.actor.id,
        "proof": entry.proof,
    }


def _verifications(record: VerificationRecord) -> Iterator[Mapping[str, object]]:
    one = record.verification
    yield {
        "id": one.id,
        "user_id": one.user_id,
        "channel": one.channel,
        "state": one.state,
        "started_at": one.started_at.isoformat(),
        "contact_hash": one.contact_hash and one.contact_hash.hex(),
        "token_hash": one.token_hash and one.token_hash.hex(),
        "link_expires_at": one.link_expires_at and one.link_expires_at.isoformat(),
        "settled_at": one.settled_at and one.settled_at.isoformat(),
        "verifier": one.verifier,
        "reference": one.reference,
        "request": one.request and one.request.hex(),
    }


def _settlements(change: Change) -> Iterator[Mapping[str, object]]:
    for one in settlements_of(change):
        yield {
            "user_id": one.user_id,
            "channel": one.channel,
            "confirmed": one.confirmed,
            "settled_at": one.at.isoformat(),
        }


def _nothing(_: Record) -> Iterator[Mapping[str, object]]:
    """Return no row: what a confirmation ends is told by the change as a whole."""
    return iter(())


_ELSEWHERE: Final = frozenset({ErasureRecord, MergeRecord, UndoRecord})
"""Records that write no rows of their own in the change's statement, see `erasing.py` and `merging.py`."""
_RECORDS: Final[Mapping[type[Record], tuple[str, Callable[[Any], Iterator[Mapping[str, object]]]]]] = {
    PreferencesRecord: ("preferences", _preferences),
    ConsentRecord: ("consents", _consents),
    VerificationRecord: ("verifications", _verifications),
    VerificationConfirmed: ("settlements", _nothing),
}
"""For each kind of record the member that its rows stand under, and what makes them."""


def _dump(rows: object) -> str:
    # Members of type json keep this very text: the form of `codec.scalars.compact`, but for numbers like 1e-05.
    return _ENCODER.encode(rows).decode()
