"""What an export asks of the world outside."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Protocol, TypeAlias

from usercore.kernel.context import CommandContext
from usercore.kernel.ids import UserId

PersonalRow: TypeAlias = Mapping[str, object]
"""One row by the names of its columns, in values of JSON: times in RFC 3339, amounts as text, bytes in base64."""


class PersonalDataReader(Protocol):
    """Reads everything that is kept of a person, table by table."""

    def batches(self, table: str, user_id: UserId) -> AsyncIterator[Sequence[PersonalRow]]:
        """Yield a person's rows of one table, some at a time, by keyset: as quick at any depth, in constant memory.

        A row has every column that the classification exports, in clear text. Rows that are written meanwhile may
        come or not; none comes twice.

        Args:
            table: one that has a section in the classification.
            user_id: whose; nobody has no rows.

        Raises:
            UnavailableError: the database does not answer.
        """
        ...


class ArchiveSink(Protocol):
    """Takes an archive as it is made."""

    async def write(self, chunk: bytes) -> None:
        """Take the next bytes of the archive. Only an archive whose maker returned is whole."""
        ...


class ExportTrail(Protocol):
    """Remembers who took a person's data out of the service."""

    async def exported(self, user_id: UserId, sections: Sequence[str], context: CommandContext) -> None:
        """Add to the audit trail that somebody is about to be given these sections of a person's data.

        Raises:
            UnavailableError: it is not remembered, or nobody knows.
        """
        ...
