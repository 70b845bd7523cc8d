"""What users did elsewhere: recorded, read, and added up."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import psycopg
from attrs import evolve, frozen

from usercore.activity.facts import Fact, OrderPlaced, PaymentFailed, PaymentSucceeded, PointsEarned
from usercore.activity.pages import FactPosition
from usercore.activity.ports import ActivityReader, ActivityWriter, FactEntry, NewFact
from usercore.activity.summary import OrderTally, PaymentTally, Tally, in_order
from usercore.activity.values import FactKind, FactOutcome, FactResult, Money
from usercore.adapters.sql.activity_statements import BEHIND, NEWEST, RECORD, TALLIES
from usercore.adapters.sql.engine import Database, Reads, Row, Session, fetch
from usercore.adapters.sql.errors import collided
from usercore.adapters.sql.mapping import canonical_ids, is_canonical, utc
from usercore.kernel.context import Actor, ActorKind
from usercore.kernel.errors import InvalidError, UnavailableError
from usercore.kernel.ids import EventId, UserId

_TRIES: Final = 10
"""How often facts are told to the database that others tell at the same moment."""
_RACED: Final = "RACED"


class _CollidedError(Exception):
    """Rolls a transaction back that stood in another's way."""


@frozen
class SqlActivityWriter:
    """Records facts."""

    database: Database

    async def record(self, facts: Sequence[NewFact]) -> Sequence[FactOutcome]:
        """Record each fact that is new and whose user is known, and say what became of each."""
        outcomes: dict[int, FactOutcome] = {}
        left: Mapping[int, NewFact] = dict(enumerate(facts))
        for _ in range(_TRIES):
            if not left:
                return [outcomes[place] for place in range(len(facts))]
            verdicts = await self._attempt(left)
            # What is early may wait for the very fact that another writer was quicker with.
            again = {_RACED, FactResult.EARLY} if _RACED in verdicts.values() else set()
            outcomes |= {place: _outcome(left[place], word) for place, word in verdicts.items() if word not in again}
            left = {place: left[place] for place, word in verdicts.items() if word in again}
        raise UnavailableError("too many tell the same facts at once; try again later")

    async def _attempt(self, facts: Mapping[int, NewFact]) -> Mapping[int, str]:
        try:
            return await self.database.write(partial(_record, _rows(facts)))
        except _CollidedError:
            return dict.fromkeys(facts, _RACED)
        except (psycopg.DataError, UnicodeEncodeError):
            raise InvalidError("some text cannot be stored: leave out NUL and lone surrogates") from None


async def _record(rows: str, opened: Session) -> Mapping[int, str]:
    try:
        return dict(await fetch(opened, RECORD, rows))
    except psycopg.Error as error:
        if collided(error):
            raise _CollidedError from error
        raise


def _outcome(new: NewFact, word: str) -> FactOutcome:
    result = FactResult(word)
    return FactOutcome(result, new.fact.tells_of if result is FactResult.EARLY else None)


def _rows(facts: Mapping[int, NewFact]) -> str:
    return json.dumps([_row(place, new) for place, new in facts.items()], ensure_ascii=False, separators=(",", ":"))


def _row(place: int, new: NewFact) -> dict[str, Any]:
    fact, context = new.fact, new.context
    return {
        "place": place,
        "waits_for": fact.tells_of.kind,
        "waits_for_id": fact.tells_of.id,
        "kind": fact.kind,
        "fact_id": fact.fact_id,
        "event_id": new.event_id,
        "occurred_at": fact.at.isoformat(),
        "recorded_at": new.recorded_at.isoformat(),
        "actor_kind": context.actor.kind,
        "actor_id": context.actor.id,
        "correlation_id": context.correlation_id,
        "causation_id": context.causation_id,
        "traceparent": context.traceparent,
        **_content(fact),
    }


def _content(fact: Fact) -> dict[str, Any]:
    """Return what only some kinds of facts have."""
    match fact:
        case OrderPlaced():
            return {"user_id": _known_form(fact.user_id), "items": fact.items, **_amount(fact.total)}
        case PaymentFailed():
            return {"order_id": fact.order_id, "error_code": fact.error_code, **_amount(fact.amount)}
        case PaymentSucceeded():
            return {"order_id": fact.order_id, **_amount(fact.amount)}
        case PointsEarned():
            said = {"order_id": fact.order_id, "points": fact.points, "reason": fact.reason}
            return {"user_id": _known_form(fact.user_id), **said}


