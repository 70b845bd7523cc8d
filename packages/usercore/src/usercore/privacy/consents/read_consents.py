"""Read what a user allows, and how it came to be."""

from collections.abc import Sequence

from attrs import frozen

from usercore.kernel.ids import UserId
from usercore.kernel.paging import Page
from usercore.privacy.consents.errors import ConsentInvalidError
from usercore.privacy.consents.ports import ConsentLedger, PurposeRegistry
from usercore.privacy.consents.purposes import every_purpose
from usercore.privacy.consents.record_consent import RecordedConsent
from usercore.privacy.consents.values import LedgerEntry, Standing
from usercore.users.history import living, present
from usercore.users.ports import UserReader
from usercore.users.queries import require_limit


@frozen
class Consents:
    """What holds for a user, and a page of the ledger.

    Args:
        user_id: whose.
        version: the user's.
        standings: one a purpose, by name.
        page: lines of the ledger, newest first; its cursor is the version below which the next page begins.
    """

    user_id: UserId
    version: int
    standings: Sequence[Standing]
    page: Page[LedgerEntry]


@frozen
class ReadConsents:
    """Reads consents and their ledger."""

    users: UserReader
    ledger: ConsentLedger
    purposes: PurposeRegistry

    async def __call__(self, user_id: UserId, *, below_version: int | None = None, limit: int = 50) -> Consents:
        """Return what holds, and one page of the ledger.

        Raises:
            QueryInvalidError: the limit is out of range.
            UserNotFoundError: there is no such user.
            UserErasedError: the user has been erased.
            UserMergedError: the account was merged into another.
        """
        require_limit(limit, "entries")
        user = await present(self.users, user_id)
        last = await self.ledger.latest(user.id)
        standings = tuple(Standing(one, last.get(one.name)) for one in await every_purpose(self.purposes))
        entries = await self.ledger.entries(user.id, below_version=below_version, limit=limit + 1)
        items = tuple(entries[:limit])
        page = Page(items, str(items[-1].version) if len(entries) > limit else None)
        return Consents(user.id, user.version, standings, page)

    async def at_version(self, user_id: UserId, purpose: str, version: int) -> RecordedConsent:
        """Return what held of a purpose at a version of a user.

        Raises:
            UserNotFoundError: there is no such user.
            UserErasedError: the user has been erased.
            ConsentInvalidError: nothing had been said of the purpose.
        """
        user = await living(self.users, user_id)
        entry = (await self.ledger.latest(user.id, up_to_version=version)).get(purpose)
        if entry is None:
            raise ConsentInvalidError
        return RecordedConsent(version, entry)
