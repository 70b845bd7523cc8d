"""The steps of the protocol, each of which the server takes as a whole.

For each user the server may hold a sealed profile, a lease and a fence. A lease lets one reader fill; a
fence keeps readers from filling while writers are at work, and holds one token for each of them. A value
is never there beside a fence: whoever sets the fence deletes value and lease, and without a lease nobody
fills.
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal, Protocol, TypeAlias

from attrs import define

from usercore.kernel.errors import UnavailableError
from usercore.kernel.ids import UserId


@define(auto_exc=True, eq=False)
class CacheDownError(UnavailableError):
    """The cache does not answer, or is not asked because it did not answer before."""

    code: ClassVar[str] = "cache_down"
    summary: ClassVar[str] = "The cache does not answer"


LeaseAnswer: TypeAlias = bytes | Literal["leased", "busy"]
"""The value that is there by now; or the lease is the caller's; or a fence or another's lease stands."""


class FencedStore(Protocol):
    """Takes the steps, for any number of users in one round trip. Ids are distinct.

    Every method raises :class:`CacheDownError`; whether the step was taken is then unknown.
    """

    async def read(self, ids: Sequence[UserId]) -> Sequence[bytes | None]:
        """Return the value of each user, or None."""
        ...

    async def lease(self, ids: Sequence[UserId], token: str) -> Sequence[LeaseAnswer]:
        """Take a lease for each user who has no value, no fence and no lease."""
        ...

    async def fill(self, token: str, values: Mapping[UserId, bytes | None]) -> None:
        """Where the lease is still held: give it back, and store the value unless it is None."""
        ...

    async def fence(self, ids: Sequence[UserId], token: str) -> None:
        """Delete value and lease of each user and add this token to the fence."""
        ...

    async def release(self, ids: Sequence[UserId], token: str) -> None:
        """Delete value and lease of each user and take this token out of the fence."""
        ...

    async def invalidate(self, ids: Sequence[UserId]) -> None:
        """Delete value and lease of each user; fences stay."""
        ...
