"""The words of an import."""

from datetime import datetime
from enum import StrEnum
from typing import Final, NewType

from attrs import evolve, field, frozen

from usercore.kernel.errors import Violation
from usercore.kernel.secret import Secret
from usercore.users.intake import ProfilePatch
from usercore.users.ports import LookupKind

ImportId = NewType("ImportId", str)
"""A UUIDv7 in canonical text form."""

ROW_MAX_BYTES: Final = 65_536
"""The longest row: four times what custom attributes may take, so that no profile is too long for it."""
BATCH_MAX_ROWS: Final = 5_000
"""Rows that share a transaction. More would hold locks and memory for longer and cost no less each."""
ERRORS_PAGE_MAX: Final = 1_000


class ImportMode(StrEnum):
    """What becomes of a row whose user exists already."""

    INSERT = "insert"
    """It is an error."""
    UPSERT = "upsert"
    """The user is changed as by a merge patch: what the row leaves out stays."""
    SKIP = "skip"
    """It is passed over."""


class ImportKey(StrEnum):
    """By what a row's user is known."""

    EMAIL = "email"
    EXTERNAL_ID = "external-id"

    @property
    def lookup(self) -> LookupKind:
        """What the key is called where users are looked up."""
        return LookupKind.EMAIL if self is ImportKey.EMAIL else LookupKind.EXTERNAL_ID


class ImportFormat(StrEnum):
    """How the rows are written."""

    NDJSON = "ndjson"
    CSV = "csv"
    PARQUET = "parquet"


class ImportState(StrEnum):
    """How far an import has come."""

    RUNNING = "RUNNING"
    """Somebody is at it, or it was interrupted and can be gone on with."""
    COMPLETED = "COMPLETED"
    CANCELLED = "CANCELLED"
    """Ended before its time; what was imported until then stays."""
    FAILED = "FAILED"
    """What was sent cannot be read as its format; what was imported until then stays."""


@frozen
class ImportOptions:
    """How an import goes about it; it stays the same from beginning to end.

    Args:
        format: how the rows are written.
        mode: what becomes of a row whose user exists already.
        by: by what a row's user is known.
        quiet: one event tells of the whole import, in place of an event for each user.
        invite: new users are sent the mail that single ones are sent.
    """

    format: ImportFormat = ImportFormat.NDJSON
    mode: ImportMode = ImportMode.INSERT
    by: ImportKey = ImportKey.EMAIL
    quiet: bool = False
    invite: bool = False

    @property
    def text(self) -> str:
        """All of it in one line, the same for the same options."""
        return f"{self.format} {self.mode} {self.by} quiet={self.quiet} invite={self.invite}"


@frozen
class ImportRow:
    """One row, read but not judged.

    Args:
        line: where it begins in the file, from 1; of Parquet the number of the row.
        end: how many bytes of the file are read once it is; of Parquet how many rows.
        next_line: the line behind it.
        patch: what it says of the user; nothing where it could not be read.
        password_hash: as other systems hash passwords, or None.
        violations: why it could not be read, or what of it.
    """

    line: int
    end: int
    next_line: int
    patch: ProfilePatch = field(factory=ProfilePatch, repr=False)
    password_hash: Secret | None = None
    violations: tuple[Violation, ...] = ()


@frozen
class RowError:
    """One thing that is wrong with a row; it repeats no value.

    Args:
        line: of the row.
        code: stable word for the rule.
        pointer: JSON Pointer (RFC 6901) to the field, in the names of the wire; empty for the row as a whole.
        detail: what to do.
    """

    line: int
    code: str
    pointer: str
    detail: str


@frozen
class Tally:
    """What became of the rows so far.

    Args:
        created: users that are new.
        updated: users that were changed.
        unchanged: users who were as the row says already.
        skipped: rows that were passed over because their user exists.
        failed: rows with errors.
    """

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    skipped: int = 0
    failed: int = 0

    @property
    def rows(self) -> int:
        """How many rows that makes."""
        return self.created + self.updated + self.unchanged + self.skipped + self.failed

    def __add__(self, other: "Tally") -> "Tally":
        """Return both together."""
        return Tally(
            self.created + other.created,
            self.updated + other.updated,
            self.unchanged + other.unchanged,
            self.skipped + other.skipped,
            self.failed + other.failed,
        )


@frozen
class Progress:
    """How far an import has come: everything before this place is committed, and nothing behind it.

    Args:
        end: bytes of the file that are done; of Parquet rows.
        line: the line on which the next row begins.
        tally: what became of the rows.
    """

    end: int = 0
    line: int = 1
    tally: Tally = Tally()

    def behind(self, row: ImportRow, tally: Tally) -> "Progress":
        """Return how far it has come once the rows up to `row` are done.

        Args:
            row: the last of them.
            tally: what became of them.
        """
        return Progress(row.end, row.next_line, self.tally + tally)


@frozen
class Import:
    """One import.

    Args:
        id: its id for ever.
        options: how it goes about it.
        fingerprint: of the file and the options, by which a second start finds it; None for what comes from a pipe.
        state: how far it has come.
        progress: the same, exactly.
        started_by: who began it, as ``KIND:id``.
        started_at: aware, UTC.
        updated_at: when the last batch was committed.
        finished_at: when it ended, or None.
        trouble: the code of what it failed of.
        uploaded: its rows are kept here, and a copy of the service imports them.
    """

    id: ImportId
    options: ImportOptions
    fingerprint: bytes | None = field(repr=False)
    state: ImportState
    progress: Progress
    started_by: str
    started_at: datetime
    updated_at: datetime
    finished_at: datetime | None = None
    trouble: str | None = None
    uploaded: bool = False

    def moved(self, progress: Progress, at: datetime) -> "Import":
        """Return the import, further on."""
        return evolve(self, progress=progress, updated_at=at)

    def ended(self, state: ImportState, at: datetime, trouble: str | None = None) -> "Import":
        """Return the import at its end."""
        return evolve(self, state=state, updated_at=at, finished_at=at, trouble=trouble)


def correlation_of(one: Import) -> str:
    """Return the correlation id of everything that an import causes."""
    return f"import-{one.id}"
