"""Users whose cached values a committed write should have deleted and could not."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from itertools import islice
from typing import Final

from attrs import frozen

from usercore.adapters.redis.steps import CacheDownError
from usercore.kernel.ids import UserId

MOST_OWED: Final = 100_000
"""Users remembered by name; beyond that the cache is simply not used until every value in it has expired."""
_AT_ONCE: Final = 1000
_REST_S: Final = 0.1


@frozen(eq=False)
class _Debt:
    """What one write owes; `until` is when the stale values are gone by themselves."""

    until: float


class OwedInvalidations:
    """Remembers users until their values are deleted. As long as it is true, this process uses no cached value.

    Other copies of the service cannot know of the debt. What they may show meanwhile is bounded by the
    values' expiry, and ends when the server can be reached from here again.

    Args:
        invalidate: deletes values and leases.
        stale_s: a value that was stale when the debt was made is gone by itself after this.
        clock: seconds that never run backwards.
    """

    def __init__(
        self,
        invalidate: Callable[[Sequence[UserId]], Awaitable[None]],
        stale_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._invalidate = invalidate
        self._stale_s = stale_s
        self._clock = clock
        self._owed: dict[UserId, _Debt] = {}
        self._blind_until = 0.0
        self._payer: asyncio.Task[None] | None = None

    def __bool__(self) -> bool:
        """Return whether cached values may be stale."""
        return bool(self._owed) or self._clock() < self._blind_until

    def owe(self, ids: Sequence[UserId]) -> None:
        """Remember users, and delete their values as soon as that is possible."""
        debt = _Debt(self._clock() + self._stale_s)
        self._owed.update(dict.fromkeys(ids, debt))
        if len(self._owed) > MOST_OWED:
            self._owed.clear()
            self._blind_until = debt.until
        elif self._payer is None or self._payer.done():
            self._payer = asyncio.create_task(self._pay_until_free())

    async def aclose(self) -> None:
        """Try once more and give up."""
        if self._payer is not None:
            self._payer.cancel()
            await asyncio.wait([self._payer])
        if self._owed:
            await self._pay()

    async def _pay_until_free(self) -> None:
        while self._owed:
            if not await self._pay():
                await asyncio.sleep(_REST_S)

    async def _pay(self) -> bool:
        """Delete some values; return whether the server took it."""
        some = dict(islice(self._owed.items(), _AT_ONCE))
        try:
            await self._invalidate(list(some))
        except CacheDownError:
            now = self._clock()
            self._owed = {user_id: debt for user_id, debt in self._owed.items() if debt.until > now}
            return False
        for user_id, debt in some.items():
            # Another debt means that another write came while this was under way, and needs its own deletion.
            if self._owed.get(user_id) is debt:
                del self._owed[user_id]
        return True
