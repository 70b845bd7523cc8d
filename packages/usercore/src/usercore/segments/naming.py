"""What a segment may be called, and what may be kept of one."""

import re
from collections.abc import Iterable
from typing import Final

from usercore.kernel.errors import Violation
from usercore.segments.errors import SegmentRefusedError
from usercore.users.conditions import Field
from usercore.users.values import ValueRejectedError, parse_text

NAME_MAX_CHARS: Final = 64
ABOUT_MAX_CHARS: Final = 500
_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*", re.ASCII)
_TAKEN: Final = frozenset({"count"})
"""Words that stand in the same place of the API's paths."""
IDENTIFYING: Final = frozenset(
    {
        Field.EMAIL,
        Field.USERNAME,
        Field.FIRST_NAME,
        Field.LAST_NAME,
        Field.PHONE_NUMBER,
        Field.STREET,
        Field.EXTERNAL_ID,
    }
)
"""Fields that name one person. What a kept segment compares them with would be that person's data, out of reach of
their erasure."""


def parse_name(raw: str) -> str:
    """Return the name of a segment.

    Raises:
        SegmentRefusedError: it is none.
    """
    if len(raw) > NAME_MAX_CHARS or not _SLUG.fullmatch(raw) or raw in _TAKEN:
        advice = f"use lower-case words joined by hyphens, at most {NAME_MAX_CHARS} characters, and not count"
        raise _refused("name", "segment_name", advice)
    return raw


def parse_about(raw: str) -> str:
    """Return what is said of a segment, on one line.

    Raises:
        SegmentRefusedError: it is too long, or no line.
    """
    try:
        return parse_text(raw, max_chars=ABOUT_MAX_CHARS, min_chars=0)
    except ValueRejectedError as error:
        raise _refused("about", error.code, error.detail) from None


def require_nobody_named(fields: Iterable[Field]) -> None:
    """Pass a filter that asks for nothing which names one person, unless for whether it is there.

    Raises:
        SegmentRefusedError: it does.
    """
    named = sorted(IDENTIFYING.intersection(fields))
    if named:
        advice = f"a segment is kept, so it names nobody: leave out {', '.join(named)}, or give the filter each time"
        raise _refused("filter", "names_somebody", advice)


def _refused(field: str, code: str, advice: str) -> SegmentRefusedError:
    return SegmentRefusedError(violations=(Violation((field,), code, advice),))
