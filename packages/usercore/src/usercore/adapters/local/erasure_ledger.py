"""The ledger of erasures in a file: one line of JSON for each, written for good before anything is erased.

Copies of the service on one machine share it by a lock on the file. Let it lie where no backup of the database is
restored over it.
"""

import asyncio
import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

from attrs import define, field, frozen

from usercore.codec.privacy import read_entry, render_entry
from usercore.kernel.errors import UnavailableError
from usercore.privacy.requests.errors import LedgerBrokenError
from usercore.privacy.requests.ledger import ErasedPerson, LedgerEntry, entry_behind
from usercore.privacy.requests.model import RequestId
from usercore.privacy.requests.ports import ErasureLedger

_OWNER_ALONE = 0o600


@frozen
class NoErasureLedger:
    """Keeps no ledger: a restored backup brings back whom it knows."""

    @property
    def kept(self) -> bool:
        """Whether there is one at all."""
        return False

    async def append(self, person: ErasedPerson) -> int | None:  # noqa: ARG002 -- the port's signature
        """Write nothing down."""
        return None

    async def entries(self) -> Sequence[LedgerEntry]:
        """Return nothing."""
        return ()


@define(eq=False)
class FileErasureLedger:
    """Keeps the ledger in a file.

    Args:
        path: the file; it is made when the first entry is written.
    """

    path: Path
    _offset: int = field(default=0, init=False)
    _last: LedgerEntry | None = field(default=None, init=False)
    _places: dict[RequestId, int] = field(factory=dict, init=False)

    @property
    def kept(self) -> bool:
        """Whether there is one at all."""
        return True

    async def append(self, person: ErasedPerson) -> int | None:
        """Write an erasure down for good, and return its place."""
        return await asyncio.to_thread(self._append, person)

    async def entries(self) -> Sequence[LedgerEntry]:
        """Return everything that was written down, in order."""
        return await asyncio.to_thread(self._entries)

    def _append(self, person: ErasedPerson) -> int:
        with self._opened("a+b", fcntl.LOCK_EX) as file:
            self._catch_up(file)
            known = self._places.get(person.request_id)
            if known is not None:
                return known
            # What a writer that died left behind its last whole line was never acknowledged.
            file.truncate(self._offset)
            entry = entry_behind(self._last, person)
            line = render_entry(entry) + b"\n"
            file.write(line)
            file.flush()
            os.fsync(file.fileno())
            self._remember(entry, len(line))
        _sync_folder(self.path)
        return entry.sequence

    def _entries(self) -> Sequence[LedgerEntry]:
        if not self.path.exists():
            return ()
        with self._opened("rb", fcntl.LOCK_SH) as file:
            return [entry for entry, _ in _read(file)]

    def _catch_up(self, file: IO[bytes]) -> None:
        """Read what others have written since."""
        if os.fstat(file.fileno()).st_size < self._offset:
            raise LedgerBrokenError("the file is shorter than it was")
        file.seek(self._offset)
        for entry, size in _read(file):
            if entry != entry_behind(self._last, entry.person):
                raise LedgerBrokenError(f"entry {entry.sequence} does not follow from the one before it")
            self._remember(entry, size)

    def _remember(self, entry: LedgerEntry, size: int) -> None:
        self._last = entry
        self._places[entry.person.request_id] = entry.sequence
        self._offset += size

    @contextmanager
    def _opened(self, mode: str, lock: int) -> Iterator[IO[bytes]]:
        try:
            with open(self.path, mode, opener=_opener) as file:
                fcntl.flock(file, lock)
                yield file
        except OSError as error:
            detail = f"the ledger of erasures cannot be used: {error.strerror}"
            raise UnavailableError(detail) from error


def _opener(path: str, flags: int) -> int:
    return os.open(path, flags, _OWNER_ALONE)


def _read(file: IO[bytes]) -> Iterator[tuple[LedgerEntry, int]]:
    """Yield entries with the size of their lines; a line without its end is not written yet."""
    for number, line in enumerate(file, 1):
        if not line.endswith(b"\n"):
            return
        try:
            yield read_entry(line), len(line)
        except ValueError:
            raise LedgerBrokenError(f"line {number} is no entry") from None


def _sync_folder(path: Path) -> None:
    handle = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


if TYPE_CHECKING:

    def _conform(path: Path) -> tuple[ErasureLedger, ErasureLedger]:
        return FileErasureLedger(path), NoErasureLedger()
