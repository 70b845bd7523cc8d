"""Custom attributes: their one form and their limits."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given

from tests.strategies import attributes
from usercore.users.attributes import Json, normalise, parse_attributes
from usercore.users.values import ValueRejectedError


@given(attributes())
def test_the_one_form_is_its_own_and_survives_json(normal: Mapping[str, Json]) -> None:
    assert parse_attributes(normal) == normal
    text = json.dumps(normal, ensure_ascii=False)
    assert json.dumps(parse_attributes(json.loads(text)), ensure_ascii=False) == text


def test_keys_are_sorted_at_every_depth_and_whole_numbers_are_integers() -> None:
    normal = normalise({"b": [{"z": 1.0, "a": -0.0}], "a": 1e3, "c": (True, None, 1.5)})

    assert json.dumps(normal) == '{"a": 1000, "b": [{"a": 0, "z": 1}], "c": [true, null, 1.5]}'


def nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels - 1):
        value = {"a": value}
    return value


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (nested(9), "attributes_too_deep"),
        (nested(500), "attributes_too_deep"),
        ({"a": [[[[[[[[1]]]]]]]]}, "attributes_too_deep"),
        ({"a": 2**53}, "attributes_number"),
        ({"a": -(2**53)}, "attributes_number"),
        ({"a": 10**400}, "attributes_number"),
        ({"a": float("nan")}, "attributes_number"),
        ({"a": float("inf")}, "attributes_number"),
        ({"a": 1e300}, "attributes_number"),
        ({"a": "\x00"}, "attributes_text"),
        ({"\x00": 1}, "attributes_text"),
        ({"a": "\udfff"}, "attributes_text"),
        ({"a": "é" * 8_192}, "attributes_too_large"),
    ],
)
def test_what_a_store_or_a_receiver_could_not_hold_is_refused(raw: Any, code: str) -> None:
    with pytest.raises(ValueRejectedError) as caught:
        parse_attributes(raw)

    assert caught.value.code == code


def test_the_limits_themselves_are_allowed() -> None:
    assert parse_attributes(nested(8)) == nested(8)
    assert parse_attributes({"a": 2**53 - 1}) == {"a": 2**53 - 1}
    fitting = {"a": "x" * (16_384 - len('{"a": ""}'))}
    assert parse_attributes(fitting) == fitting
