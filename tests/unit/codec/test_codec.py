"""JSON of profiles, events and history."""

import json
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import (
    NOW,
    OPERATOR,
    a_profile,
    an_email,
    change_of,
    creation,
    deactivation,
    update,
)
from tests.strategies import actors, addresses, instants, lines, users
from usercore.codec.events import event_headers, event_payload
from usercore.codec.facets import load_changes, store_changes, wire_field, wire_value
from usercore.codec.history import history_object
from usercore.codec.profile import profile_document, profile_object, render_profile
from usercore.codec.scalars import camel, compact, timestamp
from usercore.kernel.changes import FieldChange
from usercore.kernel.context import CommandContext
from usercore.kernel.events import Event
from usercore.preferences.events import UserEmailPreferencesUpdated
from usercore.preferences.values import EmailPreference
from usercore.users.model import User, Verification
from usercore.users.ports import HistoryEntry
from usercore.users.values import Address

PROFILE_FIELDS = [
    "id",
    "username",
    "email",
    "firstName",
    "lastName",
    "phoneNumber",
    "address",
    "locale",
    "timeZone",
    "birthDate",
    "attributes",
    "externalId",
    "status",
    "statusDetails",
    "verification",
    "restricted",
    "version",
    "createdAt",
    "updatedAt",
]


@given(users())
def test_a_profile_is_compact_utf8_json_with_every_field_in_one_order(user: User) -> None:
    body = render_profile(user)

    shown = json.loads(body)
    assert list(shown) == PROFILE_FIELDS
    assert body == json.dumps(shown, ensure_ascii=False, separators=(",", ":")).encode()
    assert profile_document(user).body == body
    assert (shown["email"], shown["firstName"]) == (user.profile.email.address, user.profile.first_name)


def test_a_profile_looks_as_the_contract_says() -> None:
    profile = a_profile(
        "Grace@Example.com",
        phone_number="+4930123456",
        address=Address(city="Arlington", postal_code="22201"),
        birth_date=date(1906, 12, 9),
        time_zone="America/New_York",
        external_id="crm-1",
        attributes={"a": 1},
    )
    user = deactivation(creation(profile).user, until=NOW.replace(microsecond=0)).user

    assert profile_object(user) == {
        "id": user.id,
        "username": "Grace@Example.com",
        "email": "Grace@Example.com",
        "firstName": "Grace",
        "lastName": "Hopper",
        "phoneNumber": "+4930123456",
        "address": {
            "street": None,
            "city": "Arlington",
            "state": None,
            "postalCode": "22201",
            "country": None,
        },
        "locale": None,
        "timeZone": "America/New_York",
        "birthDate": "1906-12-09",
        "attributes": {"a": 1},
        "externalId": "crm-1",
        "status": "DEACTIVATED",
        "statusDetails": {
            "since": "2026-03-01T12:00:01.123456Z",
            "reason": "INACTIVITY",
            "notes": "quiet for years",
            "until": "2026-03-01T12:00:00.000000Z",
            "actor": {"kind": "OPERATOR", "id": "ada"},
        },
        "verification": {
            "email": {"verified": False, "verifiedAt": None},
            "phone": {"verified": False, "verifiedAt": None},
            "identity": {"verified": False, "verifiedAt": None},
        },
        "restricted": False,
        "version": 2,
        "createdAt": "2026-03-01T12:00:00.123456Z",
        "updatedAt": "2026-03-01T12:00:01.123456Z",
    }


preferences = st.builds(EmailPreference, lines(20), st.booleans(), lines(20), instants(), lines(20))


@given(before=users(), after=users(), preference=preferences)
def test_changes_come_back_from_storage_as_they_went_in(before: User, after: User, preference: EmailPreference) -> None:
    facets = after.facets()
    changes = (
        *(FieldChange(name, old, facets[name]) for name, old in before.facets().items()),
        FieldChange("email_preferences.news", None, preference),
        FieldChange("email_preferences.news", preference, None),
    )

    text = json.dumps(store_changes(changes))

    assert load_changes(json.loads(text)) == changes


