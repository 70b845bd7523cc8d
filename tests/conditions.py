"""Conditions and filters for tests: what Hypothesis draws, and people to choose from."""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from attrs import evolve
from hypothesis import strategies as st

from tests.builders import IDS, NOW, OPERATOR, SECOND, a_context, a_profile, creation
from tests.facts import failure, heard, order, points, success
from tests.strategies import NASTY
from usercore.activity.values import Money
from usercore.kernel.changes import FieldChange
from usercore.preferences.events import PreferencesRecord
from usercore.preferences.values import EmailPreference, EmailTopic
from usercore.privacy.consents.events import ConsentRecord, UserConsentChanged
from usercore.privacy.consents.values import Consent, LedgerEntry
from usercore.segments.catalogue import AGE, CATALOGUE, FilterField, Kind
from usercore.segments.syntax import Clause, Filter, Literal, Relative, Unit
from usercore.users.conditions import And, Comparison, Condition, Field, FieldType, Not, Operator, Or, operators
from usercore.users.model import AccountStatus, User, Verification
from usercore.users.ports import Change
from usercore.users.values import AccountState, Address, DeactivationReason
from usercore.wiring.core import Ports


def _topic(name: str, *, mandatory: bool = False, default: bool = False) -> EmailTopic:
    return EmailTopic(name, name.title(), "", mandatory, default, "1", NOW)


TOPICS: Final = (_topic("news", default=True), _topic("ads"), _topic("bills", mandatory=True))
PURPOSES: Final = ("sale", "research")
CITIES: Final = (*NASTY[:5], "Berlin", "BERLIN", "Ärmel", "ärmel", "50%_off", "a\\b")
MOMENTS: Final = tuple(NOW + timedelta(hours=hours) for hours in range(4))
DAYS: Final = (date(1990, 1, 31), date(2004, 2, 29), date(2008, 3, 1))
ATTRIBUTES: Final[tuple[dict[str, Any], ...]] = (
    {},
    {"plan": "gold", "seats": 3, "trial": True},
    {"plan": "GOLD", "seats": 0.1, "trial": False, "tags": ["vip", "gold", 7, None]},
    {"plan": 3, "seats": "3", "trial": "true", "tags": "vip"},
    {"plan": ["gold"], "seats": -1e-7, "nested": {"plan": NASTY[0], "0": "zero"}},
    {"plan": {"plan": "gold"}, "nested": ["gold"], "tags": []},
    {"plan": True, "seats": 9007199254740991, "nested": {"plan": None}},
)
KEYS: Final[Mapping[Field, Sequence[tuple[str, ...]]]] = {
    Field.ATTRIBUTE: (
        ("plan",),
        ("seats",),
        ("trial",),
        ("tags",),
        ("nested", "plan"),
        ("nested", "0"),
        ("0",),
        (NASTY[0],),
    ),
    Field.ORDERS_TOTAL: (("EUR",), ("USD",)),
    Field.EMAIL_PREFERENCE: (*((topic.name,) for topic in TOPICS), ("gone",)),
    Field.CONSENT: tuple((name,) for name in PURPOSES),
}
WORDS: Final = (
    *CITIES,
    "",
    "b",
    "ER",
    "gold",
    "vip",
    "3",
    "true",
    "example.com",
    "ada@example.com",
    "de",
    "de-CH",
    "Europe/",
    "+49",
    "ACTIVE",
    "DEACTIVATED",
    "INACTIVITY",
    "FAILING",
    "GOOD",
    "crm-1",
)

_TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=20)
_NUMBERS = st.decimals(-(10**9), 10**9, allow_nan=False, places=3) | st.sampled_from(
    [Decimal(n) for n in ("0", "1", "3", "0.1", "100", "-1E-7", "1E+30")]
)
_TIMES = st.sampled_from(MOMENTS) | st.datetimes(
    datetime(1, 1, 2),  # noqa: DTZ001 - Hypothesis adds the zone itself
    datetime(9999, 12, 30),  # noqa: DTZ001 - the same
    timezones=st.just(UTC),
)
_VALUES: Final[Mapping[type, st.SearchStrategy[Any]]] = {
    str: st.sampled_from(WORDS) | _TEXTS,
    Decimal: _NUMBERS,
    bool: st.booleans(),
    date: st.sampled_from(DAYS) | st.dates(),
    datetime: _TIMES,
}
_OF_TYPE: Final = {
    FieldType.TEXT: (str,),
    FieldType.NUMBER: (Decimal,),
    FieldType.BOOLEAN: (bool,),
    FieldType.DAY: (date,),
    FieldType.TIME: (datetime,),
    FieldType.JSON: (str, Decimal, bool),
}


