"""From a request's body to a struct."""

from typing import TypeVar

from msgspec import Struct

from user_http.decoding.media import JSON, check_media_type
from user_http.decoding.shapes import read_shape
from user_http.problems import BODY_MALFORMED, FieldProblem, RequestRefusedError
from user_http.requests import Call
from usercore.codec.strict_json import JsonRefusedError, read_json

S = TypeVar("S", bound=Struct)


async def read_body(call: Call, shape: type[S], accepted: tuple[str, ...] = (JSON,)) -> S:
    """Return the body as a struct.

    Raises:
        RequestRefusedError: its media type, size, JSON or shape is not what the operation takes.
    """
    check_media_type(call, accepted)
    return _struct(await call.body(), shape)


async def read_optional_body(call: Call, shape: type[S]) -> S:
    """Return the body as a struct; an empty body is as good as an empty object.

    Raises:
        RequestRefusedError: as :func:`read_body`.
    """
    raw = await call.body()
    if not raw:
        return shape()
    check_media_type(call, (JSON,))
    return _struct(raw, shape)


def _struct(raw: bytes, shape: type[S]) -> S:
    try:
        value = read_json(raw)
    except JsonRefusedError as error:
        field = FieldProblem("", error.code, error.detail)
        raise RequestRefusedError(BODY_MALFORMED, error.detail, errors=(field,)) from None
    return read_shape(value, shape)
