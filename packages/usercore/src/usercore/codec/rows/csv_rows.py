"""Rows as CSV: a header of profile names, and a record for each user. Source: RFC 4180."""

import csv
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from usercore.bulk.imports.errors import ImportUnreadableError
from usercore.bulk.imports.ports import RowReader
from usercore.bulk.imports.values import ROW_MAX_BYTES, ImportRow
from usercore.codec.rows.fields import CSV_COLUMNS, PASSWORD, fields_of_columns, row_of
from usercore.codec.rows.reading import BOM, NOT_UTF8, TOO_LONG, broken, row_violation
from usercore.kernel.errors import Violation

_ATTRIBUTES: Final = "attributes."
_COLUMNS_MAX: Final = 500
_QUOTE: Final = row_violation("csv_quote_open", "close every quote; inside quotes write a quote twice")
_UNEVEN: Final = row_violation("csv_columns", "give as many fields as the header has")


class CsvRows:
    """Reads a record from each line, or from several where quotes hold line breaks.

    Args:
        end: how many bytes are done.
        line: the line behind them.
    """

    def __init__(self, end: int = 0, line: int = 1) -> None:
        self._done = end
        self._next_line = line
        self._at = 0
        self._line = 1
        self._rest = b""
        self._overlong = False
        self._open: list[bytes] = []
        self._header: Sequence[str] | None = None

    def feed(self, data: bytes) -> Iterator[ImportRow]:
        """Yield the rows that are whole with these bytes."""
        if self._header is not None and not self._open and not self._rest and self._at + len(data) <= self._done:
            self._at += len(data)
            return
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            yield from self._take(line + b"\n")
        if len(self._rest) > ROW_MAX_BYTES and self._header is not None:
            self._at += len(self._rest)
            self._rest, self._overlong = b"", True
        elif len(self._rest) > ROW_MAX_BYTES:
            raise ImportUnreadableError(f"the header takes more than {ROW_MAX_BYTES} bytes")

    def close(self) -> Iterator[ImportRow]:
        """Yield what is left."""
        rest, self._rest = self._rest, b""
        if rest or self._overlong:
            yield from self._take(rest)
        yield from self._give_up()
        if self._header is None:
            raise ImportUnreadableError("there is no header: the first line names the columns")

    def _take(self, raw: bytes) -> Iterator[ImportRow]:
        """Take a line: the beginning of a record, or what follows of it."""
        if self._at + len(raw) <= self._done and self._header is not None:
            self._at += len(raw)
            return
        if self._header is not None and self._at == self._done and not self._open:
            self._line = max(self._line, self._next_line)
        if self._overlong:
            self._overlong = False
            lines, self._open = [*self._open, raw], []
            yield self._broken(lines, TOO_LONG)
            return
        self._open.append(raw)
        if sum(one.count(b'"') for one in self._open) % 2:
            if sum(map(len, self._open)) > ROW_MAX_BYTES:
                yield from self._give_up(but_first=True)
            return
        record, self._open = self._open, []
        yield from self._record(record)

    def _give_up(self, *, but_first: bool = False) -> Iterator[ImportRow]:
        """Tell of a quote that is never closed, and read on behind its line."""
        while self._open:
            first, *others = self._open
            self._open = []
            yield self._broken([first], _QUOTE)
            for line in others:
                yield from self._take(line)
            if but_first:
                return

    def _broken(self, lines: Sequence[bytes], why: Violation) -> ImportRow:
        line = self._pass(lines)
        return broken(line, self._at, self._line, why)

    def _pass(self, lines: Sequence[bytes]) -> int:
        """Move behind some lines, and return the number of the first."""
        line = self._line
        self._at += sum(map(len, lines))
        self._line += len(lines)
        return line

    def _record(self, lines: Sequence[bytes]) -> Iterator[ImportRow]:
        raw = b"".join(lines)
        if self._at == 0:
            raw = raw.removeprefix(BOM)
        line = self._pass(lines)
        if not raw.strip():
            return
        if len(raw) > ROW_MAX_BYTES:
            yield broken(line, self._at, self._line, TOO_LONG)
            return
        try:
            values = next(csv.reader([raw.decode("utf-8").rstrip("\r\n")], strict=True))
        except UnicodeDecodeError:
            if self._header is None:
                raise ImportUnreadableError("the header is not valid UTF-8") from None
            yield broken(line, self._at, self._line, NOT_UTF8)
            return
        except csv.Error:
            if self._header is None:
                raise ImportUnreadableError("the header is no record of CSV") from None
            yield broken(line, self._at, self._line, _QUOTE)
            return
        if self._header is None:
            self._header = _header(values)
            return
        yield self._row(values, line)

    def _row(self, values: Sequence[str], line: int) -> ImportRow:
        header = self._header or ()
        if len(values) != len(header):
            return broken(line, self._at, self._line, _UNEVEN)
        columns = dict(zip(header, values, strict=True))
        return row_of(fields_of_columns(columns), line, self._at, self._line)


def _header(names: Sequence[str]) -> Sequence[str]:
    """Return the names of the columns.

    Raises:
        ImportUnreadableError: one is not known, or stands there twice. A name that we do not know is the file's own
            text, and is not repeated: it is told by its place.
    """
    header = [name.strip() for name in names]
    if len(header) > _COLUMNS_MAX:
        raise ImportUnreadableError(f"the header names more than {_COLUMNS_MAX} columns")
    if "password" in header:
        raise ImportUnreadableError(PASSWORD.detail)
    unknown = [str(place) for place, name in enumerate(header, start=1) if not _is_known(name)]
    if unknown:
        known = ", ".join(sorted(CSV_COLUMNS))
        raise ImportUnreadableError(
            f"the header's column {', '.join(unknown)} is not known; there are {known}, and attributes.NAME"
        )
    if len(set(header)) < len(header):
        raise ImportUnreadableError("the header names a column twice")
    return header


def _is_known(name: str) -> bool:
    head = name.partition(".")[0]
    inside = name.startswith(_ATTRIBUTES) and all(name.split("."))
    return name in CSV_COLUMNS or inside or ("." in name and head in {"statusDetails", "verification"})


if TYPE_CHECKING:
    _reader: RowReader = CsvRows()
