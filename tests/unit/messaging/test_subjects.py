"""Whom a message names, made out of whatever came."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.letters import a_message
from usercore.messaging.subjects import subject_of

ADA = "01970000-0000-7000-8000-00000000000a"
BOB = "01970000-0000-7000-8000-00000000000b"


@pytest.mark.parametrize(
    ("key", "body", "named"),
    [
        (ADA, {"userId": BOB}, ADA),
        (None, {"userId": ADA}, ADA),
        ("order-7", {"customerId": ADA}, ADA),
        (None, {"id": ADA}, ADA),
        (None, {"specversion": "1.0", "subject": BOB, "data": {"userId": ADA}}, ADA),
        (None, {"specversion": "1.0", "subject": ADA, "data": "text"}, ADA),
        (None, {"userId": "u1", "customerId": ADA}, ADA),
        (None, {"userId": ADA.upper()}, None),
        (None, {"userId": [ADA]}, None),
        (None, [ADA], None),
        ("order-7", {}, None),
    ],
)
def test_a_user_is_named_by_the_key_or_else_by_the_payload(key: str | None, body: Any, named: str | None) -> None:
    assert subject_of(a_message(key=key and key.encode(), value=json.dumps(body).encode())) == named


@given(st.none() | st.binary(), st.none() | st.binary())
def test_whatever_the_bytes_are_they_name_nobody_or_a_user(key: bytes | None, value: bytes | None) -> None:
    subject_of(a_message(key=key, value=value))


def test_deep_nesting_names_nobody() -> None:
    assert subject_of(a_message(key=None, value=b"[" * 50_000)) is None
