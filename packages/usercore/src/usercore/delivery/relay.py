"""Publish what the outbox holds."""

import asyncio
from datetime import datetime, timedelta
from typing import Final

from attrs import define, field, frozen

from usercore.delivery.ports import EventPublisher, OutboxBatch, OutboxShards
from usercore.kernel.errors import UnavailableError, UserCoreError
from usercore.kernel.ports import Clock

REFUSED_FOR: Final = timedelta(seconds=30)
"""How long a shard is left alone of which the brokers did not take an event."""


@frozen
class RelayLimits:
    """How much is published at once.

    Args:
        batch: about how many events.
        shards: of how many of the 64 shards at most, so that others find some.
        publish_timeout_s: how long the brokers may take to acknowledge them.
    """

    batch: int = 1000
    shards: int = 16
    publish_timeout_s: float = 8.0


@frozen
class Relayed:
    """What one call published.

    Args:
        batch: the events.
        at: when the brokers had acknowledged all of them.
    """

    batch: OutboxBatch
    at: datetime


@define
class _Refusals:
    """Shards with an event that the brokers do not take, and until when each is left alone.

    Args:
        shards: those that are known.
        searching: whether shards are published one by one, to find out which it is.
    """

    shards: dict[int, datetime] = field(factory=dict)
    searching: bool = False

    def current(self, now: datetime) -> tuple[int, ...]:
        """Return the shards to be left alone now."""
        self.shards = {shard: until for shard, until in self.shards.items() if until > now}
        return tuple(self.shards)

    def note(self, batch: OutboxBatch, until: datetime) -> None:
        """Remember that a batch was refused."""
        if self.searching:
            self.shards |= dict.fromkeys(batch.shards, until)
        self.searching = True


@frozen
class RelayOutbox:
    """Publishes events in the order of their users' versions, each at least once. Safe to run in many places."""

    shards: OutboxShards
    publisher: EventPublisher
    clock: Clock
    limits: RelayLimits = field(factory=RelayLimits)
    _refusals: _Refusals = field(factory=_Refusals, init=False)

    async def __call__(self) -> Relayed | None:
        """Publish one batch and return it; None where nothing is to be published that nobody else is at.

        Raises:
            UnavailableError: database or brokers do not answer. Nothing is lost: all of it comes again.
            UserCoreError: the brokers do not take an event. The events of its shard wait behind it and are tried
                again now and then; the next calls publish the others.
        """
        acknowledged = self.clock.now()

        async def publish(batch: OutboxBatch) -> datetime:
            nonlocal acknowledged
            await self._publish(batch)
            acknowledged = self.clock.now()
            return acknowledged

        avoid = self._refusals.current(acknowledged)
        batch = await self.shards.drain(
            publish,
            shards=1 if self._refusals.searching else self.limits.shards,
            limit=self.limits.batch,
            patience_s=self.limits.publish_timeout_s,
            avoid=avoid,
        )
        if batch is None:
            self._refusals.searching = bool(avoid)
            return None
        return Relayed(batch, acknowledged)

    async def _publish(self, batch: OutboxBatch) -> None:
        try:
            async with asyncio.timeout(self.limits.publish_timeout_s):
                await self.publisher.publish(batch.messages, batch.profiles)
        except TimeoutError:
            raise UnavailableError("the brokers did not acknowledge in time; all of it is published again") from None
        except UnavailableError:
            raise
        except UserCoreError:
            self._refusals.note(batch, self.clock.now() + REFUSED_FOR)
            raise
