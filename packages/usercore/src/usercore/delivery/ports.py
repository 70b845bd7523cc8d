"""The services around us, and the queue of what they have not heard yet."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from attrs import field, frozen

from usercore.delivery.values import Delivery
from usercore.kernel.ids import EventId, UserId


class DeliveryQueue(Protocol):
    """Keeps deliveries until they are acknowledged. Writing them is part of committing a change."""

    async def claim(self, *, now: datetime, lease_until: datetime, limit: int) -> Sequence[Delivery]:
        """Take deliveries that are due, the oldest first; no one else is given them before the lease ends.

        Of one user and one recipient only the oldest is given, so that a recipient hears of a user's
        changes in their order.
        """
        ...

    async def acknowledge(self, deliveries: Sequence[Delivery], *, now: datetime) -> None:
        """Mark as heard, and empty payload and secret."""
        ...

    async def postpone(self, delivery: Delivery, *, due_at: datetime) -> None:
        """Count a failed try and wait until `due_at`."""
        ...

    async def waiting(self) -> int:
        """Return how many have not been acknowledged."""
        ...


class AuthenticationService(Protocol):
    """Keeps credentials: provisions them, changes their login, disables and enables them."""

    async def credential(self, delivery: Delivery) -> None:
        """Do what the delivery asks; the same delivery again has no further effect.

        Raises:
            UnavailableError: try again later.
        """
        ...


class NotificationService(Protocol):
    """Writes to users."""

    async def notify(self, delivery: Delivery) -> None:
        """Send what the delivery asks for; the same delivery again sends nothing.

        Raises:
            UnavailableError: try again later.
        """
        ...


class AuditService(Protocol):
    """Keeps the company's audit trail."""

    async def record(self, delivery: Delivery) -> None:
        """Keep the entry; the same entry again has no further effect.

        Raises:
            UnavailableError: try again later.
        """
        ...


@frozen
class OutboxMessage:
    """One event on its way out.

    Args:
        position: where it stands in the outbox; larger is later for one user.
        event_id: its id for ever.
        message: its name in the event catalogue.
        user_id: its key.
        sequence: the user's version.
        occurred_at: aware, UTC.
        payload: JSON in UTF-8, valid against the catalogue's schema.
        headers: what else is known: actor, cause, correlation, trace.
        topic: where it is published, without the deployment's prefix.
        aggregate: ``user``, or ``command`` for the answer to one; then `user_id` is a number of the command's own.
    """

    position: int
    event_id: EventId
    message: str
    user_id: UserId
    sequence: int
    occurred_at: datetime
    payload: bytes = field(repr=False)
    headers: tuple[tuple[str, str], ...] = ()
    topic: str = field(kw_only=True)
    aggregate: str = field(default="user", kw_only=True)


class EventPublisher(Protocol):
    """Publishes events to everybody who listens."""

    async def publish(self, messages: Sequence[OutboxMessage]) -> None:
        """Publish in the order given and return once all are acknowledged.

        Raises:
            UnavailableError: some may not have been published; publish all of them again.
        """
        ...


class OutboxReader(Protocol):
    """Looks at the outbox without taking anything from it."""

    async def pending(self) -> int:
        """Return how many events have not been published."""
        ...

    async def messages(self, *, after: int, limit: int) -> Sequence[OutboxMessage]:
        """Return messages behind a position, in order, published or not."""
        ...
