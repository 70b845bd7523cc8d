"""Whether a schema may take the place of another.

Of a message that we receive, everything that was valid must stay so: no field newly required, none removed (what it
says would be refused, or ignored), no type, limit, pattern or list of words narrowed.

Of a message that we publish, everything that will be valid must have been so, as whoever reads it checks it by the
schema of before: no field removed or no longer certain, none added where the schema is closed, no type, limit, pattern
or list of words widened.

A harmless change takes a new minor version, a breaking one a new major version: a published schema itself never changes
but in its words. What is not understood here counts as breaking.
"""

from collections.abc import Iterator, Mapping
from enum import IntEnum
from typing import Any, Final, TypeAlias

from attrs import frozen

Schema: TypeAlias = Mapping[str, Any]

_WORDS: Final = frozenset(
    {"$schema", "$id", "$comment", "title", "description", "examples", "default", "deprecated", "writeOnly", "readOnly"}
)
_TYPES: Final = ("string", "integer", "number", "boolean", "null", "object", "array")
_AT_LEAST: Final = ("minLength", "minimum", "exclusiveMinimum", "minItems", "minProperties")
_AT_MOST: Final = ("maxLength", "maximum", "exclusiveMaximum", "maxItems", "maxProperties")
_SAME: Final = ("pattern", "format", "multipleOf", "uniqueItems")
_UNDERSTOOD: Final = frozenset(
    {
        "type",
        "enum",
        "const",
        "properties",
        "required",
        "additionalProperties",
        "items",
        "anyOf",
        "allOf",
        "oneOf",
        *_AT_LEAST,
        *_AT_MOST,
        *_SAME,
    }
)


class Change(IntEnum):
    """How much a schema changes: what it takes to be published."""

    WORDS = 0
    HARMLESS = 1
    BREAKING = 2


def breaks_of_received(old: Schema, new: Schema) -> list[str]:
    """Return why messages that are valid by `old` might be refused or misread by `new`."""
    before, after = _resolved(old), _resolved(new)
    return [*_narrowed(before, after, ""), *_removed(before, after, "")]


def breaks_of_published(old: Schema, new: Schema) -> list[str]:
    """Return why messages that are valid by `new` might surprise who knows `old`."""
    before, after = _resolved(old), _resolved(new)
    return [*_narrowed(after, before, ""), *_removed(before, after, "")]


def change_between(old: Schema, new: Schema, *, received: bool) -> Change:
    """Return how much a schema changes."""
    if _bare(_resolved(old)) == _bare(_resolved(new)):
        return Change.WORDS
    breaks = breaks_of_received(old, new) if received else breaks_of_published(old, new)
    return Change.BREAKING if breaks else Change.HARMLESS


def version_needed(old: str, change: Change) -> str:
    """Return the version that a schema must have after a change: the smallest that says how much changed."""
    major, minor, _ = (int(part) for part in old.split("."))
    return {Change.WORDS: old, Change.HARMLESS: f"{major}.{minor + 1}.0", Change.BREAKING: f"{major + 1}.0.0"}[change]


def _resolved(schema: Schema) -> Schema:
    """Return a schema with every reference replaced by what it refers to; ours never refer to themselves."""
    parts = schema.get("$defs", {})

    def resolve(value: Any) -> Any:  # noqa: ANN401 -- any JSON value
        if isinstance(value, Mapping):
            if "$ref" in value:
                target = parts[str(value["$ref"]).removeprefix("#/$defs/")]
                return resolve({**target, **{name: one for name, one in value.items() if name != "$ref"}})
            return {name: resolve(inner) for name, inner in value.items()}
        return [resolve(item) for item in value] if isinstance(value, list) else value

    return dict(resolve({name: one for name, one in schema.items() if name not in {"$defs", "examples"}}))


def _bare(value: Any, *, names: bool = False) -> Any:  # noqa: ANN401 -- any JSON value
    """Return a schema without its words; the names of properties are none."""
    if isinstance(value, Mapping):
        kept = {name: one for name, one in value.items() if names or name not in _WORDS}
        return {name: _bare(one, names=name == "properties" and not names) for name, one in kept.items()}
    return [_bare(item) for item in value] if isinstance(value, list) else value


def _removed(old: Schema, new: Schema, path: str) -> Iterator[str]:
    """Yield properties that `new` no longer speaks of."""
    before, after = _properties(old), _properties(new)
    for name, one in before.items():
        if name not in after:
            yield f"{path}/{name}: removed"
        else:
            yield from _removed(one, after[name], f"{path}/{name}")
    if "items" in old and "items" in new:
        yield from _removed(old["items"], new["items"], f"{path}/*")


def _properties(schema: Schema) -> Mapping[str, Schema]:
    """Return the properties of an object, or of the one object among alternatives."""
    return {name: one for option in _options(schema) for name, one in option.get("properties", {}).items()}


