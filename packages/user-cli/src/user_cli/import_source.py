"""Where the rows of an import come from: a file or standard input, read in another thread, a batch at a time."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import IO, Final

from attrs import frozen

from user_cli.failures import FileUnusableError, UsageError
from user_cli.inputs import STDIN
from usercore.bulk.imports.values import ImportFormat, ImportRow, Progress

__all__ = ["ImportSource"]

_READ_BYTES: Final = 256 * 1024
_SUFFIXES: Final = {
    ".ndjson": ImportFormat.NDJSON,
    ".jsonl": ImportFormat.NDJSON,
    ".json": ImportFormat.NDJSON,
    ".csv": ImportFormat.CSV,
    ".parquet": ImportFormat.PARQUET,
}


@frozen
class ImportSource:
    """A file of rows.

    Args:
        name: of the file, or - for standard input.
        format: how the rows are written.
    """

    name: str
    format: ImportFormat

    @classmethod
    def of(cls, name: str, kind: str | None) -> "ImportSource":
        """Return the source of a name.

        Args:
            name: of the file, or - for standard input.
            kind: ndjson, csv or parquet; the file's name says so where it is left out.

        Raises:
            UsageError: the format is not known, or does not go with the source.
        """
        try:
            found = ImportFormat(kind.lower()) if kind else _SUFFIXES.get(Path(name).suffix.lower())
        except ValueError:
            found = None
        if found is None and name == STDIN and kind is None:
            found = ImportFormat.NDJSON
        if found is None:
            raise UsageError("--format: write ndjson, csv or parquet")
        if found is ImportFormat.PARQUET and name == STDIN:
            raise UsageError("Parquet is read from its end: give a file")
        return cls(name, found)

    @property
    def is_pipe(self) -> bool:
        """Whether it can be read once alone."""
        return self.name == STDIN or not Path(self.name).is_file()

    @property
    def size(self) -> int | None:
        """How far a progress can come, or None where nobody knows."""
        if self.is_pipe:
            return None
        if self.format is ImportFormat.PARQUET:
            from usercore.codec.rows.parquet_rows import parquet_size  # noqa: PLC0415 - for this format alone

            return parquet_size(Path(self.name))
        return Path(self.name).stat().st_size

    def digest(self) -> bytes | None:
        """Return the SHA-256 of the file; None for a pipe.

        Raises:
            FileUnusableError: it cannot be read.
        """
        if self.is_pipe:
            if self.name != STDIN and not Path(self.name).exists():
                raise FileUnusableError("the file that is named is not there")
            return None
        with self._opened() as file:
            hashed = sha256()
            while data := file.read(1 << 20):
                hashed.update(data)
        return hashed.digest()

    async def batches(
        self, progress: Progress, size: int, stopped: Callable[[], bool]
    ) -> AsyncIterator[Sequence[ImportRow]]:
        """Yield the rows behind a progress, so many at a time.

        Args:
            progress: of the import.
            size: of a batch.
            stopped: whether somebody asked to end.

        Raises:
            FileUnusableError: it cannot be read.
            ImportUnreadableError: it is not of its format.
        """
        rows = self._rows(progress)
        while not stopped():
            batch = await asyncio.to_thread(lambda: list(islice(rows, size)))
            if not batch:
                return
            yield batch

    def _rows(self, progress: Progress) -> Iterator[ImportRow]:
        if self.format is ImportFormat.PARQUET:
            from usercore.codec.rows.parquet_rows import parquet_rows  # noqa: PLC0415 - for this format alone

            yield from parquet_rows(Path(self.name), done=progress.end)
            return
        from usercore.codec.rows import row_reader  # noqa: PLC0415 - it takes long to import

        reader = row_reader(self.format, end=progress.end, line=progress.line)
        with self._opened() as file:
            # What is there already is read at once: whoever writes into a pipe slowly is not waited for.
            while data := file.read1(_READ_BYTES):  # type: ignore[attr-defined]
                yield from reader.feed(data)
        yield from reader.close()

    @contextmanager
    def _opened(self) -> Iterator[IO[bytes]]:
        try:
            if self.name == STDIN:
                yield sys.stdin.buffer
                return
            with Path(self.name).open("rb") as file:
                yield file
        except OSError as error:
            raise FileUnusableError(f"the file that is named cannot be read: {error.strerror}") from None
