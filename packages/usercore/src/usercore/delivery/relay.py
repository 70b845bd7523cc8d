"""Publish what the outbox holds."""

import asyncio
from datetime import datetime

from attrs import field, frozen

from usercore.delivery.ports import EventPublisher, OutboxBatch, OutboxShards
from usercore.kernel.errors import UnavailableError
from usercore.kernel.ports import Clock


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


@frozen
class RelayOutbox:
    """Publishes events in the order of their users' versions, each at least once. Safe to run in many places."""

    shards: OutboxShards
    publisher: EventPublisher
    clock: Clock
    limits: RelayLimits = field(factory=RelayLimits)

    async def __call__(self) -> Relayed | None:
        """Publish one batch and return it; None where nothing is to be published that nobody else is at.

        Raises:
            UnavailableError: database or brokers do not answer. Nothing is lost: all of it comes again.
            UserCoreError: the brokers do not take an event; those of its shard wait behind it.
        """
        limits = self.limits
        published_at: list[datetime] = []

        async def publish(batch: OutboxBatch) -> datetime:
            published_at.append(await self._publish(batch))
            return published_at[-1]

        batch = await self.shards.drain(
            publish, shards=limits.shards, limit=limits.batch, patience_s=limits.publish_timeout_s
        )
        return None if batch is None else Relayed(batch, published_at[-1])

    async def _publish(self, batch: OutboxBatch) -> datetime:
        try:
            async with asyncio.timeout(self.limits.publish_timeout_s):
                await self.publisher.publish(batch.messages, batch.profiles)
        except TimeoutError:
            raise UnavailableError("the brokers did not acknowledge in time; all of it is published again") from None
        return self.clock.now()
