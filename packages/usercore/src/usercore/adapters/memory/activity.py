"""What users did elsewhere, in memory."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final

from attrs import evolve, frozen

from usercore.activity.facts import Fact, OrderPlaced, PointsEarned
from usercore.activity.pages import FactPosition
from usercore.activity.ports import ActivityReader, ActivityWriter, FactEntry, NewFact
from usercore.activity.summary import Tally, tally_of
from usercore.activity.values import FactKind, FactOutcome, FactResult, WaitsFor
from usercore.adapters.memory.database import MemoryDatabase
from usercore.delivery.routing import deliveries_of_fact
from usercore.kernel.ids import EventId, UserId
from usercore.users.values import AccountState

_ORDER: Final = tuple(WaitsFor)
"""Facts that wait for a user come first, then those that wait for such facts, and so on."""


@frozen
class MemoryActivityWriter:
    """Records facts."""

    database: MemoryDatabase

    async def record(self, facts: Sequence[NewFact]) -> Sequence[FactOutcome]:
        """Record each fact that is new and whose user is known, and say what became of each."""
        in_order = sorted(range(len(facts)), key=lambda index: _ORDER.index(facts[index].fact.tells_of.kind))
        outcomes = {index: self._record(facts[index]) for index in in_order}
        return [outcomes[index] for index in range(len(facts))]

    def _record(self, new: NewFact) -> FactOutcome:
        told_of = self._told_of(new.fact)
        user_id = None if told_of is None else self.database.heir(told_of)
        fact = new.fact
        if user_id is not None and isinstance(fact, OrderPlaced | PointsEarned):
            fact = evolve(fact, user_id=user_id)
        user = None if user_id is None else self.database.users.get(user_id)
        if user is not None and user.status.state is AccountState.ERASED:
            return FactOutcome(FactResult.IGNORED)
        known = self.database.facts.get((fact.kind, fact.fact_id))
        if known is not None:
            return FactOutcome(FactResult.KNOWN if known.fact == fact else FactResult.CONFLICTING)
        if user is None:
            return FactOutcome(FactResult.EARLY, fact.tells_of)
        told = deliveries_of_fact(new, user)
        name = (fact.kind, fact.fact_id)
        self.database.facts[name] = _entry(evolve(new, fact=fact), user.id)
        if told_of is not None and told_of != user.id:
            self.database.told_of[name] = told_of
        self.database.deliver(told)
        return FactOutcome(FactResult.RECORDED)

    def _told_of(self, fact: Fact) -> UserId | None:
        """Return of whom a fact is told, or None where that is not known yet."""
        awaited = fact.tells_of
        if awaited.kind is WaitsFor.USER:
            return UserId(awaited.id)
        kind = FactKind.ORDER_PLACED if awaited.kind is WaitsFor.ORDER else FactKind.PAYMENT_FAILED
        name = (kind, awaited.id)
        found = self.database.facts.get(name)
        return None if found is None else self.database.told_of.get(name, found.user_id)


def _entry(new: NewFact, user_id: UserId) -> FactEntry:
    return FactEntry(
        user_id=user_id,
        event_id=new.event_id,
        recorded_at=new.recorded_at,
        actor=new.context.actor,
        correlation_id=new.context.correlation_id,
        causation_id=new.context.causation_id,
        fact=new.fact,
    )


@frozen
class MemoryActivityReader:
    """Reads facts by looking at every one of them: fit for thousands, not for millions."""

    database: MemoryDatabase

    async def entries(
        self, user_id: UserId, *, kinds: frozenset[FactKind], after: FactPosition | None, limit: int
    ) -> Sequence[FactEntry]:
        """Return at most `limit` facts of these kinds behind a position, the newest first."""
        found = [one for one in self.database.facts.values() if one.user_id == user_id and one.fact.kind in kinds]
        if after is not None:
            found = [one for one in found if _place(one) < (after.at, after.event_id)]
        return sorted(found, key=_place, reverse=True)[:limit]

    async def tallies(self, ids: Sequence[UserId]) -> Mapping[UserId, Tally]:
        """Return for each user, known or not, what their facts amount to."""
        facts: dict[UserId, list[Fact]] = {user_id: [] for user_id in ids}
        for entry in self.database.facts.values():
            if entry.user_id in facts:
                facts[entry.user_id].append(entry.fact)
        return {user_id: tally_of(found) for user_id, found in facts.items()}


def _place(entry: FactEntry) -> tuple[datetime, EventId]:
    return entry.fact.at, entry.event_id


if TYPE_CHECKING:
    _database = MemoryDatabase()
    _writer: ActivityWriter = MemoryActivityWriter(_database)
    _reader: ActivityReader = MemoryActivityReader(_database)
