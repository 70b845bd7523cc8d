"""Facts: a batch in one or two round trips, each recorded once, early ones parked."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final, TypeAlias

import structlog
from attrs import frozen

from user_stream.burying import baffled, refused
from user_stream.retrying import BaffledError, Retrying
from user_stream.work import Fault, Work, together
from usercore.activity.facts import Fact
from usercore.activity.record_facts import RecordFacts
from usercore.activity.values import FactOutcome, FactResult
from usercore.kernel.errors import InvalidError, UserCoreError
from usercore.kernel.ports import Clock

__all__ = ["TellFacts", "Told"]

Told: TypeAlias = FactOutcome | Fault
"""What became of a fact; a fault makes it a dead letter."""

_CONFLICT: Final = Fault("fact_conflict", "the same fact is known with another content; the first one holds")
_FUTURE: Final = Fault("time_in_future", "the event's time lies further ahead than any clock may run")


@frozen
class TellFacts:
    """Tells the core of the facts in a batch."""

    record: RecordFacts
    retrying: Retrying
    clock: Clock
    future_tolerance_s: float

    async def __call__(self, works: Sequence[Work]) -> Sequence[Told]:
        """Return for each event what became of it, in order.

        Raises:
            GivenUpError: a part stays away; some facts may be recorded.
        """
        read = [self._read(work) for work in works]
        sound = [(work, fact) for work, fact in zip(works, read, strict=True) if not isinstance(fact, Fault)]
        told = iter(await self._tell(sound) if sound else ())
        return [fact if isinstance(fact, Fault) else next(told) for fact in read]

    def _read(self, work: Work) -> Fact | Fault:
        try:
            fact = work.message.read()
        except InvalidError as error:
            return refused(error)
        except Exception as error:  # noqa: BLE001 -- one message's failure must not be that of its batch
            structlog.get_logger().warning("failed unexpectedly", tries=1, exc_info=error)
            return baffled(BaffledError(1))
        if not isinstance(fact, Fact):
            raise TypeError("no fact")
        latest = self.clock.now() + timedelta(seconds=self.future_tolerance_s)
        return _FUTURE if max(work.message.time or fact.at, fact.at) > latest else fact

    async def _tell(self, sound: Sequence[tuple[Work, Fact]]) -> Sequence[Told]:
        """Tell all at once; where that fails for a reason nobody foresaw, one by one, so that it harms only one."""
        try:
            return await self._record(sound)
        except (BaffledError, UserCoreError):
            return await together(self._alone(one) for one in sound)

    async def _record(self, sound: Sequence[tuple[Work, Fact]]) -> Sequence[Told]:
        facts = [fact for _, fact in sound]
        contexts = [work.message.context for work, _ in sound]
        outcomes = await self.retrying(lambda: self.record.many(facts, contexts))
        return [_CONFLICT if one.result is FactResult.CONFLICTING else one for one in outcomes]

    async def _alone(self, one: tuple[Work, Fact]) -> Told:
        try:
            [told] = await self._record([one])
        except BaffledError as error:
            return baffled(error)
        except UserCoreError as error:
            return refused(error)
        return told
