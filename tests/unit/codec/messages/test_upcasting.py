"""Older versions of a message stay readable through upcasters."""

from collections.abc import Mapping
from typing import Any

import msgspec
import pytest
from attrs import evolve

from tests.messages import read, record
from usercore.codec.messages import MessageKind, UnreadableMessageError
from usercore.codec.messages.contracts import Contract, version_said
from usercore.codec.messages.examples import RECEIVED
from usercore.codec.messages.received import OrderPlaced


class Parcel(msgspec.Struct, rename="camel"):
    """A message made up for this test, in its third version."""

    weight_g: int
    sent_to: str


def from_first(payload: Mapping[str, Any]) -> Mapping[str, Any]:
    return {**payload, "weightG": payload.get("weightKg", 0) * 1000}


def from_second(payload: Mapping[str, Any]) -> Mapping[str, Any]:
    return {**payload, "sentTo": payload.get("to")}


PARCEL = Contract("Parcel", MessageKind.EVENT, Parcel, version="3.1.0", upcasters={1: from_first, 2: from_second})


@pytest.mark.parametrize(
    ("version", "payload"),
    [
        (1, {"weightKg": 2, "to": "Berlin"}),
        (2, {"weightG": 2000, "to": "Berlin"}),
        (3, {"weightG": 2000, "sentTo": "Berlin"}),
    ],
)
def test_every_older_version_becomes_the_current_one(version: int, payload: dict[str, Any]) -> None:
    current = PARCEL.current(payload, version)
    assert msgspec.convert(current, Parcel) == Parcel(2000, "Berlin")


@pytest.mark.parametrize("payload", [None, [], "text", 7])
def test_what_is_no_object_is_left_for_the_schema_to_refuse(payload: Any) -> None:
    assert PARCEL.current(payload, 1) is payload


@pytest.mark.parametrize(
    ("type_", "schema", "version"),
    [
        (None, None, "1.0.0"),
        ("Parcel.v2", None, "2.0.0"),
        ("Parcel.v3", "urn:x:3.7.0", "3.7.0"),
        ("Parcel", "urn:x:2.5.1", "2.5.1"),
    ],
)
def test_every_version_that_has_a_way_up_is_read(type_: str | None, schema: str | None, version: str) -> None:
    assert version_said(PARCEL, type_, schema) == version


@pytest.mark.parametrize("type_", ["Parcel.v4", "Parcel.v99999"])
def test_a_later_major_version_is_not_guessed_at(type_: str) -> None:
    with pytest.raises(UnreadableMessageError) as refused:
        version_said(PARCEL, type_, None)
    assert refused.value.code == "version_unknown"


def test_a_gap_in_the_way_up_makes_a_version_unknown() -> None:
    gap = evolve(PARCEL, upcasters={1: from_first})
    assert [gap.reads(major) for major in (0, 1, 2, 3, 4)] == [False, False, False, True, False]


def test_a_message_is_read_through_its_upcasters() -> None:
    """What a record says, all the way to what it tells."""
    message = read(record("order-placed", {"order": RECEIVED["OrderPlaced"]}))
    second = Contract(
        "OrderPlaced", MessageKind.EVENT, OrderPlaced, version="2.0.0", upcasters={1: lambda old: old["order"]}
    )
    assert evolve(message, contract=second).read() == read(record("order-placed", RECEIVED["OrderPlaced"])).read()
