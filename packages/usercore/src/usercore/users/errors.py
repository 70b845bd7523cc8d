"""What can go wrong in a user's life."""

from typing import ClassVar

from attrs import define, field

from usercore.kernel.errors import ConflictError, InvalidError, NotFoundError
from usercore.kernel.ids import UserId


@define(auto_exc=True, eq=False)
class ProfileInvalidError(InvalidError):
    """Fields of a profile break their rules; `violations` names each."""

    code: ClassVar[str] = "profile_invalid"
    summary: ClassVar[str] = "Some fields are not valid"


@define(auto_exc=True, eq=False)
class QueryInvalidError(InvalidError):
    """A list, search or cursor is not one we can follow."""

    code: ClassVar[str] = "query_invalid"
    summary: ClassVar[str] = "The query is not valid"


@define(auto_exc=True, eq=False)
class AttributeSchemaInvalidError(InvalidError):
    """What the operator registers is no JSON Schema of draft 2020-12."""

    code: ClassVar[str] = "attribute_schema_invalid"
    summary: ClassVar[str] = "The attribute schema is not valid"


@define(auto_exc=True, eq=False)
class UserNotFoundError(NotFoundError):
    """There is no such user."""

    code: ClassVar[str] = "user_not_found"
    summary: ClassVar[str] = "There is no such user"


@define(auto_exc=True, eq=False)
class UserErasedError(NotFoundError):
    """The user existed and has been erased; only those who manage privacy may learn that."""

    code: ClassVar[str] = "user_erased"
    summary: ClassVar[str] = "The user has been erased"


@define(auto_exc=True, eq=False)
class EmailTakenError(ConflictError):
    """Another user has this email."""

    code: ClassVar[str] = "email_taken"
    summary: ClassVar[str] = "Another user has this email"


@define(auto_exc=True, eq=False)
class UsernameTakenError(ConflictError):
    """Another user has this username."""

    code: ClassVar[str] = "username_taken"
    summary: ClassVar[str] = "Another user has this username"


@define(auto_exc=True, eq=False)
class ExternalIdTakenError(ConflictError):
    """Another user has this external id."""

    code: ClassVar[str] = "external_id_taken"
    summary: ClassVar[str] = "Another user has this external id"


@define(auto_exc=True, eq=False)
class UserExistsError(ConflictError):
    """The new user's id is in use; ids are never reused."""

    code: ClassVar[str] = "user_exists"
    summary: ClassVar[str] = "A user with this id exists"


@define(auto_exc=True, eq=False)
class StaleVersionError(ConflictError):
    """The user has changed since the caller looked."""

    code: ClassVar[str] = "stale_version"
    summary: ClassVar[str] = "The user has changed since you read it; read again and repeat"

    current: int | None = field(default=None, kw_only=True)


@define(auto_exc=True, eq=False)
class UserDeactivatedError(ConflictError):
    """The account is deactivated, so it takes no change but reactivation."""

    code: ClassVar[str] = "user_deactivated"
    summary: ClassVar[str] = "The user is deactivated; reactivate it first"


@define(auto_exc=True, eq=False)
class UserRestrictedError(ConflictError):
    """The person asked that the data be kept and not otherwise used (GDPR, Art. 18)."""

    code: ClassVar[str] = "user_restricted"
    summary: ClassVar[str] = "The user's data is restricted; only privacy requests change it"


@define(auto_exc=True, eq=False)
class UserMergedError(ConflictError):
    """The account has been merged into another and takes no change.

    `survivor` is where everything about the person stands now; only those who may see both may be told.
    """

    code: ClassVar[str] = "user_merged"
    summary: ClassVar[str] = "The user has been merged into another"

    survivor: UserId | None = field(default=None, kw_only=True)


@define(auto_exc=True, eq=False)
class WriteContendedError(ConflictError):
    """So many writers changed the user at once that this one never got its turn."""

    code: ClassVar[str] = "write_contended"
    summary: ClassVar[str] = "The user is being changed by many at once; try again"