@given(st.datetimes(min_value=datetime(1, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001 - Hypothesis adds the zone
def test_a_timestamp_is_rfc_3339_with_microseconds_and_z(at: datetime) -> None:
    text = timestamp(at)

    assert len(text) == len("2026-03-01T12:00:00.123456Z")
    assert text.endswith("Z")
    assert datetime.fromisoformat(text) == at


@pytest.mark.parametrize(
    ("name", "wire"), [("first_name", "firstName"), ("id", "id"), ("until_then_and_on", "untilThenAndOn")]
)
def test_names_are_camel_case_on_the_wire(name: str, wire: str) -> None:
    assert camel(name) == wire


def test_a_preference_keeps_its_topics_name_on_the_wire() -> None:
    assert wire_field("email_preferences.product-news") == "emailPreferences.product-news"


def test_no_number_that_json_lacks_is_written() -> None:
    with pytest.raises(ValueError, match="JSON"):
        compact({"a": float("nan")})


# The closed payloads: names, which of them must be there, and nothing else. Source: the event catalogue.
CLOSED = {
    "UserCreated": ({"userId", "email", "createdAt"}, {"firstName", "lastName"}),
    "UserDeactivated": ({"userId", "deactivatedAt", "reason"}, {"additionalNotes"}),
}


def life() -> list[Event]:
    created = creation()
    ended = deactivation(created.user)
    terse = created.user.deactivate(
        reason=ended.event.reason,  # type: ignore[attr-defined]
        notes=None,
        until=None,
        now=NOW,
        actor=OPERATOR,
    )
    return [created.event, ended.event, change_of(terse).event]


@pytest.mark.parametrize("event", life())
def test_closed_payloads_have_the_catalogues_fields_and_no_others(event: Event) -> None:
    payload = json.loads(event_payload(event))

    needed, allowed = CLOSED[event.message]
    assert needed <= set(payload) <= needed | allowed
    assert all(isinstance(value, str) and value for value in payload.values())
    assert payload["userId"] == event.user_id


def test_a_deactivation_without_notes_leaves_the_field_out() -> None:
    _, with_notes, without = (json.loads(event_payload(event)) for event in life())

    assert with_notes["additionalNotes"] == "quiet for years"
    assert with_notes["reason"] == "INACTIVITY"
    assert "additionalNotes" not in without


def test_an_update_tells_which_fields_changed_and_their_new_values() -> None:
    user = creation(a_profile(phone_number="+4930")).user
    change = update(
        user,
        email=an_email("new@example.com"),
        phone_number=None,
        address=Address(city="Boston"),
        birth_date=date(1906, 12, 9),
        attributes={"a": [1]},
    )

    assert json.loads(event_payload(change.event)) == {
        "userId": user.id,
        "updatedAt": "2026-03-01T12:00:01.123456Z",
        "version": 2,
        "changedFields": ["email", "phoneNumber", "address", "birthDate", "attributes"],
        "email": "new@example.com",
        "phoneNumber": None,
        "address": {"street": None, "city": "Boston", "state": None, "postalCode": None, "country": None},
        "birthDate": "1906-12-09",
        "attributes": {"a": [1]},
    }


def test_a_reactivation_and_preferences_are_told() -> None:
    user = deactivation(creation().user).user
    back = change_of(user.reactivate(reason=None, now=NOW, actor=OPERATOR))
    said = EmailPreference("news", True, "form", NOW, "v1")  # noqa: FBT003

    assert json.loads(event_payload(back.event)) == {
        "userId": user.id,
        "reactivatedAt": timestamp(back.user.updated_at),
        "reason": None,
    }
    assert json.loads(event_payload(UserEmailPreferencesUpdated(user.id, NOW, (said,)))) == {
        "userId": user.id,
        "updatedAt": "2026-03-01T12:00:00.123456Z",
        "preferences": {
            "news": {
                "subscribed": True,
                "source": "form",
                "updatedAt": "2026-03-01T12:00:00.123456Z",
                "wordingVersion": "v1",
            }
        },
    }


def test_an_event_that_nobody_publishes_has_no_payload() -> None:
    with pytest.raises(KeyError):
        event_payload(Event(creation().user.id))


def test_headers_tell_who_and_why_and_leave_out_what_is_not_known() -> None:
    assert event_headers(CommandContext(OPERATOR, "c")) == (("ce_actor", "OPERATOR:ada"), ("ce_correlationid", "c"))
    assert event_headers(CommandContext(OPERATOR, "c", "r", "00-ab-cd-01")) == (
        ("ce_actor", "OPERATOR:ada"),
        ("ce_correlationid", "c"),
        ("ce_causationid", "r"),
        ("traceparent", "00-ab-cd-01"),
    )


def entry(changes: tuple[FieldChange, ...]) -> HistoryEntry:
    change = creation()
    return HistoryEntry(change.user.id, 2, change.event_id, "UserUpdated", NOW, OPERATOR, "c", None, changes)


def test_an_entry_of_history_looks_as_the_profile_does() -> None:
    shown = history_object(
        entry((FieldChange("first_name", "Grace", "Ada"), FieldChange("email", None, an_email("a@example.com"))))
    )

    assert shown["changes"] == [
        {"field": "firstName", "before": "Grace", "after": "Ada"},
        {"field": "email", "before": None, "after": "a@example.com"},
    ]
    assert shown["at"] == "2026-03-01T12:00:00.123456Z"
    assert shown["actor"] == {"kind": "OPERATOR", "id": "ada"}
    assert (shown["version"], shown["event"], shown["causationId"]) == (2, "UserUpdated", None)


@given(before=users(), after=users())
def test_any_change_is_json_on_the_wire(before: User, after: User) -> None:
    old = before.facets()
    changes = tuple(FieldChange(name, old[name], new) for name, new in after.facets().items())

    assert json.loads(compact(history_object(entry(changes))))


@given(st.one_of(addresses(), instants().map(lambda at: Verification(email=at)), st.dates(), st.none(), st.text()))
def test_a_value_on_the_wire_is_plain_json(value: Any) -> None:
    plain = wire_value(value)

    assert plain is None or isinstance(plain, str | dict)


@given(actors())
def test_actors_survive_storage_inside_a_status(actor: Any) -> None:
    status = creation().user.status
    changed = type(status)(status.state, since=status.since, actor=actor)
    changes = (FieldChange("status", status, changed),)

    assert load_changes(json.loads(json.dumps(store_changes(changes)))) == changes
