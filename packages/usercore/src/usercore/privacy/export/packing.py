"""A ZIP archive that leaves as it is made, so that none is ever whole in memory or on a disk."""

from collections.abc import AsyncIterator
from datetime import datetime
from hashlib import sha256
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from attrs import define, field

from usercore.privacy.export.ports import ArchiveSink
from usercore.privacy.export.values import ArchivedFile


class _Outlet:
    """What :class:`zipfile.ZipFile` writes to: it cannot be sought in, so that what is written stays as it is."""

    def __init__(self) -> None:
        self._chunks: list[bytes] = []

    def write(self, data: bytes) -> int:
        """Take bytes until they are drained."""
        self._chunks.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Do nothing: everything is drained anyhow."""

    def close(self) -> None:
        """Do nothing: the sink is its owner's."""

    def drained(self) -> bytes:
        """Return what was written since the last time."""
        chunks, self._chunks = self._chunks, []
        return b"".join(chunks)


@define
class Packer:
    """Puts files into an archive, one after the other."""

    sink: ArchiveSink
    at: datetime
    _outlet: _Outlet = field(factory=_Outlet, init=False)
    _archive: ZipFile = field(init=False)

    def __attrs_post_init__(self) -> None:
        """Begin the archive."""
        self._archive = ZipFile(self._outlet, "w", ZIP_DEFLATED)

    async def add(self, path: str, chunks: AsyncIterator[bytes]) -> ArchivedFile:
        """Put a file into the archive, and return what it is to be known by."""
        digest, size = sha256(), 0
        with self._archive.open(self._info(path), "w", force_zip64=True) as member:
            async for chunk in chunks:
                member.write(chunk)
                digest.update(chunk)
                size += len(chunk)
                await self._drain()
        await self._drain()
        return ArchivedFile(path, size, digest.hexdigest())

    async def close(self) -> None:
        """End the archive: without its end nobody can open it."""
        self._archive.close()
        await self._drain()

    def _info(self, path: str) -> ZipInfo:
        info = ZipInfo(path, self.at.timetuple()[:6])
        info.compress_type = ZIP_DEFLATED
        return info

    async def _drain(self) -> None:
        if chunk := self._outlet.drained():
            await self.sink.write(chunk)
