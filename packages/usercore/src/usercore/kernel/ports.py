"""Time and identity, as the features ask for them."""

from datetime import datetime
from typing import Protocol

from usercore.kernel.ids import EventId, UserId


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> datetime:
        """Return the time now: aware, in UTC, whole microseconds."""
        ...


class IdGenerator(Protocol):
    """Makes identifiers that no one has used and no one can guess."""

    def user_id(self) -> UserId:
        """Return a new UUIDv7 in canonical text form."""
        ...

    def event_id(self) -> EventId:
        """Return a new UUIDv7 in canonical text form."""
        ...


class KeyedHasher(Protocol):
    """Hashes values with a key that only this service has, so that they can be found again and not guessed."""

    async def digest(self, purpose: str, value: str) -> bytes:
        """Return the HMAC-SHA256 of a value, 32 bytes; the same value of another purpose has another.

        Raises:
            UnavailableError: the key cannot be read.
        """
        ...
