"""The fields that a filter may name, with what may be asked of each."""

import re
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Final

from attrs import frozen

from usercore.activity.summary import Standing
from usercore.preferences.values import parse_topic_name
from usercore.users.conditions import EQUALITY, ORDER, PARTS, Field, Operator
from usercore.users.queries import PRESENT
from usercore.users.values import DeactivationReason, ValueRejectedError


class Kind(StrEnum):
    """What a field is compared with."""

    TEXT = "text"
    WORD = "word"
    NUMBER = "number"
    BOOLEAN = "true or false"
    DATE = "date"
    TIME = "time"
    ANY = "text, number, true or false"


_EXISTS: Final = frozenset({Operator.EXISTS})
OPERATORS: Final[Mapping[Kind, frozenset[Operator]]] = {
    Kind.TEXT: EQUALITY | PARTS | {Operator.IN} | _EXISTS,
    Kind.WORD: EQUALITY | {Operator.IN} | _EXISTS,
    Kind.NUMBER: EQUALITY | ORDER | {Operator.IN} | _EXISTS,
    Kind.BOOLEAN: EQUALITY | _EXISTS,
    Kind.DATE: EQUALITY | ORDER | {Operator.IN} | _EXISTS,
    Kind.TIME: ORDER | _EXISTS,
    Kind.ANY: frozenset(Operator),
}
"""Kind → how such fields may be compared."""


@frozen
class FilterField:
    """One field of the catalogue.

    Args:
        path: how a filter names it: its place in the documents that the API serves, as far as there is one.
        kind: what it is compared with.
        about: what it is, for people.
        stored: what of a user decides.
        key: what stands behind the path, or None: ``NAME``, ``CURRENCY``, ``TOPIC``, ``PURPOSE``.
        words: the words that are meant, where there are only a few and all are known.
        ordered: whether its words have an order, so that they may be compared by it.
    """

    path: str
    kind: Kind
    about: str
    stored: Field
    key: str | None = None
    words: tuple[str, ...] = ()
    ordered: bool = False

    @property
    def operators(self) -> frozenset[Operator]:
        """How it may be compared."""
        return OPERATORS[self.kind] | ORDER if self.ordered else OPERATORS[self.kind]

    @property
    def name(self) -> str:
        """Its path with what stands behind it, as in ``orders.total.CURRENCY``."""
        return self.path if self.key is None else f"{self.path}.{self.key}"


def _plain(kind: Kind, about: str, stored: Field, words: tuple[str, ...] = ()) -> FilterField:
    return FilterField(stored.value, kind, about, stored, words=words)


AGE: Final = FilterField("age", Kind.NUMBER, "completed years of life, today in UTC", Field.BIRTH_DATE)
TIER: Final = FilterField(
    "loyalty.tier",
    Kind.WORD,
    "the loyalty tier, of those that the settings name; ordered by the points that they begin at",
    Field.LOYALTY_POINTS,
    ordered=True,
)

