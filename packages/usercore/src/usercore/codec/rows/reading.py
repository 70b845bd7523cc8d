"""What every reader of rows is."""

from typing import Final

from usercore.bulk.imports.values import ROW_MAX_BYTES, ImportRow
from usercore.kernel.errors import Violation

BOM: Final = b"\xef\xbb\xbf"
"""Source: Unicode, 2.6: it may stand at the beginning of UTF-8, and says nothing."""


def broken(line: int, end: int, next_line: int, violation: Violation) -> ImportRow:
    """Return a row that cannot be read."""
    return ImportRow(line, end, next_line, violations=(violation,))


def row_violation(code: str, detail: str) -> Violation:
    """Return what is wrong with a row as a whole."""
    return Violation((), code, detail)


TOO_LONG: Final = row_violation("row_too_long", f"keep each row within {ROW_MAX_BYTES} bytes")
NOT_UTF8: Final = row_violation("invalid_utf8", "write valid UTF-8")
