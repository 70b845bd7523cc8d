"""Let data that was restricted be used again."""

from attrs import frozen

from usercore.kernel.context import CommandContext
from usercore.kernel.ids import UserId
from usercore.kernel.ports import Clock
from usercore.users.model import Transition, User
from usercore.users.stepping import UserStepper


@frozen
class LiftRestriction:
    """Ends a restriction, of which the person has been told before (GDPR, Art. 18(3)). Twice is once."""

    step: UserStepper
    clock: Clock

    async def __call__(self, user_id: UserId, context: CommandContext) -> User:
        """Return the user after it.

        Raises:
            UserNotFoundError, UserErasedError, UserMergedError: no user to change.
            UserRestrictedError: the context is not one of privacy.
        """

        async def act(user: User) -> Transition | None:
            return user.restrict(on=False, now=self.clock.now())

        return await self.step(user_id, act, expected=None, context=context)
