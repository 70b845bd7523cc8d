"""Answers to refused commands, many in one transaction."""

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Final, Self

from user_stream.work import Work
from usercore.kernel.gather import Gatherer
from usercore.kernel.ids import UserId
from usercore.kernel.inbox import MessageId
from usercore.kernel.ports import Clock, IdGenerator
from usercore.kernel.tracing import carried
from usercore.messaging.ports import Rejections
from usercore.messaging.values import RejectedCommand

__all__ = ["Rejecting"]

_MOST_AT_ONCE: Final = 128
_MOST_WAITING: Final = 4096
"""More than the largest batches of all command topics together."""


class Rejecting:
    """Answers refused commands by `UserCommandRejected`. Use it as an async context manager.

    Args:
        rejections: who writes receipt and answer.
        clock: tells when.
        ids: names the answers.
    """

    def __init__(self, rejections: Rejections, clock: Clock, ids: IdGenerator) -> None:
        self._rejections = rejections
        self._clock = clock
        self._ids = ids
        self._gatherer: Gatherer[RejectedCommand, None] = Gatherer(
            self._reject,
            most_at_once=_MOST_AT_ONCE,
            most_waiting=_MOST_WAITING,
            lane=_message_of,
            name="reject commands",
        )

    async def __aenter__(self) -> Self:
        """Return it."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Write what waits."""
        await self._gatherer.aclose()

    async def __call__(self, work: Work, problem: Mapping[str, object]) -> None:
        """Answer a command; one that has an answer or an effect already gets no other.

        Raises:
            UnavailableError, ExhaustedError: try again.
        """
        message = work.message
        await self._gatherer(
            RejectedCommand(
                event_id=self._ids.event_id(),
                command=message.name,
                receipt=message.receipt,
                problem=problem,
                user_id=None if message.user_id is None else UserId(message.user_id),
                context=carried(message.context),
                at=self._clock.now(),
            )
        )

    async def _reject(self, commands: Sequence[RejectedCommand]) -> Sequence[None]:
        await self._rejections.reject(commands)
        return [None] * len(commands)


def _message_of(command: RejectedCommand) -> MessageId:
    return command.receipt.message
