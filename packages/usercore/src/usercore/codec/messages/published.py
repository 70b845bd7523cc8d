"""The messages that we publish, as their schemas say; :mod:`usercore.codec.events` makes the payloads.

`UserCreated` and `UserDeactivated` are the catalogue's, and closed. The others are ours, and open: whoever reads them
leaves alone what it does not know, so that fields can be added.
"""

from datetime import date
from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from usercore.codec import documents
from usercore.codec.documents import Address, Time, Verification
from usercore.codec.messages.received import Email, UserIdText
from usercore.users.values import DeactivationReason

Version = Annotated[int, Meta(ge=1, description="The user's version.")]


class UserCreated(Struct, rename="camel", forbid_unknown_fields=True, kw_only=True):
    """A user exists."""

    user_id: UserIdText
    email: Email
    created_at: Time
    first_name: str | UnsetType = UNSET
    last_name: str | UnsetType = UNSET


class UserUpdated(Struct, rename="camel", kw_only=True):
    """Fields of a profile have new values; they stand beside their names in `changedFields`."""

    user_id: UserIdText
    updated_at: Time
    version: Version
    changed_fields: list[str]
    username: str | UnsetType = UNSET
    email: Email | UnsetType = UNSET
    first_name: str | UnsetType = UNSET
    last_name: str | UnsetType = UNSET
    phone_number: str | UnsetType | None = UNSET
    address: Address | UnsetType | None = UNSET
    locale: str | UnsetType | None = UNSET
    time_zone: str | UnsetType | None = UNSET
    birth_date: date | UnsetType | None = UNSET
    attributes: dict[str, Any] | UnsetType = UNSET
    external_id: str | UnsetType | None = UNSET
    verification: Verification | UnsetType = UNSET
    restricted: bool | UnsetType = UNSET


class UserDeactivated(Struct, rename="camel", forbid_unknown_fields=True, kw_only=True):
    """The account takes no part any more."""

    user_id: UserIdText
    deactivated_at: Time
    reason: DeactivationReason
    additional_notes: str | UnsetType = UNSET


class UserReactivated(Struct, rename="camel", kw_only=True):
    """The account takes part again."""

    user_id: UserIdText
    reactivated_at: Time
    reason: str | None


class SaidPreference(Struct, rename="camel", kw_only=True):
    """What a user said of one topic."""

    subscribed: bool
    source: str
    updated_at: Time
    wording_version: str


class UserEmailPreferencesUpdated(Struct, rename="camel", kw_only=True):
    """A user said which email is wanted; only the topics spoken of are told, by name."""

    user_id: UserIdText
    updated_at: Time
    preferences: dict[str, SaidPreference]


class UserConsentChanged(Struct, rename="camel", kw_only=True):
    """A user gave a consent, or withdrew it."""

    user_id: UserIdText
    purpose: Annotated[str, Meta(description="What data may be used for, by its registered name.", examples=["sale"])]
    given: Annotated[bool, Meta(description="False: it is withdrawn, or was refused from the beginning.")]
    wording_version: Annotated[str, Meta(description="The text that the user had been shown.")]
    changed_at: Time


class UserVerified(Struct, rename="camel", kw_only=True):
    """Something of a user was verified."""

    user_id: UserIdText
    channel: Literal["email", "phone", "identity"]
    verified_at: Time


class UserMerged(Struct, rename="camel", kw_only=True):
    """Two accounts turned out to be one person's; `userId` is the one that stays. Told under either's id."""

    user_id: UserIdText
    merged_user_id: UserIdText
    merged_at: Time


class UserMergeUndone(Struct, rename="camel", kw_only=True):
    """Two accounts that were merged are two again; `userId` is the one that had stayed. Told under either's id."""

    user_id: UserIdText
    merged_user_id: UserIdText
    undone_at: Time


class UserErased(Struct, rename="camel", kw_only=True):
    """Everything personal of a user was erased."""

    user_id: UserIdText
    erased_at: Time


class UsersImported(Struct, rename="camel", kw_only=True):
    """Many users were created or changed at once, and no event tells of each: whoever keeps a copy reads it anew."""

    import_id: Annotated[str, Meta(description="The import's id.")]
    started_at: Time
    finished_at: Time
    created: Annotated[int, Meta(ge=0, description="Users that are new.")]
    updated: Annotated[int, Meta(ge=0, description="Users that were changed.")]


class AuditCheckpointMade(Struct, rename="camel", kw_only=True):
    """All chains of the audit trail as they stood at a time, as one signed hash."""

    number: Annotated[int, Meta(ge=1, description="1 for the first, and then one more each time.")]
    at: Time
    size: Annotated[int, Meta(ge=0, description="Leaves of the Merkle tree over the heads of the chains.")]
    entries: Annotated[int, Meta(ge=0, description="Entries in all chains.")]
    root: Annotated[str, Meta(pattern="^[0-9a-f]{64}$", description="Of the tree.")]
    note: Annotated[str, Meta(description="The signed note (c2sp.org/signed-note); it alone is signed.")]


class ProblemField(Struct, rename="camel", kw_only=True):
    """What is wrong with one field."""

    pointer: Annotated[str, Meta(description="JSON Pointer (RFC 6901) into the message.")]
    code: str
    detail: str


class Problem(Struct, rename="camel", kw_only=True):
    """Why something was refused (RFC 9457), without a value of what was sent."""

    type: str
    title: str
    detail: str
    code: Annotated[str, Meta(description="Stable word for what is wrong; docs/errors.md lists them.")]
    errors: list[ProblemField] | UnsetType = UNSET


class UserCommandRejected(Struct, rename="camel", kw_only=True):
    """A command was understood and refused; it had no effect."""

    command: Annotated[str, Meta(description="The command's name in the catalogue.")]
    command_id: Annotated[
        str, Meta(description="The command's `ce_id`; of a plain one `<topic>-<partition>-<offset>`.")
    ]
    problem: Problem


class UserProfile(documents.User, kw_only=True):
    """A user's profile: after each change in `user-profiles`, where no value at all says that the user was erased, and
    as the answer to `GetUser`.
    """  # noqa: D205 -- one sentence


class UserEmailPreferences(documents.EmailPreferences):
    """A user's email preferences, by topic name: the answer to `GetUserEmailPreferences`."""
