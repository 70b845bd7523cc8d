"""What a refused command or query is answered with: RFC 9457 problem documents, without a value of the message.

They are those of HTTP without its numbers: no `status`, and no `instance`, as the message's id stands beside them.
"""

from collections.abc import Mapping
from typing import Final

from usercore.codec.scalars import camel
from usercore.kernel.errors import InvalidError, UserCoreError, Violation
from usercore.users.errors import UserErasedError, UserNotFoundError

__all__ = ["CONTENT_TYPE", "problem_of"]

CONTENT_TYPE: Final = b"application/problem+json"
TYPE_PREFIX: Final = "urn:user-service:problem:"


def problem_of(error: UserCoreError) -> Mapping[str, object]:
    """Return the problem document of an error. An erased user is answered exactly as an absent one."""
    shown = UserNotFoundError() if isinstance(error, UserErasedError) else error
    violations = shown.violations if isinstance(shown, InvalidError) else ()
    document: dict[str, object] = {
        "type": TYPE_PREFIX + shown.code,
        "title": shown.summary,
        "detail": shown.detail or shown.summary,
        "code": shown.code,
    }
    if violations:
        document["errors"] = [{"pointer": pointer(one), "code": one.code, "detail": one.detail} for one in violations]
    return document


def pointer(violation: Violation) -> str:
    """Return the JSON Pointer of a violation."""
    return "".join("/" + _escape(camel(part)) for part in violation.path)


def _escape(part: str) -> str:
    """Escape one part of a JSON Pointer. Source: RFC 6901, section 3."""
    return part.replace("~", "~0").replace("/", "~1")
