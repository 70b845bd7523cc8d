"""Check that the audit trail is what it was."""

from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from typing import Final

from attrs import define, field, frozen

from usercore.audit.attesting import LeafChecker, Series, check_succession, compare, read_series
from usercore.audit.checking import ChainChecker
from usercore.audit.checkpoint import Checkpoint
from usercore.audit.findings import AuditReport, Finding
from usercore.audit.ports import AuditArchive, CheckpointLog, CheckpointVerifier
from usercore.kernel.ids import UserId
from usercore.kernel.ports import Clock

TOLD_EVERY: Final = 10_000
PUBLISHED_WITHIN: Final = timedelta(minutes=1)
"""How long a checkpoint may take from the database to where it is published."""
_READ_AT_ONCE: Final = 1_000


@frozen
class VerifyCommand:
    """What to verify, and by what.

    Args:
        user_id: this user's chain alone; None verifies all.
        published: reads the notes that were published outside the database, in their order. None where there are none
            at hand: then nobody notices a database that was taken back as a whole.
        most: findings to return; more are only counted.
        told: is called now and then with the number of leaves, and then of entries, that were looked at.
    """

    user_id: UserId | None = None
    published: Callable[[], Sequence[str]] | None = None
    most: int = 1_000
    told: Callable[[int], None] = lambda _: None


@frozen
class VerifyAudit:
    """Verifies chains, contents and checkpoints. It holds a part of them in memory at a time, and locks nothing."""

    archive: AuditArchive
    log: CheckpointLog
    verifier: CheckpointVerifier
    clock: Clock

    async def __call__(self, command: VerifyCommand) -> AuditReport:
        """Return what was seen; a trail in which nothing is wrong has no finding.

        Raises:
            UnavailableError: the database does not answer.
        """
        found = _Findings(command.most)
        checkpoints = await self._checkpoints(command, found)
        attested = checkpoints[-1].entries if checkpoints else 0
        leaves = await self._leaves(command, LeafChecker(list(checkpoints), command.user_id), found)
        chains = await self._chains(command, found)
        return AuditReport(
            entries=chains.entries,
            chains=chains.chains,
            leaves=leaves.size,
            checkpoints=len(leaves.checkpoints),
            unattested=max(0, chains.entries - attested) if command.user_id is None else 0,
            findings=tuple(found.kept),
            further=found.further,
        )

    async def _checkpoints(self, command: VerifyCommand, found: "_Findings") -> Sequence[Checkpoint]:
        settled = self.clock.now() - PUBLISHED_WITHIN
        kept = await self._kept(0)
        found.add(kept.findings)
        genuine = dict(kept.genuine)
        if command.published is not None:
            # Read behind the database's, which are published after they are kept.
            outside = read_series(command.published(), self.verifier)
            found.add(outside.findings)
            found.add(compare(kept, outside, settled))
            genuine |= outside.genuine
        checkpoints = [genuine[number].checkpoint for number in sorted(genuine)]
        found.add(check_succession(checkpoints))
        return checkpoints

    async def _kept(self, after: int) -> Series:
        notes: list[str] = []
        while page := await self.log.after(after, limit=_READ_AT_ONCE):
            notes += (one.note for one in page)
            after = page[-1].number
        return read_series(notes, self.verifier)

    async def _leaves(self, command: VerifyCommand, checker: LeafChecker, found: "_Findings") -> LeafChecker:
        async for leaf in self.archive.leaves():
            if checker.size == checker.attested:
                await self._catch_up(checker, found)
            found.add(checker.take(leaf))
            if checker.size % TOLD_EVERY == 0:
                command.told(checker.size)
        found.add(checker.end())
        return checker

    async def _catch_up(self, checker: LeafChecker, found: "_Findings") -> None:
        """Learn of checkpoints that were made meanwhile: each is there as soon as its leaves are."""
        known = checker.checkpoints[-1].number if checker.checkpoints else 0
        series = await self._kept(known)
        found.add(series.findings)
        made = [series.genuine[number].checkpoint for number in sorted(series.genuine)]
        found.add(check_succession(made, checker.checkpoints[-1] if checker.checkpoints else None))
        checker.checkpoints += made

    async def _chains(self, command: VerifyCommand, found: "_Findings") -> ChainChecker:
        checker = ChainChecker()
        async for evidence in self.archive.entries(command.user_id):
            found.add(checker.take(evidence))
            if checker.entries % TOLD_EVERY == 0:
                command.told(checker.entries)
        found.add(checker.end())
        async for finding in self.archive.loose_ends(command.user_id):
            found.add((finding,))
        return checker


@define
class _Findings:
    """Collects findings, as many as are wanted, and counts the others."""

    most: int
    kept: list[Finding] = field(factory=list)
    further: int = 0

    def add(self, findings: Iterable[Finding]) -> None:
        """Take findings."""
        for one in findings:
            if len(self.kept) < self.most:
                self.kept.append(one)
            else:
                self.further += 1
