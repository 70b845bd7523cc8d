"""What stands in topics."""

import asyncio
from contextlib import aclosing

from usercore.messaging.values import RawMessage
from usercore.settings import KafkaSettings
from usercore.wiring.messaging import tail_topics


def arrived(settings: KafkaSettings, topic: str, count: int) -> list[RawMessage]:
    """Read so many messages of a topic, from its beginning on."""
    return asyncio.run(_arrived(settings, topic, count))


async def _arrived(settings: KafkaSettings, topic: str, count: int) -> list[RawMessage]:
    found: list[RawMessage] = []
    async with asyncio.timeout(30), aclosing(tail_topics(settings, (topic,), last=None)) as messages:
        async for message in messages:
            found.append(message)
            if len(found) == count:
                break
    return found
