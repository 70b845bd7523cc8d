"""Let an account take part again: because somebody says so, or because its time has come."""

from attrs import field, frozen

from usercore.kernel.context import SYSTEM, CommandContext
from usercore.kernel.errors import ConflictError, NotFoundError
from usercore.kernel.ids import UserId
from usercore.kernel.ports import Clock, IdGenerator
from usercore.users.deactivate_user import read_remark
from usercore.users.model import Transition, User
from usercore.users.ports import UserReader
from usercore.users.stepping import UserStepper

BATCH = 100


@frozen
class ReactivateUserCommand:
    """Reactivate a user.

    Args:
        user_id: whom.
        reason: why, up to 500 characters.
        expected_version: refuse if this is not the current version; None takes any.
    """

    user_id: UserId
    reason: str | None = field(default=None, repr=False)
    expected_version: int | None = None


@frozen
class ReactivateUser:
    """Reactivates users. Doing it twice is doing it once."""

    step: UserStepper
    clock: Clock

    async def __call__(self, command: ReactivateUserCommand, context: CommandContext) -> User:
        """Return the user after it.

        Raises:
            UserNotFoundError, UserErasedError, UserMergedError: no user to reactivate.
            StaleVersionError: `expected_version` is not the current one.
            ProfileInvalidError: the reason breaks its rule.
        """
        reason = read_remark("reason", command.reason)

        async def act(user: User) -> Transition | None:
            return user.reactivate(reason=reason, now=self.clock.now(), actor=context.actor)

        return await self.step(command.user_id, act, expected=command.expected_version, context=context)


@frozen
class ReactivateDue:
    """Brings back accounts whose deactivation was to last until now. Safe to run in many places."""

    reader: UserReader
    step: UserStepper
    clock: Clock
    ids: IdGenerator

    async def __call__(self) -> int:
        """Return how many came back; call again while it is not 0.

        Raises:
            UnavailableError: the database does not answer.
        """
        now = self.clock.now()
        due = await self.reader.due_for_reactivation(now, BATCH)
        return sum([await self._bring_back(user_id) for user_id in due])

    async def _bring_back(self, user_id: UserId) -> bool:
        now = self.clock.now()
        came_back = False

        async def act(user: User) -> Transition | None:
            nonlocal came_back
            until = user.status.until
            came_back = until is not None and until <= now
            reason = "the time of the deactivation has passed"
            return user.reactivate(reason=reason, now=now, actor=SYSTEM) if came_back else None

        context = CommandContext(SYSTEM, correlation_id=self.ids.event_id())
        try:
            await self.step(user_id, act, expected=None, context=context)
        except (ConflictError, NotFoundError):
            return False
        return came_back
