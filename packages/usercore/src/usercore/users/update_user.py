"""Change what a profile says."""

from attrs import frozen

from usercore.kernel.context import CommandContext
from usercore.kernel.ids import UserId
from usercore.kernel.ports import Clock
from usercore.users.attribute_rules import AttributeRules
from usercore.users.intake import ProfilePatch, changed_profile
from usercore.users.model import Transition, User
from usercore.users.ports import EmailRules
from usercore.users.stepping import UserStepper


@frozen
class UpdateUserCommand:
    """Change fields of a profile; those left UNSET stay.

    Args:
        user_id: whose.
        patch: the fields.
        expected_version: refuse if this is not the current version; None takes any.
    """

    user_id: UserId
    patch: ProfilePatch
    expected_version: int | None = None


@frozen
class UpdateUser:
    """Changes profiles. A new email or phone number loses its verification."""

    step: UserStepper
    emails: EmailRules
    attributes: AttributeRules
    clock: Clock

    async def __call__(self, command: UpdateUserCommand, context: CommandContext) -> User:
        """Return the user after the change; nothing is announced where nothing changes.

        Raises:
            UserNotFoundError, UserErasedError, UserDeactivatedError, UserMergedError: no user to change.
            StaleVersionError: `expected_version` is not the current one.
            ProfileInvalidError: fields break their rules.
            EmailTakenError: another user has the email; likewise username and external id.
        """
        as_asked = context.privacy_request is not None

        async def act(user: User) -> Transition | None:
            if not as_asked:
                user.require_active()
            now = self.clock.now()
            profile = changed_profile(command.patch, user.profile, self.emails, now.date())
            if profile.attributes != user.profile.attributes:
                await self.attributes.check(profile.attributes)
            return user.update(profile, now=now, as_asked=as_asked)

        return await self.step(command.user_id, act, expected=command.expected_version, context=context)
