"""What is announced about a user's life."""

from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar

from attrs import frozen

from usercore.kernel.events import Event
from usercore.kernel.ids import UserId
from usercore.users.values import DeactivationReason, VerificationChannel


@frozen
class UserCreated(Event):
    """A user exists."""

    message: ClassVar[str] = "UserCreated"

    email: str
    first_name: str
    last_name: str
    created_at: datetime


@frozen
class UserUpdated(Event):
    """Fields of a profile have new values; `values` maps their domain names to them."""

    message: ClassVar[str] = "UserUpdated"

    updated_at: datetime
    version: int
    values: Mapping[str, object]


@frozen
class UserDeactivated(Event):
    """The account takes no part any more."""

    message: ClassVar[str] = "UserDeactivated"

    deactivated_at: datetime
    reason: DeactivationReason
    additional_notes: str | None


@frozen
class UserReactivated(Event):
    """The account takes part again."""

    message: ClassVar[str] = "UserReactivated"

    reactivated_at: datetime
    reason: str | None


@frozen
class UserErased(Event):
    """Everything personal of a user is gone."""

    message: ClassVar[str] = "UserErased"

    erased_at: datetime


@frozen
class UserVerified(Event):
    """A contact was proved to be the user's, or the user to be who they say."""

    message: ClassVar[str] = "UserVerified"

    channel: VerificationChannel
    verified_at: datetime


@frozen
class UserMerged(Event):
    """Two accounts turned out to be one person's: `user_id` is the one that stays.

    Both users' lives have it as a step, so it is told under either's id.
    """

    message: ClassVar[str] = "UserMerged"

    merged_user_id: UserId
    merged_at: datetime


@frozen
class UserMergeUndone(Event):
    """Two accounts that were merged are two again: `user_id` is the one that had stayed. Told under either's id."""

    message: ClassVar[str] = "UserMergeUndone"

    merged_user_id: UserId
    undone_at: datetime
