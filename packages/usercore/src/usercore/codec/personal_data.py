"""What is kept of a person, as rows of the archive: by the names of columns, in values as JSON has them."""

from usercore.activity.ports import FactEntry
from usercore.audit.entry import ChainedEntry
from usercore.codec.activity import fact_object
from usercore.codec.facets import wire_field, wire_value
from usercore.codec.patches import patch_object
from usercore.codec.scalars import optional_timestamp, timestamp
from usercore.delivery.values import Delivery, DeliveryLine, DeliveryState
from usercore.preferences.values import EmailPreference
from usercore.privacy.consents.values import LedgerEntry
from usercore.privacy.export.ports import PersonalRow
from usercore.privacy.requests.model import PrivacyRequest
from usercore.privacy.retention.ports import Notice
from usercore.users.model import User
from usercore.users.ports import HistoryEntry
from usercore.users.values import Address
from usercore.verification.values import Verification

_NO_ADDRESS = Address()


def user_row(user: User) -> PersonalRow:
    """Return a user as a row of ``users``."""
    profile, status, verified = user.profile, user.status, user.verification
    address = profile.address or _NO_ADDRESS
    return {
        "id": user.id,
        "version": user.version,
        "username": profile.username,
        "email": profile.email.address,
        "first_name": profile.first_name,
        "last_name": profile.last_name,
        "phone_number": profile.phone_number,
        "address_street": address.street,
        "address_city": address.city,
        "address_state": address.state,
        "address_postal_code": address.postal_code,
        "address_country": address.country,
        "locale": profile.locale,
        "time_zone": profile.time_zone,
        "birth_date": profile.birth_date and profile.birth_date.isoformat(),
        "attributes": profile.attributes,
        "external_id": profile.external_id,
        "state": status.state.value,
        "status_since": timestamp(status.since),
        "status_actor_kind": status.actor.kind.value,
        "status_actor_id": status.actor.id,
        "status_reason": status.reason and status.reason.value,
        "status_notes": status.notes,
        "status_until": optional_timestamp(status.until),
        "email_verified_at": optional_timestamp(verified.email),
        "phone_verified_at": optional_timestamp(verified.phone),
        "identity_verified_at": optional_timestamp(verified.identity),
        "restricted": user.restricted,
        "merged_into": status.merged_into,
        "created_at": timestamp(user.created_at),
        "updated_at": timestamp(user.updated_at),
    }


def history_row(entry: HistoryEntry) -> PersonalRow:
    """Return a step of a user's life as a row of ``user_history``, its changes as the profile shows values."""
    return {
        "version": entry.version,
        "event_id": entry.event_id,
        "message": entry.message,
        "occurred_at": timestamp(entry.at),
        "actor_kind": entry.actor.kind.value,
        "actor_id": entry.actor.id,
        "correlation_id": entry.correlation_id,
        "causation_id": entry.causation_id,
        "changes": [
            {
                "field": wire_field(change.field),
                "before": wire_value(change.before),
                "after": wire_value(change.after),
            }
            for change in entry.changes
        ],
    }


def preference_row(said: EmailPreference) -> PersonalRow:
    """Return what a user said of a topic as a row of ``email_preferences``."""
    return {
        "topic": said.topic,
        "subscribed": said.subscribed,
        "source": said.source,
        "said_at": timestamp(said.at),
        "wording_version": said.wording_version,
    }


def fact_row(entry: FactEntry) -> PersonalRow:
    """Return a fact as a row of ``activity_facts``."""
    shown = fact_object(entry)
    money = shown.get("total", shown.get("amount"))
    amount = money if isinstance(money, dict) else {}
    return {
        "kind": shown["kind"],
        "fact_id": shown["id"],
        "event_id": entry.event_id,
        "occurred_at": shown["at"],
        "order_id": shown.get("orderId"),
        "amount": amount.get("value"),
        "currency": amount.get("currency"),
        "items": shown.get("items"),
        "points": shown.get("points"),
        "error_code": shown.get("errorCode"),
        "reason": shown.get("reason"),
        "recorded_at": shown["recordedAt"],
        "actor_kind": entry.actor.kind.value,
        "actor_id": entry.actor.id,
        "correlation_id": entry.correlation_id,
        "causation_id": entry.causation_id,
    }


