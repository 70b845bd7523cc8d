"""The user: what may happen to one, and what comes of it.

A method returns the next state with its event, or raises. Time and ids are arguments; nothing here
reads a clock, a database or a message.
"""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any, NoReturn, Self, TypeAlias

from attrs import asdict, evolve, field, frozen

from usercore.kernel.changes import FieldChange, differences
from usercore.kernel.context import Actor
from usercore.kernel.events import Event
from usercore.kernel.ids import UserId
from usercore.users.attributes import Json
from usercore.users.errors import (
    StaleVersionError,
    UserDeactivatedError,
    UserErasedError,
    UserMergedError,
    UserRestrictedError,
)
from usercore.users.events import (
    UserCreated,
    UserDeactivated,
    UserErased,
    UserMerged,
    UserMergeUndone,
    UserReactivated,
    UserUpdated,
    UserVerified,
)
from usercore.users.search import words_of
from usercore.users.values import (
    ERASED_DOMAIN,
    AccountState,
    Address,
    DeactivationReason,
    EmailAddress,
    VerificationChannel,
    fold_ascii,
)

_OUTER_FACETS = ("status", "verification", "restricted")
MERGED_USER = "merged_user"
"""What history calls a user whose account was merged into this one."""

_Announce: TypeAlias = "Callable[[User, tuple[FieldChange, ...]], Event]"


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


@frozen
class Transition:
    """What one method of :class:`User` brought about.

    Args:
        user: the state after.
        event: what is announced.
        changes: field by field, before and after.
    """

    user: "User"
    event: Event
    changes: tuple[FieldChange, ...]


