"""What userctl writes cannot steer a terminal, and what it reads means one thing."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from user_cli.development.people import person
from user_cli.failures import InputInvalidError, UsageError
from user_cli.inputs import moment, span
from user_cli.output import clean, to_json
from user_cli.profiles import document_of, patch_of
from usercore.adapters.contacts import ValidatedEmailRules
from usercore.kernel.unset import UNSET
from usercore.users.intake import AddressPatch, ProfilePatch, new_profile

STEERING = "".join(map(chr, (*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x202E, 0x2066)))
TEXT = st.text(st.characters(codec="utf-8") | st.sampled_from(STEERING))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=10,
)


@given(TEXT)
def test_text_is_shown_without_what_steers(text: str) -> None:
    assert not set(clean(text)) & set(STEERING)


@given(JSON, st.sampled_from([None, 2]))
def test_json_says_the_same_with_escapes_in_place_of_what_steers(value: object, indent: int | None) -> None:
    text = to_json(value, indent=indent)
    assert json.loads(text) == value
    assert not set(text) & set(STEERING) - {"\n"}


@pytest.mark.parametrize(
    ("raw", "meant"),
    [
        ("2026-01-31", datetime(2026, 1, 31, tzinfo=UTC)),
        ("2026-01-31T12:00:00Z", datetime(2026, 1, 31, 12, tzinfo=UTC)),
        ("2026-01-31T12:00:00+02:00", datetime(2026, 1, 31, 10, tzinfo=UTC)),
    ],
)
def test_a_time_is_read_in_utc(raw: str, meant: datetime) -> None:
    assert moment("--at", raw) == meant


@pytest.mark.parametrize("raw", ["", "now", "2026-01-31T12:00:00", "2026-02-30", "12:00", "0001-01-01T00:00:00+14:00"])
def test_what_is_no_time_is_refused(raw: str) -> None:
    with pytest.raises(UsageError, match=r"^--at: "):
        moment("--at", raw)


def test_lengths_of_time_have_a_unit() -> None:
    assert [span("--l", raw) for raw in ("30s", "15m", "12h", "7d")] == [
        timedelta(seconds=30),
        timedelta(minutes=15),
        timedelta(hours=12),
        timedelta(days=7),
    ]
    for raw in ("", "0s", "-1h", "15", "m", "1w", "1.5h", "999999d"):
        with pytest.raises(UsageError, match=r"^--l: "):
            span("--l", raw)


def test_assignments_lead_inside_by_dots_and_read_attributes_as_json() -> None:
    document = document_of(
        ["firstName=Grace=", "address.city=Berlin", "attributes.level=3", "attributes.tags.0=a b"],
        ["phoneNumber", "address.state"],
    )
    assert document == {
        "firstName": "Grace=",
        "address": {"city": "Berlin", "state": None},
        "attributes": {"level": 3, "tags": {"0": "a b"}},
        "phoneNumber": None,
    }
    patch = patch_of(document)
    assert patch.address == AddressPatch(city="Berlin", state=None)
    assert (patch.first_name, patch.phone_number, patch.email) == ("Grace=", None, UNSET)


@pytest.mark.parametrize(
    ("assignments", "emptied"),
    [(["email=a", "email=b"], []), (["address.city=a"], ["address"]), (["address=a", "address.city=b"], [])],
)
def test_a_field_is_named_once(assignments: list[str], emptied: list[str]) -> None:
    with pytest.raises(UsageError, match="once"):
        document_of(assignments, emptied)


def test_every_field_of_another_type_is_named_and_unknown_ones_are_not_repeated() -> None:
    document = {"email": 1, "birthDate": "31.1.1990", "address": {"city": [], "canary": 1}, "attributes": []}
    with pytest.raises(InputInvalidError) as caught:
        patch_of(document | {"id": "canary", "status": "canary"})
    assert [(violation.path, violation.code) for violation in caught.value.violations] == [
        ((), "unknown_field"),
        (("email",), "not_text"),
        (("address",), "unknown_field"),
        (("address", "city"), "not_text"),
        (("birth_date",), "not_a_date"),
        (("attributes",), "not_an_object"),
    ]
    assert "canary" not in str(caught.value)


def test_an_empty_document_changes_nothing() -> None:
    assert patch_of({}) == ProfilePatch()


def test_sample_users_keep_every_rule_and_are_each_somebody_else() -> None:
    profiles = [
        new_profile(person(number), ValidatedEmailRules(), datetime.now(UTC).date()) for number in range(1, 500)
    ]
    assert len({profile.email.canonical for profile in profiles}) == len(profiles)
    assert person(7) == person(7)
