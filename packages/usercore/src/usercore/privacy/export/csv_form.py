"""Records as CSV that a spreadsheet opens without running anything."""

import csv
import io
import json
from collections.abc import Iterable
from typing import Final

from usercore.privacy.export.ports import PersonalRow
from usercore.privacy.export.sections import Section

_RUNS: Final = ("=", "+", "-", "@", "\t", "\r")
"""What makes a spreadsheet take a cell for a formula. Source: OWASP, CSV Injection."""


def csv_head(section: Section) -> bytes:
    """Return the line of names."""
    return _lines([[one.name for one in section.columns]])


def csv_lines(section: Section, rows: Iterable[PersonalRow]) -> bytes:
    """Return a line for each row. Source: RFC 4180."""
    return _lines([_cell(row[one.column.name]) for one in section.columns] for row in rows)


def _lines(cells: Iterable[list[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(cells)
    return text.getvalue().encode()


def _cell(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case int() | float():
            return str(value)
        case str():
            return f"'{value}" if value.startswith(_RUNS) else value
        case _:
            return json.dumps(value, ensure_ascii=False)
