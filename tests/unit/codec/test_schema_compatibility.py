"""A published schema never changes but in its words; what judges that can tell what breaks from what is harmless."""

import json
from collections.abc import Callable, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from tests.messages import instances, is_valid
from tools.message_schemas import FOLDER, kept, problems, problems_of
from usercore.codec.messages.compatibility import (
    Change,
    breaks_of_published,
    breaks_of_received,
    change_between,
    version_needed,
)
from usercore.codec.messages.registry import BY_NAME, PUBLISHED, RECEIVED
from usercore.codec.messages.schemas import schema_of

Schema = dict[str, Any]
Edit = Callable[[Schema], object]
ORDER = BY_NAME["OrderPlaced"]
CREATED = BY_NAME["UserCreated"]


def test_every_schema_can_be_published_beside_those_that_others_build_on() -> None:
    assert list(problems(FOLDER)) == []


@pytest.mark.parametrize("contract", [*RECEIVED, *PUBLISHED], ids=lambda contract: contract.name)
def test_the_committed_schema_is_the_one_that_the_code_declares(contract: Any) -> None:
    assert kept(FOLDER, contract.name)[contract.version] == schema_of(contract)


OPEN: Schema = {
    "$id": "urn:example:1.0.0",
    "title": "Example",
    "type": "object",
    "properties": {
        "id": {"type": "string", "minLength": 1, "maxLength": 9},
        "title": {"type": "string", "description": "A property that is called like a word of the schema."},
        "state": {"enum": ["a", "b"]},
        "count": {"type": "integer", "minimum": 1},
        "note": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        "parts": {"type": "array", "items": {"$ref": "#/$defs/Part"}},
        "named": {"type": "object", "additionalProperties": {"$ref": "#/$defs/Part"}},
    },
    "required": ["id", "state"],
    "$defs": {"Part": {"type": "object", "properties": {"size": {"type": "number"}}, "required": ["size"]}},
}
CLOSED: Schema = {**deepcopy(OPEN), "additionalProperties": False}


def at(*path: str, **words: Any) -> Edit:
    """Return an edit that sets words of the schema at a path; None takes one away."""

    def edit(schema: Schema) -> None:
        for step in path:
            schema = schema[step]
        for name, value in words.items():
            schema.pop(name, None)
            if value is not None:
                schema[name] = value

    return edit


def field(name: str, **words: Any) -> Edit:
    return at("properties", name, **words)


HARMLESS, BREAKING, WORDS = Change.HARMLESS, Change.BREAKING, Change.WORDS
TEXT = {"type": "string"}
EDITS: list[tuple[str, Edit, Change, Change, Change, Change]] = [
    # what, edit, then what it is: received open, received closed, published open, published closed
    ("words", at(title="Other", description="Better."), WORDS, WORDS, WORDS, WORDS),
    ("words of a field", field("id", description="Which."), WORDS, WORDS, WORDS, WORDS),
    ("a new optional field", at("properties", more=TEXT), HARMLESS, HARMLESS, HARMLESS, BREAKING),
    ("a field gone", at("properties", count=None), BREAKING, BREAKING, BREAKING, BREAKING),
    ("a field called title gone", at("properties", title=None), BREAKING, BREAKING, BREAKING, BREAKING),
    ("a field gone further in", at("$defs", "Part", properties={}, required=[]), *(BREAKING,) * 4),
    ("newly required", at(required=["id", "state", "count"]), BREAKING, BREAKING, HARMLESS, HARMLESS),
    ("no longer required", at(required=["id"]), HARMLESS, HARMLESS, BREAKING, BREAKING),
    ("a required field further in", at("$defs", "Part", required=[]), HARMLESS, HARMLESS, BREAKING, BREAKING),
    ("longer", field("id", maxLength=10), HARMLESS, HARMLESS, BREAKING, BREAKING),
    ("any length", field("id", maxLength=None), HARMLESS, HARMLESS, BREAKING, BREAKING),
    ("shorter", field("id", maxLength=8), BREAKING, BREAKING, HARMLESS, HARMLESS),
    ("at least two", field("id", minLength=2), BREAKING, BREAKING, HARMLESS, HARMLESS),
    ("a pattern", field("id", pattern="^x"), BREAKING, BREAKING, HARMLESS, HARMLESS),
    ("a format", field("id", format="uuid"), BREAKING, BREAKING, HARMLESS, HARMLESS),
    ("a word more", field("state", enum=["a", "b", "c"]), HARMLESS, HARMLESS, BREAKING, BREAKING),
    ("a word less", field("state", enum=["a"]), BREAKING, BREAKING, HARMLESS, HARMLESS),
    ("words in another order", field("state", enum=["b", "a"]), HARMLESS, HARMLESS, HARMLESS, HARMLESS),
    ("one word", field("state", enum=None, const="a"), BREAKING, BREAKING, HARMLESS, HARMLESS),
    ("any text", field("state", enum=None, type="string"), HARMLESS, HARMLESS, BREAKING, BREAKING),
    ("any number", field("count", type="number"), HARMLESS, HARMLESS, BREAKING, BREAKING),
    ("another type", field("count", type="string"), BREAKING, BREAKING, BREAKING, BREAKING),
    ("from zero", field("count", minimum=0), HARMLESS, HARMLESS, BREAKING, BREAKING),
    ("from two", field("count", minimum=2), BREAKING, BREAKING, HARMLESS, HARMLESS),
    ("never null", field("note", anyOf=[TEXT]), BREAKING, BREAKING, HARMLESS, HARMLESS),
    ("null as a type", field("note", anyOf=None, type=["null", "string"]), *(HARMLESS,) * 4),
    ("null further on", field("id", type=["string", "null"]), HARMLESS, HARMLESS, BREAKING, BREAKING),
    ("other members", field("named", additionalProperties=TEXT), BREAKING, BREAKING, BREAKING, BREAKING),
    ("any members", field("named", additionalProperties=None), HARMLESS, HARMLESS, BREAKING, BREAKING),
    ("other items", field("parts", items=TEXT), BREAKING, BREAKING, BREAKING, BREAKING),
    ("at most nine parts", field("parts", maxItems=9), BREAKING, BREAKING, HARMLESS, HARMLESS),
    ("a choice", at(oneOf=[{"required": ["id"]}]), BREAKING, BREAKING, HARMLESS, HARMLESS),
    ("a rule", at(allOf=[{"anyOf": [{"required": ["note"]}]}]), BREAKING, BREAKING, HARMLESS, HARMLESS),
    ("what nobody here understands", at(dependentRequired={"note": ["count"]}), *(BREAKING,) * 4),
    ("what nobody here understands, inside", field("id", contentEncoding="base64"), *(BREAKING,) * 4),
]


