"""What privacy requests and retention leave behind besides themselves: letters to the person, and audit entries."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from usercore.audit.entry import AuditEntry
from usercore.delivery.values import Delivery, Operation, Recipient
from usercore.kernel.context import CommandContext
from usercore.kernel.ids import EventId, UserId
from usercore.privacy.requests.model import PrivacyRequest
from usercore.privacy.requests.ports import Noted
from usercore.privacy.requests.values import LAW, RequestKind
from usercore.privacy.retention.ports import Notice

_SHORT: Final = {RequestKind.OPT_OUT_OF_SALE: "OPT_OUT"}


def delivery_of_answer(noted: Noted) -> Delivery | None:
    """Return what the NotificationService must write to the person, or None where there is nothing to be said."""
    letter, request = noted.letter, noted.request
    if letter is None:
        return None
    payload = {
        "email": letter.email,
        "firstName": letter.first_name,
        "locale": letter.locale,
        "requestId": request.id,
        "kind": _SHORT.get(request.kind, request.kind.value),
        "outcome": letter.word.value,
        "dueAt": request.due_at.isoformat(),
        "expiresAt": None if request.archive_until is None else request.archive_until.isoformat(),
        **_reasons(request),
    }
    return Delivery(
        event_id=noted.event_id,
        recipient=Recipient.NOTIFICATION,
        operation=Operation.SEND_PRIVACY_ANSWER,
        user_id=request.user_id,
        payload=payload,
        secret=None,
        created_at=request.updated_at,
    )


def _reasons(request: PrivacyRequest) -> Mapping[str, object]:
    refusal, extension = request.refusal, request.extension
    if refusal is not None:
        return {"ground": refusal.ground.value, "law": LAW[refusal.ground], "reason": refusal.text}
    return {} if extension is None else {"reason": extension.reason}


def entry_of_step(noted: Noted) -> AuditEntry:
    """Return what the audit trail keeps of a step of a privacy request."""
    fields = (noted.request.kind.value.lower(), noted.request.state.value.lower())
    return entry_about(
        noted.request.user_id, noted.event_id, noted.action, noted.context, at=noted.request.updated_at, fields=fields
    )


def delivery_of_notice(notice: Notice) -> Delivery:
    """Return what the NotificationService must write to a person whose account nobody uses."""
    profile = notice.user.profile
    return Delivery(
        event_id=notice.event_id,
        recipient=Recipient.NOTIFICATION,
        operation=Operation.SEND_INACTIVITY_NOTICE,
        user_id=notice.user.id,
        payload={
            "email": profile.email.address,
            "firstName": profile.first_name,
            "locale": profile.locale,
            "deactivatesAt": notice.deactivates_at.isoformat(),
        },
        secret=None,
        created_at=notice.at,
    )


def entry_of_notice(notice: Notice) -> AuditEntry:
    """Return what the audit trail keeps of a notice."""
    return entry_about(notice.user.id, notice.event_id, "InactivityNoticed", notice.context, at=notice.at)


def entry_about(
    user_id: UserId,
    event_id: EventId,
    action: str,
    context: CommandContext,
    *,
    at: datetime,
    fields: tuple[str, ...] = (),
) -> AuditEntry:
    """Return an entry about a user that comes without a change."""
    return AuditEntry(
        user_id=user_id,
        event_id=event_id,
        at=at,
        actor=context.actor,
        action=action,
        fields=fields,
        correlation_id=context.correlation_id,
        causation_id=context.causation_id,
    )