@st.composite
def comparisons(draw: st.DrawFn) -> Comparison:
    """Draw any comparison that can be made."""
    field = draw(st.sampled_from(Field))
    if field in KEYS:
        keys = draw(st.sampled_from(KEYS[field]) | st.tuples(*[_TEXTS] * draw(st.sampled_from(field.keys))))
    else:
        keys = ()
    kind = draw(st.sampled_from(_OF_TYPE[field.type]))
    operator = draw(st.sampled_from(sorted(operators(field.type, kind) | {Operator.EXISTS})))
    return Comparison(field, operator, draw(_operands(operator, _VALUES[kind])), keys)


def _operands(operator: Operator, one: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    if operator is Operator.EXISTS:
        return st.none()
    return st.lists(one, min_size=1, max_size=4).map(tuple) if operator is Operator.IN else one


_SAMPLES: Final[Mapping[type, Sequence[Any]]] = {
    str: WORDS,
    Decimal: [Decimal(n) for n in ("-1", "0", "0.1", "1", "2", "3", "99.9", "100", "100.1", "5000", "-1E-7", "1E+30")],
    bool: (True, False),
    date: [day + timedelta(days=more) for day in DAYS for more in (-1, 0, 1)],
    datetime: [at + timedelta(microseconds=more) for at in MOMENTS for more in (-1, 0, 1)],
}


def every_comparison(field: Field) -> Iterator[Comparison]:
    """Give each way to compare a field, with values around those that people here have."""
    for keys in KEYS.get(field, ((),)):
        yield Comparison(field, Operator.EXISTS, keys=keys)
        for kind in _OF_TYPE[field.type]:
            samples = _SAMPLES[kind]
            for operator in sorted(operators(field.type, kind) - {Operator.EXISTS}):
                if operator is Operator.IN:
                    samples_of_two = zip(samples, [*samples[3:], *samples[:3]], strict=True)
                    yield from (Comparison(field, operator, pair, keys) for pair in samples_of_two)
                else:
                    yield from (Comparison(field, operator, value, keys) for value in samples)


def trees(leaf: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Draw leaves joined by and, or, not."""

    def more(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        several = st.lists(inner, min_size=2, max_size=3).map(tuple)
        return several.map(And) | several.map(Or) | inner.map(Not)

    return st.recursive(leaf, more, max_leaves=5)


def conditions() -> st.SearchStrategy[Condition]:
    """Draw conditions."""
    return trees(comparisons())


def other(comparison: Comparison) -> Comparison:
    """Give a comparison of the same shape with other values and other keys."""
    keys = tuple(f"other {key}" for key in comparison.keys)
    return evolve(comparison, keys=keys, value=_other(comparison.value))


def _other(value: Any) -> Any:
    if value is None:
        return None
    if isinstance(value, tuple):
        return (*map(_other, value), _other(value[0]))
    return _OTHERS[type(value)](value)


_OTHERS: Final[Mapping[type, Callable[[Any], Any]]] = {
    str: lambda text: f"' OR 1=1 -- {text}",
    Decimal: lambda number: number / 3 + 1,
    bool: lambda word: not word,
    date: lambda day: date(1999, 9, 9 if day.day != 9 else 8),
    datetime: lambda at: NOW if at != NOW else NOW + SECOND,
}


_PARTS = st.text("abcXYZ019_-", min_size=1, max_size=8)
_RELATIVES = st.just(Relative()) | st.builds(
    Relative, st.integers(1, 1000) | st.integers(-1000, -1), st.sampled_from(Unit)
)
_LITERALS: Final[Mapping[Kind, st.SearchStrategy[Literal]]] = {
    Kind.TEXT: st.sampled_from(WORDS) | _TEXTS,
    Kind.NUMBER: _NUMBERS.filter(lambda number: abs(number) < 10**20),
    Kind.BOOLEAN: st.booleans(),
    Kind.DATE: st.dates() | _RELATIVES,
    Kind.TIME: st.dates() | _TIMES | _RELATIVES,
}


@st.composite
def clauses(draw: st.DrawFn) -> Clause:
    """Draw any comparison that the language can write."""
    field = draw(st.sampled_from(CATALOGUE))
    operator = draw(st.sampled_from(sorted(field.operators)))
    literals = draw(st.sampled_from(_literals(field, operator)))
    return Clause(field, operator, draw(_operands(operator, literals)), draw(_keys(field)))


def _literals(field: FilterField, operator: Operator) -> Sequence[st.SearchStrategy[Literal]]:
    if field.words:
        return [st.sampled_from(field.words)]
    if field == AGE:
        return [st.integers(0, 120).map(Decimal)]
    if field.kind is Kind.WORD:
        return [st.sampled_from(("BRONZE", "SILVER", "GOLD", "PLATINUM"))]
    if field.kind is Kind.ANY:
        kinds = {str: Kind.TEXT, Decimal: Kind.NUMBER, bool: Kind.BOOLEAN}
        fitting = [kind for of, kind in kinds.items() if operator in operators(FieldType.JSON, of)]
        return [_LITERALS[kind] for kind in fitting or [Kind.TEXT]]
    return [_LITERALS[field.kind]]


def _keys(field: FilterField) -> st.SearchStrategy[tuple[str, ...]]:
    match field.stored:
        case Field.ATTRIBUTE:
            return st.lists(_PARTS | _TEXTS.filter(bool), min_size=1, max_size=3).map(tuple)
        case Field.ORDERS_TOTAL:
            return st.sampled_from((("EUR",), ("JPY",)))
        case Field.EMAIL_PREFERENCE | Field.CONSENT:
            return st.sampled_from((("news",), ("order-updates",)))
        case _:
            return st.just(())


def filters() -> st.SearchStrategy[Filter]:
    """Draw filters as they are written."""
    return trees(clauses())


class People:
    """The same people in several stores, each with something of everything that can be asked for."""

    def __init__(self, *stores: Ports, seed: int = 7) -> None:
        self.stores = stores
        self.users: list[User] = []
        self._random = random.Random(seed)

    async def move_in(self, number: int) -> None:
        """Write topics, users, what they said, and what they did elsewhere."""
        for ports in self.stores:
            for topic in TOPICS:
                await ports.topics.put(topic)
        for place in range(number):
            change = self._creation(place)
            self.users.append(change.user)
            await self._commit(change)
            await self._says(change.user)
            await self._does(change.user, place)

    async def _commit(self, change: Change) -> None:
        for ports in self.stores:
            assert list(await ports.writer.commit([change])) == [None]

    def _maybe(self, *values: Any) -> Any:
        return self._random.choice((None, *values))

    def _creation(self, place: int) -> Change:
        city = self._maybe(*CITIES)
        email = f"Person{place}@{self._random.choice(('Example.com', 'sub.example.org'))}" if place else None
        profile = a_profile(
            email or "ada@example.com",
            first_name=self._random.choice(CITIES),
            phone_number=self._maybe("+4930123456", "+3312345"),
            address=self._maybe(Address(city=city or "Rome", country=self._maybe("DE", "de")), Address(street="b")),
            locale=self._maybe("de-CH", "en"),
            time_zone=self._maybe("Europe/Berlin", "UTC"),
            birth_date=self._maybe(*DAYS),
            attributes=self._random.choice(ATTRIBUTES),
            external_id=self._maybe(f"CRM-{place}", f"crm-{place}"),
        )
        change = creation(profile, now=self._random.choice(MOMENTS))
        return evolve(change, user=self._changed(change.user))

    def _changed(self, user: User) -> User:
        state = self._random.choice((*[AccountState.ACTIVE] * 4, *AccountState))
        gone = state is AccountState.DEACTIVATED
        status = AccountStatus(
            state,
            since=user.created_at,
            actor=OPERATOR,
            reason=self._maybe(*DeactivationReason) if gone else None,
            until=self._maybe(*MOMENTS) if gone else None,
        )
        verified = Verification(self._maybe(*MOMENTS), self._maybe(*MOMENTS), self._maybe(*MOMENTS))
        return evolve(user, status=status, verification=verified, restricted=self._random.random() < 0.3)

    async def _says(self, user: User) -> None:
        for purpose in self._random.choices(PURPOSES, k=self._random.randrange(3)):
            user = evolve(user, version=user.version + 1, updated_at=user.updated_at + SECOND)
            given, topic = self._random.random() < 0.5, self._random.choice(TOPICS).name
            said = Consent(purpose, given, "1", "form", user.updated_at)
            wants = EmailPreference(topic, self._random.random() < 0.5, "form", user.updated_at, "1")
            await self._commit(
                Change(
                    user=user,
                    event_id=IDS.event_id(),
                    event=UserConsentChanged(user.id, purpose, given, "1", said.at),
                    changes=(FieldChange(f"consents.{purpose}", None, said),),
                    context=a_context(),
                    records=(
                        ConsentRecord(LedgerEntry(user.id, user.version, said, OPERATOR)),
                        PreferencesRecord(user.id, (wants,)),
                    ),
                )
            )

    async def _does(self, user: User, place: int) -> None:
        if user.status.state is AccountState.ERASED:
            return
        facts = []
        for number in range(self._random.randrange(4)):
            name, at = f"{place}-{number}", self._random.choice(MOMENTS)
            money = Money(Decimal(self._random.choice(("0.1", "100", "-1"))), self._maybe("EUR", "USD"))
            facts.append(order(name, user.id, money, at=at))
            facts.append(points(name, user.id, self._random.choice((1, 100, 5000)), at=at))
            if self._random.random() < 0.6:
                facts.append(failure(f"pay-{name}", name, at=self._random.choice(MOMENTS)))
            if self._random.random() < 0.6:
                payment, named = self._random.choice(((f"pay-{name}", None), (f"other-{name}", name)))
                facts.append(success(payment, named, at=self._random.choice(MOMENTS)))
        told = [heard(fact) for fact in facts]
        for ports in self.stores:
            await ports.activity_writer.record(told)
