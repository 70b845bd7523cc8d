"""Read users: one by whatever names it, or a list."""

from attrs import field, frozen

from usercore.kernel.errors import Violation
from usercore.kernel.ids import UserId
from usercore.kernel.paging import Page
from usercore.users.errors import QueryInvalidError, UserErasedError, UserNotFoundError
from usercore.users.history import heir, present
from usercore.users.model import User
from usercore.users.ports import (
    EmailRules,
    Lookup,
    LookupKind,
    ProfileDocument,
    ProfileReader,
    UserDirectory,
    UserReader,
)
from usercore.users.queries import UserQuery, require_limit
from usercore.users.values import AccountState, ValueRejectedError, fold_ascii


@frozen
class UserNamed:
    """What names one user: exactly one of the four.

    `email` and `username` may be written in any case of ASCII letters.
    """

    user_id: UserId | None = None
    email: str | None = field(default=None, repr=False)
    username: str | None = field(default=None, repr=False)
    external_id: str | None = field(default=None, repr=False)


@frozen
class GetUser:
    """Finds one user, whole, in the database."""

    reader: UserReader
    emails: EmailRules

    async def __call__(self, named: UserNamed) -> User:
        """Return the user; where the account was merged into another, the one who stands for it now.

        Raises:
            QueryInvalidError: not exactly one name was given, or the email is none.
            UserNotFoundError: nobody is so named.
            UserErasedError: the user has been erased.
        """
        user = await self._find(named)
        if user is None:
            raise UserNotFoundError
        user = await heir(self.reader, user)
        if user.status.state is AccountState.ERASED:
            raise UserErasedError
        return user

    async def _find(self, named: UserNamed) -> User | None:
        match named:
            case UserNamed(user_id=str(ident), email=None, username=None, external_id=None):
                user_id = UserId(ident)
                return (await self.reader.get_many([user_id])).get(user_id)
            case UserNamed(user_id=None, email=str(raw), username=None, external_id=None):
                canonical = canonical_email(raw, self.emails)
                return await self.reader.find(Lookup(LookupKind.EMAIL, canonical))
            case UserNamed(user_id=None, email=None, username=str(raw), external_id=None):
                canonical = canonical_username(raw, self.emails)
                return await self.reader.find(Lookup(LookupKind.USERNAME, canonical))
            case UserNamed(user_id=None, email=None, username=None, external_id=str(raw)):
                return await self.reader.find(Lookup(LookupKind.EXTERNAL_ID, raw.strip()))
            case _:
                raise QueryInvalidError("name the user by id, email, username or external id: one of them")


def canonical_email(raw: str, rules: EmailRules) -> str:
    """Return the form under which an email is unique.

    Raises:
        QueryInvalidError: it is no email.
    """
    try:
        return rules.parse(raw).canonical
    except ValueRejectedError as error:
        violation = Violation(("email",), error.code, error.detail)
        raise QueryInvalidError(violations=(violation,)) from None


def canonical_username(raw: str, rules: EmailRules) -> str:
    """Return the form under which a username is unique; one that is an email, as that email."""
    text = raw.strip()
    if "@" not in text:
        return fold_ascii(text)
    try:
        return rules.parse(text).canonical
    except ValueRejectedError:
        return fold_ascii(text)


@frozen
class ReadProfile:
    """Serves one profile ready to be sent: the hot path."""

    profiles: ProfileReader
    users: UserReader

    async def __call__(self, user_id: UserId) -> ProfileDocument:
        """Return the document.

        Raises:
            UserNotFoundError: there is no such user.
            UserErasedError: the user has been erased.
            UserMergedError: the account was merged into another; the error says which stands for both now.
            UnavailableError: the database does not answer.
        """
        document = (await self.profiles.documents([user_id])).get(user_id)
        if document is None:
            raise UserNotFoundError
        if document.state is AccountState.ERASED:
            raise UserErasedError
        if document.state is AccountState.MERGED:
            await present(self.users, user_id)
        return document


@frozen
class ListUsers:
    """Lists and searches users."""

    directory: UserDirectory

    async def __call__(self, query: UserQuery) -> Page[ProfileDocument]:
        """Return one page.

        Raises:
            QueryInvalidError: the limit is out of range.
            UnavailableError: the database does not answer.
        """
        require_limit(query.limit, "users")
        return await self.directory.page(query)
