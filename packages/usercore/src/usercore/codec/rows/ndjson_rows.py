"""Rows as NDJSON: a JSON object on each line."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import msgspec

from usercore.bulk.imports.ports import RowReader
from usercore.bulk.imports.values import ROW_MAX_BYTES, ImportRow
from usercore.codec.rows.fields import RowFields, UnsureError, count_members, row_of, row_of_fields
from usercore.codec.rows.reading import BOM, TOO_LONG, broken, row_violation
from usercore.codec.strict_json import JsonRefusedError, read_json

_DECODE: Final = msgspec.json.Decoder(RowFields).decode


class NdjsonRows:
    """Reads a JSON object from each line that is not blank.

    Args:
        end: how many bytes are done.
        line: the line behind them.
    """

    def __init__(self, end: int = 0, line: int = 1) -> None:
        self._done = end
        self._line = line
        self._at = 0
        self._rest = b""
        self._overlong = False

    def feed(self, data: bytes) -> Iterator[ImportRow]:
        """Yield the rows that are whole with these bytes."""
        if self._at < self._done:
            passed = min(self._done - self._at, len(data))
            self._at += passed
            data = data[passed:]
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            yield from self._row(line, ended=1)
        if len(self._rest) > ROW_MAX_BYTES:
            self._at += len(self._rest)
            self._rest, self._overlong = b"", True

    def close(self) -> Iterator[ImportRow]:
        """Yield the last row, where its line does not end."""
        if self._rest or self._overlong:
            line, self._rest = self._rest, b""
            yield from self._row(line, ended=0)

    def _row(self, raw: bytes, *, ended: int) -> Iterator[ImportRow]:
        begin, self._at = self._at, self._at + len(raw) + ended
        line, self._line = self._line, self._line + 1
        if begin == 0:
            raw = raw.removeprefix(BOM)
        if self._overlong or len(raw) > ROW_MAX_BYTES:
            self._overlong = False
            yield broken(line, self._at, self._line, TOO_LONG)
        elif raw and not raw.isspace():
            yield self._read(raw, line)

    def _read(self, raw: bytes, line: int) -> ImportRow:
        fields = read_quickly(raw)
        if fields is not None:
            return row_of_fields(fields, line, self._at, self._line)
        try:
            value = read_json(raw)
        except JsonRefusedError as error:
            return broken(line, self._at, self._line, row_violation(error.code, error.detail))
        return row_of(value, line, self._at, self._line)


def read_quickly(raw: bytes) -> RowFields | None:
    """Return the fields of a line, or None where the strict reader has to look at it.

    Nearly every line is read at a fraction of that reader's cost: a quick parser lets the last of two equal names win,
    so that the names are counted. Where no character is escaped, a quote and a colon stand together behind names alone.
    """
    if b"\\" in raw:
        return None
    try:
        fields = _DECODE(raw)
        return fields if count_members(fields) == raw.count(b'":') else None
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, UnsureError):
        return None


if TYPE_CHECKING:
    _reader: RowReader = NdjsonRows()
