"""What retention asks of the world outside."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from attrs import frozen

from usercore.kernel.context import CommandContext
from usercore.kernel.ids import EventId
from usercore.privacy.retention.values import Due, Kept, Part, Step, Trail, Unused
from usercore.users.model import User


@frozen
class Notice:
    """Word to a person that their account is going to be deactivated.

    Args:
        user: who, as they were when the account was found unused.
        event_id: names the notice.
        at: when it is given.
        deactivates_at: when the account is deactivated, unless it is used until then.
        context: who ran the schedule.
    """

    user: User
    event_id: EventId
    at: datetime
    deactivates_at: datetime
    context: CommandContext


class RetentionStore(Protocol):
    """Finds and deletes what is old. Nothing of a user whose data is held by a legal hold is found or deleted."""

    async def due(self, kept: Kept, before: datetime) -> Due:
        """Return how many rows are older than a time.

        Raises:
            UnavailableError: the database does not answer.
        """
        ...

    async def delete(self, kept: Kept, before: datetime, limit: int) -> int:
        """Delete rows that are older than a time, the oldest first, and return how many went."""
        ...

    async def unused_due(self, step: Step, before: datetime) -> Due:
        """Return how many accounts a step is due for: whose time, by :class:`Unused`, lies before another.

        An account in use since its notice is not due for its deactivation, but for a new notice once its time comes.
        A restricted account is due for nothing.
        """
        ...

    async def unused(self, step: Step, before: datetime, limit: int) -> Sequence[Unused]:
        """Return accounts that a step is due for, the longest unused first."""
        ...

    async def notice(self, notice: Notice) -> bool:
        """Keep a notice, with what the NotificationService is told and its audit entry: all or nothing.

        Returns:
            False where the user has changed since, so that nothing was written.
        """
        ...

    async def lease(self, *, now: datetime, until: datetime) -> bool:
        """Take the right to run the schedule until a time; False where somebody else has it."""
        ...

    async def renew(self, until: datetime) -> None:
        """Keep the right until a later time."""
        ...

    async def release(self, *, now: datetime, ran: bool) -> None:
        """Give the right back, and remember when the schedule was last run to its end."""
        ...

    async def last_run(self) -> datetime | None:
        """Return when the schedule was last run to its end, or None."""
        ...


class TrailParts(Protocol):
    """Keeps history and the audit trail in parts of a quarter each. Whatever has no part of its own is in the rest."""

    async def all(self) -> Sequence[Part]:
        """Return all parts, trail by trail, the oldest first; nothing where there are none.

        Raises:
            UnavailableError: the database does not answer.
        """
        ...

    async def extend(self, now: datetime) -> Mapping[Trail, int]:
        """Make parts ahead of a time, where that is allowed to us and nobody is in the way.

        Returns:
            Of each trail that has parts, how many begin after that time.

        Raises:
            UnavailableError: the database does not answer.
        """
        ...
