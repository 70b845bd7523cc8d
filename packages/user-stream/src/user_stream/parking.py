"""Facts that came before what they tell of: kept, looked at again, and given up after a time."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Final

import structlog
from attrs import field, frozen

from user_stream.burying import Burying
from user_stream.facts import TellFacts, Told
from user_stream.outcomes import End
from user_stream.retrying import BaffledError, GivenUpError, Retrying
from user_stream.work import Fault, Work
from usercore.activity.values import FactOutcome, FactResult
from usercore.codec.messages import UnreadableMessageError, read_message
from usercore.kernel.errors import UserCoreError
from usercore.kernel.ports import Clock, IdGenerator
from usercore.messaging.ports import ParkedMessages
from usercore.messaging.values import ParkedMessage
from usercore.observe.metrics import Metrics

__all__ = ["Parking", "SettleFacts", "Sweep"]

_TOO_LONG: Final = Fault("parked_too_long", "what the event tells of did not become known in time")
_LEASE_S: Final = 60.0
"""Longer than a sweep's batch takes; one that is killed leaves its messages to others after it."""
_AT_ONCE: Final = 200
_ENDS: Final = {
    FactResult.RECORDED: End.APPLIED,
    FactResult.KNOWN: End.REPEATED,
    FactResult.IGNORED: End.IGNORED,
}


@frozen
class Parking:
    """Keeps early facts, and wakes the sweep when something has become known.

    Args:
        parked: keeps them.
        retrying: tries again.
        clock: tells when.
        ids: names what is kept.
        limit_s: how long one is kept.
    """

    parked: ParkedMessages
    retrying: Retrying
    clock: Clock
    ids: IdGenerator
    limit_s: float
    news: asyncio.Event = field(factory=asyncio.Event)

    async def __call__(self, early: Sequence[tuple[Work, FactOutcome]]) -> None:
        """Keep facts that came too early.

        Raises:
            GivenUpError: the database stays away.
        """
        now = self.clock.now()
        kept = [
            ParkedMessage(self.ids.event_id(), work.raw, outcome.awaited, now, now + timedelta(seconds=self.limit_s))
            for work, outcome in early
            if outcome.awaited is not None
        ]
        if kept:
            await self.retrying(lambda: self.parked.park(kept))


@frozen
class SettleFacts:
    """Brings the facts of a batch to their ends."""

    tell: TellFacts
    parking: Parking
    burying: Burying

    async def __call__(self, works: Sequence[Work]) -> Sequence[End]:
        """Record, park or bury each, and return the ends in order.

        Raises:
            GivenUpError: a part stays away; some facts may be recorded.
        """
        told = list(zip(works, await self.tell(works), strict=True))
        for work, one in told:
            if isinstance(one, Fault):
                await self.burying(work.raw, one)
        await self.parking([(work, one) for work, one in told if isinstance(one, FactOutcome) and _early(one)])
        ends = [_end(one) for _, one in told]
        if End.APPLIED in ends:
            self.parking.news.set()
        return ends


def _early(told: Told) -> bool:
    return isinstance(told, FactOutcome) and told.result is FactResult.EARLY


def _end(told: Told) -> End:
    if isinstance(told, Fault):
        return End.BURIED
    return _ENDS.get(told.result, End.PARKED)


@frozen
class Sweep:
    """Looks at parked facts again: those that can be told now are, and those that waited too long are buried.

    Several processes may sweep at once; a lease gives each message to one of them.
    """

    parking: Parking
    tell: TellFacts
    burying: Burying
    clock: Clock
    limit_bytes: int
    interval_s: float
    metrics: Metrics

    async def run(self) -> None:
        """Sweep until cancelled: at intervals, and as soon as something has become known."""
        while True:
            self.parking.news.clear()
            try:
                while await self.once() > 0:
                    pass
            except (GivenUpError, BaffledError, UserCoreError) as error:
                # Nothing is lost: the leases end, and the next sweep tries again.
                self.metrics.maintenance_failed("parked_facts")
                structlog.get_logger().warning("sweep failed", exc_info=error)
            with suppress(TimeoutError):
                await asyncio.wait_for(self.parking.news.wait(), self.interval_s)

    async def once(self) -> int:
        """Look at one batch, and return how many found their end."""
        now = self.clock.now()
        claimed = await self.parking.parked.claim_ready(
            now=now, lease_until=now + timedelta(seconds=_LEASE_S), limit=_AT_ONCE
        )
        if not claimed:
            return 0
        told = await self._tell([(one, self._read(one)) for one in claimed])
        ended = [one.id for one, what in told if await self._ends(one, what)]
        await self.parking.parked.remove(ended)
        return len(ended)

    def _read(self, parked: ParkedMessage) -> Work | Fault:
        try:
            message = read_message(parked.message, limit_bytes=self.limit_bytes)
        except UnreadableMessageError as error:
            return Fault(error.code, error.detail)
        return Work(parked.message, message)

    async def _tell(self, read: Sequence[tuple[ParkedMessage, Work | Fault]]) -> Sequence[tuple[ParkedMessage, Told]]:
        told = iter(await self.tell([one for _, one in read if isinstance(one, Work)]))
        return [(parked, one if isinstance(one, Fault) else next(told)) for parked, one in read]

    async def _ends(self, parked: ParkedMessage, told: Told) -> bool:
        """Bring one message to its end where it has one; what is still early stays, until it has waited too long."""
        if _early(told):
            if parked.expires_at > self.clock.now():
                return False
            told = _TOO_LONG
        if isinstance(told, Fault):
            await self.burying(parked.message, told)
        self.metrics.stream_message(parked.message.topic, _end(told))
        return True
