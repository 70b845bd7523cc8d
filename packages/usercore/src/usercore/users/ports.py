"""What the users feature asks of the world outside."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from attrs import field, frozen

from usercore.kernel.changes import FieldChange
from usercore.kernel.context import Actor, CommandContext
from usercore.kernel.errors import UserCoreError
from usercore.kernel.events import Event, Record
from usercore.kernel.ids import EventId, UserId
from usercore.kernel.paging import Page
from usercore.kernel.secret import Secret
from usercore.users.attributes import AttributeSchema, Json
from usercore.users.model import Profile, User
from usercore.users.queries import UserQuery
from usercore.users.values import AccountState, EmailAddress


@frozen
class Credential:
    """How a new user is to sign in: with a hashed password, or by an invitation to choose one.

    Args:
        password_hash: as a PHC string; None means: send an invitation.
        announced: whether the user is sent mail about the change; those of an import are not, unless it is asked for.
    """

    password_hash: Secret | None
    announced: bool = True


@frozen
class Change:
    """One step of one user's life, committed whole or not at all.

    It takes the user from version ``user.version - 1`` to ``user.version``; 1 is a creation.

    Args:
        user: the state after.
        event_id: names the step for ever.
        event: what is announced.
        changes: field by field, before and after: the history entry.
        context: who asked, because of what, and the idempotency claim to settle.
        credential: what the AuthenticationService must be given.
        records: rows of other features written with it.
        along: steps of this user or of others that come before it in the same transaction: all of them and it, or
            nothing. They settle no claim and no receipt of their own.
    """

    user: User
    event_id: EventId
    event: Event
    changes: tuple[FieldChange, ...]
    context: CommandContext
    credential: Credential | None = None
    records: tuple[Record, ...] = ()
    along: tuple["Change", ...] = ()

    @property
    def steps(self) -> tuple["Change", ...]:
        """All steps that are committed together, in order; this one is the last."""
        return (*self.along, self)


@frozen
class ProfileDocument:
    """A profile ready to be sent: `body` is its JSON on the wire, compact, in UTF-8."""

    user_id: UserId
    version: int
    state: AccountState
    body: bytes = field(repr=False)


@frozen
class HistoryEntry:
    """One step of a user's life as it is remembered."""

    user_id: UserId
    version: int
    event_id: EventId
    message: str
    at: datetime
    actor: Actor
    correlation_id: str
    causation_id: str | None
    changes: tuple[FieldChange, ...] = field(repr=False)


class LookupKind(StrEnum):
    """What else than the id names one user."""

    EMAIL = "email"
    USERNAME = "username"
    EXTERNAL_ID = "external_id"


@frozen
class Lookup:
    """Something that names one user.

    Args:
        kind: what it is.
        value: canonical form of an email or a username; an external id as it is.
    """

    kind: LookupKind
    value: str = field(repr=False)


def name_of(user: User, kind: LookupKind) -> str | None:
    """Return what names a user, in the form under which it is unique; None where they have no such name."""
    return name_in(user.profile, kind)


def name_in(profile: Profile, kind: LookupKind) -> str | None:
    """Return what names the user of a profile, in the form under which it is unique, or None."""
    match kind:
        case LookupKind.EMAIL:
            return profile.email.canonical
        case LookupKind.USERNAME:
            return profile.canonical_username
        case LookupKind.EXTERNAL_ID:
            return profile.external_id


class Beginnings(Protocol):
    """Knows what other features keep of a user from the first moment on."""

    async def records(self, user: User) -> tuple[Record, ...]:
        """Return what is to be written together with a new user.

        Raises:
            UnavailableError: a key that is needed for it cannot be read.
        """
        ...


class UserReader(Protocol):
    """Reads users for writing: always from the database, never from a cache."""

    async def get_many(self, ids: Sequence[UserId]) -> Mapping[UserId, User]:
        """Return the users that exist, in every account state; an unknown id is simply missing.

        Raises:
            UnavailableError: the database does not answer.
            ExhaustedError: too many reads wait already.
        """
        ...

    async def find(self, lookup: Lookup) -> User | None:
        """Return the one user so named, or None.

        Raises:
            UnavailableError: the database does not answer.
        """
        ...

    async def find_many(self, kind: LookupKind, values: Sequence[str]) -> Mapping[str, User]:
        """Return the users that have one of these names, each by the name; a name that nobody has is simply missing.

        Raises:
            UnavailableError: the database does not answer.
        """
        ...

    async def due_for_reactivation(self, now: datetime, limit: int) -> Sequence[UserId]:
        """Return deactivated users whose `until` has come, the longest due first."""
        ...

    async def merged_into(self, user_id: UserId) -> Sequence[UserId]:
        """Return whose accounts were merged into a user's, over any number of merges, by id.

        Raises:
            UnavailableError: the database does not answer.
        """
        ...


