"""Make the archive of everything that is kept of a person."""

import json
from collections.abc import AsyncIterator, Sequence
from tempfile import SpooledTemporaryFile
from typing import Final

from attrs import define, frozen

from usercore.kernel.ids import UserId
from usercore.kernel.ports import Clock
from usercore.privacy.export.csv_form import csv_head, csv_lines
from usercore.privacy.export.manifest import PATH, manifest_document
from usercore.privacy.export.packing import Packer
from usercore.privacy.export.ports import ArchiveSink, PersonalDataReader
from usercore.privacy.export.sections import Section, sections_of
from usercore.privacy.export.values import ArchivedSection, ArchiveKind, ArchiveManifest
from usercore.users.history import present
from usercore.users.ports import UserReader

_CHUNK_BYTES: Final = 65_536
_SPOOL_BYTES: Final = 4 * 1024 * 1024
"""Up to here the CSV of a section waits in memory, beyond it in a file without a name, for its turn in the archive."""


@frozen
class BuildArchive:
    """Makes archives: a ZIP with each section as JSON and as CSV, and a manifest.

    What is kept of accounts that were merged into the person's stands in the same sections, behind their own.
    """

    users: UserReader
    data: PersonalDataReader
    clock: Clock

    async def __call__(self, user_id: UserId, kind: ArchiveKind, sink: ArchiveSink) -> ArchiveManifest:
        """Write a person's archive to a sink, and return what it holds.

        Where this raises, what the sink has taken is no archive.

        Raises:
            UserNotFoundError: there is no such user.
            UserErasedError: the user has been erased.
            UserMergedError: the account was merged into another.
            UnavailableError: the database does not answer.
        """
        user = await present(self.users, user_id)
        created_at = self.clock.now()
        packer = Packer(sink, created_at)
        merged = await self.users.merged_into(user.id)
        ids = (user.id, *merged)
        made = [(section, await self._pack(section, ids, packer)) for section in sections_of(kind)]
        document = manifest_document(user, kind, created_at, made, merged)
        await packer.add(PATH, _once(json.dumps(document, ensure_ascii=False, indent=2).encode()))
        await packer.close()
        archived = tuple(one for _, one in made)
        return ArchiveManifest(kind, user.id, user.version, created_at, archived, document)

    async def _pack(self, section: Section, ids: Sequence[UserId], packer: Packer) -> ArchivedSection:
        with SpooledTemporaryFile(max_size=_SPOOL_BYTES) as table:
            table.write(csv_head(section))
            records = _Records(section, table)
            as_json = await packer.add(f"{section.name}.json", records.as_json(self.data, ids))
            as_csv = await packer.add(f"{section.name}.csv", _read(table))
        return ArchivedSection(section.name, records.count, (as_json, as_csv))


@define
class _Records:
    """Reads a section once, for both its forms."""

    section: Section
    table: SpooledTemporaryFile[bytes]
    count: int = 0

    async def as_json(self, data: PersonalDataReader, ids: Sequence[UserId]) -> AsyncIterator[bytes]:
        """Yield the section as JSON, and put aside its lines of CSV."""
        yield f'{{"section": "{self.section.name}", "records": ['.encode()
        for user_id in ids:
            async for rows in data.batches(self.section.table.name, user_id):
                lines = [json.dumps(self.section.record_of(row), ensure_ascii=False) for row in rows]
                self.table.write(csv_lines(self.section, rows))
                yield ((",\n" if self.count and lines else "\n") + ",\n".join(lines)).encode()
                self.count += len(lines)
        yield b"\n]}\n"


async def _once(chunk: bytes) -> AsyncIterator[bytes]:
    yield chunk


async def _read(table: SpooledTemporaryFile[bytes]) -> AsyncIterator[bytes]:
    table.seek(0)
    while chunk := table.read(_CHUNK_BYTES):
        yield chunk
