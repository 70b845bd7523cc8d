"""The shapes of what we say of users, whoever asks: over HTTP, in answers to queries, and in topics.

They describe what :mod:`usercore.codec.profile` and :mod:`usercore.codec.preferences` render. Needs the extra
`usercore[messages]`.
"""

from datetime import date, datetime
from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

Time = Annotated[datetime, Meta(tz=True)]


class Address(Struct, rename="camel"):
    """A postal address."""

    street: str | None
    city: str | None
    state: str | None
    postal_code: str | None
    country: str | None


class Actor(Struct, rename="camel"):
    """Who did something."""

    kind: Literal["USER", "SERVICE", "OPERATOR", "SYSTEM"]
    id: str


class StatusDetails(Struct, rename="camel"):
    """Since when, by whom and why an account stands where it does."""

    since: Time
    reason: Literal["USER_REQUESTED", "ADMINISTRATIVE_ACTION", "SECURITY_VIOLATION", "INACTIVITY"] | None
    notes: str | None
    until: Time | None
    actor: Actor
    merged_into: Annotated[
        str | UnsetType, Meta(description="Of a merged account: the one that it was merged into.")
    ] = UNSET


class Verified(Struct, rename="camel"):
    """Whether and when something was last verified."""

    verified: bool
    verified_at: Time | None


class Verification(Struct, rename="camel"):
    """What has been verified of a user."""

    email: Verified
    phone: Verified
    identity: Verified


class User(Struct, rename="camel", kw_only=True):
    """A user's profile."""

    id: str
    username: str
    email: str
    first_name: str
    last_name: str
    phone_number: str | None
    address: Address | None
    locale: str | None
    time_zone: str | None
    birth_date: date | None
    attributes: dict[str, Any]
    external_id: str | None
    status: Literal["ACTIVE", "DEACTIVATED", "MERGED", "ERASED"]
    status_details: StatusDetails
    verification: Verification
    restricted: bool
    version: Annotated[int, Meta(ge=1)]
    created_at: Time
    updated_at: Time


class TopicPreference(Struct, rename="camel", kw_only=True):
    """What holds for a user and a topic."""

    subscribed: bool
    source: str | None
    updated_at: Time | None
    wording_version: str | None
    title: str
    description: str
    mandatory: bool
    current_wording_version: str


class EmailPreferences(Struct, rename="camel"):
    """What holds for a user, by topic name."""

    user_id: str
    version: Annotated[int, Meta(ge=1)]
    topics: dict[str, TopicPreference]
