"""Take the audit trail elsewhere, in a form that can be checked there."""

from collections.abc import AsyncIterator, Iterable, Iterator
from datetime import datetime

from attrs import frozen

from usercore.audit.chain import GENESIS
from usercore.audit.checking import is_intact
from usercore.audit.entry import ChainedEntry
from usercore.audit.errors import AuditTamperedError
from usercore.audit.evidence import Evidence
from usercore.audit.findings import Finding, FindingKind
from usercore.audit.ports import AuditArchive
from usercore.kernel.ids import UserId


@frozen
class ExportedEntry:
    """One entry on its way out.

    Args:
        one: the entry.
        previous: the hash of the entry before it in its chain.
    """

    one: ChainedEntry
    previous: bytes


@frozen
class ExportAudit:
    """Reads all of the trail, or one chain, in the order of chains."""

    archive: AuditArchive

    async def pages(
        self, user_id: UserId | None, *, since: datetime | None = None, until: datetime | None = None
    ) -> AsyncIterator[ExportedEntry]:
        """Yield entries by chain and sequence, each with the hash before it.

        Args:
            user_id: this chain alone.
            since: that happened then or later.
            until: that happened before then.

        Raises:
            AuditTamperedError: an entry cannot be read; verify the trail.
            UnavailableError: the database does not answer.
        """
        chain, previous = None, GENESIS
        async for evidence in self.archive.entries(user_id):
            if evidence.user_id != chain:
                chain, previous = evidence.user_id, GENESIS
            if evidence.entry is None:
                raise AuditTamperedError(f"entry {evidence.sequence} of the chain {evidence.user_id} cannot be read")
            if (since is None or evidence.entry.at >= since) and (until is None or evidence.entry.at < until):
                yield ExportedEntry(ChainedEntry(evidence.entry, evidence.sequence, evidence.hash), previous)
            previous = evidence.hash


def check_export(lines: Iterable[ExportedEntry]) -> Iterator[Finding]:
    """Check an export by itself: each entry's hash, and that those of one chain follow one another.

    What was left out at either end of a chain cannot be told from the export; verify the database for that.
    """
    last: ExportedEntry | None = None
    for line in lines:
        entry, sequence = line.one.entry, line.one.sequence
        evidence = Evidence(entry.user_id, sequence, line.one.hash, entry, None, None)
        if not is_intact(line.previous, evidence):
            yield Finding(FindingKind.ENTRY_EDITED, "it does not say what its hash says", entry.user_id, sequence)
        if last is not None and last.one.entry.user_id == entry.user_id and not _follows(last, line):
            detail = "it does not follow the entry before it"
            yield Finding(FindingKind.ENTRY_MISSING, detail, entry.user_id, sequence)
        if sequence == 1 and line.previous != GENESIS:
            detail = "the first entry of a chain has nothing before it"
            yield Finding(FindingKind.ENTRY_MISSING, detail, entry.user_id, sequence)
        last = line


def _follows(last: ExportedEntry, line: ExportedEntry) -> bool:
    return line.one.sequence == last.one.sequence + 1 and line.previous == last.one.hash
