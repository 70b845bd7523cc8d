"""What the consents ask of the world outside."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from usercore.kernel.ids import UserId
from usercore.privacy.consents.values import LedgerEntry, Purpose


class PurposeRegistry(Protocol):
    """Keeps the purposes that the operator registered."""

    async def all(self) -> Sequence[Purpose]:
        """Return every purpose, by name. A registration that was acknowledged is seen at once."""
        ...

    async def put(self, purpose: Purpose) -> None:
        """Add a purpose, or replace the one of the same name."""
        ...


class ConsentLedger(Protocol):
    """Reads what users said. Lines are written with the change of the user, and never changed.

    Erasure alone may take the proof out of a line.
    """

    async def latest(self, user_id: UserId, *, up_to_version: int | None = None) -> Mapping[str, LedgerEntry]:
        """Return the last line for each purpose, by its name.

        Args:
            user_id: known or not.
            up_to_version: look only at lines of this version of the user and older ones.

        Raises:
            UnavailableError: the database does not answer.
        """
        ...

    async def entries(self, user_id: UserId, *, below_version: int | None, limit: int) -> Sequence[LedgerEntry]:
        """Return at most `limit` lines, newest first, of versions below the one given.

        Raises:
            UnavailableError: the database does not answer.
        """
        ...
