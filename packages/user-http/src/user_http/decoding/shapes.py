"""From a request's JSON to the structs of our schemas."""

from typing import Any, Final, TypeVar

from msgspec import Struct

from user_http.problems import BODY_INVALID, FieldProblem, RequestRefusedError, escape
from usercore.codec import shapes
from usercore.codec.shapes import ShapeRefusedError

S = TypeVar("S", bound=Struct)

READ_ONLY: Final = frozenset(
    {"id", "status", "statusDetails", "verification", "restricted", "version", "createdAt", "updatedAt"}
)
"""What a profile shows and no caller sets."""


def read_shape(raw: Any, shape: type[S]) -> S:  # noqa: ANN401 -- any JSON value
    """Return a struct made from a JSON value.

    Raises:
        RequestRefusedError: the value does not fit; each field that does not is named.
    """
    try:
        return shapes.read_shape(raw, shape, read_only=READ_ONLY)
    except ShapeRefusedError as refused:
        errors = tuple(
            FieldProblem("".join("/" + escape(part) for part in one.path), one.code, one.detail)
            for one in refused.problems
        )
        raise RequestRefusedError(BODY_INVALID, errors=errors) from None
