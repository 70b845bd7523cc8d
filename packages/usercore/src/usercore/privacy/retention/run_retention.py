"""Run the schedule: look what is due, and do it."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Final

from attrs import frozen

from usercore.audit.entry import service_entry
from usercore.audit.ports import AuditTrail
from usercore.kernel.context import CommandContext
from usercore.kernel.ports import Clock, IdGenerator
from usercore.kernel.reasons import require_reason
from usercore.privacy.retention.errors import RetentionUnderWayError
from usercore.privacy.retention.inactivity import WorkOffInactivity, steps_of
from usercore.privacy.retention.ports import RetentionStore
from usercore.privacy.retention.values import Kept, ReportLine, Schedule, Step

AT_ONCE: Final = 500
LEASE: Final = timedelta(minutes=15)
"""How long a run that was killed keeps others from beginning; a run renews it before each batch."""


@frozen
class ReviewRetention:
    """Looks what a run would do now, and does nothing."""

    store: RetentionStore
    schedule: Schedule
    clock: Clock

    async def __call__(self) -> Sequence[ReportLine]:
        """Return a line for each rule of the schedule.

        Raises:
            UnavailableError: the database does not answer.
        """
        now = self.clock.now()
        lines = [
            ReportLine(kept, kept_for, await self.store.due(kept, now - kept_for), 0)
            for kept, kept_for in self.schedule.kept.items()
        ]
        steps = [
            ReportLine(step, wait, await self.store.unused_due(step, now - wait), 0)
            for step, wait in steps_of(self.schedule.inactivity).items()
        ]
        return [*lines, *steps]


@frozen
class RunRetention:
    """Does what the schedule says, in batches. One at a time; what it does not finish, the next run does."""

    review: ReviewRetention
    inactivity: WorkOffInactivity
    trail: AuditTrail
    ids: IdGenerator

    async def __call__(
        self, reason: str, context: CommandContext, progress: Callable[[Kept | Step, int], None]
    ) -> Sequence[ReportLine]:
        """Return what was found and done, rule by rule.

        Args:
            reason: why; the audit trail keeps it.
            context: who asks.
            progress: told after each batch of which rule how many were done.

        Raises:
            ReasonInvalidError: there is no reason.
            RetentionUnderWayError: another process is at it.
            UnavailableError: the database does not answer; run it again.
        """
        why = require_reason(reason)
        async with self._alone():
            found = await self.review()
            await self._record(found, why, context)
            return await self._all(found, context, progress)

    async def when_due(self, every: timedelta, context: CommandContext) -> Sequence[ReportLine]:
        """Run the schedule where its last run is so long ago and nobody else is at it; return what was done.

        A run that finds nothing to do leaves no entry in the audit trail.
        """
        last = await self.review.store.last_run()
        if last is not None and last + every > self.review.clock.now():
            return ()
        try:
            async with self._alone():
                found = await self.review()
                if any(line.due.count for line in found):
                    await self._record(found, "the schedule", context)
                return await self._all(found, context, lambda _, __: None)
        except RetentionUnderWayError:
            return ()

    async def _record(self, found: Sequence[ReportLine], why: str, context: CommandContext) -> None:
        at, rules = self.review.clock.now(), tuple(line.rule.value for line in found)
        entry = service_entry("RetentionRun", rules, why, context, event_id=self.ids.event_id(), at=at)
        await self.trail.append([entry])

    async def _all(
        self, found: Sequence[ReportLine], context: CommandContext, progress: Callable[[Kept | Step, int], None]
    ) -> Sequence[ReportLine]:
        at = self.review.clock.now()
        return [await self._done(line, at, context, progress) for line in found]

    async def _done(
        self, line: ReportLine, now: datetime, context: CommandContext, progress: Callable[[Kept | Step, int], None]
    ) -> ReportLine:
        done = 0
        while count := await self._batch(line, now, context):
            done += count
            progress(line.rule, done)
        return ReportLine(line.rule, line.kept_for, line.due, done)

    async def _batch(self, line: ReportLine, now: datetime, context: CommandContext) -> int:
        await self.review.store.renew(self.review.clock.now() + LEASE)
        if isinstance(line.rule, Kept):
            return await self.review.store.delete(line.rule, now - line.kept_for, AT_ONCE)
        rule = self.review.schedule.inactivity
        return 0 if rule is None else await self.inactivity(line.rule, rule, context)

    @asynccontextmanager
    async def _alone(self) -> AsyncIterator[None]:
        await self._begin()
        ran = False
        try:
            yield
            ran = True
        finally:
            await self.review.store.release(now=self.review.clock.now(), ran=ran)

    async def _begin(self) -> None:
        now = self.review.clock.now()
        if not await self.review.store.lease(now=now, until=now + LEASE):
            raise RetentionUnderWayError
