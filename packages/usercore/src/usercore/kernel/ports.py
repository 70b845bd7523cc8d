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
