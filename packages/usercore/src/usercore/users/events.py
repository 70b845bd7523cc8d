"""What is announced about a user's life."""

from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar

from attrs import frozen

from usercore.kernel.events import Event
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