CATALOGUE: Final[Sequence[FilterField]] = (
    _plain(Kind.WORD, "the account's state", Field.STATUS, tuple(sorted(state.value for state in PRESENT))),
    _plain(Kind.TIME, "since when it is in that state", Field.STATUS_SINCE),
    _plain(
        Kind.WORD,
        "why the account was deactivated",
        Field.STATUS_REASON,
        tuple(reason.value for reason in DeactivationReason),
    ),
    _plain(Kind.TIME, "when the deactivation ends by itself", Field.STATUS_UNTIL),
    _plain(Kind.TEXT, "the email, in the form under which it is unique", Field.EMAIL),
    _plain(Kind.TEXT, "what stands behind the @", Field.EMAIL_DOMAIN),
    _plain(Kind.TEXT, "the username, in the form under which it is unique", Field.USERNAME),
    _plain(Kind.TEXT, "the first name", Field.FIRST_NAME),
    _plain(Kind.TEXT, "the last name", Field.LAST_NAME),
    _plain(Kind.TEXT, "the phone number in E.164 form, as in +4930123456", Field.PHONE_NUMBER),
    _plain(Kind.TEXT, "street and house number", Field.STREET),
    _plain(Kind.TEXT, "the city", Field.CITY),
    _plain(Kind.TEXT, "the state or province", Field.STATE),
    _plain(Kind.TEXT, "the postal code", Field.POSTAL_CODE),
    _plain(Kind.TEXT, "the country", Field.COUNTRY),
    _plain(Kind.TEXT, "the language tag, as in de-CH", Field.LOCALE),
    _plain(Kind.TEXT, "the time zone, as in Europe/Berlin", Field.TIME_ZONE),
    _plain(Kind.DATE, "the date of birth", Field.BIRTH_DATE),
    AGE,
    _plain(Kind.TEXT, "the id in the system they came from; letters match in their own case alone", Field.EXTERNAL_ID),
    FilterField(
        "attributes",
        Kind.ANY,
        "a custom attribute, however deep; letters match in their own case alone, and a list contains its texts",
        Field.ATTRIBUTE,
        key="NAME",
    ),
    _plain(Kind.BOOLEAN, "whether the email is verified", Field.EMAIL_VERIFIED),
    _plain(Kind.TIME, "when the email was verified", Field.EMAIL_VERIFIED_AT),
    _plain(Kind.BOOLEAN, "whether the phone number is verified", Field.PHONE_VERIFIED),
    _plain(Kind.TIME, "when the phone number was verified", Field.PHONE_VERIFIED_AT),
    _plain(Kind.BOOLEAN, "whether the person's identity is verified", Field.IDENTITY_VERIFIED),
    _plain(Kind.TIME, "when the person's identity was verified", Field.IDENTITY_VERIFIED_AT),
    _plain(Kind.BOOLEAN, "whether the person has had the use of their data restricted", Field.RESTRICTED),
    _plain(Kind.NUMBER, "how many changes the profile has seen", Field.VERSION),
    _plain(Kind.TIME, "when the user was created", Field.CREATED_AT),
    _plain(Kind.TIME, "when the profile last changed", Field.UPDATED_AT),
    _plain(Kind.NUMBER, "how many orders the user placed", Field.ORDERS),
    FilterField(
        "orders.total",
        Kind.NUMBER,
        "what the orders in one currency (ISO 4217) come to; 0 without orders",
        Field.ORDERS_TOTAL,
        key="CURRENCY",
    ),
    _plain(Kind.TIME, "when the first order was placed", Field.FIRST_ORDER_AT),
    _plain(Kind.TIME, "when the last order was placed", Field.LAST_ORDER_AT),
    _plain(Kind.NUMBER, "how many payments failed", Field.PAYMENT_FAILURES),
    _plain(
        Kind.WORD,
        "FAILING while a failed payment has not been made good",
        Field.PAYMENT_STANDING,
        tuple(standing.value for standing in Standing),
    ),
    _plain(Kind.TIME, "when the last payment failed", Field.LAST_FAILURE_AT),
    _plain(Kind.NUMBER, "loyalty points ever earned", Field.LOYALTY_POINTS),
    TIER,
    FilterField(
        "emailPreferences",
        Kind.BOOLEAN,
        "whether mail of a topic is sent: what the user said, or the topic's default",
        Field.EMAIL_PREFERENCE,
        key="TOPIC",
    ),
    FilterField("consents", Kind.BOOLEAN, "whether the user consents to a purpose", Field.CONSENT, key="PURPOSE"),
)
"""Every field, in the order in which documentation lists them."""

_BY_PATH: Final[Mapping[tuple[str, ...], FilterField]] = {tuple(one.path.split(".")): one for one in CATALOGUE}
_CURRENCY = re.compile(r"[A-Z]{3}", re.ASCII)


def find_field(path: tuple[str, ...]) -> tuple[FilterField, tuple[str, ...]] | None:
    """Return the field that a path names, and the keys behind it; None where it names none."""
    for length in range(len(path), 0, -1):
        found = _BY_PATH.get(path[:length])
        if found is not None:
            keys = path[length:]
            return (found, keys) if len(keys) in found.stored.keys else None
    return None


def is_key(field: FilterField, key: str) -> bool:
    """Return whether a key can be one of a field's at all."""
    if field.stored is Field.ORDERS_TOTAL:
        return _CURRENCY.fullmatch(key) is not None
    if field.stored in {Field.EMAIL_PREFERENCE, Field.CONSENT}:
        try:
            parse_topic_name(key)
        except ValueRejectedError:
            return False
    return bool(key)
