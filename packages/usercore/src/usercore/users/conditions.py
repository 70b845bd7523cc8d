"""Conditions on a user as values: what a filter comes down to, for every store to evaluate alike.

A condition is true or false, never unknown. What a user does not have satisfies no comparison but ``!=``, which is
true wherever ``=`` is not. Fields are named by :class:`Field` and by nothing else; what a caller typed is a value, or a
key inside a field, and nothing else of it is here.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from enum import Enum, StrEnum, auto
from typing import Final, Generic, TypeAlias, TypeVar

import attrs
from attrs import frozen

L = TypeVar("L")
M = TypeVar("M")


class FieldType(Enum):
    """What the values of a field are."""

    TEXT = auto()
    NUMBER = auto()
    BOOLEAN = auto()
    DAY = auto()
    TIME = auto()
    JSON = auto()


class Field(StrEnum):
    """What of a user can be compared, by its place in the documents that the API serves."""

    STATUS = "status"
    STATUS_SINCE = "statusDetails.since"
    STATUS_REASON = "statusDetails.reason"
    STATUS_UNTIL = "statusDetails.until"
    EMAIL = "email"
    EMAIL_DOMAIN = "email.domain"
    USERNAME = "username"
    FIRST_NAME = "firstName"
    LAST_NAME = "lastName"
    PHONE_NUMBER = "phoneNumber"
    STREET = "address.street"
    CITY = "address.city"
    STATE = "address.state"
    POSTAL_CODE = "address.postalCode"
    COUNTRY = "address.country"
    LOCALE = "locale"
    TIME_ZONE = "timeZone"
    BIRTH_DATE = "birthDate"
    EXTERNAL_ID = "externalId"
    ATTRIBUTE = "attributes"
    EMAIL_VERIFIED = "verification.email.verified"
    EMAIL_VERIFIED_AT = "verification.email.verifiedAt"
    PHONE_VERIFIED = "verification.phone.verified"
    PHONE_VERIFIED_AT = "verification.phone.verifiedAt"
    IDENTITY_VERIFIED = "verification.identity.verified"
    IDENTITY_VERIFIED_AT = "verification.identity.verifiedAt"
    RESTRICTED = "restricted"
    VERSION = "version"
    CREATED_AT = "createdAt"
    UPDATED_AT = "updatedAt"
    ORDERS = "orders.count"
    ORDERS_TOTAL = "orders.total"
    FIRST_ORDER_AT = "orders.firstAt"
    LAST_ORDER_AT = "orders.lastAt"
    PAYMENT_FAILURES = "payments.failures"
    PAYMENT_STANDING = "payments.standing"
    LAST_FAILURE_AT = "payments.lastFailureAt"
    LOYALTY_POINTS = "loyalty.lifetime"
    EMAIL_PREFERENCE = "emailPreferences"
    CONSENT = "consents"

    @property
    def type(self) -> FieldType:
        """What its values are."""
        return _TYPES.get(self, FieldType.TEXT)

    @property
    def keys(self) -> range:
        """How many keys lead to its value: of an attribute, a currency, a topic, a purpose."""
        return _KEYS.get(self, range(1))

    @property
    def ignores_case(self) -> bool:
        """Whether ASCII letters of its text match in either case."""
        return self in _IGNORE_CASE


_TYPES: Final[Mapping[Field, FieldType]] = {
    Field.STATUS_SINCE: FieldType.TIME,
    Field.STATUS_UNTIL: FieldType.TIME,
    Field.BIRTH_DATE: FieldType.DAY,
    Field.ATTRIBUTE: FieldType.JSON,
    Field.EMAIL_VERIFIED: FieldType.BOOLEAN,
    Field.EMAIL_VERIFIED_AT: FieldType.TIME,
    Field.PHONE_VERIFIED: FieldType.BOOLEAN,
    Field.PHONE_VERIFIED_AT: FieldType.TIME,
    Field.IDENTITY_VERIFIED: FieldType.BOOLEAN,
    Field.IDENTITY_VERIFIED_AT: FieldType.TIME,
    Field.RESTRICTED: FieldType.BOOLEAN,
    Field.VERSION: FieldType.NUMBER,
    Field.CREATED_AT: FieldType.TIME,
    Field.UPDATED_AT: FieldType.TIME,
    Field.ORDERS: FieldType.NUMBER,
    Field.ORDERS_TOTAL: FieldType.NUMBER,
    Field.FIRST_ORDER_AT: FieldType.TIME,
    Field.LAST_ORDER_AT: FieldType.TIME,
    Field.PAYMENT_FAILURES: FieldType.NUMBER,
    Field.LAST_FAILURE_AT: FieldType.TIME,
    Field.LOYALTY_POINTS: FieldType.NUMBER,
    Field.EMAIL_PREFERENCE: FieldType.BOOLEAN,
    Field.CONSENT: FieldType.BOOLEAN,
}
ATTRIBUTE_KEYS_MAX: Final = 7
"""As deep as attributes nest: :data:`usercore.users.attributes.ATTRIBUTES_MAX_DEPTH` levels have so many keys above
a value that is no object."""
_KEYS: Final[Mapping[Field, range]] = {
    Field.ATTRIBUTE: range(1, ATTRIBUTE_KEYS_MAX + 1),
    Field.ORDERS_TOTAL: range(1, 2),
    Field.EMAIL_PREFERENCE: range(1, 2),
    Field.CONSENT: range(1, 2),
}
# Names and places, which people write as they like, and what is unique without regard to case.
_IGNORE_CASE: Final = frozenset(
    {
        Field.EMAIL,
        Field.EMAIL_DOMAIN,
        Field.USERNAME,
        Field.FIRST_NAME,
        Field.LAST_NAME,
        Field.STREET,
        Field.CITY,
        Field.STATE,
        Field.POSTAL_CODE,
        Field.COUNTRY,
        Field.LOCALE,
        Field.TIME_ZONE,
    }
)


class Operator(StrEnum):
    """How a field's value is compared."""

    EQUAL = "="
    NOT_EQUAL = "!="
    LESS = "<"
    AT_MOST = "<="
    GREATER = ">"
    AT_LEAST = ">="
    IN = "in"
    CONTAINS = "contains"
    STARTS_WITH = "starts with"
    EXISTS = "exists"


