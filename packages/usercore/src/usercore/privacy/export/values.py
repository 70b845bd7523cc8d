"""What an archive is made of."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Final

from attrs import frozen

from usercore.kernel.ids import UserId

SCHEMA_VERSION: Final = "1.0"
"""Of the archive's files. A reader of ``1.x`` may rely on every name of ``1.0``."""


class ArchiveKind(StrEnum):
    """What a person asked for."""

    ACCESS = "ACCESS"
    """Everything that is kept of them. Source: GDPR Art. 15(3)."""
    PORTABILITY = "PORTABILITY"
    """What they provided, for another controller to take over. Source: GDPR Art. 20(1)."""


@frozen
class ArchivedFile:
    """One file of an archive.

    Args:
        path: inside the archive.
        size: in bytes.
        sha256: of its content, in hexadecimal.
    """

    path: str
    size: int
    sha256: str


@frozen
class ArchivedSection:
    """One section of an archive, the same records as JSON and as CSV.

    Args:
        name: of the section.
        records: how many it has.
        files: that hold it.
    """

    name: str
    records: int
    files: tuple[ArchivedFile, ...]


@frozen
class ArchiveManifest:
    """What an archive holds. `document` is the content of its ``manifest.json``.

    Args:
        kind: what was asked for.
        user_id: whose data.
        user_version: the user's version when the archive was begun; what happens meanwhile may be in it or not.
        created_at: aware, UTC.
        sections: in the order of the archive.
        document: with what the law wants told beside the data.
    """

    kind: ArchiveKind
    user_id: UserId
    user_version: int
    created_at: datetime
    sections: tuple[ArchivedSection, ...]
    document: Mapping[str, object]
