"""What is old: found, deleted, and told of."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from attrs import frozen

from usercore.adapters.sql import retention_statements as sql
from usercore.adapters.sql.audit import append
from usercore.adapters.sql.engine import Database, Row, Session, fetch
from usercore.adapters.sql.mapping import utc
from usercore.adapters.sql.privacy_requests import TO_DELIVERIES
from usercore.adapters.sql.rows import dump_deliveries
from usercore.delivery.answers import delivery_of_notice, entry_of_notice
from usercore.kernel.ids import UserId
from usercore.privacy.retention.ports import Notice, RetentionStore
from usercore.privacy.retention.values import Due, Kept, Step, Unused


@frozen
class SqlRetentionStore:
    """Finds and deletes what is old."""

    database: Database

    async def due(self, kept: Kept, before: datetime) -> Due:
        """Return how many rows are older than a time."""
        [row] = await self.database.fetch(sql.OLD[kept].due, before)
        return _due(row)

    async def delete(self, kept: Kept, before: datetime, limit: int) -> int:
        """Delete rows that are older than a time, the oldest first, and return how many went."""
        return len(await self.database.write(lambda opened: fetch(opened, sql.OLD[kept].delete, before, limit)))

    async def unused_due(self, step: Step, before: datetime) -> Due:
        """Return how many accounts a step is due for."""
        [row] = await self.database.fetch(sql.UNUSED_DUE[step], before)
        return _due(row)

    async def unused(self, step: Step, before: datetime, limit: int) -> Sequence[Unused]:
        """Return accounts that a step is due for, the longest unused first."""
        rows = await self.database.fetch(sql.UNUSED[step], before, limit)
        return [Unused(UserId(user_id), version, utc(since)) for user_id, version, since in rows]

    async def notice(self, notice: Notice) -> bool:
        """Keep a notice, with what the NotificationService is told and its audit entry."""

        async def attempt(opened: Session) -> bool:
            if not await fetch(opened, sql.STANDS, notice.user.id, notice.user.version):
                return False
            await fetch(opened, sql.NOTICE, notice.user.id, notice.at, notice.event_id)
            await fetch(opened, TO_DELIVERIES, dump_deliveries([delivery_of_notice(notice)]))
            await append(opened, [entry_of_notice(notice)])
            return True

        return await self.database.write(attempt)

    async def lease(self, *, now: datetime, until: datetime) -> bool:
        """Take the right to run the schedule until a time; False where somebody else has it."""
        return bool(await self.database.write(lambda opened: fetch(opened, sql.LEASE, now, until)))

    async def renew(self, until: datetime) -> None:
        """Keep the right until a later time."""
        await self.database.write(lambda opened: fetch(opened, sql.RENEW, until))

    async def release(self, *, now: datetime, ran: bool) -> None:
        """Give the right back, and remember when the schedule was last run to its end."""
        await self.database.write(lambda opened: fetch(opened, sql.RELEASE, now, ran))

    async def last_run(self) -> datetime | None:
        """Return when the schedule was last run to its end, or None."""
        [(at,)] = await self.database.fetch(sql.LAST_RUN)
        return None if at is None else utc(at)


def _due(row: Row) -> Due:
    count, oldest, held = row
    return Due(count, None if oldest is None else utc(oldest), held)


if TYPE_CHECKING:

    def _conforms(database: Database) -> RetentionStore:
        return SqlRetentionStore(database)
