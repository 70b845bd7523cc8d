"""Custom attributes by the jsonschema library, draft 2020-12: extra `attributes`."""

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice, takewhile
from typing import TYPE_CHECKING, Any, Final

from attrs import define, field, frozen
from jsonschema import Draft202012Validator, SchemaError, ValidationError
from referencing import Registry
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT202012

from usercore.kernel.errors import Violation
from usercore.users.attributes import AttributeSchema, Json
from usercore.users.errors import AttributeSchemaInvalidError
from usercore.users.ports import AttributeValidator

__all__ = ["JsonSchemaValidator"]

VIOLATIONS_MAX: Final = 20
SCHEMA_MAX_BYTES: Final = 65_536
SCHEMA_MAX_DEPTH: Final = 32
DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_REFERENCES: Final = frozenset({"$ref", "$dynamicRef"})


@define(eq=False)
class JsonSchemaValidator:
    """Checks schemas and attributes, and fetches nothing.

    A schema comes from the operator, who is trusted not to write patterns that take for ever.
    """

    _last: "_Prepared | None" = field(default=None, init=False, repr=False)

    def check_schema(self, document: Mapping[str, Json]) -> None:
        """Pass a usable schema.

        Raises:
            AttributeSchemaInvalidError: it is none, or points outside itself.
        """
        schema = _plain(document)
        if schema.get("$schema", DIALECT) != DIALECT:
            raise _refused(("$schema",), f"write the schema in the dialect {DIALECT}")
        try:
            Draft202012Validator.check_schema(schema)
        except SchemaError as error:
            raise _refused(
                tuple(map(str, _path(error))), f"satisfy the meta-schema's rule '{error.validator}'"
            ) from None
        try:
            _check_references(schema)
        except (Unresolvable, LookupError, TypeError, ValueError):  # the last three: a malformed URI or pointer
            raise _refused(("$ref",), "refer only to places inside the schema itself") from None
        try:
            Draft202012Validator(schema, registry=_NOTHING_ELSE).is_valid({})
        except RecursionError:
            raise _refused((), "let no rule refer to itself without end") from None

    def violations(
        self, schema: AttributeSchema, attributes: Mapping[str, Json]
    ) -> Sequence[tuple[tuple[str, ...], str]]:
        """Return for each broken rule the path inside the attributes and the schema's keyword.

        At most :data:`VIOLATIONS_MAX` are looked for. A path ends before a name that the schema does not give: the
        caller chose it, and it may be anything.
        """
        prepared = self._prepared(schema)
        errors = prepared.validator.iter_errors(attributes)
        try:
            return [(prepared.known(_path(error)), str(error.validator)) for error in islice(errors, VIOLATIONS_MAX)]
        except RecursionError:
            return [((), "$ref")]

    def _prepared(self, schema: AttributeSchema) -> "_Prepared":
        if self._last is None or self._last.schema != schema:
            document = _plain(schema.document)
            validator = Draft202012Validator(document, registry=_NOTHING_ELSE)
            self._last = _Prepared(schema, validator, frozenset(_names(document)))
        return self._last


@frozen
class _Prepared:
    schema: AttributeSchema
    validator: Draft202012Validator
    names: frozenset[str]

    def known(self, path: Sequence[str | int]) -> tuple[str, ...]:
        """Return a path as far as the schema names it; the places in lists are no names."""
        return tuple(map(str, takewhile(lambda part: isinstance(part, int) or part in self.names, path)))


def _names(schema: Json) -> Iterator[str]:
    """Yield the names of attributes that a schema gives, however deep."""
    if isinstance(schema, Mapping):
        properties = schema.get("properties")
        if isinstance(properties, Mapping):
            yield from properties
    for inner in _children(schema):
        yield from _names(inner)


_NOTHING_ELSE: Registry[Any] = Registry()
"""Knows no schema and fetches none, so that a reference leads inside the schema or nowhere."""


def _plain(document: Mapping[str, Json]) -> dict[str, Any]:
    """Return a copy made of dicts and lists, refusing what PostgreSQL or a parser could not hold."""
    if _depth(document) > SCHEMA_MAX_DEPTH:
        raise _refused((), f"nest at most {SCHEMA_MAX_DEPTH} levels")
    try:
        text = json.dumps(document, ensure_ascii=False, allow_nan=False, default=_as_plain)
        size = len(text.encode())
    except (TypeError, ValueError):
        raise _refused((), "give a JSON object without lone surrogates") from None
    if size > SCHEMA_MAX_BYTES:
        raise _refused((), f"keep the schema within {SCHEMA_MAX_BYTES} bytes of JSON")
    if "\\u0000" in text:
        raise _refused((), "leave out NUL characters")
    copy: dict[str, Any] = json.loads(text)
    return copy


def _as_plain(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Sequence):
        return list(value)
    raise TypeError


def _depth(document: Json) -> int:
    """Return how deep a document nests, looking no deeper than matters."""
    level: list[Json] = [document]
    depth = 0
    while level and depth <= SCHEMA_MAX_DEPTH:
        depth += 1
        level = [inner for value in level for inner in _children(value)]
    return depth


def _children(value: Json) -> Iterator[Json]:
    match value:
        case Mapping():
            yield from value.values()
        case str():
            return
        case Sequence():
            yield from value


def _check_references(schema: Mapping[str, Any]) -> None:
    """Follow every reference once.

    Raises:
        Unresolvable: one leads outside, or nowhere; a malformed one raises other errors.
    """
    root = DRAFT202012.create_resource(schema)
    resolver = _NOTHING_ELSE.with_resource("", root).crawl().resolver_with_root(root)
    waiting = [(root, resolver)]
    while waiting:
        resource, here = waiting.pop()
        if isinstance(resource.contents, Mapping):
            for keyword in _REFERENCES.intersection(resource.contents):
                here.lookup(resource.contents[keyword])
        waiting += [(inner, here.in_subresource(inner)) for inner in resource.subresources()]


def _path(error: ValidationError | SchemaError) -> tuple[str | int, ...]:
    return tuple(error.absolute_path)


def _refused(path: tuple[str, ...], detail: str) -> AttributeSchemaInvalidError:
    violation = Violation(path, AttributeSchemaInvalidError.code, detail)
    return AttributeSchemaInvalidError(violations=(violation,))


if TYPE_CHECKING:
    _validator: AttributeValidator = JsonSchemaValidator()
