"""The database's tables for runners: bring them up to date, back, or see where they stand."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar

from alembic.util import CommandError
from attrs import define

from usercore.adapters.sql import migrating
from usercore.adapters.sql.migrating import SchemaStatus
from usercore.kernel.errors import InvalidError
from usercore.settings import DatabaseSettings

__all__ = ["RevisionUnknownError", "SchemaStatus", "downgrade", "status", "upgrade"]


@define(auto_exc=True, eq=False)
class RevisionUnknownError(InvalidError):
    """There is no such version of the tables, or no way to it from where they are."""

    code: ClassVar[str] = "revision_unknown"
    summary: ClassVar[str] = "There is no such version of the database's tables on the way"


async def upgrade(settings: DatabaseSettings, revision: str = "head") -> SchemaStatus:
    """Bring the tables forward; nothing happens where they are there already.

    Raises:
        RevisionUnknownError: there is no such version.
        UnavailableError: the database does not answer, or a table stayed locked.
    """
    with _known():
        return await migrating.upgrade(settings.url.reveal(), revision, lock_timeout_s=settings.lock_timeout_s)


async def downgrade(settings: DatabaseSettings, revision: str) -> SchemaStatus:
    """Take the tables back; what later versions added is lost.

    Raises:
        RevisionUnknownError: there is no such version.
        UnavailableError: the database does not answer, or a table stayed locked.
    """
    with _known():
        return await migrating.downgrade(settings.url.reveal(), revision, lock_timeout_s=settings.lock_timeout_s)


async def status(settings: DatabaseSettings) -> SchemaStatus:
    """Return where the tables stand.

    Raises:
        RevisionUnknownError: they are at a version that this library does not know.
        UnavailableError: the database does not answer.
    """
    with _known():
        return await migrating.status(settings.url.reveal())


@contextmanager
def _known() -> Iterator[None]:
    try:
        yield
    except CommandError:
        raise RevisionUnknownError from None
