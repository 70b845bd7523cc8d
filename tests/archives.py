"""Archives of people's data, in memory, for tests that look inside."""

import csv
import io
import json
from typing import Any
from zipfile import ZipFile

from attrs import field, frozen


@frozen
class MemorySink:
    """Keeps an archive as it comes."""

    chunks: list[bytes] = field(factory=list)

    async def write(self, chunk: bytes) -> None:
        """Take the next bytes."""
        self.chunks.append(chunk)

    def opened(self) -> ZipFile:
        """Return the archive, whole and checked."""
        archive = ZipFile(io.BytesIO(b"".join(self.chunks)))
        assert archive.testzip() is None
        return archive

    def records(self, section: str) -> list[dict[str, Any]]:
        """Return a section's records, of its JSON."""
        told = json.loads(self.opened().read(f"{section}.json"))
        assert told["section"] == section
        records: list[dict[str, Any]] = told["records"]
        return records

    def table(self, section: str) -> list[dict[str, str]]:
        """Return a section's records, of its CSV."""
        return list(csv.DictReader(io.StringIO(self.opened().read(f"{section}.csv").decode(), newline="")))

    def manifest(self) -> dict[str, Any]:
        """Return what the archive says of itself."""
        told: dict[str, Any] = json.loads(self.opened().read("manifest.json"))
        return told
