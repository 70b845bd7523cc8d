"""From what PostgreSQL, its driver and its pool raise to the errors of the kernel: the one place for it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

import psycopg
from psycopg import errors as postgres
from sqlalchemy import exc

from usercore.kernel.errors import ExhaustedError, UnavailableError, UserCoreError
from usercore.kernel.inbox import AlreadyAppliedError
from usercore.users.errors import EmailTakenError, ExternalIdTakenError, UserExistsError, UsernameTakenError

TAKEN: Final[Mapping[str, type[UserCoreError]]] = {
    "uq_users_email_canonical": EmailTakenError,
    "uq_users_username_canonical": UsernameTakenError,
    "uq_users_external_id": ExternalIdTakenError,
    "pk_users": UserExistsError,
    "pk_inbox": AlreadyAppliedError,
}
"""What each unique constraint stands for, in the order in which a refusal names it."""

_NOT_ANSWERING: Final = (
    postgres.OperationalError,  # lost, refused, cancelled, timed out, out of resources, deadlocked
    postgres.InterfaceError,  # the connection is closed
    postgres.IdleInTransactionSessionTimeout,
    postgres.ReadOnlySqlTransaction,  # a standby that has not been promoted yet
)
_NOT_MIGRATED: Final = (postgres.UndefinedTable, postgres.UndefinedColumn)
_COLLIDED: Final = (postgres.DeadlockDetected, postgres.SerializationFailure, postgres.UniqueViolation)


class LostError(Exception):
    """The connection was gone before anything was done on it, so that doing it again is safe."""


@contextmanager
def translated() -> Iterator[None]:
    """Raise what the kernel knows in place of what the database raises.

    Raises:
        UnavailableError: the database does not answer, or not in time.
        ExhaustedError: no connection became free in time; nothing was done.
    """
    try:
        yield
    except exc.TimeoutError as error:
        detail = "the database has more to do than it has connections for; try again later"
        raise ExhaustedError(detail) from error
    except TimeoutError as error:
        detail = "the database did not answer in time; try again later"
        raise UnavailableError(detail) from error
    except (psycopg.Error, exc.DBAPIError, LostError) as error:
        if isinstance(cause(error), _NOT_MIGRATED):
            raise UnavailableError("the tables are not up to date: userctl db upgrade") from error
        if isinstance(cause(error), (LostError, *_NOT_ANSWERING)):
            raise UnavailableError("the database does not answer; try again later") from error
        raise


def cause(error: BaseException) -> BaseException:
    """Return the driver's own error where SQLAlchemy has wrapped it."""
    if isinstance(error, exc.DBAPIError) and error.orig is not None:
        return error.orig
    return error


def is_lost(error: BaseException) -> bool:
    """Return whether the server closed the connection, or was gone when it was next used."""
    state = getattr(cause(error), "sqlstate", None)
    return isinstance(cause(error), postgres.OperationalError) and (state is None or state.startswith("57P"))


def collided(error: psycopg.Error) -> bool:
    """Return whether rows written together stood in the way of others, so that one by one they may pass."""
    return isinstance(error, _COLLIDED)


def refusal_of(error: postgres.UniqueViolation) -> UserCoreError:
    """Return what a unique violation means, by the name of its constraint.

    Raises:
        UniqueViolation: the constraint is one that no change of ours may break.
    """
    leaf = TAKEN.get(error.diag.constraint_name or "")
    if leaf is None:
        raise error
    return leaf()
