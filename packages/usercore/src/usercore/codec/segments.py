"""Segments as JSON."""

from usercore.codec.scalars import timestamp
from usercore.segments.read_filter import UserFilter
from usercore.segments.values import Count, Segment


def count_object(found: UserFilter, count: Count) -> dict[str, object]:
    """Return how many users a filter chooses as a JSON object."""
    return {
        "filter": found.text,
        "users": count.users,
        "exact": count.exact,
        "restricted": found.asks_for_restricted,
    }


def segment_object(segment: Segment) -> dict[str, object]:
    """Return a segment that is kept as a JSON object."""
    return {
        "name": segment.name,
        "filter": segment.text,
        "about": segment.about,
        "savedAt": timestamp(segment.saved_at),
        "savedBy": segment.saved_by,
    }