def _known_form(user_id: UserId) -> str | None:
    return user_id if is_canonical(user_id) else None


def _amount(money: Money | None) -> dict[str, str | None]:
    return {} if money is None else {"amount": money.digits, "currency": money.currency}


@frozen
class SqlActivityReader:
    """Reads facts and what they amount to."""

    database: Reads

    async def entries(
        self, user_id: UserId, *, kinds: frozenset[FactKind], after: FactPosition | None, limit: int
    ) -> Sequence[FactEntry]:
        """Return at most `limit` facts of these kinds behind a position, the newest first."""
        if not is_canonical(user_id):
            return []
        asked = (user_id, sorted(kinds), limit)
        if after is None:
            rows = await self.database.fetch(NEWEST, *asked)
        else:
            rows = await self.database.fetch(BEHIND, *asked, after.at, after.event_id)
        return [_entry(row) for row in rows]

    async def tallies(self, ids: Sequence[UserId]) -> Mapping[UserId, Tally]:
        """Return for each user, known or not, what their facts amount to."""
        known = canonical_ids(ids)
        return tallied(ids, await self.database.fetch(TALLIES, known) if known else ())


def tallied(ids: Iterable[UserId], rows: Iterable[Row]) -> Mapping[UserId, Tally]:
    """Return for each user what the rows of :data:`TALLIES` tell."""
    tallies = dict.fromkeys(ids, Tally())
    for user_id, kind, *sums in rows:
        tallies[user_id] = _ADDERS[kind](tallies[user_id], *sums)
    return tallies


def _with_orders(tally: Tally, currency: Any, count: Any, amount: Any, first: Any, last: Any) -> Tally:  # noqa: ANN401 -- a row's columns
    orders = tally.orders
    return evolve(
        tally,
        orders=OrderTally(
            count=orders.count + count,
            first_at=min(utc(first), orders.first_at or utc(first)),
            last_at=max(utc(last), orders.last_at or utc(last)),
            totals=in_order((*orders.totals, Money(amount, currency))),
        ),
    )


def _with_payments(tally: Tally, _: Any, failures: Any, recovered: Any, __: Any, last: Any) -> Tally:  # noqa: ANN401 -- the same
    return evolve(tally, payments=PaymentTally(failures, int(recovered), utc(last)))


def _with_points(tally: Tally, _: Any, __: Any, points: Any, *rest: Any) -> Tally:  # noqa: ANN401, ARG001 -- the same
    return evolve(tally, points=int(points))


_ADDERS: Final[Mapping[str, Callable[..., Tally]]] = {
    FactKind.ORDER_PLACED: _with_orders,
    FactKind.PAYMENT_FAILED: _with_payments,
    FactKind.POINTS_EARNED: _with_points,
}


def _entry(row: Row) -> FactEntry:
    user_id, event_id, recorded_at, actor_kind, actor_id, correlation_id, causation_id, kind, *content = row
    return FactEntry(
        user_id=UserId(user_id),
        event_id=EventId(event_id),
        recorded_at=utc(recorded_at),
        actor=Actor(ActorKind(actor_kind), actor_id),
        correlation_id=correlation_id,
        causation_id=causation_id,
        fact=_fact(UserId(user_id), FactKind(kind), *content),
    )


def _fact(user_id: UserId, kind: FactKind, fact_id: str, at: Any, order_id: str | None, *content: Any) -> Fact:  # noqa: ANN401 -- columns of every type
    amount, currency, items, points, error_code, reason = content
    money = None if amount is None else Money(amount, currency)
    match kind:
        case FactKind.ORDER_PLACED:
            return OrderPlaced(fact_id, user_id, _given(money), items, utc(at))
        case FactKind.PAYMENT_FAILED:
            return PaymentFailed(fact_id, _given(order_id), error_code, money, utc(at))
        case FactKind.PAYMENT_SUCCEEDED:
            return PaymentSucceeded(fact_id, order_id, _given(money), utc(at))
        case FactKind.POINTS_EARNED:
            return PointsEarned(fact_id, user_id, points, order_id, reason, utc(at))


def _given(value: Any) -> Any:  # noqa: ANN401 -- a column that this kind always has
    return value


if TYPE_CHECKING:

    def _conform(database: Database) -> tuple[ActivityWriter, ActivityReader]:
        return SqlActivityWriter(database), SqlActivityReader(database)
