"""What a user is made of: the profile, where the account stands, and what of it is verified."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Final, Self

from attrs import field, frozen

from usercore.kernel.context import Actor
from usercore.kernel.ids import UserId
from usercore.users.attributes import Json
from usercore.users.search import words_of
from usercore.users.values import (
    ERASED_DOMAIN,
    AccountState,
    Address,
    DeactivationReason,
    EmailAddress,
    fold_ascii,
)


@frozen
class Profile:
    """What a user says of themselves. Its representation hides every value.

    Args:
        username: how they sign in; their email unless they chose another.
        phone_number: E.164.
        locale: BCP 47 language tag.
        time_zone: IANA name.
        attributes: custom JSON object, in the one form of :mod:`usercore.users.attributes`.
        external_id: their id in the system they came from.
    """

    username: str = field(repr=False)
    email: EmailAddress = field(repr=False)
    first_name: str = field(repr=False)
    last_name: str = field(repr=False)
    phone_number: str | None = field(default=None, repr=False)
    address: Address | None = field(default=None, repr=False)
    locale: str | None = field(default=None, repr=False)
    time_zone: str | None = field(default=None, repr=False)
    birth_date: date | None = field(default=None, repr=False)
    attributes: Mapping[str, Json] = field(factory=dict, repr=False)
    external_id: str | None = field(default=None, repr=False)

    @classmethod
    def erased(cls, user_id: UserId) -> Self:
        """Return what stands where a profile was: placeholders that are nobody's and stay unique."""
        placeholder = f"{user_id}@{ERASED_DOMAIN}"
        return cls(username=placeholder, email=EmailAddress(placeholder, placeholder), first_name="", last_name="")

    @property
    def canonical_username(self) -> str:
        """The form under which the username is unique."""
        return self.email.canonical if self.uses_email_as_username else fold_ascii(self.username)

    @property
    def uses_email_as_username(self) -> bool:
        """Whether the username is the email, so that it follows when the email changes."""
        return "@" in self.username

    @property
    def search_words(self) -> tuple[str, ...]:
        """The words by which the user is found: of the name, the username and the email."""
        return words_of(self.first_name, self.last_name, self.username, self.email.address)


@frozen
class AccountStatus:
    """Where the account stands, since when, and by whose doing.

    Args:
        state: where.
        since: aware, UTC.
        actor: whose doing it is.
        reason: why it was deactivated.
        notes: what else was said.
        until: when a deactivation ends by itself, or None.
        merged_into: the account that this one was merged into; it may have been merged itself since.
    """

    state: AccountState
    since: datetime
    actor: Actor
    reason: DeactivationReason | None = None
    notes: str | None = field(default=None, repr=False)
    until: datetime | None = None
    merged_into: UserId | None = None


@frozen
class Verification:
    """When each contact, and the person, was last verified; None where they are not."""

    email: datetime | None = None
    phone: datetime | None = None
    identity: datetime | None = None


UNVERIFIED: Final = Verification()
