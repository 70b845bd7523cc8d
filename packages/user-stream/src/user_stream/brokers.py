"""Whether the brokers answer: asked now and then, whoever wants to know how often."""

import asyncio
import time
from typing import Final, Protocol

from usercore.kernel.errors import UserCoreError

__all__ = ["BrokerCheck"]

_FRESH_S: Final = 5.0


class Topics(Protocol):
    """Looks at topics."""

    async def ensure(self, names: tuple[str, ...]) -> None:
        """Return once those topics are there."""
        ...


class BrokerCheck:
    """Remembers for some seconds how the brokers stand: a question costs a connection.

    Args:
        topics: asks the brokers.
    """

    def __init__(self, topics: Topics) -> None:
        self._topics = topics
        self._asking = asyncio.Lock()
        self._known: tuple[float, str] | None = None

    async def __call__(self) -> str:
        """Return ``ok`` or ``down``."""
        async with self._asking:
            if self._known is None or time.monotonic() - self._known[0] > _FRESH_S:
                self._known = (time.monotonic(), await self._ask())
            return self._known[1]

    async def _ask(self) -> str:
        try:
            await self._topics.ensure(())
        except UserCoreError:
            return "down"
        return "ok"
