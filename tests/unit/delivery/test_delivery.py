"""Which change is told to whom."""

import json

from attrs import evolve

from tests.builders import NOW, a_profile, an_email, change_of, creation, deactivation, in_state, update
from usercore.delivery.routing import deliveries_of
from usercore.delivery.values import Operation, Recipient
from usercore.users.ports import Change
from usercore.users.values import AccountState

A, N, R = Recipient.AUTHENTICATION, Recipient.NOTIFICATION, Recipient.AUDIT
ENTRY = (R, Operation.RECORD_ENTRY)


def routes(change: Change) -> list[tuple[Recipient, Operation]]:
    return [(one.recipient, one.operation) for one in deliveries_of(change)]


def test_a_creation_provisions_a_credential_and_greets() -> None:
    assert routes(creation(password_hash="$argon2id$x")) == [
        (A, Operation.PROVISION_CREDENTIAL),
        (N, Operation.SEND_WELCOME),
        ENTRY,
    ]
    assert routes(creation()) == [(A, Operation.PROVISION_CREDENTIAL), (N, Operation.SEND_INVITATION), ENTRY]


def test_the_authentication_service_hears_of_logins_and_of_nothing_else() -> None:
    user = creation().user
    assert routes(update(user, first_name="Ada")) == [ENTRY]
    assert routes(update(user, username="grace")) == [(A, Operation.CHANGE_LOGIN), ENTRY]
    ended = deactivation(user)
    assert routes(ended) == [(A, Operation.DISABLE_CREDENTIAL), ENTRY]
    back = change_of(ended.user.reactivate(reason=None, now=NOW, actor=ended.user.status.actor))
    assert routes(back) == [(A, Operation.ENABLE_CREDENTIAL), ENTRY]


def test_of_a_merge_the_merged_ones_credential_ends_and_its_name_is_free_for_the_survivor() -> None:
    survivor, merged = creation().user, creation().user
    assert routes(change_of(survivor.absorb(merged.id, now=NOW))) == [ENTRY]
    ended = merged.merge_into(survivor.id, merged.profile, now=NOW, actor=merged.status.actor)
    assert routes(change_of(ended)) == [(A, Operation.DISABLE_CREDENTIAL), ENTRY]
    exchanged = evolve(merged.profile, email=survivor.profile.email, username=survivor.profile.username)
    ended = merged.merge_into(survivor.id, exchanged, now=NOW, actor=merged.status.actor)
    assert routes(change_of(ended)) == [(A, Operation.REMOVE_CREDENTIAL), ENTRY]


def test_who_comes_back_from_a_merge_may_sign_in_again_if_they_could_before() -> None:
    survivor, merged = creation().user, creation().user
    exchanged = evolve(merged.profile, email=survivor.profile.email, username=survivor.profile.username)
    left_off = deactivation(merged).user
    for user, profile, told in (
        (merged, merged.profile, [(A, Operation.ENABLE_CREDENTIAL)]),
        (merged, exchanged, [(A, Operation.PROVISION_CREDENTIAL), (N, Operation.SEND_INVITATION)]),
        (left_off, merged.profile, []),
        (left_off, exchanged, [(A, Operation.PROVISION_CREDENTIAL)]),
    ):
        ended = user.merge_into(survivor.id, profile, now=NOW, actor=user.status.actor).user
        back = ended.come_back(user.profile, user.verification, user.status, now=NOW)
        assert routes(change_of(back)) == [*told, ENTRY]


def test_the_address_before_hears_that_another_took_its_place_and_not_which() -> None:
    user = creation(a_profile("Grace@Example.com", locale="de")).user
    change = update(user, email=an_email("new@example.com"))

    assert routes(change) == [(A, Operation.CHANGE_LOGIN), (N, Operation.SEND_EMAIL_CHANGED), ENTRY]
    [letter] = [one.payload for one in deliveries_of(change) if one.recipient is N]
    assert letter == {"email": "Grace@Example.com", "firstName": "Grace", "locale": "de"}
    same = update(user, email=an_email("grace@example.com"))
    assert routes(same) == [(A, Operation.CHANGE_LOGIN), ENTRY]


def test_the_hash_goes_to_the_authentication_service_alone() -> None:
    for delivery in deliveries_of(creation(password_hash="$argon2id$x")):
        assert (delivery.secret is not None) == (delivery.recipient is A)
        assert "argon2id" not in repr(delivery)
        assert "argon2id" not in json.dumps(delivery.payload)


def test_the_audit_entry_names_fields_and_holds_no_value() -> None:
    change = update(creation(a_profile("canary@example.com")).user, first_name="Canary")

    [entry] = deliveries_of(change)

    assert dict(entry.payload) == {
        "userId": change.user.id,
        "version": 2,
        "eventId": change.event_id,
        "at": change.user.updated_at.isoformat(),
        "actor": "OPERATOR:ada",
        "action": "UserUpdated",
        "fields": ["first_name"],
        "correlationId": "conversation-1",
        "causationId": "request-1",
    }


def test_the_welcome_is_written_to_the_address_as_given() -> None:
    change = creation(a_profile("Grace@Example.com", locale="de"))

    letter = next(one.payload for one in deliveries_of(change) if one.recipient is N)

    assert letter == {"email": "Grace@Example.com", "firstName": "Grace", "locale": "de"}


def test_a_user_that_begins_in_another_state_is_routed_by_its_event() -> None:
    assert routes(in_state(creation(), AccountState.DEACTIVATED))[-1] == ENTRY


def test_an_erasure_is_told_to_everybody_and_says_nothing_personal() -> None:
    user = creation(a_profile("canary@example.com", first_name="Canary")).user
    change = change_of(user.erase(now=NOW, actor=user.status.actor))
    assert routes(change) == [(A, Operation.REMOVE_CREDENTIAL), (N, Operation.FORGET_USER), ENTRY]
    assert all("anary" not in json.dumps(one.payload) for one in deliveries_of(change))
