"""Pages of what is set aside."""

from attrs import frozen

from usercore.kernel.paging import Page
from usercore.messaging.ports import ParkedMessages
from usercore.messaging.values import ParkedLine
from usercore.users.queries import require_limit


@frozen
class ListParked:
    """Lists messages that wait for what they tell of, the oldest first."""

    parked: ParkedMessages

    async def __call__(self, *, after: str | None = None, limit: int = 50) -> Page[ParkedLine]:
        """Return one page.

        Args:
            after: the cursor of the page before.
            limit: the most on a page.

        Raises:
            QueryInvalidError: the limit is out of range.
        """
        require_limit(limit)
        return await self.parked.page(after=after, limit=limit)
