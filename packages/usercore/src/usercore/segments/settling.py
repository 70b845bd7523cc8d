"""From what a filter says to what must hold of a user, here and now."""

from calendar import monthrange
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import repeat
from typing import Final

from attrs import frozen

from usercore.activity.summary import DEFAULT_TIERS, LoyaltyTiers
from usercore.segments.catalogue import AGE, TIER
from usercore.segments.errors import SegmentInvalidError
from usercore.segments.syntax import Clause, Filter, Literal, Relative, Unit
from usercore.users.conditions import (
    EQUALITY,
    And,
    Comparison,
    Condition,
    Field,
    FieldType,
    Not,
    Operator,
    Or,
    Value,
    mapped,
)
from usercore.users.ports import EmailRules
from usercore.users.read_users import canonical_username
from usercore.users.values import ValueRejectedError, parse_phone

AGE_MAX: Final = 200
_EXACT: Final = EQUALITY | {Operator.IN}
_YEAR_MONTHS: Final = 12
_MONTHS: Final = {Unit.MONTHS: 1, Unit.YEARS: _YEAR_MONTHS}
_SPANS: Final = {
    Unit.MINUTES: timedelta(minutes=1),
    Unit.HOURS: timedelta(hours=1),
    Unit.DAYS: timedelta(days=1),
    Unit.WEEKS: timedelta(weeks=1),
}
_BEYOND: Final = Decimal(10) ** 30
"""More points than anybody has: above the highest tier there is nobody."""


@frozen
class Circumstances:
    """What a filter means depends on these.

    Args:
        now: aware, UTC.
        emails: know what an email is.
        tiers: of the loyalty programme.
    """

    now: datetime
    emails: EmailRules
    tiers: LoyaltyTiers = DEFAULT_TIERS


def settled(tree: Filter, circumstances: Circumstances) -> Condition:
    """Return what must hold of a user.

    Raises:
        SegmentInvalidError: an email, a phone number, an age or a tier is none, or a time lies beyond the calendar.
    """
    return mapped(tree, _Settler(circumstances).clause)


@frozen
class _Settler:
    given: Circumstances

    def clause(self, clause: Clause) -> Condition:
        if clause.field == AGE:
            return _one_by_one(clause, self._age)
        if clause.field == TIER:
            return _one_by_one(clause, self._tier)
        values = tuple(map(self._value, _given(clause)))
        value = values if clause.operator is Operator.IN else values[0] if values else None
        return Comparison(clause.field.stored, clause.operator, value, clause.keys)

    def _age(self, operator: Operator, given: "_Given") -> Condition:
        years = given.value
        if not isinstance(years, Decimal) or years != years.to_integral_value() or not 0 <= years <= AGE_MAX:
            raise given.refused("age", f"give an age in whole years from 0 to {AGE_MAX}")
        # Who has completed so many years was born on this day or earlier.
        begins, ends = (_years_before(self.given.now.date(), int(years) + more) for more in (0, 1))
        return _ranged(operator, Field.BIRTH_DATE, (Operator.AT_MOST, begins), (Operator.GREATER, ends))

    def _tier(self, operator: Operator, given: "_Given") -> Condition:
        names = [name for name, _ in self.given.tiers]
        if given.value not in names:
            raise given.refused("word", f"compare {TIER.path} with one of {', '.join(names)}")
        place = names.index(str(given.value))
        least = Decimal(self.given.tiers[place][1])
        above = [Decimal(points) for _, points in self.given.tiers[place + 1 :]]
        below = above[0] if above else _BEYOND
        return _ranged(operator, Field.LOYALTY_POINTS, (Operator.AT_LEAST, least), (Operator.LESS, below))

    def _value(self, given: "_Given") -> Value:
        stored, value = given.clause.field.stored, given.value
        if isinstance(value, Relative):
            value = self._counted(given, value)
        match stored.type:
            case FieldType.TIME if not isinstance(value, datetime) and isinstance(value, date):
                return datetime(value.year, value.month, value.day, tzinfo=UTC)
            case FieldType.DAY if isinstance(value, datetime):
                return value.date()
            case FieldType.TEXT if isinstance(value, str) and given.clause.operator in _EXACT:
                return self._canonical(given, value)
        return value

    def _canonical(self, given: "_Given", text: str) -> str:
        """Return a text in the form in which its field is kept."""
        try:
            match given.clause.field.stored:
                case Field.EMAIL:
                    return self.given.emails.parse(text).canonical
                case Field.EMAIL_DOMAIN:
                    return self.given.emails.parse(f"x@{text}").canonical.removeprefix("x@")
                case Field.USERNAME:
                    return canonical_username(text, self.given.emails)
                case Field.PHONE_NUMBER:
                    return parse_phone(text)
        except ValueRejectedError as error:
            raise given.refused(error.code, error.detail) from None
        return text

    def _counted(self, given: "_Given", time: Relative) -> datetime:
        now, amount = self.given.now, time.amount
        try:
            if time.unit in _MONTHS:
                return _months_later(now, amount * _MONTHS[time.unit])
            return now + amount * _SPANS[time.unit]
        except (OverflowError, ValueError):
            raise given.refused("time", "count less: the time lies beyond the calendar") from None


