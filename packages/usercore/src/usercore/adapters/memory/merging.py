"""Merges, in memory."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from itertools import combinations
from typing import TYPE_CHECKING

from attrs import evolve, frozen

from usercore.adapters.memory.database import MemoryDatabase
from usercore.kernel.errors import UserCoreError
from usercore.kernel.ids import EventId, UserId
from usercore.merging.candidates import (
    GROUP_MAX,
    PAIRS_MAX,
    Candidate,
    CandidateFilter,
    CandidatePlace,
    Dismissal,
    Sign,
    keys_of,
    score_of,
)
from usercore.merging.ports import CandidateStore, MergeReader
from usercore.merging.values import Merge
from usercore.users.model import User
from usercore.users.queries import PRESENT


@frozen
class MemoryMergeReader:
    """Reads merges."""

    database: MemoryDatabase

    async def get(self, merge_id: EventId) -> Merge | None:
        """Return a merge, or None."""
        return self.database.merges.get(merge_id)

    async def current(self, merged: UserId) -> Merge | None:
        """Return the merge by which an account ended, or None."""
        found = (one for one in self.database.merges.values() if one.merged == merged and one.undone is None)
        return next(found, None)

    async def of(self, user_id: UserId) -> Sequence[Merge]:
        """Return the merges that a user was part of, the newest first."""
        found = (one for one in self.database.merges.values() if user_id in {one.survivor, one.merged})
        return sorted(found, key=lambda one: (one.at, one.id), reverse=True)

    async def obstacle(self, survivor: UserId, merged: UserId) -> UserCoreError | None:
        """Return why the law forbids to touch one of the two now."""
        return self.database.obstacle(survivor, merged)

    async def facts(self, user_id: UserId) -> int:
        """Return how many facts are kept about a user."""
        return sum(entry.user_id == user_id for entry in self.database.facts.values())

    async def facts_told_of(self, merged: UserId, survivor: UserId) -> int:
        """Return how many of a survivor's facts were told of a merged account, or of one merged into that."""
        theirs = {merged, *self.database.merged_into(merged)}
        told = ((name, entry) for name, entry in self.database.facts.items() if entry.user_id == survivor)
        return sum(self.database.told_of.get(name) in theirs for name, _ in told)


@frozen
class MemoryCandidateStore:
    """Finds candidates by looking at everybody: fit for thousands, not for millions."""

    database: MemoryDatabase

    async def scan(self, now: datetime, *, unless_since: datetime | None) -> int | None:
        """Look through all accounts and keep the pairs there are."""
        last = self.database.merge_scanned_at
        if last is not None and unless_since is not None and last > unless_since:
            return None
        self.database.merge_scanned_at = now
        kept = self.database.candidates
        found = {(one.first, one.second): one for one in self._found(now)}
        for pair in [pair for pair, one in kept.items() if one.dismissal is None and pair not in found]:
            del kept[pair]
        for pair, one in found.items():
            before = kept.get(pair, one)
            kept[pair] = evolve(one, found_at=before.found_at, dismissal=before.dismissal)
        return sum(kept[pair].dismissal is None for pair in found)

    def _found(self, now: datetime) -> list[Candidate]:
        groups: dict[tuple[Sign, str], list[UserId]] = {}
        for user in self.database.users.values():
            if _is_present(user) and not user.restricted:
                for name in keys_of(user.profile).items():
                    groups.setdefault(name, []).append(user.id)
        signs: dict[tuple[UserId, UserId], set[Sign]] = {}
        for (sign, _), ids in groups.items():
            for pair in combinations(sorted(ids), 2) if len(ids) <= GROUP_MAX else ():
                signs.setdefault(pair, set()).add(sign)
        pairs = ((pair, tuple(sorted(found))) for pair, found in signs.items())
        made = (Candidate(*pair, found, score_of(found), now) for pair, found in pairs)
        return sorted(made, key=_order)[:PAIRS_MAX]

    async def page(self, wanted: CandidateFilter, *, after: CandidatePlace | None, limit: int) -> Sequence[Candidate]:
        """Return at most `limit` candidates behind a place, the likeliest first."""
        found = sorted(filter(partial(self._is_wanted, wanted), self.database.candidates.values()), key=_order)
        if after is not None:
            found = [one for one in found if _order(one) > (-after.score, after.first, after.second)]
        return found[:limit]

    def _is_wanted(self, wanted: CandidateFilter, one: Candidate) -> bool:
        users = [self.database.users[user_id] for user_id in (one.first, one.second)]
        return (
            (one.dismissal is not None) is wanted.dismissed
            and wanted.user_id in {None, one.first, one.second}
            and all(_is_present(user) and not user.restricted for user in users)
        )

    async def get(self, first: UserId, second: UserId) -> Candidate | None:
        """Return what is kept of two accounts, or None."""
        return self.database.candidates.get((first, second))

    async def dismiss(self, first: UserId, second: UserId, dismissal: Dismissal) -> bool:
        """Remember that two accounts are two people's; False where it was known already."""
        kept = self.database.candidates
        known = kept.get((first, second), Candidate(first, second, (), 0.0, dismissal.at))
        if known.dismissal is not None:
            return False
        kept[first, second] = evolve(known, dismissal=dismissal)
        return True


def _order(one: Candidate) -> tuple[float, UserId, UserId]:
    return -one.score, one.first, one.second


def _is_present(user: User) -> bool:
    return user.status.state in PRESENT


if TYPE_CHECKING:
    _candidates: CandidateStore = MemoryCandidateStore(MemoryDatabase())
    _merges: MergeReader = MemoryMergeReader(MemoryDatabase())
