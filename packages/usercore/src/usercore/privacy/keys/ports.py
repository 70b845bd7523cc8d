"""What keeping keys asks of the world outside."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Protocol

from attrs import frozen


class Plain(StrEnum):
    """What may still lie in the clear, from before it was sealed."""

    HISTORY = "history"
    OUTBOX = "outbox"
    DEAD_LETTERS = "dead_letters"
    PARKED = "parked"


@frozen
class KeysStanding:
    """How the keys stand.

    Args:
        current: the version of the master key that wraps what is new.
        users: how many users' keys each version wraps.
        service: how many of the service's own keys each version wraps.
        plain: how many rows of each sort lie in the clear.
    """

    current: int
    users: Mapping[int, int]
    service: Mapping[int, int]
    plain: Mapping[Plain, int]

    @property
    def outdated(self) -> int:
        """How many keys an older master key wraps."""
        return sum(
            count
            for counts in (self.users, self.service)
            for version, count in counts.items()
            if version != self.current
        )


@frozen
class SealedBatch:
    """What one call sealed.

    Args:
        sealed: how many rows.
        next: where the next call goes on, or None where nothing is left.
    """

    sealed: int
    next: str | None


class KeyStore(Protocol):
    """Keeps wrapped keys. Safe beside running copies of the service, and beside itself."""

    async def standing(self) -> KeysStanding:
        """Return how the keys stand.

        Raises:
            UnavailableError: the database does not answer.
        """
        ...

    async def rewrap(self, limit: int) -> int:
        """Wrap keys that an older master key wraps with the current one, and return how many; 0 where none is left.

        What a key opens stays as it is. A key that is deleted meanwhile stays deleted.

        Raises:
            MasterKeyMissingError: the older master key was not given.
            UnavailableError: the database does not answer.
        """
        ...

    async def seal(self, what: Plain, *, after: str | None, limit: int) -> SealedBatch:
        """Seal rows that lie in the clear behind a place, those of a user with the user's key.

        A user who has no key gets one; what is left of an erased user is emptied.

        Args:
            what: which rows.
            after: where the last call said to go on; None for the beginning.
            limit: the most rows to look at.

        Raises:
            UnavailableError: the database does not answer.
        """
        ...
