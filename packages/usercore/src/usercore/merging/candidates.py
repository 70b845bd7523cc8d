"""Pairs of accounts that may be one person's, and why: signs to look at, never a reason to merge by itself."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from math import prod
from typing import Final

from attrs import field, frozen

from usercore.kernel.context import Actor
from usercore.kernel.ids import UserId
from usercore.users.model import Profile

GROUP_MAX: Final = 20
"""Accounts that share a sign at most: a telephone that more have is a switchboard's, and says nothing."""
PAIRS_MAX: Final = 100_000
"""Pairs that one scan keeps, the likeliest first: more than anybody looks through."""


class Sign(StrEnum):
    """What two accounts have in common."""

    SAME_MAILBOX = "SAME_MAILBOX"
    """Emails that reach the same mailbox, where the provider is known to ignore what differs."""
    SAME_NAME_AND_BIRTH_DATE = "SAME_NAME_AND_BIRTH_DATE"
    SIMILAR_EXTERNAL_ID = "SIMILAR_EXTERNAL_ID"
    """Ids in the system that they came from which differ in case or punctuation alone."""
    SAME_PHONE = "SAME_PHONE"
    SAME_ADDRESS_AND_LAST_NAME = "SAME_ADDRESS_AND_LAST_NAME"


WEIGHTS: Final[Mapping[Sign, float]] = {
    Sign.SAME_MAILBOX: 0.9,
    Sign.SAME_NAME_AND_BIRTH_DATE: 0.8,
    Sign.SIMILAR_EXTERNAL_ID: 0.7,
    Sign.SAME_PHONE: 0.6,
    Sign.SAME_ADDRESS_AND_LAST_NAME: 0.5,
}
"""How likely each sign alone makes it, by judgement: households share telephones and addresses."""

# Source: Gmail Help, "Dots don't matter in Gmail addresses" and "Send emails from a different address or alias".
DOTLESS: Final = ("gmail.com", "googlemail.com")
"""Domains whose mailboxes ignore dots and whatever follows a plus, and which are one domain."""
# Source: the providers' pages on plus addressing (Outlook.com, iCloud Mail, Fastmail, Proton Mail).
TAGGED: Final = ("outlook.com", "hotmail.com", "live.com", "icloud.com", "me.com", "fastmail.com", "proton.me", "pm.me")
"""Domains whose mailboxes ignore whatever follows a plus."""


@frozen
class Dismissal:
    """Somebody found that two accounts are two people's.

    Args:
        at: aware, UTC.
        by: who.
        reason: why.
    """

    at: datetime
    by: Actor
    reason: str = field(repr=False)


@frozen
class Candidate:
    """Two accounts that may be one person's.

    Args:
        first: the older account.
        second: the other.
        signs: what they have in common, by name.
        score: how likely it is by the signs alone, below 1.
        found_at: when a scan found them first; aware, UTC.
        dismissal: how somebody decided that they are not, or None.
    """

    first: UserId
    second: UserId
    signs: tuple[Sign, ...]
    score: float
    found_at: datetime
    dismissal: Dismissal | None = None


@frozen
class CandidatePlace:
    """Where a page of candidates ends; the likeliest come first."""

    score: float
    first: UserId
    second: UserId


@frozen
class CandidateFilter:
    """Which candidates.

    Args:
        user_id: of whom one is this account; None means anybody.
        dismissed: those that somebody dismissed, in place of the others.
    """

    user_id: UserId | None = None
    dismissed: bool = False


def score_of(signs: tuple[Sign, ...]) -> float:
    """Return how likely signs make it together, as if each were independent of the others."""
    return round(1 - prod(1 - WEIGHTS[sign] for sign in signs), 3)


def keys_of(profile: Profile) -> Mapping[Sign, str]:
    """Return for each sign that a profile has the text that whoever shares the sign has as well."""
    address = profile.address
    last = normal(profile.last_name)
    found = {
        Sign.SAME_MAILBOX: mailbox_of(profile.email.canonical),
        Sign.SAME_PHONE: profile.phone_number,
        Sign.SIMILAR_EXTERNAL_ID: normal(profile.external_id or ""),
    }
    if profile.birth_date is not None:
        found[Sign.SAME_NAME_AND_BIRTH_DATE] = "|".join((normal(profile.first_name), last, str(profile.birth_date)))
    if address is not None and address.street and (address.postal_code or address.city):
        place = (address.street, address.postal_code or "", address.city or "")
        found[Sign.SAME_ADDRESS_AND_LAST_NAME] = "|".join((last, *map(normal, place)))
    return {sign: key for sign, key in found.items() if key}


def normal(text: str) -> str:
    """Return a text without case and punctuation, its words parted by single blanks."""
    return " ".join("".join(one if one.isalnum() else " " for one in text.lower()).split())


def mailbox_of(canonical: str) -> str | None:
    """Return the address of the mailbox behind an email, or None where its provider is not known to have others."""
    local, _, domain = canonical.partition("@")
    plain = local.partition("+")[0]
    if domain in DOTLESS:
        return plain.replace(".", "") + "@" + DOTLESS[0]
    return f"{plain}@{domain}" if domain in TAGGED else None
