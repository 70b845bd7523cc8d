"""Send a user a code and a link that prove a contact to be theirs."""

from hashlib import sha256

from attrs import frozen

from usercore.kernel.context import CommandContext
from usercore.kernel.errors import Violation
from usercore.kernel.ids import UserId
from usercore.kernel.ports import Clock, IdGenerator
from usercore.kernel.receipts import IdempotencyKey
from usercore.users.errors import StaleVersionError, UserNotFoundError, WriteContendedError
from usercore.users.history import present
from usercore.users.model import User
from usercore.users.ports import UserReader
from usercore.users.stepping import TRIES
from usercore.users.values import VerificationChannel
from usercore.verification.errors import ContactMissingError, VerificationInvalidError
from usercore.verification.hashes import ProofHasher
from usercore.verification.ports import NewVerification, ProofGenerator, VerificationReader, VerificationWriter
from usercore.verification.values import Verification, VerificationPolicy, VerificationState


@frozen
class StartVerificationCommand:
    """Verify a contact of a user.

    Args:
        user_id: whose.
        channel: email or phone.
    """

    user_id: UserId
    channel: VerificationChannel


@frozen
class StartVerification:
    """Starts verifications; a new one takes the place of those of its channel that are pending."""

    users: UserReader
    writer: VerificationWriter
    reader: VerificationReader
    hasher: ProofHasher
    proofs: ProofGenerator
    policy: VerificationPolicy
    clock: Clock
    ids: IdGenerator

    async def __call__(self, command: StartVerificationCommand, context: CommandContext) -> Verification:
        """Return the verification that now waits to be confirmed.

        Raises:
            UserNotFoundError, UserErasedError, UserDeactivatedError, UserMergedError: no user to verify.
            UserRestrictedError: the person asked that the data be left alone.
            VerificationInvalidError: an identity is verified by somebody else, not by a code.
            ContactMissingError: the profile has no such contact.
            VerificationThrottledError: codes were asked for too often.
        """
        if command.channel is VerificationChannel.IDENTITY:
            violation = Violation(("channel",), "not_by_code", "record what an outside verifier found instead")
            raise VerificationInvalidError(violations=(violation,))
        for _ in range(TRIES):
            user = await present(self.users, command.user_id)
            user.require_active()
            if not context.for_privacy:
                user.require_unrestricted()
            new = await self._new(user, command.channel, context)
            try:
                await self.writer.start(new)
            except StaleVersionError:
                continue
            return new.verification
        raise WriteContendedError

    async def again(self, user_id: UserId, request: bytes) -> Verification:
        """Return the verification that an idempotent request began before.

        Raises:
            UserNotFoundError, UserErasedError: there is no such user, or nothing is remembered of it.
        """
        user = await present(self.users, user_id)
        found = await self.reader.by_request(user.id, request)
        if found is None:
            raise UserNotFoundError
        return found

    async def _new(self, user: User, channel: VerificationChannel, context: CommandContext) -> NewVerification:
        contact = await self.hasher.contact(user.profile, channel)
        if contact is None:
            raise ContactMissingError
        now, verification_id = self.clock.now(), self.ids.event_id()
        code, token = self.proofs.code(), self.proofs.token()
        verification = Verification(
            id=verification_id,
            user_id=user.id,
            channel=channel,
            state=VerificationState.PENDING,
            started_at=now,
            contact_hash=contact,
            code_hash=await self.hasher.code(verification_id, code),
            token_hash=await self.hasher.token(token),
            code_expires_at=now + self.policy.code_lasts,
            link_expires_at=now + self.policy.link_lasts,
            request=request_of(context),
        )
        return NewVerification(verification, user, code, token, self.policy, context)


def request_of(context: CommandContext) -> bytes | None:
    """Return what names the idempotent request of a command, or None where it is none."""
    return None if context.claim is None else request_name(context.claim.key)


def request_name(key: IdempotencyKey) -> bytes:
    """Return what names the request that an idempotency key stands for."""
    return sha256(f"{key.scope}\n{key.key}".encode()).digest()
