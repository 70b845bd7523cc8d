"""Rows of imports, as files hold them: NDJSON, CSV and Parquet.

A reader is fed bytes as they come and gives the rows that are whole by then. It knows where each row ends, so that an
import can be gone on with behind any of them. Needs the extra `usercore[messages]`, and Parquet `user-cli[parquet]`.
"""

from usercore.bulk.imports.ports import RowReader
from usercore.bulk.imports.values import ImportFormat
from usercore.codec.rows.csv_rows import CsvRows
from usercore.codec.rows.ndjson_rows import NdjsonRows

__all__ = ["CsvRows", "NdjsonRows", "RowReader", "row_reader"]


def row_reader(kind: ImportFormat, *, end: int = 0, line: int = 1) -> RowReader:
    """Return a reader of what is fed from the file's beginning; rows that are done already are passed over.

    Args:
        kind: NDJSON or CSV.
        end: how many bytes are done.
        line: the line behind them.
    """
    return NdjsonRows(end, line) if kind is ImportFormat.NDJSON else CsvRows(end, line)
