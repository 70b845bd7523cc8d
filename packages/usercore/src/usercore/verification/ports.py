"""What the verification feature asks of the world outside."""

from datetime import datetime
from typing import Protocol

from attrs import frozen

from usercore.kernel.context import CommandContext
from usercore.kernel.ids import EventId, UserId
from usercore.kernel.secret import Secret
from usercore.users.model import User
from usercore.verification.values import Verification, VerificationPolicy


@frozen
class NewVerification:
    """A verification that begins, with what the message to the user must carry.

    Args:
        verification: itself.
        user: whose, as they were when it was made.
        code: what the user types.
        token: what the link carries.
        policy: how often one may begin.
        context: who asked, because of what, and the idempotency claim to settle.
    """

    verification: Verification
    user: User
    code: Secret
    token: Secret
    policy: VerificationPolicy
    context: CommandContext


class ProofGenerator(Protocol):
    """Makes what only its receiver can know."""

    def code(self) -> Secret:
        """Return six random digits."""
        ...

    def token(self) -> Secret:
        """Return 256 random bits in base64url, 43 characters."""
        ...


class VerificationWriter(Protocol):
    """Begins verifications and counts guesses. Confirming one is part of committing a change."""

    async def start(self, new: NewVerification) -> None:
        """Keep a verification, and the delivery that tells its user, in one transaction.

        Pending ones of the same user and channel are superseded. The user's row is locked meanwhile, so that however
        many ask at once no more begin than the policy allows; the links that come with a creation do not count.

        Raises:
            VerificationThrottledError: too many began before; nothing was written, and so below.
            UserNotFoundError: there is no such user.
            StaleVersionError: the user has changed since the verification was made.
            ClaimLostError: another try took the claim over.
            UnavailableError: the database does not answer.
        """
        ...

    async def guess(
        self, user_id: UserId, verification_id: EventId, *, now: datetime, most: int
    ) -> Verification | None:
        """Count a guess at a verification, and return it as it then stands.

        However many guess at once, no more than `most` are told of it.

        Returns:
            None where it is not the user's, not pending, has run out, or was guessed at so often before.

        Raises:
            UnavailableError: the database does not answer.
        """
        ...

    async def purge(self, before: datetime, *, limit: int) -> int:
        """Delete at most so many that began before a time, but those of identities; return how many went."""
        ...


class VerificationReader(Protocol):
    """Finds verifications, always in the database itself."""

    async def get(self, user_id: UserId, verification_id: EventId) -> Verification | None:
        """Return a user's verification, or None where it is not theirs or nobody's.

        Raises:
            UnavailableError: the database does not answer.
        """
        ...

    async def by_token(self, token_hash: bytes) -> Verification | None:
        """Return the verification whose link carries the token of this hash."""
        ...

    async def by_request(self, user_id: UserId, request: bytes) -> Verification | None:
        """Return the latest verification of a user that this idempotent request began."""
        ...
