"""The services around us, and the queue of what they have not heard yet."""

from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import datetime
from typing import Protocol

from attrs import field, frozen

from usercore.delivery.values import Delivery, DeliveryFilter, DeliveryLine, DeliveryStanding, Recipient
from usercore.kernel.ids import EventId, UserId
from usercore.kernel.paging import Page


class DeliveryQueue(Protocol):
    """Keeps deliveries until they are acknowledged or given up. Writing them is part of committing a change."""

    async def claim(
        self, *, recipient: Recipient, now: datetime, lease_until: datetime, limit: int
    ) -> Sequence[Delivery]:
        """Take deliveries to a recipient that are due, the oldest first; no one else is given them within the lease.

        Of one user only the oldest that waits is given, so that a recipient hears of a user's changes in their order.
        One that was given up holds up nothing.
        """
        ...

    async def acknowledge(self, deliveries: Sequence[Delivery], *, now: datetime) -> None:
        """Mark as heard, and empty payload and secret."""
        ...

    async def postpone(self, delivery: Delivery, *, due_at: datetime, code: str) -> None:
        """Count a failed try, keep what was wrong with it, and wait until `due_at`."""
        ...

    async def release(self, deliveries: Sequence[Delivery], *, due_at: datetime) -> None:
        """Give back what was not tried: it waits until `due_at`, and nothing is counted."""
        ...

    async def fail(self, delivery: Delivery, *, now: datetime, code: str) -> None:
        """Count a failed try and give the delivery up: it stays, whole, until an operator decides about it."""
        ...

    async def waiting(self) -> int:
        """Return how many have been neither acknowledged nor given up."""
        ...

    async def purge(self, before: datetime) -> int:
        """Forget deliveries that were acknowledged or discarded before a time, and return how many went."""
        ...


@frozen
class Mending:
    """A delivery that no change brings.

    Args:
        delivery: what is to be told.
        version: of the user, for which alone it is right; None where no user has to be there.
    """

    delivery: Delivery
    version: int | None


class DeliveryRecords(Protocol):
    """Shows deliveries, and takes what an operator decides about them."""

    async def page(self, wanted: DeliveryFilter, *, after: str | None, limit: int) -> Page[DeliveryLine]:
        """Return a page of deliveries in the order of their events.

        Args:
            wanted: which ones.
            after: the key with which the page before ended.
            limit: the most on a page.
        """
        ...

    async def get(self, key: str) -> DeliveryLine | None:
        """Return one delivery, or None."""
        ...

    async def retry(self, key: str, *, now: datetime) -> bool:
        """Make a delivery due now, as if it had never been tried; False where it waits for nothing any more.

        Those of its user and recipient that wait come forward with it.
        """
        ...

    async def discard(self, key: str, *, now: datetime, by: str, reason: str) -> bool:
        """Empty a delivery that waits or was given up, and never tell it; False where it is neither."""
        ...

    async def standing(self) -> Sequence[DeliveryStanding]:
        """Return for each recipient how things stand."""
        ...

    async def waiting_of(self, recipient: Recipient, ids: Sequence[UserId]) -> frozenset[UserId]:
        """Return those of the users of whom a delivery to the recipient waits."""
        ...

    async def add(self, mendings: Sequence[Mending]) -> frozenset[EventId]:
        """Keep deliveries behind all others of their users; leave out those whose user is at another version.

        Returns:
            The ids of those that are kept.

        Raises:
            UnavailableError: the database does not answer.
        """
        ...


class DeliveryObserver(Protocol):
    """Is told of every try."""

    def delivery_attempted(self, recipient: str, outcome: str) -> None:
        """Take note of one try: ``delivered``, ``postponed``, ``refused`` or ``given_up``."""
        ...

    def delivery_breaker(self, recipient: str, state: str) -> None:
        """Take note of how a recipient's breaker stands."""
        ...


class AuthenticationService(Protocol):
    """Keeps credentials: provisions them, changes their login, disables, enables and removes them."""

    async def credential(self, delivery: Delivery) -> None:
        """Do what the delivery asks; the same delivery again has no further effect.

        Raises:
            UnavailableError: try again later; a RecipientUnavailableError may say when.
            RecipientRefusedError: never try again.
        """
        ...


class NotificationService(Protocol):
    """Writes to users."""

    async def notify(self, delivery: Delivery) -> None:
        """Send what the delivery asks for; the same delivery again sends nothing.

        Raises:
            UnavailableError: try again later; a RecipientUnavailableError may say when.
            RecipientRefusedError: never try again.
        """
        ...


