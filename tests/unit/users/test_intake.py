"""From what a caller sent to a profile."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given

from tests.builders import a_profile, an_email
from tests.strategies import attributes
from usercore.adapters.memory.contacts import PlainEmailRules
from usercore.kernel.unset import UNSET
from usercore.users.attributes import Json
from usercore.users.errors import ProfileInvalidError
from usercore.users.intake import AddressPatch, ProfilePatch, changed_profile, merge, new_profile
from usercore.users.model import Profile
from usercore.users.values import Address

TODAY = date(2026, 3, 1)
RULES = PlainEmailRules()
WHOLE = ProfilePatch(
    username="grace",
    email=" Grace@Example.com ",
    first_name=" Grace ",
    last_name="Hopper",
    phone_number="4930123456",
    address=AddressPatch(city="Arlington", postal_code="22201"),
    locale="EN-us",
    time_zone="America/New_York",
    birth_date=date(1906, 12, 9),
    attributes={"rank": "admiral", "none": None},
    external_id=" crm-1 ",
)


def new(**fields: Any) -> Profile:
    least: dict[str, Any] = {"email": "grace@example.com", "first_name": "Grace", "last_name": "Hopper"}
    return new_profile(ProfilePatch(**{**least, **fields}), RULES, TODAY)


def change(before: Profile, **fields: Any) -> Profile:
    return changed_profile(ProfilePatch(**fields), before, RULES, TODAY)


def broken(patch: ProfilePatch, before: Profile | None = None) -> dict[tuple[str, ...], str]:
    with pytest.raises(ProfileInvalidError) as caught:
        changed_profile(patch, before, RULES, TODAY) if before else new_profile(patch, RULES, TODAY)
    return {violation.path: violation.code for violation in caught.value.violations}


def test_every_field_is_read_into_its_one_form() -> None:
    assert new_profile(WHOLE, RULES, TODAY) == Profile(
        username="grace",
        email=an_email("Grace@Example.com"),
        first_name="Grace",
        last_name="Hopper",
        phone_number="+4930123456",
        address=Address(city="Arlington", postal_code="22201"),
        locale="en-US",
        time_zone="America/New_York",
        birth_date=date(1906, 12, 9),
        attributes={"rank": "admiral"},
        external_id="crm-1",
    )


def test_email_and_names_are_needed() -> None:
    assert broken(ProfilePatch()) == {
        ("email",): "required",
        ("first_name",): "required",
        ("last_name",): "required",
    }
    assert broken(ProfilePatch(email=None), a_profile()) == {("email",): "required"}


def test_every_broken_rule_is_named_at_once() -> None:
    patch = ProfilePatch(
        username="ada@example.com",
        email="grace@example.com",
        first_name="",
        last_name="x" * 201,
        phone_number="no",
        address=AddressPatch(street="x" * 101, city="x" * 51, state="\n", postal_code="x" * 21, country="a\x00b"),
        locale="_",
        time_zone="Moon",
        birth_date=date(2030, 1, 1),
        attributes={"a": "\x00"},
        external_id="x" * 129,
    )

    assert broken(patch) == {
        ("username",): "username_foreign_email",
        ("first_name",): "too_short",
        ("last_name",): "too_long",
        ("phone_number",): "phone_not_e164",
        ("address", "street"): "too_long",
        ("address", "city"): "too_long",
        ("address", "state"): "too_short",
        ("address", "postal_code"): "too_long",
        ("address", "country"): "control_character",
        ("locale",): "locale_not_bcp47",
        ("time_zone",): "time_zone_unknown",
        ("birth_date",): "birth_date_out_of_range",
        ("attributes",): "attributes_text",
        ("external_id",): "too_long",
    }


def test_a_refusal_repeats_nothing_the_caller_sent() -> None:
    patch = ProfilePatch(
        username="canary@canary",
        email="canary",
        first_name="canary" * 50,
        last_name="\x00canary",
        phone_number="canary",
    )
    with pytest.raises(ProfileInvalidError) as caught:
        new_profile(patch, RULES, TODAY)

    assert "canary" not in str(caught.value)
    assert "canary" not in repr(caught.value)
    assert "canary" not in repr(patch)


def test_fields_not_mentioned_stay() -> None:
    before = new_profile(WHOLE, RULES, TODAY)

    assert change(before) == before
    assert change(before, first_name="Ada") == evolve(before, first_name="Ada")


@pytest.mark.parametrize("name", ["phone_number", "address", "locale", "time_zone", "birth_date", "external_id"])
def test_none_empties_a_field(name: str) -> None:
    before = new_profile(WHOLE, RULES, TODAY)

    emptied: dict[str, Any] = {name: None}

    assert change(before, **emptied) == evolve(before, **emptied)


def test_none_empties_the_attributes() -> None:
    assert change(new_profile(WHOLE, RULES, TODAY), attributes=None).attributes == {}


def test_parts_of_an_address_are_set_emptied_and_left() -> None:
    before = new(address=AddressPatch(street="1 Main St", city="Arlington", country="US"))

    after = change(before, address=AddressPatch(city="Boston", country=None))

    assert after.address == Address(street="1 Main St", city="Boston")


def test_an_address_without_parts_is_no_address() -> None:
    before = new(address=AddressPatch(city="Arlington"))

    assert change(before, address=AddressPatch(city=None)).address is None
    assert new(address=AddressPatch()).address is None


def test_a_username_that_is_the_email_follows_it() -> None:
    before = new()
    assert before.username == "grace@example.com"

    assert change(before, email="ada@example.com").username == "ada@example.com"
    assert change(before, username="ada", email="ada@example.com").username == "ada"


def test_a_chosen_username_stays_until_it_is_emptied() -> None:
    before = new(username="grace")

    assert change(before, email="ada@example.com").username == "grace"
    assert change(before, username=None).username == "grace@example.com"
    assert change(before, email="ada@example.com", username=None).username == "ada@example.com"


# Source: RFC 7396, appendix A: the cases whose target and patch are objects.
RFC_7396: list[tuple[Any, Any, Any]] = [
    ({"a": "b"}, {"a": "c"}, {"a": "c"}),
    ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
    ({"a": "b"}, {"a": None}, {}),
    ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
    ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
    ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
    ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
    ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
    ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
    ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    (
        {
            "title": "Goodbye!",
            "author": {"givenName": "John", "familyName": "Doe"},
            "tags": ["example", "sample"],
            "content": "x",
        },
        {"title": "Hello!", "phoneNumber": "+01-123-456-7890", "author": {"familyName": None}, "tags": ["example"]},
        {
            "title": "Hello!",
            "author": {"givenName": "John"},
            "tags": ["example"],
            "content": "x",
            "phoneNumber": "+01-123-456-7890",
        },
    ),
]


@pytest.mark.parametrize(("target", "patch", "result"), RFC_7396)
def test_objects_are_merged_as_rfc_7396_shows(target: Any, patch: Any, result: Any) -> None:
    assert merge(target, patch) == result


@given(target=attributes(), patch=attributes())
def test_merging_twice_is_merging_once_and_harms_no_input(
    target: Mapping[str, Json], patch: Mapping[str, Json]
) -> None:
    before = repr((target, patch))

    once = merge(target, patch)

    assert merge(once, patch) == once
    assert repr((target, patch)) == before


def test_attributes_are_merged_into_those_there_are() -> None:
    before = new(attributes={"a": {"b": 1, "c": 2}, "d": 3})

    assert change(before, attributes={"a": {"b": None}, "e": 4}).attributes == {"a": {"c": 2}, "d": 3, "e": 4}
    assert ProfilePatch().attributes is UNSET
