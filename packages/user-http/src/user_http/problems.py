"""What a refused request is answered with: RFC 9457 problem documents.

Every problem has a stable code. Those of the core come with its errors; those of HTTP itself are listed
here. One table gives each kind of core error its status, and some codes one of their own.
"""

from collections.abc import Mapping
from math import ceil
from typing import Final

import msgspec
from attrs import frozen

from user_http.answers import NO_STORE, Answer, Headers
from usercore.codec.scalars import camel
from usercore.kernel.errors import (
    ConflictError,
    DeniedError,
    ExhaustedError,
    InvalidError,
    NotFoundError,
    UnavailableError,
    UserCoreError,
    Violation,
)

CONTENT_TYPE: Final = b"application/problem+json"
TYPE_PREFIX: Final = "urn:user-service:problem:"
INSTANCE_PREFIX: Final = "urn:user-service:request:"


@frozen
class Kind:
    """One sort of problem that HTTP itself gives rise to.

    Args:
        status: the HTTP status.
        code: the stable word for it.
        title: what it is, the same each time.
    """

    status: int
    code: str
    title: str


BODY_MALFORMED = Kind(400, "body_malformed", "The body is not written as this service reads it")
BODY_INVALID = Kind(422, "body_invalid", "Some fields are not valid")
BODY_TOO_LARGE = Kind(413, "body_too_large", "The body is too large")
CONTENT_TYPE_UNSUPPORTED = Kind(415, "content_type_unsupported", "The body's media type is not supported")
QUERY_MALFORMED = Kind(400, "query_malformed", "The query parameters are not valid")
HEADER_MALFORMED = Kind(400, "header_malformed", "A header is not valid")
KEY_INVALID = Kind(400, "idempotency_key_invalid", "The Idempotency-Key is not valid")
REQUEST_MALFORMED = Kind(400, "request_malformed", "The request is not valid")
HEAD_TOO_LARGE = Kind(431, "head_too_large", "The request line and headers are too large")
HEAD_TOO_SLOW = Kind(408, "head_too_slow", "The request's headers did not come in time")
UNAUTHENTICATED = Kind(401, "unauthenticated", "A bearer token is needed")
TOKEN_INVALID = Kind(401, "token_invalid", "The bearer token is not valid")
SCOPE_INSUFFICIENT = Kind(403, "scope_insufficient", "The token does not allow this")
ROUTE_NOT_FOUND = Kind(404, "route_not_found", "There is nothing under this path")
METHOD_NOT_ALLOWED = Kind(405, "method_not_allowed", "The path does not know this method")
NOT_ACCEPTABLE = Kind(406, "not_acceptable", "The answer is JSON, which the Accept header rules out")
PRECONDITION_REQUIRED = Kind(428, "precondition_required", "If-Match is needed")
RATE_LIMITED = Kind(429, "rate_limited", "Too many requests from this caller")
INTERNAL = Kind(500, "internal_error", "Something went wrong here")
OVERLOADED = Kind(503, "overloaded", "Too many requests at once; try again later")
TIMED_OUT = Kind(503, "request_timed_out", "The request took too long; whether it took effect is not known")
NOT_READY = Kind(503, "not_ready", "This copy of the service is not ready")

KINDS: Final = (
    BODY_MALFORMED,
    BODY_INVALID,
    BODY_TOO_LARGE,
    CONTENT_TYPE_UNSUPPORTED,
    QUERY_MALFORMED,
    HEADER_MALFORMED,
    KEY_INVALID,
    REQUEST_MALFORMED,
    HEAD_TOO_LARGE,
    HEAD_TOO_SLOW,
    UNAUTHENTICATED,
    TOKEN_INVALID,
    SCOPE_INSUFFICIENT,
    ROUTE_NOT_FOUND,
    METHOD_NOT_ALLOWED,
    NOT_ACCEPTABLE,
    PRECONDITION_REQUIRED,
    RATE_LIMITED,
    INTERNAL,
    OVERLOADED,
    TIMED_OUT,
    NOT_READY,
)

BY_FRAMEWORK_STATUS: Final[Mapping[int, Kind]] = {
    401: UNAUTHENTICATED,
    403: SCOPE_INSUFFICIENT,
    404: ROUTE_NOT_FOUND,
    405: METHOD_NOT_ALLOWED,
    406: NOT_ACCEPTABLE,
    413: BODY_TOO_LARGE,
    415: CONTENT_TYPE_UNSUPPORTED,
    422: BODY_INVALID,
    428: PRECONDITION_REQUIRED,
    429: RATE_LIMITED,
    503: OVERLOADED,
}
"""What stands for an error that the framework raises; another 4xx is a malformed request."""

