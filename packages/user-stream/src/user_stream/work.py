"""What the parts of the processor hand to each other."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, Protocol, TypeAlias

from attrs import frozen

from user_stream.outcomes import End
from usercore.codec.messages import ReceivedMessage
from usercore.messaging.values import RawMessage

__all__ = ["Bury", "Fault", "Settle", "Work", "together"]


@frozen
class Work:
    """A message that could be read, beside the record that it came as."""

    raw: RawMessage
    message: ReceivedMessage


Settle: TypeAlias = Callable[[Sequence[Work]], Awaitable[Sequence[End]]]
"""Brings messages of one kind to their ends."""


@frozen
class Fault:
    """Why a message is made a dead letter.

    Args:
        code: stable word for it.
        detail: what is wrong, without a value of the message.
        attempts: how often it was tried.
    """

    code: str
    detail: str
    attempts: int = 1


class Bury(Protocol):
    """Keeps and publishes a message that nobody can use."""

    async def __call__(self, raw: RawMessage, code: str, detail: str, attempts: int) -> object:
        """Make it a dead letter.

        Raises:
            UnavailableError: the database or the broker does not answer.
        """
        ...


async def together(jobs: Iterable[Awaitable[Any]]) -> Sequence[Any]:
    """Return the results of jobs done side by side; all of them end before the first error is raised."""
    results = await asyncio.gather(*jobs, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return results
