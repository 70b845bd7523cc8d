"""Set a message aside that nobody can use."""

from collections.abc import Callable
from typing import TypeAlias

from attrs import evolve, frozen

from usercore.kernel.ports import Clock, IdGenerator
from usercore.messaging.ports import DeadLetters, DeadLetterSink
from usercore.messaging.values import DeadLetter, RawMessage

Redact: TypeAlias = Callable[[RawMessage], RawMessage]
"""Takes out of a message what may be kept nowhere: a password."""


@frozen
class BuryMessage:
    """Keeps a message for an operator, and shows it to whoever listens to the dead-letter topic.

    The message may be taken as done once this returns. If the process dies on the way, burying the same message again
    keeps it once, and publishes it under the same id.
    """

    letters: DeadLetters
    sink: DeadLetterSink
    clock: Clock
    ids: IdGenerator
    redact: Redact

    async def __call__(self, raw: RawMessage, code: str, detail: str, attempts: int) -> DeadLetter:
        """Return the letter.

        Args:
            raw: the message as it came.
            code: stable word for what is wrong.
            detail: what is wrong, without a value of the message.
            attempts: how often it was tried.

        Raises:
            UnavailableError: the database or the broker does not answer; bury it again.
        """
        letter = DeadLetter(
            id=self.ids.event_id(),
            message=self.redact(raw),
            code=code,
            detail=detail,
            attempts=attempts,
            died_at=self.clock.now(),
        )
        [kept_as] = await self.letters.add([letter])
        letter = evolve(letter, id=kept_as)
        await self.sink.publish(letter)
        return letter