def edited(schema: Schema, edit: Edit) -> Schema:
    after = deepcopy(schema)
    edit(after)
    return after


@pytest.mark.parametrize(
    ("edit", "expected"), [(edit, judged) for _, edit, *judged in EDITS], ids=[row[0] for row in EDITS]
)
def test_each_sort_of_change_is_judged(edit: Edit, expected: list[Change]) -> None:
    judged = [
        change_between(schema, edited(schema, edit), received=received)
        for received in (True, False)
        for schema in (OPEN, CLOSED)
    ]
    assert judged == expected


def test_closing_breaks_senders_and_opening_breaks_readers() -> None:
    assert change_between(OPEN, CLOSED, received=True) is BREAKING
    assert change_between(OPEN, CLOSED, received=False) is HARMLESS
    assert change_between(CLOSED, OPEN, received=True) is HARMLESS
    assert change_between(CLOSED, OPEN, received=False) is BREAKING


def test_one_more_name_for_a_field_breaks_nobody_who_sends() -> None:
    before = schema_of(ORDER)
    wider = deepcopy(before)
    wider["allOf"][0]["anyOf"].append({"properties": {"buyerId": {"type": "string"}}, "required": ["buyerId"]})
    narrower = deepcopy(before)
    narrower["allOf"][0]["anyOf"].pop()

    assert change_between(before, wider, received=True) is HARMLESS
    assert change_between(before, narrower, received=True) is BREAKING


def test_what_breaks_is_told_by_its_place() -> None:
    after = edited(OPEN, at("$defs", "Part", "properties", "size", type="integer"))

    assert breaks_of_received(OPEN, after) == ["/parts/*/size: another type", "/named/*/size: another type"]
    assert breaks_of_published(OPEN, after) == []


def test_a_breaking_change_takes_a_major_version_and_a_harmless_one_a_minor() -> None:
    assert [version_needed("1.2.3", change) for change in (WORDS, HARMLESS, BREAKING)] == ["1.2.3", "1.3.0", "2.0.0"]


BASES = [(contract, contract in RECEIVED) for contract in (*RECEIVED, *PUBLISHED)]


@st.composite
def changed(draw: st.DrawFn, schema: Schema) -> Schema:
    """Draw a schema that differs from another in a place or two, for better or for worse."""
    after = deepcopy(schema)
    parts = [after, *after.get("$defs", {}).values()]
    objects = [part for part in parts if part.get("properties")]
    for _ in range(draw(st.integers(1, 2))):
        target = draw(st.sampled_from(objects))
        names = sorted(target["properties"])
        if not names:
            continue
        _edit(draw, target, draw(st.sampled_from(names)))
    return after


