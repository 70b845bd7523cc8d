"""Users as an export writes them down. PostgreSQL builds the same bytes from its columns; a test holds both equal."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from usercore.codec.scalars import compact, optional_timestamp
from usercore.preferences.values import EffectivePreference

FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r")
"""What makes a spreadsheet take a cell for a formula. Source: OWASP, CSV Injection."""
_QUOTED: Final = frozenset(',"\n\r')


def render_line(document: Mapping[str, Any], fields: Iterable[str]) -> bytes:
    """Return the chosen leaves of a document as a line of JSON."""
    chosen: dict[str, Any] = {}
    for field in fields:
        *parents, last = field.split(".")
        place: Any = chosen
        source: Any = document
        for name in parents:
            source = source[name]
            place = place.setdefault(name, None if source is None else {})
            if source is None:
                break
        else:
            place[last] = source[last]
    return compact(chosen) + b"\n"


def render_cells(document: Mapping[str, Any], columns: Sequence[str], *, formulas: bool) -> bytes:
    """Return the leaves of a document as a line of CSV, as PostgreSQL's COPY writes it.

    Nothing is an empty cell, and empty text a quoted one.

    Args:
        document: nested as the API serves it.
        columns: dotted names.
        formulas: leave cells as they are that a spreadsheet would run; else an apostrophe stands before them.
    """
    cells = (_cell(_leaf(document, column), formulas=formulas, alone=len(columns) == 1) for column in columns)
    return ",".join(cells).encode() + b"\n"


def _leaf(document: Mapping[str, Any], column: str) -> object:
    value: Any = document
    for name in column.split("."):
        if value is None:
            return None
        value = value[name]
    return value


def _cell(value: object, *, formulas: bool, alone: bool) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case str():
            text = f"'{value}" if value.startswith(FORMULA_STARTS) and not formulas else value
        case int():
            return str(value)
        case _:
            text = compact(value).decode()
    quoted = not text or not _QUOTED.isdisjoint(text) or (alone and text == "\\.")
    return '"' + text.replace('"', '""') + '"' if quoted else text


def preferences_by_topic(held: Iterable[EffectivePreference]) -> dict[str, object]:
    """Return what holds for each topic as a JSON object, and what the user said of it."""
    return {
        one.topic.name: {
            "subscribed": one.subscribed,
            "source": one.said.source if one.said else None,
            "updatedAt": optional_timestamp(one.said.at if one.said else None),
            "wordingVersion": one.said.wording_version if one.said else None,
        }
        for one in held
    }
