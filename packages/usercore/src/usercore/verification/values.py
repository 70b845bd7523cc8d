"""What a verification is, how long it lasts, and how often it may be asked for."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from attrs import field, frozen

from usercore.kernel.ids import EventId, UserId
from usercore.users.model import Profile
from usercore.users.values import VerificationChannel

CODE_DIGITS: Final = 6
"""Source: NIST SP 800-63B, 5.1.3.2: an out-of-band secret of 20 bits at least, which six digits are, where guesses
are limited."""
TOKEN_BYTES: Final = 32
"""256 random bits, twice what no one can guess. Source: NIST SP 800-63B, 5.1.3.2, asks for 64 at least."""
TOKEN_CHARS: Final = 43
"""So many characters of base64url hold a token's bytes. Source: RFC 4648, section 5, without padding."""
VERIFIER_MAX_CHARS: Final = 100
REFERENCE_MAX_CHARS: Final = 500


class VerificationState(StrEnum):
    """What has become of a verification. One that ran out, or was guessed at too often, is still pending."""

    PENDING = "PENDING"
    CONFIRMED = "CONFIRMED"
    SUPERSEDED = "SUPERSEDED"
    CANCELLED = "CANCELLED"


@frozen
class Verification:
    """One try to prove something of a user. Of code, token and contact it knows keyed hashes alone.

    Args:
        id: names it for ever.
        user_id: whose.
        channel: what is to be proved.
        state: what has become of it.
        started_at: aware, UTC.
        contact_hash: of the address or number it was sent to; None for an identity.
        code_hash: of the code; None where there is only a link, or nothing to send.
        token_hash: of the link's token; None where there is nothing to send.
        code_expires_at: when the code no longer serves.
        link_expires_at: when the link no longer serves.
        attempts: how often somebody has guessed.
        settled_at: when it stopped being pending.
        verifier: who verified it, where nobody had to confirm.
        reference: the verifier's own name for its proof, or why an operator vouches.
        request: names the idempotent request that began it.
    """

    id: EventId
    user_id: UserId
    channel: VerificationChannel
    state: VerificationState
    started_at: datetime
    contact_hash: bytes | None = field(default=None, repr=False)
    code_hash: bytes | None = field(default=None, repr=False)
    token_hash: bytes | None = field(default=None, repr=False)
    code_expires_at: datetime | None = None
    link_expires_at: datetime | None = None
    attempts: int = 0
    settled_at: datetime | None = None
    verifier: str | None = None
    reference: str | None = field(default=None, repr=False)
    request: bytes | None = field(default=None, repr=False)

    def takes_code(self, now: datetime) -> bool:
        """Return whether its code serves now, as far as time can tell."""
        return self._serves(self.code_expires_at, now)

    def takes_token(self, now: datetime) -> bool:
        """Return whether its link serves now, as far as time can tell."""
        return self._serves(self.link_expires_at, now)

    def _serves(self, until: datetime | None, now: datetime) -> bool:
        return self.state is VerificationState.PENDING and until is not None and now < until


@frozen
class VerificationPolicy:
    """How long verifications last and how often they may be asked for.

    Args:
        code_lasts: how long a code serves.
        link_lasts: how long a link serves.
        attempts: guesses at one verification; the last of them may still be right.
        interval: between two starts for one user and channel.
        per_hour: starts for one user and channel within an hour.
        per_day: starts for one user and channel within 24 hours.
        with_creation: whether the first mail to a new user carries a link.
        kept: how long verifications are remembered; those of identities stay.
    """

    code_lasts: timedelta = timedelta(minutes=15)
    link_lasts: timedelta = timedelta(hours=24)
    attempts: int = 5
    interval: timedelta = timedelta(seconds=60)
    per_hour: int = 5
    per_day: int = 10
    with_creation: bool = True
    kept: timedelta = timedelta(days=30)

    def next_start(self, starts: Sequence[datetime], now: datetime) -> datetime:
        """Return when the next start is allowed: `now`, or later.

        Args:
            starts: when those of the last 24 hours were.
            now: aware, UTC.
        """
        newest_first = sorted(starts, reverse=True)
        allowed = [now]
        for count, span in ((1, self.interval), (self.per_hour, HOUR), (self.per_day, DAY)):
            if len(newest_first) >= count:
                allowed.append(newest_first[count - 1] + span)
        return max(allowed)


HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)
DEFAULT_VERIFICATION: Final = VerificationPolicy()


def contact_of(profile: Profile, channel: VerificationChannel) -> str | None:
    """Return the one form of the contact that a channel proves, or None where there is none."""
    match channel:
        case VerificationChannel.EMAIL:
            return profile.email.canonical
        case VerificationChannel.PHONE:
            return profile.phone_number
        case VerificationChannel.IDENTITY:
            return None