STATUS_BY_KIND: Final[Mapping[type[UserCoreError], int]] = {
    InvalidError: 422,
    NotFoundError: 404,
    ConflictError: 409,
    DeniedError: 403,
    ExhaustedError: 503,
    UnavailableError: 503,
}

STATUS_BY_CODE: Final[Mapping[str, int]] = {
    "query_invalid": 400,
    "filter_invalid": 400,
    "audit_query_invalid": 400,
    "stale_version": 412,
    "user_erased": 410,
    "verification_throttled": 429,
}
"""Codes whose status is not that of their kind."""

TRY_AGAIN_AFTER_S: Final[Mapping[str, int]] = {"idempotency_key_in_flight": 1, "write_contended": 1}
"""Conflicts that pass by themselves."""


@frozen
class FieldProblem:
    """What is wrong with one field.

    Args:
        pointer: JSON Pointer (RFC 6901) into the body, or ``/name`` of a query parameter.
        code: stable word for the rule.
        detail: what to do, without repeating the value.
    """

    pointer: str
    code: str
    detail: str


class RequestRefusedError(Exception):
    """The request cannot be served; raised anywhere below the pipeline, which answers it.

    Args:
        kind: what sort of problem.
        detail: what to do about it, without anything the caller sent.
        errors: what is wrong, field by field.
        headers: further headers of the answer.
    """

    def __init__(
        self,
        kind: Kind,
        detail: str | None = None,
        *,
        errors: tuple[FieldProblem, ...] = (),
        headers: Headers = (),
    ) -> None:
        super().__init__(kind.code)
        self.kind = kind
        self.detail = detail or kind.title
        self.errors = errors
        self.headers = headers


def status_of(error: UserCoreError) -> int:
    """Return the HTTP status for an error of the core."""
    by_code = STATUS_BY_CODE.get(error.code)
    if by_code is not None:
        return by_code
    return next((status for kind, status in STATUS_BY_KIND.items() if isinstance(error, kind)), 500)


def answer_of_refusal(refusal: RequestRefusedError, request_id: str) -> Answer:
    """Return the problem document of a refused request."""
    kind = refusal.kind
    body = _body(kind.status, kind.code, kind.title, refusal.detail, refusal.errors, request_id)
    return _answer(kind.status, body, refusal.headers)


def answer_of_kind(kind: Kind, request_id: str, headers: Headers = (), **extra: object) -> Answer:
    """Return the problem document of a kind, with extension members."""
    body = _body(kind.status, kind.code, kind.title, kind.title, (), request_id) | extra
    return _answer(kind.status, body, headers)


def answer_of_core(error: UserCoreError, request_id: str, **extra: object) -> Answer:
    """Return the problem document of an error of the core, with extension members."""
    status = status_of(error)
    violations = error.violations if isinstance(error, InvalidError) else ()
    errors = tuple(FieldProblem(pointer(one), one.code, one.detail) for one in violations)
    body = _body(status, error.code, error.summary, error.detail or error.summary, errors, request_id) | extra
    return _answer(status, body, _retry_headers(error))


def pointer(violation: Violation) -> str:
    """Return the JSON Pointer of a violation; keys inside custom attributes stay as they are."""
    head, tail = violation.path[:1], violation.path[1:]
    own = tail if head == ("attributes",) else tuple(map(camel, tail))
    return "".join("/" + escape(part) for part in (*map(camel, head), *own))


def escape(part: str) -> str:
    """Escape one part of a JSON Pointer. Source: RFC 6901, section 3."""
    return part.replace("~", "~0").replace("/", "~1")


def _retry_headers(error: UserCoreError) -> Headers:
    if isinstance(error, ExhaustedError | UnavailableError):
        return retry_after(error.retry_after_s)
    seconds = TRY_AGAIN_AFTER_S.get(error.code)
    return () if seconds is None else retry_after(seconds)


def retry_after(seconds: float) -> Headers:
    """Return the header that says when to try again: whole seconds, 1 at least."""
    return ((b"retry-after", b"%d" % max(1, ceil(seconds))),)


def _body(
    status: int,
    code: str,
    title: str,
    detail: str,
    errors: tuple[FieldProblem, ...],
    request_id: str,
) -> dict[str, object]:
    body: dict[str, object] = {
        "type": TYPE_PREFIX + code,
        "title": title,
        "status": status,
        "detail": detail,
        "instance": INSTANCE_PREFIX + request_id,
        "code": code,
        "requestId": request_id,
    }
    if errors:
        body["errors"] = [{"pointer": one.pointer, "code": one.code, "detail": one.detail} for one in errors]
    return body


def _answer(status: int, body: dict[str, object], headers: Headers) -> Answer:
    return Answer(status, msgspec.json.encode(body), ((b"content-type", CONTENT_TYPE), NO_STORE, *headers))
