"""Messages for tests: records of others, drawn from a JSON Schema, and what has become of them once read."""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from attrs import fields, has
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, FormatChecker

from tests.letters import a_message
from tests.strategies import instants
from usercore.codec.messages import ReceivedMessage, read_message
from usercore.kernel.secret import Secret
from usercore.kernel.unset import UNSET
from usercore.messaging.values import RawMessage

GOLDEN = Path(__file__).parent / "golden"
LIMIT_BYTES = 1024 * 1024

FORMATS = FormatChecker(formats=())
"""Checks formats, by rules written down once more and not taken from our code."""


@FORMATS.checks("date-time")
def _is_time(value: object) -> bool:
    if not isinstance(value, str):
        return True
    shape = r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]([01]\d|2[0-3]):[0-5]\d)"
    if not re.fullmatch(shape, value, re.ASCII):
        return False
    try:
        datetime.strptime(value[:19].upper().replace(" ", "T"), "%Y-%m-%dT%H:%M:%S")  # noqa: DTZ007 - only whether it exists
    except ValueError:
        return False
    return True


@FORMATS.checks("date")
def _is_date(value: object) -> bool:
    if not isinstance(value, str):
        return True
    try:
        return date.fromisoformat(value).isoformat() == value
    except ValueError:
        return False


@FORMATS.checks("email")
def _is_email(value: object) -> bool:
    return not isinstance(value, str) or "@" in value


def catalogue(name: str) -> dict[str, Any]:
    """Return the catalogue's schema of a message, version 1.0.0."""
    found: dict[str, Any] = json.loads((GOLDEN / "catalogue" / f"{name}.json").read_text(encoding="utf-8"))
    return found


def is_valid(schema: Mapping[str, Any], value: Any) -> bool:
    """Return whether a value satisfies a schema, formats included."""
    return Draft202012Validator(schema, format_checker=FORMATS).is_valid(value)


def record(topic: str, payload: Any, *headers: tuple[str, bytes], key: bytes | None = None) -> RawMessage:
    """Give a record; a payload that is not bytes is written as JSON."""
    value = payload if isinstance(payload, bytes | None) else json.dumps(payload).encode()
    return a_message(topic, value=value, headers=headers, key=key)


def read(raw: RawMessage) -> ReceivedMessage:
    """Read a record, up to the usual size."""
    return read_message(raw, limit_bytes=LIMIT_BYTES)


def shown(value: Any) -> Any:
    """Return what a request says as JSON, with numbers exact and without what is left unset."""
    if has(type(value)) and not isinstance(value, Secret):
        inner = {one.name: getattr(value, one.name) for one in fields(type(value))}
        said = {name: shown(one) for name, one in inner.items() if one is not UNSET}
        return {"is": type(value).__name__, **said}
    match value:
        case Secret():
            return value.reveal()
        case Decimal():
            return str(value)
        case datetime():
            return value.isoformat()
    return value


_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=12)
_OFFSETS = st.sampled_from(["Z", "z", "+00:00", "-00:00", "+02:00", "-11:30", "+23:59"])
_TIMES = st.builds(
    lambda at, separator, offset: at.replace(tzinfo=None).isoformat(separator) + offset,
    instants(),
    st.sampled_from("Tt "),
    _OFFSETS,
)
_ODD = (
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.floats(-3, 3)
    | _TEXT
    | st.sampled_from(
        ["x" * 600, "x@y.example", "2026-01-01T00:00:00", "2026-02-30T00:00:00Z", "2026-01-01", "EUR\n", "eur"]
    )
    | st.lists(st.integers(), max_size=2)
    | st.dictionaries(st.sampled_from(["value", "street", "more"]), st.integers(0, 9) | _TEXT, max_size=2)
)


