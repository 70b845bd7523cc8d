"""End an account's part in things."""

from datetime import datetime

from attrs import field, frozen

from usercore.kernel.context import Actor, ActorKind, CommandContext
from usercore.kernel.errors import Violation
from usercore.kernel.ids import UserId
from usercore.kernel.ports import Clock
from usercore.users.errors import ProfileInvalidError
from usercore.users.model import Transition, User
from usercore.users.stepping import UserStepper
from usercore.users.values import (
    REASON_MAX_CHARS,
    DeactivationReason,
    ValueRejectedError,
    parse_text,
)


@frozen
class DeactivateUserCommand:
    """Deactivate a user.

    Args:
        user_id: whom.
        reason: one of the catalogue's four words, or free text of 1 to 500 characters, which
            becomes the notes; the reason is then whatever fits the actor.
        notes: anything else to remember, up to 500 characters.
        until: when the account comes back by itself; None means: when somebody reactivates it.
        expected_version: refuse if this is not the current version; None takes any.
    """

    user_id: UserId
    reason: str | None = field(default=None, repr=False)
    notes: str | None = field(default=None, repr=False)
    until: datetime | None = None
    expected_version: int | None = None


@frozen
class DeactivateUser:
    """Deactivates users. Doing it twice is doing it once."""

    step: UserStepper
    clock: Clock

    async def __call__(self, command: DeactivateUserCommand, context: CommandContext) -> User:
        """Return the user after it.

        Raises:
            UserNotFoundError, UserErasedError, UserMergedError: no user to deactivate.
            StaleVersionError: `expected_version` is not the current one.
            ProfileInvalidError: reason, notes or `until` break their rules.
        """
        reason, notes = _reason(command, context.actor)
        self._check_until(command.until)

        async def act(user: User) -> Transition | None:
            return user.deactivate(
                reason=reason,
                notes=notes,
                until=command.until,
                now=self.clock.now(),
                actor=context.actor,
            )

        return await self.step(command.user_id, act, expected=command.expected_version, context=context)

    def _check_until(self, until: datetime | None) -> None:
        if until is not None and until <= self.clock.now():
            violation = Violation(("until",), "not_in_future", "give a time in the future")
            raise ProfileInvalidError(violations=(violation,))


def _reason(command: DeactivateUserCommand, actor: Actor) -> tuple[DeactivationReason, str | None]:
    """Sort a free text from the catalogue's four words."""
    own = actor == Actor(ActorKind.USER, command.user_id)
    usual = DeactivationReason.USER_REQUESTED if own else DeactivationReason.ADMINISTRATIVE_ACTION
    notes = read_remark("notes", command.notes)
    said = read_remark("reason", command.reason)
    if said is None:
        return usual, notes
    if said in DeactivationReason.__members__:
        return DeactivationReason(said), notes
    return usual, said if notes is None else f"{said}\n{notes}"


def read_remark(name: str, raw: str | None) -> str | None:
    """Return a trimmed remark, or None where there is none.

    Raises:
        ProfileInvalidError: it is empty or longer than 500 characters.
    """
    if raw is None:
        return None
    try:
        return parse_text(raw, max_chars=REASON_MAX_CHARS)
    except ValueRejectedError as error:
        violation = Violation((name,), error.code, error.detail)
        raise ProfileInvalidError(violations=(violation,)) from None
