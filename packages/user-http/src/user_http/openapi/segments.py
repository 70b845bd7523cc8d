"""The operations on segments as the document describes them."""

from collections.abc import Mapping
from typing import Any, Final

from user_http.openapi.describing import Body, Description, Success
from user_http.schemas.segments import FILTER_EXAMPLE

_TAG: Final = "Segments"
_WHO: Final = (
    "They are those that a list by the filter shows: active and deactivated users, and users whose data is restricted "
    "only where the filter names `restricted`. Counting takes about two seconds at most; where that was too short, "
    "`exact` is false and there may be more."
)
_CANONICAL: Final = 'loyalty.tier >= "GOLD" and orders.lastAt > now - 90 days and address.country = "DE"'
_NAME: Final = "german-gold"


def count() -> Any:  # noqa: ANN401 -- any JSON value
    """Return how many users a filter chooses."""
    return {"filter": _CANONICAL, "users": 1234, "exact": True, "restricted": False}


def segment() -> Any:  # noqa: ANN401 -- any JSON value
    """Return a segment."""
    return {
        "name": _NAME,
        "filter": _CANONICAL,
        "about": "for the spring letter",
        "savedAt": "2026-03-01T12:00:00.000000Z",
        "savedBy": "OPERATOR:ada",
    }


def segments() -> Any:  # noqa: ANN401 -- any JSON value
    """Return every segment."""
    return {"items": [segment()], "nextCursor": None}


DESCRIPTIONS: Final[Mapping[str, Description]] = {
    "listSegments": Description(
        _TAG, "List the filters that are kept", "All of them, by name.", (), Success("SegmentList", segments)
    ),
    "saveSegment": Description(
        _TAG,
        "Keep a filter under a name",
        "Lists, counts and exports take the name in place of the filter. What `now` is, and which points make a tier, "
        "is read each time. A name keeps its filter; doing it twice is doing it once. The filter may not compare "
        "fields that name one person, such as the email: it is kept, and nobody's erasure would find it.",
        (),
        Success("Segment", segment, ("Location",), 201),
        Body("NewSegment", {"name": _NAME, "filter": FILTER_EXAMPLE, "about": "for the spring letter"}),
    ),
    "getSegment": Description(
        _TAG,
        "Read a filter that is kept",
        "With who kept it, when, and what for.",
        ("segmentName",),
        Success("Segment", segment),
    ),
    "deleteSegment": Description(
        _TAG,
        "Forget a filter that is kept",
        "Users stay as they are. The answer is the segment that was there.",
        ("segmentName",),
        Success("Segment", segment),
        Body("SegmentDeletion", {"reason": "the campaign is over"}),
    ),
    "countSegment": Description(
        _TAG, "Count the users that a filter chooses", _WHO, ("filter", "segment"), Success("SegmentCount", count)
    ),
    "countSegmentByBody": Description(
        _TAG,
        "Count the users that a filter chooses, posted",
        f"For a filter that is long, or that should stand in no URL; nothing changes. {_WHO}",
        (),
        Success("SegmentCount", count),
        Body("SegmentToCount", {"filter": FILTER_EXAMPLE}),
    ),
}
