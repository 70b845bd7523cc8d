"""What a user did elsewhere, and what it amounts to."""

from attrs import frozen

from usercore.activity.pages import FactPosition, read_cursor, write_cursor
from usercore.activity.ports import ActivityReader, FactEntry
from usercore.activity.summary import ActivitySummary, LoyaltyTiers, summarise
from usercore.activity.values import FactKind
from usercore.kernel.ids import UserId
from usercore.kernel.paging import Page
from usercore.users.history import present
from usercore.users.ports import UserReader
from usercore.users.queries import PAGE_DEFAULT, require_limit


@frozen
class Activity:
    """Some of a user's facts, and what all of them amount to."""

    page: Page[FactEntry]
    summary: ActivitySummary


@frozen
class ReadActivity:
    """Reads a user's activity, newest first.

    Args:
        users: says who lives.
        activity: where facts are kept.
        tiers: of the loyalty programme.
    """

    users: UserReader
    activity: ActivityReader
    tiers: LoyaltyTiers

    async def __call__(
        self,
        user_id: UserId,
        *,
        kinds: frozenset[FactKind] = frozenset(),
        cursor: str | None = None,
        limit: int = PAGE_DEFAULT,
    ) -> Activity:
        """Return one page of facts, and the summary of all.

        Args:
            user_id: whose.
            kinds: what to show; empty means every kind. The summary is of all kinds.
            cursor: that of the page before, or None for the first page.
            limit: 1 to :data:`PAGE_MAX` facts.

        Raises:
            QueryInvalidError: the limit is out of range, or the cursor is not ours.
            UserNotFoundError: there is no such user.
            UserErasedError: the user has been erased.
            UserMergedError: the account was merged into another.
        """
        require_limit(limit, "facts")
        after = None if cursor is None else read_cursor(cursor)
        summary = await self.summary(user_id)
        entries = await self.activity.entries(user_id, kinds=kinds or frozenset(FactKind), after=after, limit=limit + 1)
        page = tuple(entries[:limit])
        more = len(entries) > limit
        return Activity(Page(page, write_cursor(_position(page[-1])) if more else None), summary)

    async def summary(self, user_id: UserId) -> ActivitySummary:
        """Return what a user's activity amounts to.

        Raises:
            UserNotFoundError: there is no such user.
            UserErasedError: the user has been erased.
            UserMergedError: the account was merged into another.
        """
        await present(self.users, user_id)
        return summarise((await self.activity.tallies([user_id]))[user_id], self.tiers)


def _position(entry: FactEntry) -> FactPosition:
    return FactPosition(entry.fact.at, entry.event_id)
