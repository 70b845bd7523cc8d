"""Merges as they are remembered, and what one would bring about."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Generic, TypeVar

from attrs import field, frozen

from usercore.kernel.context import Actor
from usercore.kernel.ids import EventId, UserId
from usercore.preferences.values import EmailPreference
from usercore.privacy.consents.values import Consent
from usercore.users.model import AccountStatus, Profile, User, Verification

T = TypeVar("T")


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


@frozen
class MergePolicy:
    """The company's rules for merges.

    Args:
        undo_within: how long a merge can be undone.
        scan_every: how old what is known of candidates may become; None: nobody looks for them unasked.
    """

    undo_within: timedelta = timedelta(days=30)
    scan_every: timedelta | None = timedelta(days=1)

    def undoable_until(self, merge: Merge) -> datetime | None:
        """Return until when a merge can be undone, or None where it was."""
        return merge.at + self.undo_within if merge.undone is None else None


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


@frozen
class Restored(Generic[T]):
    """Something that was said, and what had been said before that, which holds again."""

    now: T
    before: T


class Kept(StrEnum):
    """Why something that a merge brought about stays when it is undone."""

    CHANGED_SINCE = "CHANGED_SINCE"
    """It was changed after the merge."""
    NO_EARLIER_WORD = "NO_EARLIER_WORD"
    """The survivor had said nothing of it before, and nobody is subscribed by an undo."""
    STRICTER_STAYS = "STRICTER_STAYS"
    """A restriction ends by a decision of its own alone."""
    CREDENTIAL_REMOVED = "CREDENTIAL_REMOVED"
    """The merged account's credential went with its sign-in name: it is sent an invitation to choose a password."""


@frozen
class KeptBack:
    """Something that an undo leaves as it is.

    Args:
        name: the facet's domain name, or ``credential``.
        why: why.
    """

    name: str
    why: Kept


@frozen
class UndoPlan:
    """What undoing a merge brings about.

    Args:
        merge: which.
        survivor: as it is.
        merged: as it is.
        profile: the survivor's afterwards.
        verification: the survivor's afterwards.
        back: the merged account's profile afterwards.
        back_verification: and what is known of its contacts.
        status: and where it stands.
        fields: the survivor's fields that get their values back.
        preferences: what the survivor says of topics again.
        consents: what the survivor says of purposes again.
        proofs: of consents, by the purpose's name.
        kept: what stays.
    """

    merge: Merge
    survivor: User
    merged: User
    profile: Profile = field(repr=False)
    verification: Verification
    back: Profile = field(repr=False)
    back_verification: Verification
    status: AccountStatus
    fields: tuple[str, ...]
    preferences: tuple[Restored[EmailPreference], ...]
    consents: tuple[Restored[Consent], ...]
    proofs: Mapping[str, str | None] = field(repr=False)
    kept: tuple[KeptBack, ...]

    @property
    def moves_names(self) -> bool:
        """Whether the two exchange something by which one of them alone may be known."""
        return self.back != self.merged.profile
