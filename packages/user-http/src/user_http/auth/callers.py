"""A caller who has proved who they are."""

from datetime import datetime
from enum import StrEnum

from attrs import field, frozen


class Scope(StrEnum):
    """What a token may allow."""

    USERS_READ = "users:read"
    USERS_WRITE = "users:write"
    USERS_ADMIN = "users:admin"
    PRIVACY_MANAGE = "privacy:manage"
    AUDIT_READ = "audit:read"


@frozen
class Caller:
    """Whom a verified token stands for.

    Args:
        issuer: who says so.
        subject: a user's id, or a service's name.
        scopes: what the token allows, of the scopes this service knows.
        client: the program that asks in the subject's name, where the token says.
        signed_in_at: when they last proved who they are, as the token says.
    """

    issuer: str
    subject: str = field(repr=False)
    scopes: frozenset[Scope]
    client: str = field(default="", repr=False)
    signed_in_at: datetime | None = None
    name: str = field(init=False, repr=False)
    """Who is counted when requests are: subject and client, parted by what neither of them holds."""

    @name.default
    def _name(self) -> str:
        return f"{self.subject}\n{self.client}"

    def signed_in_since(self, at: datetime) -> bool:
        """Return whether the caller has proved at that time or later who they are."""
        return self.signed_in_at is not None and self.signed_in_at >= at

    @property
    def handles_users(self) -> bool:
        """Whether the caller has to do with users in general, and may know who exists."""
        return not _USERS.isdisjoint(self.scopes)

    @property
    def is_operator(self) -> bool:
        """Whether the caller runs the service, so that what they look at is recorded."""
        return not _OPERATORS.isdisjoint(self.scopes)

    @property
    def sees_erased(self) -> bool:
        """Whether the caller may learn that somebody has been erased."""
        return Scope.PRIVACY_MANAGE in self.scopes


_OPERATORS = frozenset({Scope.USERS_ADMIN, Scope.PRIVACY_MANAGE})
_USERS = frozenset({Scope.USERS_READ, Scope.USERS_WRITE, Scope.USERS_ADMIN})