class AuditService(Protocol):
    """Keeps the company's audit trail."""

    async def record(self, delivery: Delivery) -> None:
        """Keep the entry; the same entry again has no further effect.

        Raises:
            UnavailableError: try again later; a RecipientUnavailableError may say when.
            RecipientRefusedError: never try again.
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


@frozen
class ProfileState:
    """A user's latest profile, as the compacted topic keeps it.

    Args:
        user_id: its key.
        version: the user's version; a consumer ignores one that is lower than what it has.
        body: the profile as JSON in UTF-8; None is a tombstone: the user is erased.
    """

    user_id: UserId
    version: int
    body: bytes | None = field(repr=False)


@frozen
class OutboxBatch:
    """Events to be published together.

    Args:
        messages: in the order of their positions.
        profiles: the latest state of every user whose events they are, at least as new as the events.
        shards: the shards that are held for them.
    """

    messages: Sequence[OutboxMessage]
    profiles: Sequence[ProfileState]
    shards: Sequence[int]


class EventPublisher(Protocol):
    """Publishes events, and what users have become by them, to everybody who listens."""

    async def publish(self, messages: Sequence[OutboxMessage], profiles: Sequence[ProfileState]) -> None:
        """Publish in the order given and return once all are acknowledged.

        Where it raises or is cancelled, some may have been published; publish all of them again. No event arrives
        before an earlier one of its user, whatever fails.

        Raises:
            UnavailableError: the brokers do not answer.
            UserCoreError: the brokers do not take one of them; no other way round it than to help them.
        """
        ...


@frozen
class OutboxFilter:
    """Which events.

    Args:
        user_id: of this user.
        message: of this name.
        since: that happened then or later.
        until: that happened before then.
    """

    user_id: UserId | None = None
    message: str | None = None
    since: datetime | None = None
    until: datetime | None = None


class OutboxShards(Protocol):
    """The outbox in shards, each published by one at a time. A user's events stand in one shard."""

    async def drain(
        self,
        publish: Callable[[OutboxBatch], Awaitable[datetime]],
        *,
        shards: int,
        limit: int,
        patience_s: float,
        avoid: Collection[int] = (),
    ) -> OutboxBatch | None:
        """Publish what stands in shards that nobody else holds, those first that have waited longest.

        The shards are held from before their events are read until they are marked as published. Where `publish`
        raises, nothing is marked, and everything comes again; an event that was published may come again in any case.
        Whoever dies lets go of its shards.

        Args:
            publish: publishes a batch, and returns when it was acknowledged.
            shards: the most to hold.
            limit: about how many events to take.
            patience_s: how long `publish` may take; whoever takes longer loses the shards.
            avoid: shards to leave alone.

        Returns:
            What was published, or None where nothing is to be published that nobody else holds.

        Raises:
            UnavailableError: the database does not answer. Whether the events are marked is then unknown.
        """
        ...

    async def republish(
        self,
        publish: Callable[[Sequence[ProfileState]], Awaitable[None]],
        *,
        after: UserId | None,
        limit: int,
        patience_s: float,
    ) -> Sequence[ProfileState]:
        """Publish the state of users behind `after`, by id, while nobody else publishes theirs.

        Returns:
            What was published; nothing where there are no more users.

        Raises:
            UnavailableError: the database does not answer, or the shards did not become free in time.
        """
        ...

    async def reopen(self, chosen: OutboxFilter) -> int:
        """Mark published events as not published, so that they are published again, and return how many."""
        ...

    async def purge(self, before: datetime) -> int:
        """Forget events that were published before a time, and return how many went."""
        ...


@frozen
class OutboxLine:
    """The events of one shard and name that wait.

    Args:
        shard: 0 to 63.
        message: their name.
        pending: how many.
        oldest: when the first of them happened.
    """

    shard: int
    message: str
    pending: int
    oldest: datetime


@frozen
class OutboxStanding:
    """How the outbox stands.

    Args:
        waiting: what waits, by shard and name of message.
        published: how many published events are still kept.
        last_published_at: when the last of them was published.
    """

    waiting: Sequence[OutboxLine]
    published: int
    last_published_at: datetime | None


class OutboxWakeups(Protocol):
    """Tells the relay that there may be something to publish."""

    async def wait(self, at_most_s: float) -> None:
        """Return when something was written since the last call, or after a time; sometimes for nothing."""
        ...


class OutboxReader(Protocol):
    """Looks at the outbox without taking anything from it."""

    async def pending(self) -> int:
        """Return how many events have not been published."""
        ...

    async def messages(self, *, after: int, limit: int) -> Sequence[OutboxMessage]:
        """Return messages behind a position, in order, published or not."""
        ...

    async def waiting(self) -> Sequence[OutboxLine]:
        """Return what was not published, by shard and message: quick where little waits, however much is kept."""
        ...

    async def standing(self) -> OutboxStanding:
        """Return how the outbox stands."""
        ...
