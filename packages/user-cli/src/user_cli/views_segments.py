"""How filters look: as objects for programs, as rows for people."""

from collections.abc import Iterable, Sequence
from typing import Any

from user_cli.output import say, show_pairs, show_table
from user_cli.views import to_seconds
from usercore.codec.segments import segment_object
from usercore.segments.catalogue import FilterField
from usercore.segments.printer import settled_text
from usercore.segments.read_filter import UserFilter
from usercore.segments.values import Segment
from usercore.users.conditions import Operator

__all__ = ["field_object", "meaning_object", "show_fields", "show_meaning", "show_segments"]


def meaning_object(found: UserFilter, plan: Sequence[str] | None) -> dict[str, Any]:
    """Return what a filter means.

    Args:
        found: the filter, read.
        plan: how the database would look for users; None where nobody asked.
    """
    meaning: dict[str, Any] = {
        "filter": found.text,
        "means": settled_text(found.choosing),
        "fields": list(found.fields),
        "restricted": found.asks_for_restricted,
    }
    return meaning if plan is None else {**meaning, "plan": list(plan)}


def show_meaning(found: UserFilter, plan: Sequence[str] | None) -> None:
    """Write what a filter means."""
    show_pairs(
        (
            ("filter", found.text),
            ("means now", settled_text(found.choosing)),
            ("fields", ", ".join(found.fields)),
            ("restricted users", "as the filter says" if found.asks_for_restricted else "left out"),
        )
    )
    for line in plan or ():
        say(line)


def field_object(field: FilterField) -> dict[str, object]:
    """Return a field of the catalogue as a JSON object."""
    return {
        "field": field.name,
        "about": field.about,
        "kind": field.kind.value,
        "words": list(field.words),
        "operators": [operator.value for operator in Operator if operator in field.operators],
    }


def show_fields(fields: Iterable[FilterField]) -> None:
    """Write the fields that a filter may name."""
    rows = ((one.name, ", ".join(one.words) or one.kind.value, one.about) for one in fields)
    show_table(("FIELD", "COMPARED WITH", "WHAT IT IS"), rows, empty="There are none.")


def show_segments(segments: Iterable[Segment]) -> None:
    """Write filters that are kept, a row each."""
    rows = (
        (one["name"], one["filter"], one["about"], to_seconds(str(one["savedAt"])), one["savedBy"])
        for one in map(segment_object, segments)
    )
    show_table(("NAME", "FILTER", "ABOUT", "SAVED", "BY"), rows, empty="There are no segments.")