@frozen
class User:
    """One user, whole.

    Args:
        id: theirs for ever.
        version: 1 at creation, one more with each change.
        profile: what they say of themselves.
        status: where the account stands.
        verification: what has been verified.
        restricted: the person asked that the data be kept but not otherwise used.
        created_at: aware, UTC.
        updated_at: when the version was made; never earlier than the version before.
    """

    id: UserId
    version: int
    profile: Profile
    status: AccountStatus
    created_at: datetime
    updated_at: datetime
    verification: Verification = Verification()
    restricted: bool = False

    @classmethod
    def create(cls, user_id: UserId, profile: Profile, *, now: datetime, actor: Actor) -> Transition:
        """Begin a user's life."""
        user = cls(
            id=user_id,
            version=1,
            profile=profile,
            status=AccountStatus(AccountState.ACTIVE, since=now, actor=actor),
            created_at=now,
            updated_at=now,
        )
        event = UserCreated(
            user_id,
            email=profile.email.address,
            first_name=profile.first_name,
            last_name=profile.last_name,
            created_at=now,
        )
        nothing = dict.fromkeys(user.facets())
        return Transition(user, event, tuple(differences(nothing, user.facets())))

    def update(self, profile: Profile, *, now: datetime, as_asked: bool = False) -> Transition | None:
        """Take on a new profile; a new email or phone number is not verified yet.

        Args:
            profile: the new one.
            now: aware, UTC.
            as_asked: the person asked for it by law, so that a deactivated account takes it as well.

        Returns:
            The transition, or None where the profile is the same.

        Raises:
            UserDeactivatedError: the account is deactivated.
            UserMergedError: the account was merged into another.
            UserErasedError: the user has been erased.
        """
        if not (as_asked and self.status.state is AccountState.DEACTIVATED):
            self.require_active()
        if profile == self.profile:
            return None
        after = evolve(self, profile=profile, verification=self._still_verified(profile))
        return self._advance(after, now, self._updated)

    def _still_verified(self, profile: Profile) -> Verification:
        same_email = profile.email.canonical == self.profile.email.canonical
        same_phone = profile.phone_number == self.profile.phone_number
        return evolve(
            self.verification,
            email=self.verification.email if same_email else None,
            phone=self.verification.phone if same_phone else None,
        )

    def _updated(self, after: "User", changes: tuple[FieldChange, ...]) -> UserUpdated:
        values = {change.field: change.after for change in changes}
        return UserUpdated(self.id, updated_at=after.updated_at, version=after.version, values=values)

    def deactivate(
        self,
        *,
        reason: DeactivationReason,
        notes: str | None,
        until: datetime | None,
        now: datetime,
        actor: Actor,
    ) -> Transition | None:
        """End the account's part in things, for good or until a time.

        Returns:
            The transition, or None where the account is deactivated already.

        Raises:
            UserMergedError: the account was merged into another.
            UserErasedError: the user has been erased.
        """
        if self.status.state is AccountState.DEACTIVATED:
            return None
        self.require_active()
        status = AccountStatus(
            AccountState.DEACTIVATED,
            since=max(now, self.updated_at),
            actor=actor,
            reason=reason,
            notes=notes,
            until=until,
        )
        return self._advance(
            evolve(self, status=status),
            now,
            lambda after, _: UserDeactivated(
                self.id, deactivated_at=after.updated_at, reason=reason, additional_notes=notes
            ),
        )

    def reactivate(self, *, reason: str | None, now: datetime, actor: Actor) -> Transition | None:
        """Let the account take part again.

        Returns:
            The transition, or None where the account is active already.

        Raises:
            UserMergedError: the account was merged into another.
            UserErasedError: the user has been erased.
        """
        if self.status.state is AccountState.ACTIVE:
            return None
        if self.status.state is not AccountState.DEACTIVATED:
            self._refuse()
        since = max(now, self.updated_at)
        status = AccountStatus(AccountState.ACTIVE, since=since, actor=actor, notes=reason)
        return self._advance(
            evolve(self, status=status),
            now,
            lambda after, _: UserReactivated(self.id, reactivated_at=after.updated_at, reason=reason),
        )

    def restrict(self, *, on: bool, now: datetime) -> Transition | None:
        """Keep the data but use it no further, as the person asked, or end that.

        Source: GDPR, Art. 18.

        Returns:
            The transition, or None where it is so already.

        Raises:
            UserMergedError: the account was merged into another.
            UserErasedError: the user has been erased.
        """
        self.require_kept()
        if self.restricted is on:
            return None
        return self._advance(evolve(self, restricted=on), now, self._updated)

    def erase(self, *, now: datetime, actor: Actor) -> Transition | None:
        """End the user for good: nothing personal is left, and the id is never used again.

        History tells that it happened, and of no value from before.

        Returns:
            The transition, or None where the user has been erased already.
        """
        if self.status.state is AccountState.ERASED:
            return None
        at = max(now, self.updated_at)
        after = evolve(
            self,
            version=self.version + 1,
            profile=Profile.erased(self.id),
            status=AccountStatus(AccountState.ERASED, since=at, actor=actor),
            verification=Verification(),
            restricted=False,
            updated_at=at,
        )
        return Transition(after, UserErased(self.id, erased_at=at), changes=())

    def take_over(
        self, profile: Profile, verification: Verification, *, restricted: bool, now: datetime
    ) -> Transition | None:
        """Take on what a merge, or the end of one, makes of the profile and of what is known of it.

        Returns:
            The transition, or None where all of it is the same.

        Raises:
            UserMergedError: the account was merged into another.
            UserErasedError: the user has been erased.
        """
        self.require_kept()
        after = evolve(self, profile=profile, verification=verification, restricted=restricted)
        return None if after == self else self._advance(after, now, self._updated)

    def absorb(self, merged: UserId, *, now: datetime) -> Transition:
        """Stand for another account from now on.

        Raises:
            UserDeactivatedError, UserMergedError, UserErasedError: the account cannot stay for both.
        """
        after = self.touch(now=now)
        event = UserMerged(self.id, merged_user_id=merged, merged_at=after.updated_at)
        return Transition(after, event, (FieldChange(MERGED_USER, None, merged),))

    def merge_into(self, survivor: UserId, profile: Profile, *, now: datetime, actor: Actor) -> Transition:
        """End as an account of its own.

        Args:
            survivor: the account that stays.
            profile: the same, but for the names that go to the survivor and those that come for them.
            now: aware, UTC.
            actor: whose doing it is.

        Raises:
            UserMergedError: the account was merged already.
            UserErasedError: the user has been erased.
        """
        self.require_kept()
        status = AccountStatus(AccountState.MERGED, since=max(now, self.updated_at), actor=actor, merged_into=survivor)
        after = evolve(self, profile=profile, verification=self._still_verified(profile), status=status)
        return self._advance(
            after, now, lambda done, _: UserMerged(survivor, merged_user_id=self.id, merged_at=done.updated_at)
        )

    def let_go(self, merged: UserId, *, now: datetime) -> Transition:
        """Stand for another account no longer.

        Raises:
            UserMergedError: the account was merged itself.
            UserErasedError: the user has been erased.
        """
        after = self.touch(now=now, as_asked=True)
        event = UserMergeUndone(self.id, merged_user_id=merged, undone_at=after.updated_at)
        return Transition(after, event, (FieldChange(MERGED_USER, merged, None),))

    def come_back(
        self, profile: Profile, verification: Verification, status: AccountStatus, *, now: datetime
    ) -> Transition:
        """Be an account of its own again, as before a merge.

        Args:
            profile: with the names that it had.
            verification: as it was.
            status: as it was.
            now: aware, UTC.

        Raises:
            UserErasedError: the user has been erased.
            ValueError: the account is not merged.
        """
        survivor = self.status.merged_into
        if self.status.state is AccountState.ERASED:
            self._refuse()
        if survivor is None:
            message = "only a merged account can come back"
            raise ValueError(message)
        after = evolve(self, profile=profile, verification=verification, status=status)
        return self._advance(
            after, now, lambda done, _: UserMergeUndone(survivor, merged_user_id=self.id, undone_at=done.updated_at)
        )

    def verify(self, channel: VerificationChannel, *, now: datetime, at: datetime | None = None) -> Transition:
        """Take note that a contact, or the person, has been verified; once more replaces the time.

        Args:
            channel: what was verified.
            now: when it becomes known.
            at: when it was verified, where somebody else did it before now.

        Raises:
            UserDeactivatedError: the account is deactivated.
            UserMergedError: the account was merged into another.
            UserErasedError: the user has been erased.
        """
        self.require_active()
        verified_at = max(now, self.updated_at) if at is None else at
        verification = evolve(self.verification, **{channel.value: verified_at})
        return self._advance(
            evolve(self, verification=verification),
            now,
            lambda _, __: UserVerified(self.id, channel=channel, verified_at=verified_at),
        )

    def touch(self, *, now: datetime, as_asked: bool = False) -> Self:
        """Return the next version with the same profile, for changes of what hangs on the user.

        Args:
            now: aware, UTC.
            as_asked: the person asked for it by law, so that a deactivated account takes it as well.

        Raises:
            UserDeactivatedError, UserMergedError, UserErasedError: the account takes no change.
        """
        if not (as_asked and self.status.state is AccountState.DEACTIVATED):
            self.require_active()
        return evolve(self, version=self.version + 1, updated_at=max(now, self.updated_at))

    def require_active(self) -> None:
        """Pass an active account and refuse any other.

        Raises:
            UserDeactivatedError: the account is deactivated.
            UserMergedError: the account was merged into another.
            UserErasedError: the user has been erased.
        """
        if self.status.state is not AccountState.ACTIVE:
            self._refuse()

    def require_kept(self) -> None:
        """Pass an account whose data is its own and is still there, active or not.

        Raises:
            UserMergedError: the account was merged into another.
            UserErasedError: the user has been erased.
        """
        if self.status.state in {AccountState.MERGED, AccountState.ERASED}:
            self._refuse()

    def require_unrestricted(self) -> None:
        """Pass where the data may be changed.

        Raises:
            UserRestrictedError: the person asked that it be kept and not otherwise used.
        """
        if self.restricted:
            raise UserRestrictedError

    def require_version(self, expected: int | None) -> None:
        """Pass where the caller's version is the current one, or the caller named none.

        Raises:
            StaleVersionError: the user has changed since.
        """
        if expected is not None and expected != self.version:
            raise StaleVersionError(current=self.version)

    def facets(self) -> dict[str, object]:
        """Return everything that history tells of, by domain name."""
        return {
            **asdict(self.profile, recurse=False),
            "status": self.status,
            "verification": self.verification,
            "restricted": self.restricted,
        }

    @classmethod
    def of_facets(cls, like: "User", facets: Mapping[str, object]) -> "User":
        """Return `like` with other facets: the inverse of :meth:`facets`."""
        outer: dict[str, Any] = {name: facets[name] for name in _OUTER_FACETS}
        inner: dict[str, Any] = {name: facets[name] for name in facets if name not in outer}
        return evolve(like, profile=evolve(like.profile, **inner), **outer)

    def _advance(self, after: "User", now: datetime, announce: _Announce) -> Transition:
        next_user = evolve(after, version=self.version + 1, updated_at=max(now, self.updated_at))
        changes = tuple(differences(self.facets(), next_user.facets()))
        return Transition(next_user, announce(next_user, changes), changes)

    def _refuse(self) -> NoReturn:
        match self.status.state:
            case AccountState.ERASED:
                raise UserErasedError
            case AccountState.MERGED:
                raise UserMergedError(survivor=self.status.merged_into)
            case _:
                raise UserDeactivatedError
