"""Custom attributes: a JSON object whose shape the operator registers, version by version."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, TypeAlias

from attrs import field, frozen

from usercore.users.values import ValueRejectedError

Json: TypeAlias = "bool | int | float | str | Sequence[Json] | Mapping[str, Json] | None"

ATTRIBUTES_MAX_BYTES: Final = 16_384
ATTRIBUTES_MAX_DEPTH: Final = 8
NUMBER_LIMIT: Final = 2**53 - 1
"""Source: RFC 7493 (I-JSON), 2.2: beyond it a receiver may read another number."""


def normalise(value: Json) -> Json:
    """Return the one form in which attributes are kept: sorted keys, whole numbers as integers.

    Raises:
        ValueRejectedError: `attributes_too_deep`, `attributes_number`, `attributes_text`.
    """
    return _normalise(value, 1)


def _normalise(value: Json, depth: int) -> Json:
    if depth > ATTRIBUTES_MAX_DEPTH:
        raise ValueRejectedError("attributes_too_deep", f"nest at most {ATTRIBUTES_MAX_DEPTH} levels")
    match value:
        case None | bool():
            return value
        case int() | float():
            return _number(value)
        case str():
            return _text(value)
        case Mapping():
            return {_text(key): _normalise(value[key], depth + 1) for key in sorted(value)}
        case _:
            return [_normalise(item, depth + 1) for item in value]


def _number(value: float) -> float:
    if not abs(value) <= NUMBER_LIMIT:  # so written, NaN is refused as well
        raise ValueRejectedError("attributes_number", "keep numbers within ±(2^53 - 1)")
    return int(value) if value == int(value) else value


def _text(value: str) -> str:
    if "\x00" in value or any("\ud800" <= character <= "\udfff" for character in value):
        raise ValueRejectedError("attributes_text", "leave out NUL and lone surrogates")
    return value


def parse_attributes(raw: Mapping[str, Json]) -> Mapping[str, Json]:
    """Return attributes in their one form and within their limits.

    Raises:
        ValueRejectedError: as :func:`normalise`, or `attributes_too_large`.
    """
    normal = normalise(raw)
    if not isinstance(normal, Mapping):
        raise ValueRejectedError("attributes_not_object", "give a JSON object")
    if len(json.dumps(normal, ensure_ascii=False).encode()) > ATTRIBUTES_MAX_BYTES:
        raise ValueRejectedError(
            "attributes_too_large", f"keep the attributes within {ATTRIBUTES_MAX_BYTES} bytes of JSON"
        )
    return normal


@frozen
class AttributeSchema:
    """One version of the JSON Schema that custom attributes must satisfy.

    Args:
        version: 1, 2, 3, …; the highest one is in force.
        document: JSON Schema, draft 2020-12.
        registered_at: aware, UTC.
        registered_by: who, as ``KIND:id``.
    """

    version: int
    document: Mapping[str, Json] = field(repr=False)
    registered_at: datetime
    registered_by: str