def verification_row(one: Verification) -> PersonalRow:
    """Return a verification as a row of ``verifications``, without hashes."""
    return {
        "id": one.id,
        "channel": one.channel.value,
        "state": one.state.value,
        "started_at": timestamp(one.started_at),
        "code_expires_at": optional_timestamp(one.code_expires_at),
        "link_expires_at": optional_timestamp(one.link_expires_at),
        "attempts": one.attempts,
        "settled_at": optional_timestamp(one.settled_at),
        "verifier": one.verifier,
        "reference": one.reference,
    }


def notice_row(notice: Notice) -> PersonalRow:
    """Return a notice as a row of ``inactivity_notices``."""
    return {"noticed_at": timestamp(notice.at), "event_id": notice.event_id}


def audit_row(chained: ChainedEntry) -> PersonalRow:
    """Return an entry of the audit trail as a row of ``audit_entries``."""
    entry = chained.entry
    return {
        "sequence": chained.sequence,
        "event_id": entry.event_id,
        "occurred_at": timestamp(entry.at),
        "actor_kind": entry.actor.kind.value,
        "actor_id": entry.actor.id,
        "action": entry.action,
        "fields": list(entry.fields),
        "correlation_id": entry.correlation_id,
        "causation_id": entry.causation_id,
        "version": entry.version,
    }


def delivery_row(delivery: Delivery, line: DeliveryLine) -> PersonalRow:
    """Return what a service was told, or is to be told, as a row of ``deliveries``."""
    settled_at, state = optional_timestamp(line.settled_at), line.state
    discarded_at = settled_at if state is DeliveryState.DISCARDED else None
    return {
        "event_id": line.event_id,
        "recipient": line.recipient.value,
        "operation": line.operation.value,
        "payload": delivery.payload,
        "created_at": timestamp(line.created_at),
        "attempts": line.attempts,
        "delivered_at": settled_at if state is DeliveryState.DELIVERED else None,
        "error_code": line.error_code,
        "failed_at": settled_at if state is DeliveryState.FAILED else discarded_at,
        "discarded_at": discarded_at,
        "settled_by": line.settled_by,
        "settled_reason": line.settled_reason,
    }


def consent_row(entry: LedgerEntry) -> PersonalRow:
    """Return a line of the ledger as a row of ``consents``."""
    said = entry.consent
    return {
        "version": entry.version,
        "purpose": said.purpose,
        "given": said.given,
        "wording_version": said.wording_version,
        "source": said.source,
        "said_at": timestamp(said.at),
        "actor_kind": entry.actor.kind.value,
        "actor_id": entry.actor.id,
        "proof": entry.proof,
    }


def privacy_request_row(request: PrivacyRequest) -> PersonalRow:
    """Return what a person asked, and what became of it, as a row of ``privacy_requests``."""
    patch, identity, extension, refusal = request.asked.patch, request.identity, request.extension, request.refusal
    return {
        "id": request.id,
        "kind": request.kind.value,
        "jurisdiction": request.jurisdiction.value,
        "state": request.state.value,
        "received_at": timestamp(request.received_at),
        "due_at": timestamp(request.due_at),
        "updated_at": timestamp(request.updated_at),
        "received_from_kind": request.received_from.kind.value,
        "received_from_id": request.received_from.id,
        "asked_text": request.asked.text,
        "asked_patch": None if patch is None else patch_object(patch),
        "identity_method": identity and identity.method.value,
        "identity_at": identity and timestamp(identity.at),
        "identity_by_kind": identity and identity.by.kind.value,
        "identity_by_id": identity and identity.by.id,
        "identity_note": identity and identity.note,
        "extended_at": extension and timestamp(extension.at),
        "extension_reason": extension and extension.reason,
        "refusal_ground": refusal and refusal.ground.value,
        "refusal_text": refusal and refusal.text,
        "outcome": request.outcome,
        "closed_at": optional_timestamp(request.closed_at),
        "archive_until": optional_timestamp(request.archive_until),
    }