def _narrowed(wide: Schema, narrow: Schema, path: str) -> Iterator[str]:
    """Yield why a value that is valid by `wide` might not be by `narrow`."""
    accepted = list(_options(narrow))
    for option in _options(wide):
        reasons = [list(_narrowed_option(option, other, path)) for other in accepted]
        # Told of the nearest alternative.
        yield from min(reasons, key=len, default=[f"{path}: nothing is accepted"])


def _options(schema: Schema) -> Iterator[Schema]:
    """Yield the alternatives of a schema: each of `anyOf`, and each type of several."""
    rest = {name: one for name, one in schema.items() if name != "anyOf"}
    for option in schema.get("anyOf", [{}]):
        whole = {**rest, **option}
        types = whole.get("type", list(_TYPES) if not {"enum", "const"} & whole.keys() else None)
        if isinstance(types, list) and types:
            yield from ({**whole, "type": one} for one in types)
        else:
            yield whole


@frozen
class _Pair:
    wide: Schema
    narrow: Schema
    path: str

    def both(self, name: str) -> tuple[Any, Any]:
        return self.wide.get(name), self.narrow.get(name)


def _narrowed_option(wide: Schema, narrow: Schema, path: str) -> Iterator[str]:
    pair = _Pair(wide, narrow, path)
    yield from _values(pair)
    yield from _limits(pair)
    yield from _object(pair)
    yield from _compound(pair)
    unknown = (wide.keys() | narrow.keys()) - _WORDS - _UNDERSTOOD
    yield from (f"{path}: {name} differs" for name in sorted(unknown) if wide.get(name) != narrow.get(name))


def _values(pair: _Pair) -> Iterator[str]:
    before, after = _words(pair.wide), _words(pair.narrow)
    if after is not None:
        if before is None or any(one not in after for one in before):
            yield f"{pair.path}: some values are no longer listed"
        return
    kinds = {_kind(one) for one in before} if before is not None else {pair.wide.get("type")}
    accepted = pair.narrow.get("type")
    if accepted is not None and not all(
        kind == accepted or (kind, accepted) == ("integer", "number") for kind in kinds
    ):
        yield f"{pair.path}: another type"


def _words(schema: Schema) -> list[Any] | None:
    return [schema["const"]] if "const" in schema else schema.get("enum")


def _kind(value: object) -> str:
    kinds = {bool: "boolean", int: "integer", float: "number", str: "string", type(None): "null", list: "array"}
    return kinds.get(type(value), "object")


def _limits(pair: _Pair) -> Iterator[str]:
    for name in (*_AT_LEAST, *_AT_MOST):
        before, after = pair.both(name)
        if after is None:
            continue
        stricter = before is None or (after > before if name in _AT_LEAST else after < before)
        if stricter:
            yield f"{pair.path}: {name} is stricter"
    for name in _SAME:
        before, after = pair.both(name)
        if after is not None and after != before:
            yield f"{pair.path}: {name} is stricter"


def _object(pair: _Pair) -> Iterator[str]:
    before, after = pair.wide.get("properties", {}), pair.narrow.get("properties", {})
    for name in pair.narrow.get("required", ()):
        if name not in pair.wide.get("required", ()):
            yield f"{pair.path}/{name}: required"
    rest = pair.narrow.get("additionalProperties", True)
    for name, one in before.items():
        if name in after:
            yield from _narrowed(one, after[name], f"{pair.path}/{name}")
        elif isinstance(rest, Mapping):
            yield from _narrowed(one, rest, f"{pair.path}/{name}")
        elif not rest:
            yield f"{pair.path}/{name}: not allowed"
    yield from _others(pair.wide.get("additionalProperties", True), rest, pair.path)


def _others(wide: bool | Schema, narrow: bool | Schema, path: str) -> Iterator[str]:  # noqa: FBT001 -- JSON Schema's own form
    """Compare what properties may be that are not named."""
    if wide is False or narrow is True:
        return
    if narrow is False:
        yield f"{path}: other fields are not allowed"
    elif isinstance(narrow, Mapping):
        yield from _narrowed(wide if isinstance(wide, Mapping) else {}, narrow, f"{path}/*")


def _compound(pair: _Pair) -> Iterator[str]:
    before, after = pair.both("items")
    if after is not None:
        yield from _narrowed(before or {}, after, f"{pair.path}/*")
    for rule in pair.narrow.get("allOf", ()):
        if not any(not list(_narrowed(known, rule, pair.path)) for known in pair.wide.get("allOf", ())):
            yield f"{pair.path}: a rule for several fields is stricter"
    before, after = pair.both("oneOf")
    if after is not None and before != after:
        yield f"{pair.path}: a choice of fields differs"
