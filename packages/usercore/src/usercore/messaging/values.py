"""Messages as a broker delivers them, and what may become of one that is not applied."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Final

from attrs import field, frozen

from usercore.activity.values import Awaited
from usercore.kernel.context import CommandContext
from usercore.kernel.ids import EventId, UserId
from usercore.kernel.inbox import Receipt

_NUMBERS: Final = 3
"""Partition, offset and time."""


@frozen
class Place:
    """Where a record stands, which tells it apart from every other.

    Args:
        topic: without the deployment's prefix.
        partition: of the topic.
        offset: within the partition.
        timestamp_ms: when it was sent: a topic that is made anew counts its offsets from 0 again.
    """

    topic: str
    partition: int
    offset: int
    timestamp_ms: int

    def __str__(self) -> str:
        """Return ``topic/partition/offset/timestamp``, as it stands in the header of a replayed message."""
        return f"{self.topic}/{self.partition}/{self.offset}/{self.timestamp_ms}"

    @classmethod
    def parse(cls, text: str) -> "Place":
        """Read what :meth:`__str__` wrote.

        Raises:
            ValueError: the text is of another form.
        """
        topic, *numbers = text.split("/")
        if len(numbers) == _NUMBERS:
            place = cls(topic, *map(int, numbers))
            if str(place) == text:
                return place
        raise ValueError("write topic/partition/offset/timestamp")


@frozen
class RawMessage:
    """One record of a topic, untouched.

    Args:
        topic: without the deployment's prefix.
        partition: of the topic.
        offset: within the partition.
        timestamp_ms: when it was sent, in milliseconds since 1970: with the place it tells records apart even where a
            topic was deleted and made anew.
        key: bytes, or None.
        value: bytes; None is a tombstone.
        headers: in their order; a name may stand several times.
    """

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None = field(repr=False)
    value: bytes | None = field(repr=False)
    headers: tuple[tuple[str, bytes], ...] = field(default=(), repr=False)

    @property
    def place(self) -> Place:
        """Where it stands."""
        return Place(self.topic, self.partition, self.offset, self.timestamp_ms)


@frozen
class ParkedMessage:
    """A message that came before what it tells of.

    Args:
        id: a UUIDv7.
        message: itself.
        awaited: what it waits for.
        parked_at: aware, UTC.
        expires_at: when it is given up.
    """

    id: str
    message: RawMessage
    awaited: Awaited
    parked_at: datetime
    expires_at: datetime

    @property
    def line(self) -> "ParkedLine":
        """The same without its content."""
        return ParkedLine(self.id, self.message.place, self.awaited, self.parked_at, self.expires_at)


@frozen
class ParkedLine:
    """A parked message as lists show it: all but its content, which may be large."""

    id: str
    place: Place
    awaited: Awaited
    parked_at: datetime
    expires_at: datetime


class DeadLetterState(StrEnum):
    """What an operator did about a dead letter."""

    WAITING = "WAITING"
    REPLAYED = "REPLAYED"
    DISCARDED = "DISCARDED"


@frozen
class Settlement:
    """Who settled a dead letter, when and why."""

    at: datetime
    by: str
    reason: str


@frozen
class DeadLetter:
    """A message that nobody could use.

    Args:
        id: a UUIDv7.
        message: itself; a password that could be made out is taken out.
        code: stable word for what is wrong.
        detail: what is wrong, without a value of the message.
        attempts: how often it was tried.
        died_at: aware, UTC.
        state: what became of it.
        settlement: by whom and why, once it is no longer waiting.
    """

    id: str
    message: RawMessage
    code: str
    detail: str
    attempts: int
    died_at: datetime
    state: DeadLetterState = DeadLetterState.WAITING
    settlement: Settlement | None = None

    @property
    def line(self) -> "DeadLetterLine":
        """The same without its content."""
        value = self.message.value
        return DeadLetterLine(
            id=self.id,
            place=self.message.place,
            size=None if value is None else len(value),
            code=self.code,
            detail=self.detail,
            attempts=self.attempts,
            died_at=self.died_at,
            state=self.state,
            settlement=self.settlement,
        )


@frozen
class DeadLetterLine:
    """A dead letter as lists show it: all but its content, which may be large.

    Args:
        size: of the value in bytes, or None where it has none.
        others: as in :class:`DeadLetter`.
    """

    id: str
    place: Place
    size: int | None
    code: str
    detail: str
    attempts: int
    died_at: datetime
    state: DeadLetterState
    settlement: Settlement | None


@frozen
class DeadLetterFilter:
    """Which dead letters to list; conditions combine, and None is none.

    Args:
        state: what became of them.
        topic: where they came from, without the deployment's prefix.
        code: what is wrong with them.
    """

    state: DeadLetterState | None = None
    topic: str | None = None
    code: str | None = None


@frozen
class RejectedCommand:
    """A command that was understood and refused; its sender is answered by the event `UserCommandRejected`.

    Args:
        event_id: of the answer.
        command: the command's name in the event catalogue.
        receipt: which message it was.
        problem: an RFC 9457 problem document, without a value of the command.
        user_id: whom it was about, where it named one.
        context: the circumstances.
        at: aware, UTC.
    """

    event_id: EventId
    command: str
    receipt: Receipt
    problem: Mapping[str, object]
    user_id: UserId | None
    context: CommandContext
    at: datetime
