"""The database's tables for runners: bring them up to date, back, or see where they stand."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import ClassVar

from alembic.util import CommandError
from attrs import define, evolve

from usercore.adapters.sql import migrating, open_database
from usercore.adapters.sql.migrating import Limits, Phase, SchemaStatus, SchemaVersion, Told
from usercore.adapters.sql.partitions import OutboxPartitions, Partition
from usercore.adapters.sql.trail_parts import SqlTrailParts
from usercore.kernel.errors import InvalidError
from usercore.privacy.retention.values import Part
from usercore.settings import DatabaseSettings

__all__ = [
    "Part",
    "Partition",
    "Phase",
    "RevisionUnknownError",
    "SchemaStatus",
    "SchemaVersion",
    "Told",
    "downgrade",
    "partitions",
    "status",
    "trail_parts",
    "upgrade",
]


@define(auto_exc=True, eq=False)
class RevisionUnknownError(InvalidError):
    """There is no such version of the tables, or no way to it from where they are."""

    code: ClassVar[str] = "revision_unknown"
    summary: ClassVar[str] = "There is no such version of the database's tables on the way"


async def upgrade(
    settings: DatabaseSettings, revision: str = "head", *, contract: bool = False, told: Told = lambda _: None
) -> SchemaStatus:
    """Bring the tables forward; nothing happens where they are there already.

    Args:
        settings: where they are.
        revision: how far; ``head`` is the newest.
        contract: take away what older copies use, too. Without it the way ends before the first version that does,
            unless the database is empty.
        told: hears of each version, and of each try that was in vain.

    Raises:
        RevisionUnknownError: there is no such version.
        UnavailableError: the database does not answer, or a table stayed locked.
    """
    with _known():
        reached = await migrating.upgrade(
            _url(settings), revision, contract=contract, limits=_limits(settings), told=told
        )
    await _make_parts(settings)
    return reached


async def downgrade(settings: DatabaseSettings, revision: str, *, told: Told = lambda _: None) -> SchemaStatus:
    """Take the tables back; what later versions added is lost.

    Raises:
        RevisionUnknownError: there is no such version.
        UnavailableError: the database does not answer, or a table stayed locked.
    """
    with _known():
        return await migrating.downgrade(_url(settings), revision, limits=_limits(settings), told=told)


async def status(settings: DatabaseSettings) -> SchemaStatus:
    """Return where the tables stand.

    Raises:
        RevisionUnknownError: they are at a version that this library does not know.
        UnavailableError: the database does not answer.
    """
    with _known():
        return await migrating.status(_url(settings))


async def partitions(settings: DatabaseSettings) -> Sequence[Partition]:
    """Return the parts of the outbox, the oldest first.

    Raises:
        UnavailableError: the database does not answer, or the tables are not up to date.
    """
    async with open_database(settings) as database:
        return await OutboxPartitions(database).all()


async def trail_parts(settings: DatabaseSettings) -> Sequence[Part]:
    """Return the parts of history and of the audit trail, the oldest first.

    Raises:
        UnavailableError: the database does not answer.
    """
    async with open_database(settings) as database:
        return await SqlTrailParts(database).all()


async def _make_parts(settings: DatabaseSettings) -> None:
    """Make parts ahead as who owns the tables: the service may be another role."""
    owner = evolve(settings, url=settings.migration_url or settings.url)
    async with open_database(owner) as database:
        await SqlTrailParts(database).extend(datetime.now(UTC))


def _url(settings: DatabaseSettings) -> str:
    return (settings.migration_url or settings.url).reveal()


def _limits(settings: DatabaseSettings) -> Limits:
    return Limits(settings.migration_lock_timeout_s, settings.migration_tries)


@contextmanager
def _known() -> Iterator[None]:
    try:
        yield
    except CommandError:
        raise RevisionUnknownError from None
