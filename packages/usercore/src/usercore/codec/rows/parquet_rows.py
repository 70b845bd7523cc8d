"""Rows as Parquet: the columns are named as those of CSV, or nested as in JSON. Extra `parquet` of user-cli."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from usercore.bulk.imports.errors import ImportUnreadableError
from usercore.bulk.imports.values import ImportRow
from usercore.codec.rows.fields import CSV_COLUMNS, SET_BY_US, row_of

if TYPE_CHECKING:
    from pyarrow.parquet import ParquetFile

_ROWS_AT_ONCE: Final = 1_000
_NESTED: Final = frozenset({"address", "attributes"})


def parquet_rows(path: Path, *, done: int = 0) -> Iterator[ImportRow]:
    """Yield the rows of a file behind those that are done. What is null is absent.

    Args:
        path: the file; it is read from end to beginning, so that a pipe will not do.
        done: how many rows.

    Raises:
        ImportUnreadableError: it is no Parquet file, or has columns that are not known, or the extra is missing.
        OSError: it cannot be read.
    """
    with _opened(path) as file:
        _check(file.schema_arrow.names)
        skipped = 0
        groups: list[int] = []
        for group in range(file.num_row_groups):
            size = file.metadata.row_group(group).num_rows
            if not groups and skipped + size <= done:
                skipped += size
            else:
                groups.append(group)
        number = skipped
        for batch in file.iter_batches(_ROWS_AT_ONCE, row_groups=groups, use_threads=False) if groups else ():
            for record in batch.to_pylist():
                number += 1
                if number > done:
                    yield row_of(_fields(record), number, number, number + 1)


def _opened(path: Path) -> "ParquetFile":
    try:
        from pyarrow import ArrowInvalid  # noqa: PLC0415 - an extra, and slow to import
        from pyarrow.parquet import ParquetFile  # noqa: PLC0415 - the same
    except ImportError:
        raise ImportUnreadableError("Parquet needs the extra: pip install 'user-cli[parquet]'") from None
    try:
        return ParquetFile(path, memory_map=False, pre_buffer=False)
    except ArrowInvalid:
        raise ImportUnreadableError("this is no Parquet file") from None


def _check(names: Sequence[str]) -> None:
    unknown = [str(place) for place, name in enumerate(names, start=1) if not _is_known(name)]
    if unknown:
        known = ", ".join(sorted(CSV_COLUMNS))
        raise ImportUnreadableError(
            f"column {', '.join(unknown)} is not known; there are {known}, address, attributes, and attributes.NAME"
        )


def _is_known(name: str) -> bool:
    return name in CSV_COLUMNS or name.partition(".")[0] in {*_NESTED, *SET_BY_US}


def _fields(record: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in record.items():
        head, _, tail = name.partition(".")
        if value is None or head in SET_BY_US:
            continue
        if tail:
            found.setdefault(head, {})[tail] = _plain(value)
        elif name == "attributes" and isinstance(value, str):
            found[name] = _decoded(value)
        else:
            found[name] = _plain(value)
    return found


def _decoded(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _plain(value: Any) -> Any:  # noqa: ANN401 -- whatever Parquet holds
    """Return a value as JSON would have it; nulls inside are left out."""
    match value:
        case datetime() | date():
            return value.isoformat()
        case Mapping():
            return {name: _plain(inner) for name, inner in value.items() if inner is not None}
        case [*items] if all(isinstance(item, tuple) for item in items) and items:
            return {str(name): _plain(inner) for name, inner in items}  # a map
        case list():
            return [_plain(inner) for inner in value]
        case _:
            return value


def parquet_size(path: Path) -> int:
    """Return how many rows a file has.

    Raises:
        ImportUnreadableError: it is no Parquet file, or the extra is missing.
    """
    with _opened(path) as file:
        return int(file.metadata.num_rows)
