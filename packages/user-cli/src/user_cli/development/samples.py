"""What a new database is given: email topics, and as many made-up users as were asked for."""

from collections.abc import Sequence
from typing import Final

from attrs import frozen

from user_cli.development.people import person
from user_cli.session import Session
from usercore.kernel.errors import ConflictError, UserCoreError
from usercore.preferences.topics import RegisterTopicCommand
from usercore.users.create_user import CreateUserCommand
from usercore.users.deactivate_user import DeactivateUserCommand
from usercore.users.model import User
from usercore.users.values import DeactivationReason

__all__ = ["Samples", "create_samples", "register_topics"]

_TOPICS: Final = (
    RegisterTopicCommand("newsletter", "Newsletter", "2026-01", "What is new, once a month."),
    RegisterTopicCommand(
        "product-updates", "Product updates", "2026-01", "Changes to what you use.", subscribed_by_default=True
    ),
    RegisterTopicCommand("order-updates", "Your orders", "2026-01", "Where your order is.", mandatory=True),
)
_BATCH: Final = 100
_DEACTIVATED_EVERY: Final = 20


@frozen
class Samples:
    """How many sample users were created, and how many were there."""

    created: int
    present: int


async def register_topics(session: Session) -> None:
    """Register a few email topics where there are none at all."""
    if not await session.core.list_topics():
        for command in _TOPICS:
            await session.core.register_topic(command)


async def create_samples(session: Session, count: int) -> Samples:
    """Create the first `count` sample users, except for those that are there; one in twenty is deactivated.

    Raises:
        UserCoreError: one could not be created for another reason than being there.
    """
    created = 0
    for first in range(1, count + 1, _BATCH):
        numbers = range(first, min(first + _BATCH, count + 1))
        users = await _create(session, numbers)
        created += len(users)
    return Samples(created, count - created)


async def _create(session: Session, numbers: Sequence[int]) -> Sequence[User]:
    commands = [CreateUserCommand(person(number)) for number in numbers]
    outcomes = await session.core.create_user.many(commands, [session.context] * len(commands))
    users = []
    for number, outcome in zip(numbers, outcomes, strict=True):
        if isinstance(outcome, UserCoreError):
            if not isinstance(outcome, ConflictError):
                raise outcome
            continue  # it is there
        users.append(outcome)
        if number % _DEACTIVATED_EVERY == 0:
            command = DeactivateUserCommand(outcome.id, DeactivationReason.INACTIVITY)
            await session.core.deactivate_user(command, session.context)
    return users
