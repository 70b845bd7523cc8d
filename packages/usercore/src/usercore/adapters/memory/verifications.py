"""Verifications in memory."""

import base64
import secrets
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from attrs import evolve, frozen

from usercore.adapters.memory.database import MemoryDatabase
from usercore.audit.entry import entry_of_start
from usercore.delivery.routing import deliveries_of_verification
from usercore.kernel.ids import EventId, UserId
from usercore.kernel.receipts import Settled
from usercore.kernel.secret import Secret
from usercore.users.errors import StaleVersionError, UserNotFoundError
from usercore.users.values import VerificationChannel
from usercore.verification.errors import VerificationThrottledError
from usercore.verification.ports import NewVerification, ProofGenerator, VerificationReader, VerificationWriter
from usercore.verification.values import CODE_DIGITS, DAY, TOKEN_BYTES, Verification, VerificationState


@frozen
class RandomProofs:
    """Draws proofs from the operating system's randomness."""

    def code(self) -> Secret:
        """Return six random digits."""
        return Secret(f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}}")

    def token(self) -> Secret:
        """Return 256 random bits in base64url, 43 characters."""
        return Secret(base64.urlsafe_b64encode(secrets.token_bytes(TOKEN_BYTES)).decode().rstrip("="))


@frozen
class MemoryVerificationWriter:
    """Begins verifications and counts guesses."""

    database: MemoryDatabase

    async def start(self, new: NewVerification) -> None:
        """Keep a verification, and the delivery that tells its user."""
        self._check(new)
        verification, claim = new.verification, new.context.claim
        if claim is not None:
            self.database.settle(claim, Settled(new.user.id, new.user.version))
        for one in self.database.pending(new.user.id, verification.channel):
            ended = evolve(one, state=VerificationState.SUPERSEDED, settled_at=verification.started_at)
            self.database.verifications[one.id] = ended
        self.database.verifications[verification.id] = verification
        self.database.append(entry_of_start(new))
        self.database.deliver(deliveries_of_verification(new))

    def _check(self, new: NewVerification) -> None:
        current = self.database.users.get(new.user.id)
        if current is None:
            raise UserNotFoundError
        if current.version != new.user.version:
            raise StaleVersionError(current=current.version)
        now = new.verification.started_at
        starts = list(self._starts(new.user.id, new.verification.channel, now - DAY))
        wait = new.policy.next_start(starts, now) - now
        if wait:
            raise VerificationThrottledError(retry_after_s=wait.total_seconds())

    def _starts(self, user_id: UserId, channel: VerificationChannel, since: datetime) -> Iterator[datetime]:
        for one in self.database.verifications.values():
            asked_for = one.code_hash is not None and one.started_at > since
            if asked_for and (one.user_id, one.channel) == (user_id, channel):
                yield one.started_at

    async def guess(
        self, user_id: UserId, verification_id: EventId, *, now: datetime, most: int
    ) -> Verification | None:
        """Count a guess at a verification, and return it as it then stands."""
        found = self.database.verifications.get(verification_id)
        if found is None or found.user_id != user_id or not found.takes_token(now) or found.attempts >= most:
            return None
        counted = evolve(found, attempts=found.attempts + 1)
        self.database.verifications[verification_id] = counted
        return counted

    async def purge(self, before: datetime, *, limit: int) -> int:
        """Delete those that began before a time, but those of identities."""
        old = [
            one.id
            for one in self.database.verifications.values()
            if one.started_at < before and one.channel is not VerificationChannel.IDENTITY
        ][:limit]
        for one in old:
            del self.database.verifications[one]
        return len(old)


@frozen
class MemoryVerificationReader:
    """Finds verifications."""

    database: MemoryDatabase

    async def get(self, user_id: UserId, verification_id: EventId) -> Verification | None:
        """Return a user's verification, or None where it is not theirs or nobody's."""
        found = self.database.verifications.get(verification_id)
        return found if found is not None and found.user_id == user_id else None

    async def by_token(self, token_hash: bytes) -> Verification | None:
        """Return the verification whose link carries the token of this hash."""
        return next((one for one in self.database.verifications.values() if one.token_hash == token_hash), None)

    async def by_request(self, user_id: UserId, request: bytes) -> Verification | None:
        """Return the latest verification of a user that this idempotent request began."""
        begun = (
            one for one in self.database.verifications.values() if (one.user_id, one.request) == (user_id, request)
        )
        return max(begun, key=lambda one: one.started_at, default=None)


if TYPE_CHECKING:
    _proofs: ProofGenerator = RandomProofs()
    _writer: VerificationWriter = MemoryVerificationWriter(MemoryDatabase())
    _reader: VerificationReader = MemoryVerificationReader(MemoryDatabase())
