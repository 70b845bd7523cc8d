"""What users' activity amounts to, at the end of the lines of an export."""

from collections.abc import Sequence
from typing import Final

from usercore.activity.summary import ActivitySummary, summarise
from usercore.adapters.sql.activity import tallied
from usercore.adapters.sql.activity_statements import TALLIES
from usercore.adapters.sql.engine import Session, fetch
from usercore.bulk.exports.fields import ACTIVITY, ACTIVITY_LEAVES
from usercore.bulk.exports.values import ExportFormat, Selection
from usercore.codec.activity import render_summary, summary_object
from usercore.codec.exports import render_cells
from usercore.kernel.ids import UserId

_ID_BYTES: Final = 36
"""A UUID as text. Source: RFC 9562, 4."""
_CSV_END: Final = -1
_NOTHING: Final = b"{}"


async def with_activity(beside: Session, selection: Selection, lines: Sequence[memoryview]) -> list[bytes]:
    """Return lines with a summary at their end, in place of the id that each begins with.

    Args:
        beside: a connection that sees the same moment.
        selection: how they are written down, and the tiers.
        lines: of users.
    """
    ids = [UserId(str(line[:_ID_BYTES], "ascii")) for line in lines]
    tallies = tallied(ids, await fetch(beside, TALLIES, ids))
    extend = _extended_cells if selection.format is ExportFormat.CSV else _extended_object
    return [
        extend(bytes(line[_ID_BYTES:]), summarise(tallies[user_id], selection.tiers), selection)
        for user_id, line in zip(ids, lines, strict=True)
    ]


def _extended_object(line: bytes, summary: ActivitySummary, _: Selection) -> bytes:
    comma = b"" if line == _NOTHING else b","
    return b'%s%s"%s":%s}' % (line[:-1], comma, ACTIVITY.encode(), render_summary(summary))


def _extended_cells(line: bytes, summary: ActivitySummary, selection: Selection) -> bytes:
    cells = render_cells({ACTIVITY: summary_object(summary)}, ACTIVITY_LEAVES, formulas=selection.formulas)
    # What follows the id is a comma and the other cells, or nothing but the line's end.
    return (line[1:_CSV_END] + b"," if len(line) > 1 else b"") + cells
