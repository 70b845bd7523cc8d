"""Events as they are published: the payload of each message of the catalogue."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from usercore.codec.facets import preference_object, wire_field, wire_value
from usercore.codec.scalars import compact, timestamp
from usercore.kernel.context import CommandContext
from usercore.kernel.events import Event
from usercore.preferences.events import UserEmailPreferencesUpdated
from usercore.privacy.consents.events import UserConsentChanged
from usercore.users.events import (
    UserCreated,
    UserDeactivated,
    UserErased,
    UserMerged,
    UserMergeUndone,
    UserReactivated,
    UserUpdated,
    UserVerified,
)


def event_payload(event: Event) -> bytes:
    """Return an event's payload as compact JSON in UTF-8.

    Raises:
        KeyError: the event's type is not one that is published.
    """
    fields = {"userId": event.user_id, **_PAYLOADS[type(event)](event)}
    return compact({name: value for name, value in fields.items() if value is not _ABSENT})


def event_headers(context: CommandContext) -> tuple[tuple[str, str], ...]:
    """Return the message headers that tell of an event's circumstances.

    Source: CloudEvents 1.0, Kafka protocol binding, 3.2: attributes and extensions as ``ce_`` headers;
    W3C Trace Context for ``traceparent``.
    """
    return tuple(_headers(context))


def _headers(context: CommandContext) -> Iterator[tuple[str, str]]:
    yield "ce_actor", str(context.actor)
    yield "ce_correlationid", context.correlation_id
    if context.causation_id is not None:
        yield "ce_causationid", context.causation_id
    if context.traceparent is not None:
        yield "traceparent", context.traceparent


_ABSENT = object()


def _created(event: UserCreated) -> Mapping[str, object]:
    return {
        "email": event.email,
        "createdAt": timestamp(event.created_at),
        "firstName": event.first_name,
        "lastName": event.last_name,
    }


def _updated(event: UserUpdated) -> Mapping[str, object]:
    values = {wire_field(name): wire_value(value) for name, value in event.values.items()}
    return {
        "updatedAt": timestamp(event.updated_at),
        "version": event.version,
        "changedFields": list(values),
        **values,
    }


def _deactivated(event: UserDeactivated) -> Mapping[str, object]:
    notes = event.additional_notes
    return {
        "deactivatedAt": timestamp(event.deactivated_at),
        "reason": event.reason.value,
        "additionalNotes": _ABSENT if notes is None else notes,
    }


def _reactivated(event: UserReactivated) -> Mapping[str, object]:
    return {"reactivatedAt": timestamp(event.reactivated_at), "reason": event.reason}


def _erased(event: UserErased) -> Mapping[str, object]:
    return {"erasedAt": timestamp(event.erased_at)}


def _merged(event: UserMerged) -> Mapping[str, object]:
    return {"mergedUserId": event.merged_user_id, "mergedAt": timestamp(event.merged_at)}


def _merge_undone(event: UserMergeUndone) -> Mapping[str, object]:
    return {"mergedUserId": event.merged_user_id, "undoneAt": timestamp(event.undone_at)}


def _verified(event: UserVerified) -> Mapping[str, object]:
    return {"channel": event.channel.value, "verifiedAt": timestamp(event.verified_at)}


def _preferences(event: UserEmailPreferencesUpdated) -> Mapping[str, object]:
    said = {one.topic: preference_object(one) for one in event.preferences}
    return {"updatedAt": timestamp(event.updated_at), "preferences": said}


def _consent(event: UserConsentChanged) -> Mapping[str, object]:
    return {
        "purpose": event.purpose,
        "given": event.given,
        "wordingVersion": event.wording_version,
        "changedAt": timestamp(event.changed_at),
    }


_PAYLOADS: Mapping[type[Event], Callable[[Any], Mapping[str, object]]] = {
    UserCreated: _created,
    UserUpdated: _updated,
    UserDeactivated: _deactivated,
    UserReactivated: _reactivated,
    UserErased: _erased,
    UserVerified: _verified,
    UserMerged: _merged,
    UserMergeUndone: _merge_undone,
    UserEmailPreferencesUpdated: _preferences,
    UserConsentChanged: _consent,
}
