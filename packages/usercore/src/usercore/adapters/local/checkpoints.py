"""Checkpoints in a file: one JSON object a line, written to the end and to the disk."""

import asyncio
import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

from attrs import frozen

from usercore.audit.checkpoint import SignedCheckpoint
from usercore.audit.errors import CheckpointForkedError, CheckpointUnreadableError
from usercore.audit.ports import CheckpointLog, CheckpointPublisher
from usercore.codec.checkpoints import checkpoint_object
from usercore.codec.scalars import compact
from usercore.kernel.errors import UnavailableError

_READABLE_BY_ALL: Final = 0o644
_AT_ONCE: Final = 500
_LAST_LINE_BYTES: Final = 64 * 1024
"""More than the longest line: a note is some 400 bytes."""


@frozen
class CheckpointFile:
    """Appends checkpoints to a file, which belongs on storage that the database's administrators cannot write to.

    It always holds all of them: what another copy of the service made is caught up with.

    Args:
        path: of the file; it is made where it is missing.
    """

    path: Path

    async def publish(self, log: CheckpointLog) -> int:
        """Append all checkpoints that the file does not hold yet."""
        with _opened(self.path) as file:
            if file is None:
                return 0
            last = _last(file)
            number = 0 if last is None else last.checkpoint.number
            if last is not None:
                await _check(log, last)
            return await _append_all(file, log, number)


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO | None]:
    """Give the file to one at a time; to nobody else, who then gets None."""
    try:
        handle = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, _READABLE_BY_ALL)
        with os.fdopen(handle, "ab+", buffering=0) as file:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield None
            else:
                yield file
    except OSError as error:
        raise UnavailableError("the file of checkpoints cannot be used") from error


def _last(file: BinaryIO) -> SignedCheckpoint | None:
    """Return the last checkpoint in a file; half a line, of a writer that was killed, is taken away."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - _LAST_LINE_BYTES))
    whole, _, torn = file.read().rpartition(b"\n")
    if torn:
        file.truncate(size - len(torn))
    line = whole.rpartition(b"\n")[2]
    try:
        return SignedCheckpoint.parse(_note(line)) if line else None
    except ValueError:
        raise CheckpointUnreadableError("the last line of the file is no checkpoint") from None


async def _append_all(file: BinaryIO, log: CheckpointLog, number: int) -> int:
    count = 0
    while page := await log.after(number, limit=_AT_ONCE):
        lines = [compact(checkpoint_object(SignedCheckpoint.parse(one.note))) + b"\n" for one in page]
        await asyncio.to_thread(_write, file, b"".join(lines))
        count, number = count + len(page), page[-1].number
    return count


def _write(file: BinaryIO, lines: bytes) -> None:
    file.write(lines)
    os.fsync(file.fileno())


async def _check(log: CheckpointLog, last: SignedCheckpoint) -> None:
    """Pass where the database has the file's last checkpoint.

    Raises:
        CheckpointForkedError: it has none of that number, or another one.
    """
    number = last.checkpoint.number
    kept = await log.after(number - 1, limit=1)
    if not kept or kept[0].number != number or kept[0].note != str(last.note):
        raise CheckpointForkedError(
            f"the file of checkpoints ends with number {number}, which the database does not have: it is an older one. "
            "Keep the file as evidence, and name a new one"
        )


def read_notes(path: Path) -> Iterator[str]:
    """Yield the notes in a file; a line that holds none comes as it is, for whoever checks it.

    Raises:
        CheckpointUnreadableError: the file cannot be read.
    """
    try:
        with path.open("rb") as file:
            for line in file:
                yield _note(line)
    except OSError:
        raise CheckpointUnreadableError("the file of checkpoints cannot be read") from None


def _note(line: bytes) -> str:
    """Return the note in a line, or the line where there is none."""
    try:
        found = json.loads(line)
        note = found["note"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return line.decode("utf-8", "replace")
    return note if isinstance(note, str) else ""


if TYPE_CHECKING:
    _file: CheckpointPublisher = CheckpointFile(Path())
