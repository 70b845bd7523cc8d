"""From JSON values to msgspec structs, with every broken rule named at once.

Needs the extra `usercore[messages]`.
"""

from collections.abc import Callable, Mapping
from functools import cache
from types import UnionType
from typing import Annotated, Any, Final, TypeVar, Union, get_args, get_origin

import msgspec
from attrs import frozen
from msgspec import Struct

S = TypeVar("S", bound=Struct)
Hook = Callable[[type, Any], Any]

PROBLEMS_MAX: Final = 50
"""Further ones are not told: a megabyte of mistakes would make an answer of many."""

# What msgspec says where nothing of the value is repeated.
_PLAIN: Final = ("Expected ", "Invalid RFC3339 encoded ")


@frozen
class ShapeProblem:
    """One rule that one field breaks.

    Args:
        path: the names on the wire, outermost first; a place in a list is a number.
        code: stable word for the rule.
        detail: what to do, without repeating the value.
    """

    path: tuple[str, ...]
    code: str
    detail: str


class ShapeRefusedError(ValueError):
    """A JSON value does not fit its struct; `problems` names what does not."""

    def __init__(self, problems: tuple[ShapeProblem, ...]) -> None:
        super().__init__("the value does not fit")
        self.problems = problems


def read_shape(
    raw: Any,  # noqa: ANN401 -- any JSON value
    shape: type[S],
    *,
    read_only: frozenset[str] = frozenset(),
    hook: Hook | None = None,
) -> S:
    """Return a struct made from a JSON value.

    Args:
        raw: as :func:`usercore.codec.strict_json.read_json` returned it.
        shape: a struct; unknown fields are refused where it forbids them.
        read_only: unknown fields that deserve a word of their own.
        hook: makes values of types that msgspec does not know, or raises ValueError that begins with ``Expected``.

    Raises:
        ShapeRefusedError: the value does not fit; each field that does not is named.
    """
    try:
        # At one go, at a quarter of the cost: nearly every value fits. What does not is judged field by field.
        return msgspec.convert(raw, shape, dec_hook=hook)
    except msgspec.ValidationError:
        return _judged(raw, shape, read_only, hook)


def _judged(raw: Any, shape: type[S], read_only: frozenset[str], hook: Hook | None) -> S:  # noqa: ANN401 -- any JSON value
    reader = _Reader([], read_only, hook)
    value = reader.struct(raw, shape, ())
    if reader.found or value is None:
        raise ShapeRefusedError(tuple(reader.found))
    return value


@frozen
class _Reader:
    found: list[ShapeProblem]
    read_only: frozenset[str]
    hook: Hook | None

    def refuse(self, path: tuple[str, ...], code: str, detail: str) -> None:
        if len(self.found) < PROBLEMS_MAX:
            self.found.append(ShapeProblem(path, code, detail))

    def struct(self, raw: Any, shape: type[S], path: tuple[str, ...]) -> S | None:  # noqa: ANN401 -- any JSON value
        if not isinstance(raw, Mapping):
            self.refuse(path, "wrong_type", "give a JSON object")
            return None
        before = len(self.found)
        fields = _fields(shape)
        if shape.__struct_config__.forbid_unknown_fields:
            self._unknown(raw, frozenset(fields), path)
        values = {
            field.name: self.value(raw[name], field.type, (*path, name))
            for name, field in fields.items()
            if name in raw
        }
        for name, field in fields.items():
            if field.required and name not in raw:
                self.refuse((*path, name), "required", "give a value")
        return shape(**values) if len(self.found) == before < PROBLEMS_MAX else None

    def value(self, raw: Any, kind: Any, path: tuple[str, ...]) -> Any:  # noqa: ANN401 -- any JSON value and type
        inner, container, nullable = _nested(kind)
        if inner is None:
            return self._plain(raw, kind, path)
        if raw is None and nullable:
            return None
        if container is dict:
            return self._members(raw, inner, path)
        if container is list:
            return self._items(raw, inner, path)
        return self.struct(raw, inner, path)

    def _members(self, raw: Any, inner: type[Struct], path: tuple[str, ...]) -> Any:  # noqa: ANN401 -- any JSON value
        if not isinstance(raw, Mapping):
            self.refuse(path, "wrong_type", "give a JSON object")
            return None
        # The members' names are the caller's own text, so that a path ends before them.
        return {name: self.struct(member, inner, path) for name, member in raw.items()}

    def _items(self, raw: Any, inner: type[Struct], path: tuple[str, ...]) -> Any:  # noqa: ANN401 -- any JSON value
        if not isinstance(raw, list):
            self.refuse(path, "wrong_type", "give a JSON array")
            return None
        items = []
        for place, item in enumerate(raw):
            if len(self.found) >= PROBLEMS_MAX:
                break
            items.append(self.struct(item, inner, (*path, str(place))))
        return items

    def _plain(self, raw: Any, kind: Any, path: tuple[str, ...]) -> Any:  # noqa: ANN401 -- any JSON value and type
        try:
            return msgspec.convert(raw, kind, dec_hook=self.hook)
        except msgspec.ValidationError as error:
            self.refuse(path, *_explain(str(error)))
            return None

    def _unknown(self, raw: Mapping[str, Any], known: frozenset[str], path: tuple[str, ...]) -> None:
        unknown = raw.keys() - known
        for name in sorted(unknown & self.read_only):
            self.refuse((*path, name), "read_only", "leave it out: the service sets it")
        if unknown - self.read_only:
            # A name that we do not know is the caller's text, and is not repeated.
            self.refuse(path, "unknown_field", f"leave out fields other than {', '.join(sorted(known))}")


@cache
def _fields(shape: type[Struct]) -> Mapping[str, msgspec.structs.FieldInfo]:
    return {field.encode_name: field for field in msgspec.structs.fields(shape)}


@cache
def _nested(kind: Any) -> tuple[type[Struct] | None, type | None, bool]:  # noqa: ANN401 -- any type
    """Return the struct inside a type, the container it stands in, and whether null will do."""
    options = get_args(kind) if get_origin(kind) in {Union, UnionType} else (kind,)
    for option in map(_bare, options):
        container = get_origin(option)
        inner = get_args(option)[-1] if container in {dict, list} else option
        if isinstance(inner, type) and issubclass(inner, Struct):
            return inner, container, type(None) in options
    return None, None, False


def _bare(kind: Any) -> Any:  # noqa: ANN401 -- any type
    return get_args(kind)[0] if get_origin(kind) is Annotated else kind


def _explain(message: str) -> tuple[str, str]:
    """Return the code and the detail for what msgspec says."""
    said = message.split(" - at ", maxsplit=1)[0]
    if not said.startswith(_PLAIN):
        return "not_allowed", "give one of the values that the description lists"
    if "matching regex" in said:
        return "pattern", "give text of the form that the description shows"
    return next((code for word, code in _CODES.items() if word in said), "wrong_type"), said


_CODES: Final = {
    "length >=": "too_short",
    "length <=": "too_long",
    "RFC3339": "not_a_time",
    "decimal places": "too_precise",
    "` > ": "out_of_range",
    "` >= ": "out_of_range",
    "` < ": "out_of_range",
    "` <= ": "out_of_range",
}
