"""The errors of an import's rows, as NDJSON: a file that always says what the database says."""

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import IO

from attrs import frozen

from user_cli.failures import FileUnusableError
from user_cli.output import to_json
from usercore.bulk.imports.values import RowError
from usercore.codec.imports import error_object

__all__ = ["ErrorFile", "error_file"]


@frozen
class ErrorFile:
    """Takes errors.

    Args:
        file: where they go, or None: nowhere.
    """

    file: IO[str] | None

    def add(self, errors: Iterable[RowError]) -> None:
        """Write errors, a line each."""
        if self.file is None:
            return
        text = "".join(f"{to_json(error_object(one))}\n" for one in errors)
        try:
            self.file.write(text)
            self.file.flush()
        except OSError as error:
            raise FileUnusableError(f"the file of errors cannot be written: {error.strerror}") from None


@asynccontextmanager
async def error_file(path: Path | None, before: AsyncIterator[Sequence[RowError]]) -> AsyncIterator[ErrorFile]:
    """Open a file of errors that begins with those that are kept already, and close it at the end.

    A process that is killed may have committed rows and not told of their errors, so that what a file of before says is
    not believed: it is written anew.

    Args:
        path: the file, or None for none.
        before: the errors that are kept.

    Raises:
        FileUnusableError: it cannot be written.
    """
    if path is None:
        yield ErrorFile(None)
        return
    try:
        file = path.open("w", encoding="utf-8")
    except OSError as error:
        raise FileUnusableError(f"the file of errors cannot be written: {error.strerror}") from None
    with file:
        errors = ErrorFile(file)
        async for page in before:
            errors.add(page)
        yield errors
