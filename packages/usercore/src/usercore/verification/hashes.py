"""What is kept in place of codes, tokens and contacts: keyed hashes, which nobody can guess their way back from."""

from attrs import frozen

from usercore.kernel.ids import EventId
from usercore.kernel.ports import KeyedHasher
from usercore.kernel.secret import Secret
from usercore.users.model import Profile
from usercore.users.values import VerificationChannel
from usercore.verification.values import contact_of


@frozen
class ProofHasher:
    """Hashes proofs, each for its own purpose."""

    keyed: KeyedHasher

    async def code(self, verification_id: EventId, code: Secret) -> bytes:
        """Return the hash of a code, which proves something in one verification alone."""
        return await self.keyed.digest("verification-code", f"{verification_id}:{code.reveal()}")

    async def token(self, token: Secret) -> bytes:
        """Return the hash by which a link's verification is found."""
        return await self.keyed.digest("verification-token", token.reveal())

    async def contact(self, profile: Profile, channel: VerificationChannel) -> bytes | None:
        """Return the hash of the contact that a channel proves, or None where there is none."""
        contact = contact_of(profile, channel)
        return None if contact is None else await self.keyed.digest("verification-contact", f"{channel}:{contact}")
