"""An archive on its way into a file that its owner alone may read."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Final

from attrs import frozen

from user_cli.failures import FileUnusableError

__all__ = ["FileSink", "private_archive"]

_OWNER_ALONE: Final = 0o600


@frozen
class FileSink:
    """Writes an archive into a file as it comes."""

    file: BinaryIO

    async def write(self, chunk: bytes) -> None:
        """Take the next bytes of the archive."""
        self.file.write(chunk)


@contextmanager
def private_archive(path: Path) -> Iterator[FileSink]:
    """Make a file that its owner alone may read, whole or not at all; one that is there is replaced.

    Raises:
        FileUnusableError: it cannot be written.
    """
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.new")
    try:
        unfinished.unlink(missing_ok=True)
        handle = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _OWNER_ALONE)
        try:
            with os.fdopen(handle, "wb") as file:
                yield FileSink(file)
            unfinished.replace(path)
        finally:
            with suppress(OSError):
                unfinished.unlink(missing_ok=True)
    except OSError as error:
        raise FileUnusableError(f"the file that is named cannot be written: {error.strerror}") from None
