"""What we read and publish is what the event catalogue says, held against schemas written down by hand."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.messages import FORMATS, catalogue, instances, is_valid, mutants, neighbours, read, record
from tests.strategies import events, users
from usercore.adapters.contacts import ValidatedEmailRules
from usercore.codec.events import event_payload
from usercore.codec.messages import PayloadInvalidError, Request, UnreadableMessageError
from usercore.codec.messages.registry import BY_NAME, PUBLISHED, RECEIVED, REPLIES
from usercore.codec.messages.schemas import schema_of
from usercore.codec.profile import render_profile
from usercore.delivery import topics
from usercore.kernel.events import Event
from usercore.users.create_user import CreateUserCommand
from usercore.users.model import User
from usercore.users.update_user import UpdateUserCommand
from usercore.users.values import ValueRejectedError

NAMES = [contract.name for contract in RECEIVED]
LIMITS = {
    # Ids are kept in an index, which takes no endless ones.
    "paymentId": {"too_short", "too_long"},
    "orderId": {"too_short", "too_long"},
    "transactionId": {"too_short", "too_long"},
    "errorCode": {"too_short", "too_long"},
    "reason": {"too_long"},
    # Money is kept exactly.
    "amount": {"too_precise", "out_of_range"},
    "totalAmount": {"too_precise", "out_of_range"},
    "value": {"too_precise", "out_of_range"},
    # What is counted is kept exactly as well.
    "quantity": {"out_of_range"},
    "points": {"out_of_range"},
    # What an email is, the domain knows more exactly than a schema.
    "email": {"rule"},
    # The catalogue leaves the form of a phone number to the service.
    "phoneNumber": {"pattern"},
}
"""Rules of our own, beyond the catalogue's schemas, by field."""
EMAIL_RULE = ("email", "rule")
EMAILS = ValidatedEmailRules()
ALIASES = {"OrderPlaced": {"userId", "placedAt"}, "LoyaltyPointsEarned": {"customerId", "earnedAt"}}
"""Names that we take as well."""


def test_every_message_of_the_catalogue_is_known_under_its_topic() -> None:
    assert {contract.topic for contract in RECEIVED} == set(topics.RECEIVED)
    assert {contract.topic for contract in PUBLISHED} - {None} == {
        *topics.PUBLISHED,
        topics.PROFILES,
        topics.AUDIT_CHECKPOINTS,
    }
    assert {BY_NAME[query].kind for query in REPLIES} == {"query"}


@pytest.mark.parametrize("name", NAMES)
def test_a_message_is_closed_exactly_where_the_catalogue_says(name: str) -> None:
    assert BY_NAME[name].closed == (catalogue(name).get("additionalProperties") is False)


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=40)
@given(st.data())
def test_what_the_catalogue_allows_is_read(name: str, data: Any) -> None:
    schema = catalogue(name)
    payload = data.draw(instances(schema))
    assert is_valid(schema, payload)

    assert broken_rules(name, payload) <= allowed_rules(name)


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=40)
@given(st.data())
def test_what_the_catalogue_forbids_is_refused(name: str, data: Any) -> None:
    schema = catalogue(name)
    payload = data.draw(neighbours(schema))
    if is_valid(schema, payload):
        assert broken_rules(name, payload) <= allowed_rules(name)
    elif not (isinstance(payload, dict) and ALIASES.get(name, set()) & payload.keys()):
        assert broken_rules(name, payload)


@pytest.mark.parametrize("name", NAMES)
def test_each_rule_of_the_catalogue_is_a_rule_of_ours_and_stands_in_our_schema(name: str) -> None:
    """Every field left out, every one too many, every value of every wrong type or length: one after the other."""
    schema, ours = catalogue(name), schema_of(BY_NAME[name])
    refused = 0
    for payload in mutants(full_example(name)):
        broken = broken_rules(name, payload)
        if not is_valid(schema, payload):
            refused += 1
            assert broken, payload
        else:
            assert broken <= allowed_rules(name), payload
        if EMAIL_RULE not in broken:
            assert is_valid(ours, payload) == (not broken), payload
    assert refused > len(schema["properties"])


