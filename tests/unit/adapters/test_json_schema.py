"""Attribute schemas by jsonschema."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import NOW
from tests.strategies import json_values
from usercore.adapters.attributes import VIOLATIONS_MAX, JsonSchemaValidator
from usercore.users.attributes import AttributeSchema
from usercore.users.errors import AttributeSchemaInvalidError


def schema(document: Mapping[str, Any]) -> AttributeSchema:
    return AttributeSchema(1, document, NOW, "OPERATOR:ada")


def nested(levels: int) -> dict[str, Any]:
    document: dict[str, Any] = {}
    for _ in range(levels):
        document = {"not": document}
    return document


USABLE: list[dict[str, Any]] = [
    {},
    {"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object"},
    {"properties": {"a": {"$ref": "#/$defs/a"}}, "$defs": {"a": {"type": "integer"}}},
    {"properties": {"a": {"$ref": "#named"}}, "$defs": {"a": {"$anchor": "named"}}},
    {
        "$id": "https://example.com/root",
        "properties": {"a": {"$ref": "https://example.com/root#/properties/b"}, "b": {}},
    },
    {"$defs": {"a": {"$id": "https://example.com/a"}}, "properties": {"a": {"$ref": "https://example.com/a"}}},
    {"properties": {"child": {"$ref": "#"}}},
    {"properties": {"$ref": {"type": "string"}}},
    {"const": {"$ref": "https://example.com/only-data"}},
]

UNUSABLE: list[dict[str, Any]] = [
    {"type": "nonsense"},
    {"properties": []},
    {"pattern": "("},
    {"$schema": "http://json-schema.org/draft-07/schema#"},
    {"$ref": "https://example.com/elsewhere"},
    {"$ref": "file:///etc/passwd"},
    {"$ref": "https://json-schema.org/draft/2020-12/schema"},
    {"properties": {"a": {"items": {"allOf": [{"$ref": "other.json"}]}}}},
    {"$dynamicRef": "https://example.com/elsewhere#node"},
    {"properties": {"a": {"$ref": "#/$defs/missing"}}},
    {"properties": {"a": {"$ref": "#missing"}}},
    {"items": {"$ref": "#/allOf/9"}, "allOf": [True]},
    {"items": {"$ref": "#/allOf/x"}, "allOf": [True]},
    {"$ref": "#"},
    {"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}},
    nested(40),
    nested(50_000),
    {"title": "\x00"},
    {"title": "\ud800"},
    {"title": "x" * 70_000},
    {"const": float("nan")},
    {"const": object()},
]


@pytest.mark.parametrize("document", USABLE)
def test_a_usable_schema_passes(document: dict[str, Any]) -> None:
    JsonSchemaValidator().check_schema(document)


@pytest.mark.parametrize("document", UNUSABLE, ids=range(len(UNUSABLE)))
def test_a_schema_that_is_none_or_points_outside_itself_is_refused(document: dict[str, Any]) -> None:
    with pytest.raises(AttributeSchemaInvalidError) as caught:
        JsonSchemaValidator().check_schema(document)

    assert [violation.code for violation in caught.value.violations] == ["attribute_schema_invalid"]


keywords = st.sampled_from(
    ("type", "$ref", "$id", "$anchor", "items", "allOf", "not", "properties", "$defs", "enum", "pattern")
)
documents = st.dictionaries(keywords, json_values() | st.dictionaries(keywords, json_values(), max_size=3), max_size=4)


@given(document=documents, attributes=st.dictionaries(st.text(max_size=5), json_values(), max_size=3))
def test_no_document_and_no_attributes_raise_anything_else(
    document: dict[str, Any], attributes: dict[str, Any]
) -> None:
    validator = JsonSchemaValidator()
    try:
        validator.check_schema(document)
    except AttributeSchemaInvalidError:
        return
    assert len(validator.violations(schema(document), attributes)) <= VIOLATIONS_MAX


def test_each_broken_rule_is_told_by_path_and_keyword_without_the_value() -> None:
    rules = schema(
        {
            "required": ["a"],
            "additionalProperties": False,
            "properties": {"a": {}, "b": {"items": {"properties": {"c": {"type": "integer"}}}}},
        }
    )

    found = JsonSchemaValidator().violations(rules, {"b": [{"c": 1}, {"c": "canary"}], "canary": 1})

    assert sorted(found) == [((), "additionalProperties"), ((), "required"), (("b", "1", "c"), "type")]


@pytest.mark.parametrize(
    ("rules", "attributes", "path"),
    [
        ({"additionalProperties": {"type": "string"}}, {"canary": 1}, ()),
        ({"patternProperties": {"^c": {"type": "string"}}}, {"canary": 1}, ()),
        ({"properties": {"a": {"additionalProperties": {"type": "string"}}}}, {"a": {"canary": 1}}, ("a",)),
        ({"properties": {"a": {"items": {"additionalProperties": False}}}}, {"a": [{"canary": 1}]}, ("a", "0")),
        (
            {"$defs": {"b": {"properties": {"c": {"type": "string"}}}}, "properties": {"a": {"$ref": "#/$defs/b"}}},
            {"a": {"c": 1}},
            ("a", "c"),
        ),
    ],
)
def test_a_path_ends_before_a_name_that_the_caller_chose(
    rules: dict[str, Any], attributes: dict[str, Any], path: tuple[str, ...]
) -> None:
    [(found, _)] = JsonSchemaValidator().violations(schema(rules), attributes)

    assert found == path


def test_attributes_that_satisfy_the_schema_break_nothing() -> None:
    rules = schema({"properties": {"a": {"type": "integer"}, "b": {"type": "array"}}})

    assert list(JsonSchemaValidator().violations(rules, {"a": 1, "b": [1, "x"]})) == []


def test_at_most_twenty_violations_are_looked_for() -> None:
    rules = schema({"properties": {"a": {"items": {"type": "integer"}}}})

    assert len(JsonSchemaValidator().violations(rules, {"a": ["x"] * 1_000})) == 20


def test_a_rule_that_never_ends_for_some_attributes_refuses_those() -> None:
    rules = schema({"properties": {"a": {"$ref": "#/properties/a"}}})

    assert list(JsonSchemaValidator().violations(rules, {"a": 1})) == [((), "$ref")]


def test_a_new_version_of_the_schema_is_obeyed_at_once() -> None:
    validator = JsonSchemaValidator()
    strict, loose = schema({"required": ["a"]}), schema({})

    assert [len(validator.violations(rules, {})) for rules in (strict, loose, strict)] == [1, 0, 1]
