"""Begin a user's life with a link that proves their email."""

from attrs import frozen

from usercore.kernel.ports import IdGenerator
from usercore.users.model import User
from usercore.users.values import VerificationChannel
from usercore.verification.hashes import ProofHasher
from usercore.verification.ports import ProofGenerator
from usercore.verification.records import VerificationRecord
from usercore.verification.values import Verification, VerificationPolicy, VerificationState


@frozen
class VerifyNewcomers:
    """Prepares the link that the first mail to a new user carries."""

    hasher: ProofHasher
    proofs: ProofGenerator
    policy: VerificationPolicy
    ids: IdGenerator

    async def records(self, user: User) -> tuple[VerificationRecord, ...]:
        """Return the verification of a new user's email, or nothing where the policy wants none.

        Raises:
            UnavailableError: the key of hashes cannot be read.
        """
        if not self.policy.with_creation:
            return ()
        token = self.proofs.token()
        verification = Verification(
            id=self.ids.event_id(),
            user_id=user.id,
            channel=VerificationChannel.EMAIL,
            state=VerificationState.PENDING,
            started_at=user.created_at,
            contact_hash=await self.hasher.contact(user.profile, VerificationChannel.EMAIL),
            token_hash=await self.hasher.token(token),
            link_expires_at=user.created_at + self.policy.link_lasts,
        )
        return (VerificationRecord(verification, token),)
