"""What an export asks of the world outside."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from usercore.bulk.exports.values import Chunk, Selection


class OpenExport(Protocol):
    """Users as they stood at one moment: what is written meanwhile does not show."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of a CSV's columns, in their order."""
        ...

    @property
    def expected(self) -> int:
        """How many users there are, by statistics: a guess that costs nothing."""
        ...

    def chunks(self) -> AsyncIterator[Chunk]:
        """Yield every user once, whole lines in each chunk, in constant memory; an empty export yields nothing.

        Raises:
            UnavailableError: the database does not answer any more; what was yielded is not all.
        """
        ...


class UserExporter(Protocol):
    """Reads any number of users at one moment."""

    def open(self, selection: Selection) -> AbstractAsyncContextManager[OpenExport]:
        """Fix the moment, and keep it until the end of the block; leaving early ends the work in the database too.

        Whoever is erased is never among the users.

        Raises:
            UnavailableError: the database does not answer.
        """
        ...


class ExportSink(Protocol):
    """Takes an export as it is made."""

    async def write(self, data: bytes) -> None:
        """Take the next lines. Only an export whose maker returned is whole."""
        ...