@frozen
class _Given:
    """One value of a clause."""

    clause: Clause
    value: Literal
    position: int

    def refused(self, code: str, advice: str) -> SegmentInvalidError:
        return SegmentInvalidError.at(self.position, code, advice)


def _given(clause: Clause) -> Iterator[_Given]:
    places = clause.at or repeat(clause.position)
    for value, position in zip(clause.values, places, strict=False):
        yield _Given(clause, value, position)


def _one_by_one(clause: Clause, settle: Callable[[Operator, _Given], Condition]) -> Condition:
    """Settle what is kept as something else than it is compared with, value by value."""
    if clause.operator is Operator.EXISTS:
        return Comparison(clause.field.stored, Operator.EXISTS)
    if clause.operator is Operator.NOT_EQUAL:
        return Not(settle(Operator.EQUAL, next(_given(clause))))
    operator = Operator.EQUAL if clause.operator is Operator.IN else clause.operator
    found = tuple(settle(operator, given) for given in _given(clause))
    return found[0] if len(found) == 1 else Or(found)


def _ranged(
    operator: Operator, field: Field, begins: tuple[Operator, Value], ends: tuple[Operator, Value]
) -> Condition:
    """Return a comparison with what is a range of another field's values.

    Args:
        operator: how it is compared; EQUAL is to be within the range.
        field: the other field.
        begins: what holds of it from the range's beginning on.
        ends: what holds of it up to the range's end.
    """
    turned = {
        Operator.AT_MOST: Operator.GREATER,
        Operator.GREATER: Operator.AT_MOST,
        Operator.AT_LEAST: Operator.LESS,
        Operator.LESS: Operator.AT_LEAST,
    }
    match operator:
        case Operator.AT_LEAST:
            return Comparison(field, *begins)
        case Operator.LESS:
            return Comparison(field, turned[begins[0]], begins[1])
        case Operator.AT_MOST:
            return Comparison(field, *ends)
        case Operator.GREATER:
            return Comparison(field, turned[ends[0]], ends[1])
        case _:
            return And((Comparison(field, *begins), Comparison(field, *ends)))


def _months_later(at: datetime, months: int) -> datetime:
    """Return the same day of another month, or its last one where it has fewer."""
    year, month = divmod(at.year * _YEAR_MONTHS + at.month - 1 + months, _YEAR_MONTHS)
    return at.replace(year=year, month=month + 1, day=min(at.day, monthrange(year, month + 1)[1]))


def _years_before(day: date, years: int) -> date:
    """Return the last birthday of whoever has completed so many years on a day.

    Who was born on 29 February completes a year on 1 March where there is no such day.
    """
    year = day.year - years
    return day.replace(year=year, day=min(day.day, monthrange(year, day.month)[1]))
