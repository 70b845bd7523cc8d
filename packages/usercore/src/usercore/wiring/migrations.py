"""The database's tables for runners: bring them up to date, back, or see where they stand."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import ClassVar

from alembic.util import CommandError
from attrs import define

from usercore.adapters.sql import migrating, open_database
from usercore.adapters.sql.migrating import Limits, Phase, SchemaStatus, SchemaVersion, Told
from usercore.adapters.sql.partitions import OutboxPartitions, Partition
from usercore.kernel.errors import InvalidError
from usercore.settings import DatabaseSettings

__all__ = [
    "Partition",
    "Phase",
    "RevisionUnknownError",
    "SchemaStatus",
    "SchemaVersion",
    "Told",
    "downgrade",
    "partitions",
    "status",
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
        return await migrating.upgrade(_url(settings), revision, contract=contract, limits=_limits(settings), told=told)


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
