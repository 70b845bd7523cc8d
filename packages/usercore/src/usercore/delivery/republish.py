"""Publish what users are now, whether or not anything happened to them."""

import asyncio
from collections.abc import Sequence

from attrs import frozen

from usercore.delivery.ports import EventPublisher, OutboxShards, ProfileState
from usercore.kernel.errors import UnavailableError
from usercore.kernel.ids import UserId


@frozen
class RepublishProfiles:
    """Publishes the state of users page by page, never an older one behind a newer one.

    Args:
        shards: hold back the relay meanwhile.
        publisher: publishes.
        timeout_s: how long the brokers may take to acknowledge a page.
    """

    shards: OutboxShards
    publisher: EventPublisher
    timeout_s: float

    async def __call__(self, *, after: UserId | None, limit: int) -> Sequence[ProfileState]:
        """Publish a page of users behind `after`, by id, and return it; empty where there are no more.

        Raises:
            UnavailableError: database or brokers do not answer; publish the page again.
        """
        return await self.shards.republish(self._publish, after=after, limit=limit, patience_s=self.timeout_s)

    async def _publish(self, states: Sequence[ProfileState]) -> None:
        try:
            async with asyncio.timeout(self.timeout_s):
                await self.publisher.publish((), states)
        except TimeoutError:
            raise UnavailableError("the brokers did not acknowledge in time; go on later") from None
