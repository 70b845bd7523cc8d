"""Receive the rows of an import that the service itself works off."""

import asyncio
from collections.abc import AsyncIterator
from hashlib import sha256
from typing import Final

from attrs import frozen

from usercore.bulk.imports.ports import UploadStore
from usercore.bulk.imports.start_import import StartImport, StartImportCommand
from usercore.bulk.imports.values import Import, ImportId, ImportOptions
from usercore.kernel.context import CommandContext
from usercore.kernel.ports import Clock, IdGenerator

PART_BYTES: Final = 262_144
"""What is kept together: small beside memory, large beside the cost of a statement."""


@frozen
class ReceiveUpload:
    """Receives files, part by part, and begins their imports once they are whole."""

    uploads: UploadStore
    start: StartImport
    clock: Clock
    ids: IdGenerator

    async def __call__(
        self, options: ImportOptions, data: AsyncIterator[bytes], context: CommandContext, *, restart: bool = False
    ) -> Import:
        """Return the import; or the one of the same bytes and options that is running or was completed.

        Args:
            options: how it goes about it.
            data: the file, in pieces of any size.
            context: who imports, because of what.
            restart: begin anew even where the same bytes were imported with the same options before.

        Raises:
            UnavailableError: the database does not answer; then nothing is kept.
        """
        import_id = ImportId(self.ids.event_id())
        try:
            digest = await self._keep(import_id, data)
            begun = await self.start(StartImportCommand(options, digest, restart, upload=import_id), context)
        except BaseException:
            await asyncio.shield(self.uploads.drop(import_id))
            raise
        if begun.id != import_id:
            await self.uploads.drop(import_id)
        return begun

    async def _keep(self, import_id: ImportId, data: AsyncIterator[bytes]) -> bytes:
        digest, rest, number = sha256(), bytearray(), 0
        async for piece in data:
            digest.update(piece)
            rest += piece
            while len(rest) >= PART_BYTES:
                await self.uploads.keep(import_id, number, bytes(rest[:PART_BYTES]), at=self.clock.now())
                del rest[:PART_BYTES]
                number += 1
        if rest:
            await self.uploads.keep(import_id, number, bytes(rest), at=self.clock.now())
        return digest.digest()
