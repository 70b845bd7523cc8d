"""What the AuthenticationService knows, as far as it can be compared with what users are."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from attrs import field, frozen

from usercore.kernel.ids import UserId
from usercore.kernel.paging import Page


@frozen
class CredentialState:
    """One credential.

    Args:
        user_id: whose.
        email: with which they sign in, and so with the username.
        username: None where the service keeps none.
        enabled: whether they can sign in.
    """

    user_id: UserId
    email: str = field(repr=False)
    username: str | None = field(repr=False)
    enabled: bool


class CredentialDirectory(Protocol):
    """Shows the credentials that the AuthenticationService keeps for us."""

    async def states(self, ids: Sequence[UserId]) -> Mapping[UserId, CredentialState]:
        """Return the credentials of users; a user who has none is missing.

        Raises:
            UnavailableError: the service does not answer.
        """
        ...

    async def page(self, *, after: str | None, limit: int) -> Page[CredentialState]:
        """Return a page of all credentials, in an order of the service's own.

        Args:
            after: the cursor of the page before.
            limit: about how many.

        Raises:
            UnavailableError: the service does not answer.
        """
        ...
