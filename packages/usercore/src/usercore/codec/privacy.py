"""Privacy requests, holds and the ledger of erasures on the wire."""

import json
from datetime import datetime
from typing import Any

from usercore.codec.patches import patch_object
from usercore.codec.scalars import actor, compact, optional_timestamp, timestamp
from usercore.codec.times import read_time
from usercore.kernel.ids import EventId, UserId
from usercore.privacy.requests.holds import LegalHold
from usercore.privacy.requests.ledger import ErasedPerson, LedgerEntry
from usercore.privacy.requests.model import Erasure, PrivacyRequest, RequestId
from usercore.privacy.requests.values import LAW, Jurisdiction


def request_object(request: PrivacyRequest, now: datetime) -> dict[str, object]:
    """Return a request as a JSON object.

    Args:
        request: which.
        now: decides whether it is overdue.
    """
    patch = request.asked.patch
    return {
        "id": request.id,
        "userId": request.user_id,
        "kind": request.kind.value,
        "jurisdiction": request.jurisdiction.value,
        "state": request.state.value,
        "receivedAt": timestamp(request.received_at),
        "dueAt": timestamp(request.due_at),
        "overdue": request.is_overdue(now),
        "updatedAt": timestamp(request.updated_at),
        "closedAt": optional_timestamp(request.closed_at),
        "receivedFrom": actor(request.received_from),
        "text": request.asked.text,
        "profile": None if patch is None else patch_object(patch),
        "identity": _identity(request),
        "extension": _extension(request),
        "refusal": _refusal(request),
        "outcome": request.outcome,
        "trouble": request.trouble,
        "archiveUntil": optional_timestamp(request.archive_until),
        "erasure": None if request.erasure is None else _erasure(request.erasure),
        "version": request.version,
    }


def _identity(request: PrivacyRequest) -> dict[str, object] | None:
    check = request.identity
    if check is None:
        return None
    return {"method": check.method.value, "at": timestamp(check.at), "by": actor(check.by), "note": check.note}


def _extension(request: PrivacyRequest) -> dict[str, object] | None:
    found = request.extension
    return None if found is None else {"at": timestamp(found.at), "reason": found.reason}


def _refusal(request: PrivacyRequest) -> dict[str, object] | None:
    found = request.refusal
    return None if found is None else {"ground": found.ground.value, "law": LAW[found.ground], "text": found.text}


def _erasure(erasure: Erasure) -> dict[str, object]:
    return {
        "step": erasure.step.value,
        "since": timestamp(erasure.since),
        "receipts": {recipient.value: timestamp(at) for recipient, at in sorted(erasure.receipts.items())},
        "dropped": erasure.dropped,
        "ledgerSequence": erasure.ledger_sequence,
    }


def hold_object(hold: LegalHold) -> dict[str, object]:
    """Return a legal hold as a JSON object."""
    end = hold.release
    return {
        "userId": hold.user_id,
        "matter": hold.matter,
        "reason": hold.reason,
        "placedAt": timestamp(hold.placed_at),
        "placedBy": actor(hold.placed_by),
        "release": None if end is None else {"at": timestamp(end.at), "by": actor(end.by), "reason": end.reason},
    }


def render_entry(entry: LedgerEntry) -> bytes:
    """Return an entry of the ledger of erasures as one line of JSON, without the line's end."""
    person = entry.person
    return compact(
        {
            "sequence": entry.sequence,
            "userId": person.user_id,
            "requestId": person.request_id,
            "eventId": person.event_id,
            "jurisdiction": person.jurisdiction.value,
            "at": timestamp(person.at),
            "previous": entry.previous.hex(),
            "hash": entry.hash.hex(),
        }
    )


def read_entry(line: bytes) -> LedgerEntry:
    """Return the entry in a line that :func:`render_entry` wrote.

    Raises:
        ValueError: it is none.
    """
    try:
        raw: dict[str, Any] = json.loads(line)
        person = ErasedPerson(
            UserId(raw["userId"]),
            RequestId(raw["requestId"]),
            EventId(raw["eventId"]),
            Jurisdiction(raw["jurisdiction"]),
            read_time(raw["at"]),
        )
        previous, own = bytes.fromhex(raw["previous"]), bytes.fromhex(raw["hash"])
        return LedgerEntry(person, int(raw["sequence"]), previous, own)
    except (KeyError, TypeError, RecursionError) as error:
        raise ValueError("no entry of the ledger") from error
