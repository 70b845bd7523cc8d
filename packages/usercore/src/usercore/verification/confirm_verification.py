"""Prove a contact by what was sent to it."""

from hmac import compare_digest

from attrs import evolve, field, frozen

from usercore.kernel.context import Actor, ActorKind, CommandContext
from usercore.kernel.errors import NotFoundError
from usercore.kernel.ids import EventId, UserId
from usercore.kernel.ports import Clock, IdGenerator
from usercore.kernel.secret import Secret
from usercore.users.errors import UserDeactivatedError, UserMergedError, UserRestrictedError
from usercore.users.history import present
from usercore.users.model import User
from usercore.users.ports import Change, UserReader
from usercore.users.stepping import UserStepper
from usercore.verification.errors import VerificationFailedError
from usercore.verification.hashes import ProofHasher
from usercore.verification.ports import VerificationReader, VerificationWriter
from usercore.verification.records import VerificationConfirmed
from usercore.verification.values import Verification, VerificationPolicy, VerificationState

_NOBODY = bytes(32)
"""Compared with where there is nothing to compare with, so that the answer takes as long."""


@frozen
class ConfirmVerificationCommand:
    """Confirm a verification by its code or by its link's token.

    Args:
        user_id: whose it is.
        verification_id: which.
        proof: the code or the token.
        by_link: whether it is the token.
    """

    user_id: UserId
    verification_id: EventId
    proof: Secret
    by_link: bool = False


@frozen
class Confirmer:
    """Takes a user the step that a proof allows."""

    step: UserStepper
    reader: VerificationReader
    hasher: ProofHasher
    clock: Clock
    ids: IdGenerator

    async def __call__(self, found: Verification, context: CommandContext) -> User:
        """Return the verified user.

        A verification serves once: whoever confirms it moves the user a version on, and it is looked at only after the
        user was read, so that of two who confirm at once the second one finds either the user moved or it used.

        Raises:
            VerificationFailedError: it has been used meanwhile, or the contact is another now.
            UserNotFoundError, UserErasedError, UserDeactivatedError, UserMergedError: no user to verify.
        """

        async def act(user: User) -> Change:
            user.require_active()
            current = await self.reader.get(user.id, found.id)
            contact = await self.hasher.contact(user.profile, found.channel)
            if current is None or current.state is not VerificationState.PENDING or current.contact_hash != contact:
                raise VerificationFailedError
            return self._change(user, current, context)

        return await self.step(found.user_id, act, expected=None, context=context)

    def _change(self, user: User, found: Verification, context: CommandContext) -> Change:
        transition = user.verify(found.channel, now=self.clock.now())
        return Change(
            user=transition.user,
            event_id=self.ids.event_id(),
            event=transition.event,
            changes=transition.changes,
            context=context,
            records=(VerificationConfirmed(found.id, found.channel),),
        )


@frozen
class ConfirmVerification:
    """Confirms verifications that the caller can name."""

    users: UserReader
    writer: VerificationWriter
    hasher: ProofHasher
    confirm: Confirmer
    policy: VerificationPolicy
    clock: Clock

    async def __call__(self, command: ConfirmVerificationCommand, context: CommandContext) -> User:
        """Return the verified user.

        Every guess counts before it is looked at, and whatever is wrong with it is answered alike.

        Raises:
            UserNotFoundError, UserErasedError, UserDeactivatedError, UserMergedError: no user to verify.
            VerificationFailedError: it proves nothing.
        """
        user = await present(self.users, command.user_id)
        user.require_active()
        if not context.for_privacy:
            user.require_unrestricted()
        now = self.clock.now()
        given = await self._hash(command)
        found = await self.writer.guess(command.user_id, command.verification_id, now=now, most=self.policy.attempts)
        if not compare_digest(given, _expected(found, command)) or found is None:
            raise VerificationFailedError
        if not (found.takes_token(now) if command.by_link else found.takes_code(now)):
            raise VerificationFailedError
        return await self.confirm(found, context)

    async def _hash(self, command: ConfirmVerificationCommand) -> bytes:
        if command.by_link:
            return await self.hasher.token(command.proof)
        return await self.hasher.code(command.verification_id, command.proof)


def _expected(found: Verification | None, command: ConfirmVerificationCommand) -> bytes:
    if found is None:
        return _NOBODY
    return (found.token_hash if command.by_link else found.code_hash) or _NOBODY


@frozen
class ConfirmByLinkCommand:
    """Confirm a verification by its link's token alone, which is proof enough of who asks.

    Args:
        token: what the link carries.
    """

    token: Secret = field()


@frozen
class ConfirmByLink:
    """Confirms verifications for whoever holds their link."""

    reader: VerificationReader
    hasher: ProofHasher
    confirm: Confirmer
    policy: VerificationPolicy
    clock: Clock

    async def __call__(self, command: ConfirmByLinkCommand, context: CommandContext) -> Verification:
        """Return the verification as it now stands.

        The user whom it verifies is noted down as the one who acts, whatever the context says.

        Raises:
            VerificationFailedError: the token proves nothing, or there is no user left to verify.
        """
        found = await self.reader.by_token(await self.hasher.token(command.token))
        if found is None or not found.takes_token(self.clock.now()) or found.attempts >= self.policy.attempts:
            raise VerificationFailedError
        own = evolve(context, actor=Actor(ActorKind.USER, found.user_id))
        try:
            user = await self.confirm(found, own)
        except (NotFoundError, UserDeactivatedError, UserMergedError, UserRestrictedError):
            raise VerificationFailedError from None
        return evolve(found, state=VerificationState.CONFIRMED, settled_at=user.updated_at)