def _edit(draw: st.DrawFn, target: Schema, name: str) -> None:
    words = target["properties"][name]
    required = [one for one in target.get("required", ()) if one != name]
    match draw(st.sampled_from(["drop", "add", "toggle", "close", "limit", "type", "enum"])):
        case "drop":
            del target["properties"][name]
            target["required"] = required
        case "add":
            target["properties"]["extra"] = {"type": draw(st.sampled_from(["string", "integer"]))}
        case "toggle":
            target["required"] = required if name in target.get("required", ()) else [*required, name]
        case "close":
            target["additionalProperties"] = not target.get("additionalProperties", True)
        case "limit" if words.get("type") == "string" and not {"format", "pattern"} & words.keys():
            words["minLength"] = draw(st.integers(0, 3))
            words["maxLength"] = draw(st.integers(4, 300))
        case "limit" if words.get("type") in {"integer", "number"}:
            words.pop("exclusiveMinimum", None)
            words["minimum"] = draw(st.integers(-3, 3))
        case "type" if "$ref" not in words:
            words.clear()
            words["type"] = draw(st.sampled_from(["string", "integer", "number", "boolean"]))
        case "enum" if words.get("type") == "string":
            words.clear()
            words["enum"] = draw(st.lists(st.sampled_from("abc"), min_size=1, unique=True))


def _inlined(value: Any, parts: Mapping[str, Any]) -> Any:
    if isinstance(value, Mapping):
        if "$ref" in value:
            return _inlined(parts[value["$ref"].removeprefix("#/$defs/")], parts)
        return {name: _inlined(inner, parts) for name, inner in value.items() if name != "$defs"}
    return [_inlined(item, parts) for item in value] if isinstance(value, list) else value


@settings(max_examples=150, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
@given(st.data())
def test_what_is_judged_harmless_harms_nobody(data: Any) -> None:
    """Of messages received, each that was valid still is; of those published, each that is valid was so before."""
    contract, received = data.draw(st.sampled_from([base for base in BASES if not base[0].any_of]))
    before = schema_of(contract)
    after = data.draw(changed(before))
    assume(change_between(before, after, received=received) is not BREAKING)

    source, target = (before, after) if received else (after, before)
    message = data.draw(_instances(source))
    assert is_valid(source, message)
    assert is_valid(target, message)


def _instances(schema: Schema) -> st.SearchStrategy[Any]:
    return instances(_options(_inlined(schema, schema.get("$defs", {}))))


def _options(value: Any) -> Any:
    """Turn alternatives of scalars into the first of them, which is all that drawing needs."""
    if isinstance(value, Mapping):
        if "anyOf" in value:
            return _options(value["anyOf"][0])
        return {name: _options(inner) for name, inner in value.items()}
    return value


def changed_contract(edit: Edit, version: str = "1.0.0") -> tuple[Any, Mapping[str, Any]]:
    """Give today's contract of orders in a version, beside a published schema that differs from it."""
    published = edited(schema_of(ORDER), edit)
    return evolve(ORDER, version=version), {"1.0.0": published}


@pytest.mark.parametrize(
    ("edit", "version", "fine"),
    [
        (at(description="Other words."), "1.0.0", True),
        (at("properties", note=TEXT), "1.0.0", False),
        (at("properties", note=TEXT), "1.1.0", False),
        (at("properties", currency=None), "1.0.0", False),
        (at("properties", currency=None), "1.1.0", True),
        (at("properties", currency=None), "0.9.0", False),
    ],
)
def test_a_changed_schema_needs_a_version_of_its_own(edit: Edit, version: str, fine: bool) -> None:
    contract, published = changed_contract(edit, version)

    assert (not list(problems_of(contract, published, received=True))) == fine


def test_a_new_major_version_reads_the_old_one() -> None:
    contract, published = changed_contract(at("properties", note=TEXT), "2.0.0")
    assert list(problems_of(contract, published, received=True)) == [
        "OrderPlaced: version 1.0.0 must stay readable: give it an upcaster"
    ]

    able = evolve(contract, upcasters={1: dict})
    assert list(problems_of(able, published, received=True)) == []


def test_a_published_message_is_judged_the_other_way_round() -> None:
    published = edited(schema_of(CREATED), at("properties", createdAt=TEXT))
    assert list(problems_of(evolve(CREATED, version="1.0.0"), {"1.0.0": published}, received=False))

    wider = edited(schema_of(CREATED), at(required=["userId", "email", "createdAt", "lastName"]))
    assert list(problems_of(evolve(CREATED, version="1.1.0"), {"1.0.0": wider}, received=False))


def test_a_message_that_others_build_on_cannot_be_taken_away(tmp_path: Path) -> None:
    folder = tmp_path / "UserTeleported"
    folder.mkdir()
    (folder / "1.0.0.json").write_text(json.dumps({"type": "object"}), encoding="utf-8")

    assert list(problems(tmp_path)) == ["UserTeleported: others build on it; it cannot be taken away"]
