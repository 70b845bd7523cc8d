"""Segments on the wire."""

from typing import Annotated, Final

from msgspec import Meta, Struct

from user_http.schemas.users import LINE
from usercore.codec.documents import Time
from usercore.kernel.reasons import REASON_MAX_CHARS
from usercore.segments.naming import ABOUT_MAX_CHARS, NAME_MAX_CHARS
from usercore.segments.syntax import FILTER_MAX_CHARS

FILTER_EXAMPLE: Final = 'loyalty.tier >= GOLD and orders.lastAt > now - 90 days and address.country = "DE"'
NAME_PATTERN: Final = "^[a-z0-9]+(-[a-z0-9]+)*$"
FilterText = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=FILTER_MAX_CHARS,
        description="What must hold of a user, in the language of `docs/segments.md`.",
        examples=[FILTER_EXAMPLE],
    ),
]
SegmentName = Annotated[
    str, Meta(min_length=1, max_length=NAME_MAX_CHARS, pattern=NAME_PATTERN, examples=["german-gold"])
]


class SegmentToCount(Struct, rename="camel", forbid_unknown_fields=True, kw_only=True):
    """A filter, in a body and not in a URL; the name of a segment; or both together."""

    filter: FilterText | None = None
    segment: SegmentName | None = None


class SegmentCount(Struct, rename="camel", kw_only=True):
    """How many users a filter chooses."""

    filter: Annotated[str, Meta(description="The filter in its canonical form.")]
    users: Annotated[int, Meta(ge=0, description="How many were found.")]
    exact: Annotated[bool, Meta(description="Whether they are all; else time was up, and there may be more.")]
    restricted: Annotated[
        bool,
        Meta(description="Whether users whose data is restricted may be among them: the filter names `restricted`."),
    ]


class NewSegment(Struct, rename="camel", forbid_unknown_fields=True, kw_only=True):
    """A filter to be kept under a name. It may not compare fields that name one person."""

    name: SegmentName
    filter: FilterText
    about: Annotated[str, Meta(max_length=ABOUT_MAX_CHARS, description="What it is for.")] = ""


class Segment(Struct, rename="camel", kw_only=True):
    """A filter that is kept under a name."""

    name: str
    filter: Annotated[str, Meta(description="The filter in its canonical form.")]
    about: str
    saved_at: Time
    saved_by: Annotated[str, Meta(description="`USER`, `SERVICE` or `OPERATOR`, a colon, and the id.")]


class SegmentList(Struct, rename="camel", kw_only=True):
    """Every segment, by name."""

    items: list[Segment]
    next_cursor: None


class SegmentDeletion(Struct, rename="camel", forbid_unknown_fields=True, kw_only=True):
    """Why a segment is deleted."""

    reason: Annotated[
        str, Meta(min_length=1, max_length=REASON_MAX_CHARS, pattern=LINE, examples=["the campaign is over"])
    ]