def full_example(name: str) -> dict[str, Any]:
    """Return an example with every field of the catalogue in it."""
    address = {"street": "S", "city": "C", "state": "T", "postalCode": "P", "country": "L"}
    more = {
        "UpdateUser": {"lastName": "H", "email": "g@example.com", "phoneNumber": "+4930123456", "address": address},
    }
    example = {**BY_NAME[name].example, **more.get(name, {})}
    if "oneOf" not in catalogue(name):
        assert example.keys() == catalogue(name)["properties"].keys()
    return example


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=40)
@given(st.data())
def test_the_schema_that_we_publish_says_what_is_read(name: str, data: Any) -> None:
    payload = data.draw(instances(catalogue(name)) | neighbours(catalogue(name)) | neighbours(schema_of(BY_NAME[name])))

    published = is_valid(schema_of(BY_NAME[name]), payload)
    broken = broken_rules(name, payload)
    if not {code for _, code in broken} & {"too_precise", "rule"}:
        assert published == (not broken)


def broken_rules(name: str, payload: Any) -> set[tuple[str, str]]:
    """Return the rules that reading a payload finds broken: the field, and the rule's code."""
    try:
        return broken_by_the_domain(read(record(BY_NAME[name].topic or "", payload)).read())
    except PayloadInvalidError as error:
        return {(one.path[-1] if one.path else "", one.code) for one in error.violations}
    except UnreadableMessageError as error:
        return {("", error.code)}


def broken_by_the_domain(request: Request) -> set[tuple[str, str]]:
    """Return whether the email breaks a rule: a schema says no more than that it is one."""
    match request:
        case CreateUserCommand(profile=patch) | UpdateUserCommand(patch=patch) if isinstance(patch.email, str):
            try:
                EMAILS.parse(patch.email)
            except ValueRejectedError:
                return {EMAIL_RULE}
    return set()


def allowed_rules(name: str) -> set[tuple[str, str]]:
    known = catalogue(name)["properties"]
    nested = {inner for one in known.values() for inner in one.get("items", one).get("properties", {})}
    return {(field, code) for field, codes in LIMITS.items() if field in {*known, *nested} for code in codes}


@given(events())
def test_what_is_published_is_what_the_catalogue_says(event: Event) -> None:
    payload = json.loads(event_payload(event))

    assert is_valid(catalogue(event.message), payload)
    assert is_valid(schema_of(BY_NAME[event.message]), payload)


@given(users())
def test_a_profile_is_what_its_schema_says(user: User) -> None:
    schema = schema_of(BY_NAME["UserProfile"])
    profile = json.loads(render_profile(user))

    assert is_valid(schema, profile)
    assert set(profile) == set(schema["properties"])


@pytest.mark.parametrize("name", BY_NAME)
def test_every_example_satisfies_its_schema_and_the_catalogues(name: str) -> None:
    example = dict(BY_NAME[name].example)

    assert is_valid(schema_of(BY_NAME[name]), example)
    if name in {*NAMES, "UserCreated", "UserDeactivated", "UserUpdated", "UserCommandRejected"}:
        assert is_valid(catalogue(name), example)
    if name in NAMES:
        read(record(BY_NAME[name].topic or "", example)).read()


@pytest.mark.parametrize(
    ("name", "spoil"),
    [
        ("UserCreated", {"version": 1}),
        ("UserCreated", {"createdAt": "yesterday"}),
        ("UserCreated", {"email": "nobody"}),
        ("UserDeactivated", {"reason": "because"}),
        ("UserUpdated", {"version": 0}),
        ("UserEmailPreferencesUpdated", {"preferences": {"news": True}}),
    ],
)
def test_the_catalogues_schemas_can_be_broken(name: str, spoil: dict[str, Any]) -> None:
    example = dict(BY_NAME[name].example)

    assert is_valid(catalogue(name), example)
    assert not is_valid(catalogue(name), {**example, **spoil})


def test_formats_are_checked() -> None:
    assert {"date-time", "date", "email"} <= FORMATS.checkers.keys()
