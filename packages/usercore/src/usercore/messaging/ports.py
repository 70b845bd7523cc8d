"""What is kept of messages that were not simply applied."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from usercore.kernel.paging import Page
from usercore.messaging.values import (
    DeadLetter,
    DeadLetterFilter,
    DeadLetterLine,
    DeadLetterState,
    ParkedLine,
    ParkedMessage,
    RejectedCommand,
    Settlement,
)


class Rejections(Protocol):
    """Answers commands that were refused."""

    async def reject(self, commands: Sequence[RejectedCommand]) -> None:
        """Write for each its receipt and one outbox message `UserCommandRejected`, in one transaction.

        A command whose message is remembered already is left out.

        Raises:
            UnavailableError: the database does not answer.
        """
        ...


class ParkedMessages(Protocol):
    """Keeps messages that came too early."""

    async def park(self, messages: Sequence[ParkedMessage]) -> None:
        """Keep messages; one that is kept already (the same topic, partition, offset and time) stays as it is.

        Raises:
            UnavailableError: the database does not answer.
        """
        ...

    async def claim_ready(self, *, now: datetime, lease_until: datetime, limit: int) -> Sequence[ParkedMessage]:
        """Take messages whose user, order or payment has become known, and those that have expired, oldest first.

        Each is leased to one caller until `lease_until`, and comes again if it is not gone by then. Where very many
        are parked, one call looks at some of them and the next one at those that follow, so that it costs the same
        however many there are: what became ready is found after a few calls.

        Raises:
            UnavailableError: the database does not answer.
        """
        ...

    async def remove(self, ids: Sequence[str]) -> None:
        """Forget messages that have found their end elsewhere."""
        ...

    async def page(self, *, after: str | None, limit: int) -> Page[ParkedLine]:
        """Return a page of what is parked, the oldest first.

        Args:
            after: the id with which the page before ended.
            limit: the most on a page.
        """
        ...

    async def count(self) -> int:
        """Return how many are parked."""
        ...


class DeadLetters(Protocol):
    """Keeps messages that nobody could use, until an operator has decided about them."""

    async def add(self, letters: Sequence[DeadLetter]) -> Sequence[str]:
        """Keep letters; one about the same message (topic, partition, offset and time) stays as it is.

        Returns:
            For each the id under which its message is kept: that of the earlier letter where there is one.

        Raises:
            UnavailableError: the database does not answer.
        """
        ...

    async def get(self, letter_id: str) -> DeadLetter | None:
        """Return one letter, or None."""
        ...

    async def page(self, wanted: DeadLetterFilter, *, after: str | None, limit: int) -> Page[DeadLetterLine]:
        """Return a page of letters, the oldest first.

        Args:
            wanted: which ones.
            after: the id with which the page before ended.
            limit: the most on a page.
        """
        ...

    async def settle(self, letter_id: str, state: DeadLetterState, settlement: Settlement) -> bool:
        """Move a letter that waits to another state; False where it does not wait any more."""
        ...

    async def count_waiting(self) -> int:
        """Return how many letters wait."""
        ...


class MessageSender(Protocol):
    """Sends messages to topics of ours or of others."""

    async def send(
        self,
        topic: str,
        *,
        key: bytes | None,
        value: bytes | None,
        headers: Sequence[tuple[str, bytes]],
    ) -> None:
        """Send one message and return once the broker has acknowledged it.

        Args:
            topic: without the deployment's prefix.
            key: decides the partition.
            value: the content; None is a tombstone.
            headers: in their order.

        Raises:
            UnavailableError: the broker does not answer, or does not take it.
            MessageTooLargeError: the broker does not take a message of this size.
            TopicUnknownError: there is no such topic, and the broker makes none.
            BrokerDeniedError: the broker does not let us.
        """
        ...


class DeadLetterSink(Protocol):
    """Shows dead letters to whoever listens to the dead-letter topic."""

    async def publish(self, letter: DeadLetter) -> None:
        """Publish the message's own bytes, key and headers, with `dlq_` headers that say what was wrong.

        Raises:
            UnavailableError: the broker does not answer.
        """
        ...