class UserWriter(Protocol):
    """Commits changes."""

    async def commit(self, changes: Sequence[Change]) -> Sequence[UserCoreError | None]:
        """Commit each change whole, or not at all, without regard to the others.

        A change writes the user, one outbox row, one history row, one audit row, its deliveries, its
        records, and settles its idempotency claim or its message's receipt, in one transaction. For one
        user, outbox rows become visible in the order of versions. Several changes may share a transaction; a refused
        one leaves no trace and harms no other. Two changes of one user in one call are taken in
        their order. What goes along with a change is committed with it or not at all, whoever's it is.

        Returns:
            For each change None, or why it was refused: EmailTakenError, UsernameTakenError,
            ExternalIdTakenError, UserExistsError (creations); StaleVersionError where the user is
            not at the version before; UserNotFoundError where there is none; ClaimLostError;
            AlreadyAppliedError where its message has had its effect before.

        Raises:
            UnavailableError: the database does not answer. Whether the changes are committed is
                then unknown, unless it says otherwise.
            ExhaustedError: too many writes wait already; nothing was committed.
        """
        ...


class ProfileReader(Protocol):
    """Serves ready profiles: the hot path. May answer from a cache that is never stale."""

    async def documents(self, ids: Sequence[UserId]) -> Mapping[UserId, ProfileDocument]:
        """Return the documents of the users that exist, in every account state.

        A document read after a commit was acknowledged shows that commit.

        Raises:
            UnavailableError: the database does not answer.
            ExhaustedError: too many reads wait already.
        """
        ...


class UserDirectory(Protocol):
    """Lists and searches users."""

    async def page(self, query: UserQuery) -> Page[ProfileDocument]:
        """Return one page in the query's order, by keyset: as quick at any depth.

        Erased and merged users are listed only where the query names their state.

        Raises:
            UnavailableError: the database does not answer.
        """
        ...


class HistoryReader(Protocol):
    """Reads what is remembered of a user."""

    async def entries(self, user_id: UserId, *, below_version: int | None, limit: int) -> Sequence[HistoryEntry]:
        """Return at most `limit` entries, newest first, of versions below the one given.

        Raises:
            UnavailableError: the database does not answer.
        """
        ...

    async def version_at(self, user_id: UserId, at: datetime) -> int | None:
        """Return the version that was current at a time, or None before the creation."""
        ...

    async def entry(self, user_id: UserId, version: int) -> HistoryEntry | None:
        """Return the entry of one version, or None."""
        ...


class AttributeSchemas(Protocol):
    """Keeps the versions of the JSON Schema for custom attributes."""

    async def current(self) -> AttributeSchema | None:
        """Return the version in force, or None where none was registered."""
        ...

    async def all(self) -> Sequence[AttributeSchema]:
        """Return every version, the oldest first."""
        ...

    async def add(self, schema: AttributeSchema) -> bool:
        """Add the next version; False where that version exists, because another was quicker."""
        ...


class AttributeValidator(Protocol):
    """Checks attributes against a JSON Schema, draft 2020-12. Never fetches a remote reference."""

    def check_schema(self, document: Mapping[str, Json]) -> None:
        """Pass a usable schema.

        Raises:
            AttributeSchemaInvalidError: it is none, or points outside itself.
        """
        ...

    def violations(
        self, schema: AttributeSchema, attributes: Mapping[str, Json]
    ) -> Sequence[tuple[tuple[str, ...], str]]:
        """Return for each broken rule the path inside the attributes and the schema's keyword."""
        ...


class EmailRules(Protocol):
    """Knows what an email address is."""

    def parse(self, raw: str) -> EmailAddress:
        """Return the trimmed address with its canonical form.

        Raises:
            ValueRejectedError: `email_invalid`.
        """
        ...


class PasswordHasher(Protocol):
    """Turns a password into what may be kept for a moment."""

    async def hash(self, password: Secret) -> Secret:
        """Return Argon2id in PHC string format, without holding up the event loop.

        Raises:
            ExhaustedError: too many passwords wait to be hashed.
        """
        ...
