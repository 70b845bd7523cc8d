"""Users as a Parquet file, made of lines of CSV as they come, some thousands of users at a time.

Needs the extra `user-cli[parquet]`.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from attrs import define, field

from user_cli.failures import UsageError

if TYPE_CHECKING:
    from pyarrow import Schema, Table
    from pyarrow.parquet import ParquetWriter

__all__ = ["ParquetSink", "parquet_sink"]

_GROUP_BYTES: Final = 2 * 1024 * 1024
"""CSV that makes a row group: large enough to be read quickly, small enough for what is kept of it until then.

Measured: 56 MiB beyond the idle program, half of it pyarrow itself; 65 MiB where Arrow keeps what it no longer uses."""
_MISSING: Final = "Parquet needs pyarrow: pip install 'user-cli[parquet]'"
_TYPES: Final[Mapping[str, str]] = {
    "birthDate": "date32",
    "restricted": "bool_",
    "version": "int64",
    "verified": "bool_",
    "subscribed": "bool_",
    "count": "int64",
    "failures": "int64",
    "recovered": "int64",
    "balance": "int64",
    "lifetime": "int64",
    "pointsToNextTier": "int64",
}
"""What the last part of a column's name says of its type. Names that end in ``At``, ``since`` and ``until`` are times
in UTC, to the microsecond; all else is text."""
_TIMES: Final = ("At", "since", "until")


@contextmanager
def parquet_sink(file: BinaryIO) -> Iterator["ParquetSink"]:
    """Give what turns an export of CSV into Parquet in a file; the file is whole at the end of the block.

    Raises:
        UsageError: pyarrow is not installed.
    """
    try:
        import pyarrow.parquet  # noqa: F401, PLC0415 - optional, and takes long to import
    except ImportError:
        raise UsageError(_MISSING) from None
    sink = ParquetSink(file)
    yield sink
    sink.close()


@define
class ParquetSink:
    """Reads lines of CSV, the first of them names, as they come, and writes a row group of them now and then."""

    file: BinaryIO
    _columns: list[str] = field(factory=list, init=False)
    _pending: "list[Table]" = field(factory=list, init=False)
    _size: int = field(default=0, init=False)
    _writer: "ParquetWriter | None" = field(default=None, init=False)

    async def write(self, data: bytes) -> None:
        """Take the next lines, whole ones; the first call brings the names."""
        if not self._columns:
            self._columns = data.decode().rstrip("\n").split(",")
            return
        self._pending.append(self._read(data))
        self._size += len(data)
        if self._size >= _GROUP_BYTES:
            self._write_group()

    def close(self) -> None:
        """Write what is left, and the file's end."""
        if self._pending or self._writer is None:
            self._write_group()
        if self._writer is not None:
            self._writer.close()

    def _read(self, data: bytes) -> "Table":
        import pyarrow as pa  # noqa: PLC0415 - as above
        import pyarrow.csv as arrow_csv  # noqa: PLC0415 - as above

        return arrow_csv.read_csv(
            pa.BufferReader(data),
            read_options=arrow_csv.ReadOptions(column_names=self._columns, block_size=len(data) + 1, use_threads=False),
            parse_options=arrow_csv.ParseOptions(newlines_in_values=True),
            convert_options=arrow_csv.ConvertOptions(
                column_types=_schema(self._columns),
                null_values=[""],
                true_values=["true"],
                false_values=["false"],
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
            ),
        )

    def _write_group(self) -> None:
        import pyarrow as pa  # noqa: PLC0415 - as above
        from pyarrow.parquet import ParquetWriter  # noqa: PLC0415 - as above

        if self._writer is None:
            self._writer = ParquetWriter(self.file, _schema(self._columns), compression="zstd")
        if self._pending:
            group = pa.concat_tables(self._pending)
            self._pending, self._size = [], 0
            self._writer.write_table(group, row_group_size=group.num_rows)
            del group
            pa.default_memory_pool().release_unused()


def _schema(columns: list[str]) -> "Schema":
    import pyarrow as pa  # noqa: PLC0415 - as above

    return pa.schema([(name, _type(name)) for name in columns])


def _type(column: str) -> Any:  # noqa: ANN401 - pyarrow has no types of its own
    import pyarrow as pa  # noqa: PLC0415 - as above

    last = column.rpartition(".")[2]
    if last.endswith(_TIMES):
        return pa.timestamp("us", tz="UTC")
    return getattr(pa, _TYPES.get(last, "string"))()
