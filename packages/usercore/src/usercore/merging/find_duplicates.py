"""Find accounts that may be one person's, and remember those that are not."""

import base64
import binascii
import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

from attrs import frozen

from usercore.audit.entry import AuditEntry
from usercore.audit.ports import AuditTrail
from usercore.kernel.context import CommandContext
from usercore.kernel.errors import Violation
from usercore.kernel.ids import UserId
from usercore.kernel.paging import Page
from usercore.kernel.ports import Clock, IdGenerator
from usercore.kernel.reasons import require_reason
from usercore.merging.candidates import Candidate, CandidateFilter, CandidatePlace, Dismissal
from usercore.merging.errors import MergeInvalidError
from usercore.merging.ports import CandidateStore
from usercore.users.errors import QueryInvalidError
from usercore.users.history import present
from usercore.users.ports import UserReader
from usercore.users.queries import CURSOR_MAX_CHARS, require_limit

_DISMISSED: Final = "MergeCandidateDismissed"


@frozen
class FindDuplicates:
    """Lists pairs of accounts that may be one person's, and looks for them."""

    candidates: CandidateStore
    clock: Clock

    async def __call__(self, wanted: CandidateFilter, *, cursor: str | None = None, limit: int = 50) -> Page[Candidate]:
        """Return a page of what the last scan found, the likeliest first.

        Raises:
            QueryInvalidError: the limit is out of range, or the cursor is not ours.
        """
        require_limit(limit, "candidates")
        after = None if cursor is None else _read_cursor(cursor)
        found = await self.candidates.page(wanted, after=after, limit=limit + 1)
        items = tuple(found[:limit])
        return Page(items, _write_cursor(items[-1]) if len(found) > limit else None)

    async def scan(self) -> int | None:
        """Look through all accounts, and return how many pairs there are; None while somebody else does."""
        return await self.candidates.scan(self.clock.now(), unless_since=None)

    async def scan_when_due(self, every: timedelta) -> int | None:
        """Look through all accounts if the last time is long enough ago; None where nothing was done."""
        now = self.clock.now()
        return await self.candidates.scan(now, unless_since=now - every)


@frozen
class DismissCandidate:
    """Remembers that two accounts are two people's, so that they are not brought up again."""

    candidates: CandidateStore
    users: UserReader
    trail: AuditTrail
    clock: Clock
    ids: IdGenerator

    async def __call__(self, user_id: UserId, other_id: UserId, reason: str, context: CommandContext) -> Candidate:
        """Return the pair dismissed, whether a scan found it or not. Doing it twice is doing it once.

        Raises:
            ReasonInvalidError: nobody says why.
            MergeInvalidError: it is one account.
            UserNotFoundError, UserErasedError, UserMergedError: there is no such account.
        """
        why = require_reason(reason)
        if user_id == other_id:
            violation = Violation(("other_user_id",), "same_user", "name two accounts")
            raise MergeInvalidError(violations=(violation,))
        for one in (user_id, other_id):
            await present(self.users, one)
        first, second = sorted((user_id, other_id))
        dismissal = Dismissal(self.clock.now(), context.actor, why)
        if await self.candidates.dismiss(first, second, dismissal):
            await self.trail.append(self._entries((first, second), dismissal, context))
        kept = await self.candidates.get(first, second)
        return kept or Candidate(first, second, (), 0.0, dismissal.at, dismissal)

    def _entries(self, ids: Sequence[UserId], dismissal: Dismissal, context: CommandContext) -> list[AuditEntry]:
        return [
            AuditEntry(
                user_id=user_id,
                event_id=self.ids.event_id(),
                at=dismissal.at,
                actor=context.actor,
                action=_DISMISSED,
                fields=(),
                correlation_id=context.correlation_id,
                causation_id=context.causation_id,
            )
            for user_id in ids
        ]


def _write_cursor(last: Candidate) -> str:
    raw = json.dumps([last.score, last.first, last.second], separators=(",", ":"))
    return base64.urlsafe_b64encode(raw.encode()).decode().rstrip("=")


def _read_cursor(cursor: str) -> CandidatePlace:
    try:
        if len(cursor) <= CURSOR_MAX_CHARS and cursor.isascii():
            match json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))):
                case [int() | float() as score, str(first), str(second)] if 0 <= score <= 1:
                    return CandidatePlace(float(score), UserId(str(UUID(first))), UserId(str(UUID(second))))
    except (binascii.Error, ValueError, OverflowError, RecursionError):
        pass
    violation = Violation(("cursor",), "cursor_invalid", "use the cursor of the page before")
    raise QueryInvalidError(violations=(violation,))
