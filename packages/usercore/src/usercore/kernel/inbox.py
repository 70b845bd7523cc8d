"""Proof that a message has already had its effect.

A receipt is written in the very transaction that does what the message asks for, so that there is one
effect however often the message comes.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import ClassVar, Protocol

from attrs import define, field, frozen

from usercore.kernel.errors import ConflictError


@frozen
class MessageId:
    """What makes a message one and the same, however often it is delivered.

    Args:
        topic: where it came from; ids of different topics never meet.
        source: who made the id: the CloudEvents `source`, or the time of a plain message.
        id: unique within its source, at most 255 characters.
    """

    topic: str
    source: str
    id: str


@frozen
class Receipt:
    """A message, as the inbox remembers it.

    Args:
        message: which one.
        fingerprint: digest of its content: the same id with another one is another message.
    """

    message: MessageId
    fingerprint: bytes = field(repr=False)


class Inbox(Protocol):
    """Remembers messages that have had their effect. Writing a receipt with a change is part of committing it.

    Every method is atomic on its own and seen by all copies of the service at once.
    """

    async def known(self, messages: Sequence[MessageId]) -> Mapping[MessageId, Receipt]:
        """Return the receipts of those messages that have had their effect.

        Raises:
            UnavailableError: the database does not answer.
        """
        ...

    async def record(self, receipts: Sequence[Receipt], *, at: datetime) -> None:
        """Remember messages that turned out to change nothing; those that are remembered already stay as they are.

        Raises:
            UnavailableError: the database does not answer.
        """
        ...

    async def purge(self, before: datetime) -> int:
        """Forget receipts older than `before`, and return how many went."""
        ...


@define(auto_exc=True, eq=False)
class AlreadyAppliedError(ConflictError):
    """The message has had its effect before, so this time it has none."""

    code: ClassVar[str] = "already_applied"
    summary: ClassVar[str] = "The message has had its effect already"
