"""Between a privacy request or a legal hold and its row."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from usercore.adapters.sql.engine import Row
from usercore.adapters.sql.mapping import utc
from usercore.adapters.sql.tables import legal_holds, privacy_requests
from usercore.codec.patches import patch_object, patch_of
from usercore.kernel.context import Actor, ActorKind
from usercore.kernel.ids import EventId, UserId
from usercore.privacy.requests.holds import LegalHold, Release
from usercore.privacy.requests.model import Asked, Erasure, ErasureStep, PrivacyRequest, Recipient, RequestId
from usercore.privacy.requests.ports import Noted
from usercore.privacy.requests.values import (
    Extension,
    IdentityCheck,
    IdentityMethod,
    Jurisdiction,
    Refusal,
    RefusalGround,
    RequestKind,
    RequestState,
)

COLUMNS: Final = tuple(column.name for column in privacy_requests.columns)
HOLD_COLUMNS: Final = tuple(column.name for column in legal_holds.columns)
_IDS: Final = frozenset({"id", "user_id", "erasure_event_id"})
SELECT: Final = ", ".join(f"p.{name}::text" if name in _IDS else f"p.{name}" for name in COLUMNS)
"""SQL for what :func:`request_of` reads, of a table ``privacy_requests AS p``."""
HOLD_SELECT: Final = ", ".join(f"h.{name}::text" if name in _IDS else f"h.{name}" for name in HOLD_COLUMNS)
"""SQL for what :func:`hold_of` reads, of a table ``legal_holds AS h``."""


def request_row(noted: Noted) -> dict[str, Any]:
    """Return a request's row as JSON holds it."""
    request = noted.request
    patch = request.asked.patch
    return {
        "id": request.id,
        "user_id": request.user_id,
        "version": request.version,
        "kind": request.kind,
        "jurisdiction": request.jurisdiction,
        "state": request.state,
        "received_at": _text(request.received_at),
        "due_at": _text(request.due_at),
        "updated_at": _text(request.updated_at),
        "received_from_kind": request.received_from.kind,
        "received_from_id": request.received_from.id,
        "asked_text": request.asked.text,
        "asked_patch": None if patch is None else patch_object(patch),
        **_decisions(request),
        "outcome": request.outcome,
        "closed_at": _text(request.closed_at),
        "trouble": request.trouble,
        "archive_until": _text(request.archive_until),
        **_erasure_row(request.erasure),
        "run_at": _text(noted.run_at),
    }


def _decisions(request: PrivacyRequest) -> dict[str, Any]:
    identity, extension, refusal = request.identity, request.extension, request.refusal
    return {
        "identity_method": identity and identity.method,
        "identity_at": identity and _text(identity.at),
        "identity_by_kind": identity and identity.by.kind,
        "identity_by_id": identity and identity.by.id,
        "identity_note": identity and identity.note,
        "extended_at": extension and _text(extension.at),
        "extension_reason": extension and extension.reason,
        "refusal_ground": refusal and refusal.ground,
        "refusal_text": refusal and refusal.text,
    }


def _erasure_row(erasure: Erasure | None) -> dict[str, Any]:
    if erasure is None:
        return {}
    return {
        "erasure_step": erasure.step,
        "erasure_event_id": erasure.event_id,
        "erasure_since": _text(erasure.since),
        "erasure_receipts": {recipient.value: _text(at) for recipient, at in erasure.receipts.items()},
        "erasure_dropped": erasure.dropped,
        "ledger_sequence": erasure.ledger_sequence,
    }


def request_of(row: Row) -> PrivacyRequest:
    """Return the request in a row of :data:`SELECT`."""
    values = dict(zip(COLUMNS, row, strict=True))
    patch = values["asked_patch"]
    return PrivacyRequest(
        id=RequestId(values["id"]),
        user_id=UserId(values["user_id"]),
        version=values["version"],
        kind=RequestKind(values["kind"]),
        jurisdiction=Jurisdiction(values["jurisdiction"]),
        state=RequestState(values["state"]),
        received_at=utc(values["received_at"]),
        due_at=utc(values["due_at"]),
        updated_at=utc(values["updated_at"]),
        received_from=Actor(ActorKind(values["received_from_kind"]), values["received_from_id"]),
        asked=Asked(values["asked_text"], None if patch is None else patch_of(patch)),
        identity=_identity(values),
        extension=_extension(values),
        refusal=_refusal(values),
        outcome=values["outcome"],
        closed_at=_time(values["closed_at"]),
        trouble=values["trouble"],
        archive_until=_time(values["archive_until"]),
        erasure=_erasure(values),
    )


def _identity(values: Mapping[str, Any]) -> IdentityCheck | None:
    if values["identity_method"] is None:
        return None
    by = Actor(ActorKind(values["identity_by_kind"]), values["identity_by_id"])
    method = IdentityMethod(values["identity_method"])
    return IdentityCheck(method, utc(values["identity_at"]), by, values["identity_note"])


def _extension(values: Mapping[str, Any]) -> Extension | None:
    at = values["extended_at"]
    return None if at is None else Extension(utc(at), values["extension_reason"])


def _refusal(values: Mapping[str, Any]) -> Refusal | None:
    ground = values["refusal_ground"]
    return None if ground is None else Refusal(RefusalGround(ground), values["refusal_text"])


def _erasure(values: Mapping[str, Any]) -> Erasure | None:
    if values["erasure_step"] is None:
        return None
    receipts = values["erasure_receipts"] or {}
    return Erasure(
        step=ErasureStep(values["erasure_step"]),
        event_id=EventId(values["erasure_event_id"]),
        since=utc(values["erasure_since"]),
        receipts={Recipient(name): utc(datetime.fromisoformat(at)) for name, at in receipts.items()},
        dropped=values["erasure_dropped"],
        ledger_sequence=values["ledger_sequence"],
    )


def hold_of(row: Row) -> LegalHold:
    """Return the hold in a row of :data:`HOLD_SELECT`."""
    values = dict(zip(HOLD_COLUMNS, row, strict=True))
    release = None
    if values["released_at"] is not None:
        by = Actor(ActorKind(values["released_by_kind"]), values["released_by_id"])
        release = Release(utc(values["released_at"]), by, values["release_reason"])
    return LegalHold(
        user_id=UserId(values["user_id"]),
        matter=values["matter"],
        reason=values["reason"],
        placed_at=utc(values["placed_at"]),
        placed_by=Actor(ActorKind(values["placed_by_kind"]), values["placed_by_id"]),
        release=release,
    )


def _text(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()


def _time(at: datetime | None) -> datetime | None:
    return None if at is None else utc(at)