EQUALITY: Final = frozenset({Operator.EQUAL, Operator.NOT_EQUAL})
ORDER: Final = frozenset({Operator.LESS, Operator.AT_MOST, Operator.GREATER, Operator.AT_LEAST})
PARTS: Final = frozenset({Operator.CONTAINS, Operator.STARTS_WITH})

Value: TypeAlias = str | Decimal | bool | date | datetime
_PLAIN: Final[Mapping[FieldType, tuple[type, frozenset[Operator]]]] = {
    FieldType.TEXT: (str, EQUALITY | PARTS | {Operator.IN}),
    FieldType.NUMBER: (Decimal, EQUALITY | ORDER | {Operator.IN}),
    FieldType.BOOLEAN: (bool, EQUALITY),
    FieldType.DAY: (date, EQUALITY | ORDER | {Operator.IN}),
    FieldType.TIME: (datetime, ORDER),
}
# An attribute is what its JSON says; it is compared with values of one type, and with others it is not equal.
_JSON: Final[Mapping[type, frozenset[Operator]]] = {
    str: EQUALITY | ORDER | PARTS | {Operator.IN},
    Decimal: EQUALITY | ORDER | {Operator.IN},
    bool: EQUALITY,
}


@frozen
class Comparison:
    """One field of a user compared with a value.

    Text is compared by its characters, without regard to the case of ASCII letters where the field says so; text of
    attributes is ordered by code points. An attribute that is a list CONTAINS each text in it. EMAIL and USERNAME are
    compared in the form under which they are unique.

    Args:
        field: what is compared.
        operator: how.
        value: with what; a tuple for IN, None for EXISTS.
        keys: where inside the field: the names on the way to an attribute's value, a currency, a topic or a purpose.

    Raises:
        ValueError: the field cannot be compared so, which a program that makes conditions has to know.
    """

    field: Field
    operator: Operator
    value: Value | tuple[Value, ...] | None = attrs.field(default=None, repr=False)
    keys: tuple[str, ...] = attrs.field(default=(), repr=False)

    def __attrs_post_init__(self) -> None:
        """Refuse what no store could compare."""
        if len(self.keys) not in self.field.keys or not all(map(is_text, self.keys)):
            raise ValueError("wrong keys for the field")
        if not self._fits():
            raise ValueError("the field's values cannot be compared so")

    def _fits(self) -> bool:
        if self.operator is Operator.EXISTS:
            return self.value is None
        values = self.value if isinstance(self.value, tuple) else (self.value,)
        if isinstance(self.value, tuple) is not (self.operator is Operator.IN) or not values:
            return False
        kind = type(values[0])
        allowed = operators(self.field.type, kind)
        return self.operator in allowed and all(type(one) is kind and _is_sound(one) for one in values)


def operators(of: FieldType, kind: type) -> frozenset[Operator]:
    """Return how a field of a type may be compared with values of a Python type."""
    if of is FieldType.JSON:
        return _JSON.get(kind, frozenset())
    wanted, allowed = _PLAIN[of]
    return allowed if kind is wanted else frozenset()


def _is_sound(value: object) -> bool:
    match value:
        case str():
            return is_text(value)
        case Decimal():
            return value.is_finite()
        case datetime():
            return value.utcoffset() is not None
        case _:
            return True


def is_text(text: str) -> bool:
    """Return whether a text is one that every store can hold."""
    return "\x00" not in text and not any("\ud800" <= character <= "\udfff" for character in text)


@frozen
class And(Generic[L]):
    """All parts hold; two at least."""

    parts: "tuple[Tree[L], ...]"

    def __attrs_post_init__(self) -> None:
        """Refuse what joins nothing."""
        _require_two(len(self.parts))


@frozen
class Or(Generic[L]):
    """One part holds at least; two are there at least."""

    parts: "tuple[Tree[L], ...]"

    def __attrs_post_init__(self) -> None:
        """Refuse what joins nothing."""
        _require_two(len(self.parts))


@frozen
class Not(Generic[L]):
    """The part does not hold."""

    part: "Tree[L]"


def _require_two(number: int) -> None:
    if number < 2:  # noqa: PLR2004 -- what "join" means
        raise ValueError("join two parts at least")


Tree: TypeAlias = And[L] | Or[L] | Not[L] | L
"""Leaves joined by and, or, not."""
Condition: TypeAlias = Tree[Comparison]
"""What a user must satisfy."""


def mapped(tree: Tree[L], change: Callable[[L], Tree[M]]) -> Tree[M]:
    """Return the tree with each leaf replaced."""
    match tree:
        case And(parts):
            return And(tuple(mapped(part, change) for part in parts))
        case Or(parts):
            return Or(tuple(mapped(part, change) for part in parts))
        case Not(part):
            return Not(mapped(part, change))
        case leaf:
            return change(leaf)


def leaves(tree: Tree[L]) -> Iterator[L]:
    """List every leaf, from left to right."""
    match tree:
        case And(parts) | Or(parts):
            for part in parts:
                yield from leaves(part)
        case Not(part):
            yield from leaves(part)
        case leaf:
            yield leaf
