"""What merging asks of the world outside."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from usercore.kernel.errors import UserCoreError
from usercore.kernel.ids import EventId, UserId
from usercore.merging.candidates import Candidate, CandidateFilter, CandidatePlace, Dismissal
from usercore.merging.values import Merge


class CandidateStore(Protocol):
    """Finds pairs of accounts that may be one person's, and remembers which of them are not.

    Accounts that are merged, erased or restricted are none. Every method raises UnavailableError where the database
    does not answer.
    """

    async def scan(self, now: datetime, *, unless_since: datetime | None) -> int | None:
        """Look through all accounts and keep the pairs there are, in place of those that a scan found before.

        Dismissed pairs stay dismissed. While one copy of the service scans, others do not.

        Args:
            now: when.
            unless_since: do nothing where the last scan is younger than this; None scans in any case.

        Returns:
            How many pairs there are that nobody dismissed, or None where nothing was done.
        """
        ...

    async def page(self, wanted: CandidateFilter, *, after: CandidatePlace | None, limit: int) -> Sequence[Candidate]:
        """Return at most `limit` candidates behind a place, the likeliest first, by keyset."""
        ...

    async def get(self, first: UserId, second: UserId) -> Candidate | None:
        """Return what is kept of two accounts, the lower id first, or None."""
        ...

    async def dismiss(self, first: UserId, second: UserId, dismissal: Dismissal) -> bool:
        """Remember that two accounts, the lower id first, are two people's; False where it was known already."""
        ...


class MergeReader(Protocol):
    """Reads merges. They are written with the step that announces them.

    Every method raises UnavailableError where the database does not answer.
    """

    async def get(self, merge_id: EventId) -> Merge | None:
        """Return a merge, or None."""
        ...

    async def current(self, merged: UserId) -> Merge | None:
        """Return the merge by which an account ended, or None where it stands by itself."""
        ...

    async def of(self, user_id: UserId) -> Sequence[Merge]:
        """Return the merges in which a user stayed or went, the newest first; those that were undone too."""
        ...

    async def obstacle(self, survivor: UserId, merged: UserId) -> UserCoreError | None:
        """Return why the law forbids to touch one of the two now: a UserHeldError or a MergeRequestOpenError.

        The transaction of a merge looks once more.
        """
        ...

    async def facts(self, user_id: UserId) -> int:
        """Return how many facts about what a user did are kept."""
        ...

    async def facts_told_of(self, merged: UserId, survivor: UserId) -> int:
        """Return how many of a survivor's facts were told of a merged account, or of one merged into that before."""
        ...
