"""From JSON values to the structs of our schemas, with every broken rule named at once."""

from collections.abc import Mapping
from functools import cache
from types import UnionType
from typing import Any, Final, TypeVar, Union, get_args, get_origin

import msgspec
from attrs import frozen
from msgspec import Struct

from user_http.problems import BODY_INVALID, FieldProblem, RequestRefusedError, escape

S = TypeVar("S", bound=Struct)

READ_ONLY: Final = frozenset(
    {"id", "status", "statusDetails", "verification", "restricted", "version", "createdAt", "updatedAt"}
)
"""What a profile shows and no caller sets."""

# What msgspec says where nothing of the value is repeated.
_PLAIN: Final = ("Expected ", "Invalid RFC3339 encoded ")


def read_shape(raw: Any, shape: type[S]) -> S:  # noqa: ANN401 -- any JSON value
    """Return a struct made from a JSON value.

    Raises:
        RequestRefusedError: the value does not fit; each field that does not is named.
    """
    reader = _Reader([])
    value = reader.struct(raw, shape, "")
    if reader.found or value is None:
        raise RequestRefusedError(BODY_INVALID, errors=tuple(reader.found))
    return value


@frozen
class _Reader:
    found: list[FieldProblem]

    def struct(self, raw: Any, shape: type[S], pointer: str) -> S | None:  # noqa: ANN401 -- any JSON value
        if not isinstance(raw, Mapping):
            self.found.append(FieldProblem(pointer, "wrong_type", "give a JSON object"))
            return None
        before = len(self.found)
        fields = _fields(shape)
        self._unknown(raw, frozenset(fields), pointer)
        values = {
            field.name: self.value(raw[name], field.type, f"{pointer}/{escape(name)}")
            for name, field in fields.items()
            if name in raw
        }
        for name, field in fields.items():
            if field.required and name not in raw:
                self.found.append(FieldProblem(f"{pointer}/{escape(name)}", "required", "give a value"))
        return shape(**values) if len(self.found) == before else None

    def value(self, raw: Any, kind: Any, pointer: str) -> Any:  # noqa: ANN401 -- any JSON value and type
        inner, of_members, nullable = _nested(kind)
        if inner is None:
            return self._plain(raw, kind, pointer)
        if raw is None and nullable:
            return None
        if not of_members:
            return self.struct(raw, inner, pointer)
        if not isinstance(raw, Mapping):
            self.found.append(FieldProblem(pointer, "wrong_type", "give a JSON object"))
            return None
        # The members' names are the caller's own text, so that a pointer ends before them.
        return {name: self.struct(member, inner, pointer) for name, member in raw.items()}

    def _plain(self, raw: Any, kind: Any, pointer: str) -> Any:  # noqa: ANN401 -- any JSON value and type
        try:
            return msgspec.convert(raw, kind)
        except msgspec.ValidationError as error:
            self.found.append(FieldProblem(pointer, *_explain(str(error))))
            return None

    def _unknown(self, raw: Mapping[str, Any], known: frozenset[str], pointer: str) -> None:
        unknown = raw.keys() - known
        self.found.extend(
            FieldProblem(f"{pointer}/{name}", "read_only", "leave it out: the service sets it")
            for name in sorted(unknown & READ_ONLY)
        )
        if unknown - READ_ONLY:
            # A name that we do not know is the caller's text, and is not repeated.
            detail = f"leave out fields other than {', '.join(sorted(known))}"
            self.found.append(FieldProblem(pointer, "unknown_field", detail))


@cache
def _fields(shape: type[Struct]) -> Mapping[str, msgspec.structs.FieldInfo]:
    return {field.encode_name: field for field in msgspec.structs.fields(shape)}


@cache
def _nested(kind: Any) -> tuple[type[Struct] | None, bool, bool]:  # noqa: ANN401 -- any type
    """Return the struct inside a type, whether it stands behind members' names, and whether null will do."""
    options = get_args(kind) if get_origin(kind) in {Union, UnionType} else (kind,)
    for option in options:
        if isinstance(option, type) and issubclass(option, Struct):
            return option, False, type(None) in options
        members = get_args(option)
        if get_origin(option) is dict and isinstance(members[1], type) and issubclass(members[1], Struct):
            return members[1], True, type(None) in options
    return None, False, False


def _explain(message: str) -> tuple[str, str]:
    """Return the code and the detail for what msgspec says."""
    said = message.split(" - at ", maxsplit=1)[0]
    if not said.startswith(_PLAIN):
        return "not_allowed", "give one of the values that the description lists"
    if "matching regex" in said:
        return "pattern", "give text of the form that the description shows"
    words = {"length >=": "too_short", "length <=": "too_long", "RFC3339": "not_a_time"}
    return next((code for word, code in words.items() if word in said), "wrong_type"), said
