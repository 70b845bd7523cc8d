"""What an operator does about messages that nobody could use."""

from contextlib import suppress
from typing import Final

from attrs import evolve, frozen

from usercore.kernel.context import CommandContext
from usercore.kernel.errors import UnavailableError
from usercore.kernel.paging import Page
from usercore.kernel.ports import Clock
from usercore.kernel.reasons import require_reason
from usercore.messaging.errors import (
    DeadLetterIncompleteError,
    DeadLetterNotFoundError,
    DeadLetterSettledError,
)
from usercore.messaging.ports import DeadLetters, MessageSender
from usercore.messaging.values import (
    DeadLetter,
    DeadLetterFilter,
    DeadLetterLine,
    DeadLetterState,
    Place,
    RawMessage,
    Settlement,
)
from usercore.users.queries import require_limit

OURS: Final = "dlq_"
"""How the headers begin that we add to a message."""
ORIGINAL: Final = "dlq_original"
"""Where a replayed message stood at first: a plain one is known by that, so that two replays have one effect."""
REDACTED: Final = "dlq_redacted"
"""What was taken out of a message before it was kept."""


@frozen
class ListDeadLetters:
    """Lists dead letters, the oldest first."""

    letters: DeadLetters

    async def __call__(
        self, wanted: DeadLetterFilter, *, after: str | None = None, limit: int = 50
    ) -> Page[DeadLetterLine]:
        """Return one page.

        Args:
            wanted: which ones.
            after: the cursor of the page before.
            limit: the most on a page.

        Raises:
            QueryInvalidError: the limit is out of range.
        """
        require_limit(limit)
        return await self.letters.page(wanted, after=after, limit=limit)


@frozen
class GetDeadLetter:
    """Shows one dead letter whole."""

    letters: DeadLetters

    async def __call__(self, letter_id: str) -> DeadLetter:
        """Return the letter.

        Raises:
            DeadLetterNotFoundError: there is no such letter.
        """
        letter = await self.letters.get(letter_id)
        if letter is None:
            raise DeadLetterNotFoundError
        return letter


@frozen
class DiscardDeadLetter:
    """Marks a dead letter as one about which nothing will be done. Its content stays."""

    letters: DeadLetters
    clock: Clock

    async def __call__(self, letter_id: str, reason: str, context: CommandContext) -> DeadLetter:
        """Return the letter as it is then.

        Raises:
            ReasonInvalidError: there is none, or it is too long.
            DeadLetterNotFoundError: there is no such letter.
            DeadLetterSettledError: it was replayed or discarded before.
        """
        said = require_reason(reason)
        letter = await _waiting(self.letters, letter_id)
        settlement = Settlement(self.clock.now(), str(context.actor), said)
        if not await self.letters.settle(letter.id, DeadLetterState.DISCARDED, settlement):
            raise DeadLetterSettledError
        return evolve(letter, state=DeadLetterState.DISCARDED, settlement=settlement)


@frozen
class ReplayDeadLetter:
    """Sends a dead letter's message to its topic again, as it was.

    It is sent first and marked after, so that a crash on the way repeats it rather than loses it. A repetition has no
    further effect: the message is known by its own id, or by where it stood at first.
    """

    letters: DeadLetters
    sender: MessageSender
    clock: Clock

    async def __call__(self, letter_id: str, reason: str, context: CommandContext) -> DeadLetter:
        """Return the letter as it is then.

        Raises:
            ReasonInvalidError: there is none, or it is too long.
            DeadLetterNotFoundError: there is no such letter.
            DeadLetterSettledError: it was replayed or discarded before.
            DeadLetterIncompleteError: a password was taken out of it.
            MessageTooLargeError: the topic does not take it.
            UnavailableError: the broker or the database does not answer; the detail says whether it was sent.
        """
        said = require_reason(reason)
        letter = await _waiting(self.letters, letter_id)
        message = letter.message
        if any(name.lower() == REDACTED for name, _ in message.headers):
            raise DeadLetterIncompleteError
        await self.sender.send(message.topic, key=message.key, value=message.value, headers=_headers(message))
        settlement = Settlement(self.clock.now(), str(context.actor), said)
        await self._settle(letter, settlement)
        return evolve(letter, state=DeadLetterState.REPLAYED, settlement=settlement)

    async def _settle(self, letter: DeadLetter, settlement: Settlement) -> None:
        try:
            settled = await self.letters.settle(letter.id, DeadLetterState.REPLAYED, settlement)
        except UnavailableError as error:
            detail = "the message was sent, but may not be marked as replayed: repeat it; nothing happens twice"
            raise UnavailableError(detail) from error
        if not settled:
            detail = "somebody else replayed or discarded the dead letter meanwhile; the message was sent all the same"
            raise DeadLetterSettledError(detail)


async def _waiting(letters: DeadLetters, letter_id: str) -> DeadLetter:
    letter = await GetDeadLetter(letters)(letter_id)
    if letter.state is not DeadLetterState.WAITING:
        raise DeadLetterSettledError
    return letter


def _headers(message: RawMessage) -> tuple[tuple[str, bytes], ...]:
    """Return the message's own headers, and where it stood before it was ever replayed."""
    own = (pair for pair in message.headers if not pair[0].lower().startswith(OURS))
    return (*own, (ORIGINAL, str(_first_place(message)).encode()))


def _first_place(message: RawMessage) -> Place:
    for name, value in message.headers:
        if name.lower() == ORIGINAL:
            with suppress(ValueError, TypeError):
                place = Place.parse(value.decode())
                if place.topic == message.topic:
                    return place
    return message.place
