"""Begin a user's life."""

from collections.abc import Sequence

from attrs import field, frozen

from usercore.kernel.context import CommandContext
from usercore.kernel.errors import UserCoreError, Violation
from usercore.kernel.ports import Clock, IdGenerator
from usercore.kernel.secret import Secret
from usercore.users.attribute_rules import AttributeRules
from usercore.users.errors import ProfileInvalidError
from usercore.users.intake import ProfilePatch, new_profile
from usercore.users.model import Profile, User
from usercore.users.ports import Beginnings, Change, Credential, EmailRules, PasswordHasher, UserWriter
from usercore.users.values import ValueRejectedError, check_password


@frozen
class CreateUserCommand:
    """Create a user.

    Args:
        profile: the fields; email, first name and last name are needed.
        password: 8 to 1,024 characters; without one the user is sent an invitation to choose it.
    """

    profile: ProfilePatch
    password: Secret | None = field(default=None)


@frozen
class CreateUser:
    """Creates users."""

    writer: UserWriter
    emails: EmailRules
    attributes: AttributeRules
    hasher: PasswordHasher
    clock: Clock
    ids: IdGenerator
    beginnings: Beginnings

    async def __call__(self, command: CreateUserCommand, context: CommandContext) -> User:
        """Return the new user.

        Raises:
            ProfileInvalidError: fields are missing or break their rules.
            EmailTakenError: another user has the email; likewise username and external id.
        """
        [outcome] = await self.many([command], [context])
        if isinstance(outcome, UserCoreError):
            raise outcome
        return outcome

    async def many(
        self, commands: Sequence[CreateUserCommand], contexts: Sequence[CommandContext]
    ) -> Sequence[User | UserCoreError]:
        """Create several users together; each succeeds or is refused by itself.

        Returns:
            For each command the new user, or why it was refused.
        """
        drafts = [await self._draft(command, context) for command, context in zip(commands, contexts, strict=True)]
        changes = [draft for draft in drafts if isinstance(draft, Change)]
        refusals = iter(await self.writer.commit(changes) if changes else ())
        return [draft if isinstance(draft, UserCoreError) else next(refusals) or draft.user for draft in drafts]

    async def _draft(self, command: CreateUserCommand, context: CommandContext) -> Change | UserCoreError:
        try:
            return await self._change(command, context)
        except UserCoreError as error:
            return error

    async def _change(self, command: CreateUserCommand, context: CommandContext) -> Change:
        now = self.clock.now()
        profile = self._profile(command)
        await self.attributes.check(profile.attributes)
        hashed = await self.hasher.hash(command.password) if command.password is not None else None
        step = User.create(self.ids.user_id(), profile, now=now, actor=context.actor)
        return Change(
            user=step.user,
            event_id=self.ids.event_id(),
            event=step.event,
            changes=step.changes,
            context=context,
            credential=Credential(hashed),
            records=await self.beginnings.records(step.user),
        )

    def _profile(self, command: CreateUserCommand) -> Profile:
        found: tuple[Violation, ...] = ()
        try:
            if command.password is not None:
                check_password(command.password.reveal())
        except ValueRejectedError as error:
            found = (Violation(("password",), error.code, error.detail),)
        try:
            profile = new_profile(command.profile, self.emails, self.clock.now().date())
        except ProfileInvalidError as error:
            raise ProfileInvalidError(violations=(*error.violations, *found)) from None
        if found:
            raise ProfileInvalidError(violations=found)
        return profile
