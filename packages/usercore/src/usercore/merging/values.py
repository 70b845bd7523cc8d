"""Merges as they are remembered, and what one would bring about."""

from datetime import datetime
from enum import StrEnum

from attrs import field, frozen

from usercore.kernel.context import Actor
from usercore.kernel.ids import EventId, UserId
from usercore.preferences.values import EmailPreference
from usercore.privacy.consents.values import Consent
from usercore.users.model import Profile, User, Verification


@frozen
class Undoing:
    """The end of a merge.

    Args:
        at: aware, UTC.
        by: who took it back.
        reason: why.
    """

    at: datetime
    by: Actor
    reason: str = field(repr=False)


@frozen
class Merge:
    """One account that was merged into another.

    Args:
        id: the event that announced it in the survivor's life.
        survivor: the account that stayed.
        merged: the one that went into it.
        survivor_before: the survivor's version before.
        survivor_version: its version after, some steps later.
        merged_version: the version that ended the other account.
        at: aware, UTC.
        by: who did it.
        reason: why.
        undone: how it was taken back, or None.
    """

    id: EventId
    survivor: UserId
    merged: UserId
    survivor_before: int
    survivor_version: int
    merged_version: int
    at: datetime
    by: Actor
    reason: str = field(repr=False)
    undone: Undoing | None = None


class Origin(StrEnum):
    """Whose value a field has after a merge."""

    SURVIVOR = "SURVIVOR"
    MERGED = "MERGED"
    BOTH = "BOTH"
    """Of an object: members of either."""


@frozen
class FieldChoice:
    """A field in which the two accounts differ.

    Args:
        name: the field's domain name.
        origin: whose value stays.
        own: the survivor's.
        other: the merged account's.
        chosen: what the survivor has afterwards.
    """

    name: str
    origin: Origin
    own: object = field(repr=False)
    other: object = field(repr=False)
    chosen: object = field(repr=False)


@frozen
class Unsubscription:
    """A topic that the merged account left, and the survivor did not say the same of.

    Args:
        before: what the survivor had said, or None.
        said: what the merged account said.
    """

    before: EmailPreference | None
    said: EmailPreference


@frozen
class Withdrawal:
    """A purpose that the merged account refused, and the survivor did not.

    Args:
        before: what the survivor had said, or None.
        said: what the merged account said.
    """

    before: Consent | None
    said: Consent


@frozen
class MergePlan:
    """What a merge brings about.

    Args:
        survivor: the account that stays, as it is.
        merged: the other, as it is.
        profile: the survivor's afterwards.
        left: the merged account's afterwards: the same but for names that went to the survivor, in whose place it keeps
            the ones that the survivor gave up, so that nobody else can take either.
        verification: the survivor's afterwards.
        restricted: whether the survivor's data is restricted afterwards.
        fields: those in which the two differ.
        unsubscribed: what the survivor is unsubscribed from.
        withdrawn: for what the survivor's consent ends.
    """

    survivor: User
    merged: User
    profile: Profile = field(repr=False)
    left: Profile = field(repr=False)
    verification: Verification
    restricted: bool
    fields: tuple[FieldChoice, ...]
    unsubscribed: tuple[Unsubscription, ...]
    withdrawn: tuple[Withdrawal, ...]

    @property
    def moves_names(self) -> bool:
        """Whether the two exchange something by which one of them alone may be known."""
        return self.left != self.merged.profile