def instances(schema: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    """Draw values that satisfy a schema of the sort that messages have: objects of named fields, lists and scalars."""
    if "enum" in schema or "const" in schema:
        return st.sampled_from(schema.get("enum") or [schema["const"]])
    kind = schema.get("type", "string")
    if not isinstance(kind, str):
        return st.one_of([instances({**schema, "type": one}) for one in kind])
    return _KINDS[kind](schema)


def _whole(schema: Mapping[str, Any]) -> st.SearchStrategy[int | float]:
    least = schema.get("minimum", schema.get("exclusiveMinimum", -10) + 1)
    whole = st.integers(least, 10**9)
    return whole | whole.map(float)


def _numbers(schema: Mapping[str, Any]) -> st.SearchStrategy[int | float]:
    least = schema.get("minimum", -(10**9))
    return st.integers(least, 10**9) | st.floats(least, 1e9, allow_nan=False)


def _texts(schema: Mapping[str, Any]) -> st.SearchStrategy[str]:
    if schema.get("format") == "date-time":
        return _TIMES
    if schema.get("format") == "date":
        return st.dates().map(date.isoformat)
    if schema.get("format") == "email":
        return _TEXT.map(lambda text: f"{text}@example.com")
    if "pattern" in schema:
        return st.from_regex(schema["pattern"], fullmatch=True).filter(lambda text: not text.endswith("\n"))
    shortest, longest = schema.get("minLength", 0), schema.get("maxLength", 200)
    drawn = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=shortest, max_size=30)
    return drawn.map(lambda text: text[:longest]) | st.just("x" * longest)


@st.composite
def _objects(draw: st.DrawFn, schema: Mapping[str, Any]) -> dict[str, Any]:
    properties = schema.get("properties", {})
    wanted = set(schema.get("required", ()))
    for choice in schema.get("oneOf", ()):
        wanted -= set(choice["required"])
    if "oneOf" in schema:
        wanted |= set(draw(st.sampled_from(schema["oneOf"]))["required"])
        names = sorted(wanted)
    else:
        names = [name for name in properties if name in wanted or draw(st.booleans())]
    value = {name: draw(instances(properties[name])) for name in names}
    rest = schema.get("additionalProperties", True)
    if isinstance(rest, Mapping):
        value |= draw(st.dictionaries(_TEXT, instances(rest), max_size=2))
    elif rest and draw(st.booleans()):
        value[draw(st.sampled_from(["more", "Extra", "x-1"]))] = draw(_ODD)
    return value


_KINDS: Mapping[str, Callable[[Mapping[str, Any]], st.SearchStrategy[Any]]] = {
    "object": lambda schema: _objects(schema),  # noqa: PLW0108 -- defined further down
    "array": lambda schema: st.lists(instances(schema["items"]), max_size=4),
    "integer": _whole,
    "number": _numbers,
    "boolean": lambda _: st.booleans(),
    "null": lambda _: st.none(),
    "string": _texts,
}


@st.composite
def neighbours(draw: st.DrawFn, schema: Mapping[str, Any]) -> Any:
    """Draw values near those that satisfy a schema: some do, most break a rule or two."""
    value = draw(instances(schema))
    for _ in range(draw(st.integers(1, 2))):
        value = draw(_spoiled(value))
    return value


@st.composite
def _spoiled(draw: st.DrawFn, value: Any) -> Any:
    if isinstance(value, dict) and value and draw(st.integers(0, 9)):
        name = draw(st.sampled_from(sorted(value)))
        spoilt: dict[str, dict[str, Any]] = {
            "drop": {one: inner for one, inner in value.items() if one != name},
            "more": {**value, draw(st.sampled_from(["more", "userId", "id"])): draw(_ODD)},
            "rename": {(one.upper() if one == name else one): inner for one, inner in value.items()},
            "deeper": {**value, name: draw(_spoiled(value[name]))},
            "odd": {**value, name: draw(_ODD)},
        }
        return spoilt[draw(st.sampled_from(sorted(spoilt)))]
    if isinstance(value, list) and value and draw(st.integers(0, 9)):
        place = draw(st.integers(0, len(value) - 1))
        return [*value[:place], draw(_spoiled(value[place])), *value[place + 1 :]]
    return draw(_ODD)


_WRONG: Sequence[Any] = (None, True, -1, 0, 0.5, "", "x", "x" * 1000, [], {}, [[]], {"more": 1})


def mutants(value: Any) -> Iterator[Any]:
    """Yield values that differ from another in one place: everywhere something is left out, put in or replaced."""
    yield from _WRONG
    if isinstance(value, dict):
        yield {**value, "more": 1}
        for name, inner in value.items():
            yield {one: kept for one, kept in value.items() if one != name}
            yield from ({**value, name: mutant} for mutant in mutants(inner))
    if isinstance(value, list):
        for place, item in enumerate(value):
            yield from ([*value[:place], mutant, *value[place + 1 :]] for mutant in mutants(item))
    if isinstance(value, str):
        yield from ("x" * length for length in (1, 7, 8, 20, 21, 50, 51, 64, 65, 100, 101, 500, 501))
        yield from (value + "\n", value.lower(), value.upper())
