"""Take note of what somebody else has verified."""

from datetime import datetime, timedelta
from typing import Final

from attrs import field, frozen

from usercore.kernel.context import CommandContext
from usercore.kernel.errors import Violation
from usercore.kernel.ids import UserId
from usercore.kernel.ports import Clock, IdGenerator
from usercore.users.model import User
from usercore.users.ports import Change
from usercore.users.stepping import UserStepper
from usercore.users.values import ValueRejectedError, VerificationChannel, parse_text
from usercore.verification.errors import ContactMissingError, VerificationInvalidError
from usercore.verification.hashes import ProofHasher
from usercore.verification.records import VerificationConfirmed, VerificationRecord
from usercore.verification.start_verification import request_of
from usercore.verification.values import (
    REFERENCE_MAX_CHARS,
    VERIFIER_MAX_CHARS,
    Verification,
    VerificationState,
)

_AHEAD: Final = timedelta(minutes=1)
"""How far another's clock may be ahead of ours."""


@frozen
class RecordVerificationCommand:
    """Take note that a user, or a contact of theirs, has been verified elsewhere.

    Args:
        user_id: whose.
        channel: what was verified.
        verifier: who did it, 1 to 100 characters.
        reference: the verifier's own name for the proof, 1 to 500 characters. It says nothing of the person.
        verified_at: when; None means: now.
    """

    user_id: UserId
    channel: VerificationChannel
    verifier: str
    reference: str = field(repr=False)
    verified_at: datetime | None = None


@frozen
class RecordVerification:
    """Records verifications by others; they need no confirmation."""

    step: UserStepper
    hasher: ProofHasher
    clock: Clock
    ids: IdGenerator

    async def __call__(self, command: RecordVerificationCommand, context: CommandContext) -> Verification:
        """Return what is kept of it.

        Raises:
            UserNotFoundError, UserErasedError, UserDeactivatedError, UserMergedError: no user to verify.
            VerificationInvalidError: verifier, reference or time break their rules.
            ContactMissingError: the profile has no such contact.
        """
        checked = self._checked(command)
        made: list[Verification] = []

        async def act(user: User) -> Change:
            made[:] = [await self._verification(user, checked, context)]
            return self._change(user, made[0], context)

        await self.step(command.user_id, act, expected=None, context=context)
        return made[0]

    def _checked(self, command: RecordVerificationCommand) -> RecordVerificationCommand:
        found: list[Violation] = []
        said = {}
        for name, most in (("verifier", VERIFIER_MAX_CHARS), ("reference", REFERENCE_MAX_CHARS)):
            try:
                said[name] = parse_text(getattr(command, name), max_chars=most)
            except ValueRejectedError as error:
                found.append(Violation((name,), error.code, error.detail))
        if command.verified_at is not None and command.verified_at > self.clock.now() + _AHEAD:
            found.append(Violation(("verified_at",), "in_future", "give a time that has passed"))
        if found:
            raise VerificationInvalidError(violations=tuple(found))
        return RecordVerificationCommand(command.user_id, command.channel, **said, verified_at=command.verified_at)

    async def _verification(
        self, user: User, command: RecordVerificationCommand, context: CommandContext
    ) -> Verification:
        contact = await self.hasher.contact(user.profile, command.channel)
        if contact is None and command.channel is not VerificationChannel.IDENTITY:
            raise ContactMissingError
        now = max(self.clock.now(), user.updated_at)
        return Verification(
            id=self.ids.event_id(),
            user_id=user.id,
            channel=command.channel,
            state=VerificationState.CONFIRMED,
            started_at=now,
            contact_hash=contact,
            settled_at=command.verified_at or now,
            verifier=command.verifier,
            reference=command.reference,
            request=request_of(context),
        )

    def _change(self, user: User, verification: Verification, context: CommandContext) -> Change:
        step = user.verify(verification.channel, now=verification.started_at, at=verification.settled_at)
        return Change(
            user=step.user,
            event_id=self.ids.event_id(),
            event=step.event,
            changes=step.changes,
            context=context,
            records=(
                VerificationRecord(verification),
                VerificationConfirmed(verification.id, verification.channel),
            ),
        )
