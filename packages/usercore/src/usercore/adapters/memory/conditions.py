"""Whether a condition holds of a user in memory."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import cached_property
from operator import attrgetter
from typing import Any, Final

from attrs import define

from usercore.activity.facts import Fact
from usercore.activity.summary import Tally, tally_of
from usercore.adapters.memory.database import MemoryDatabase
from usercore.kernel.ids import UserId
from usercore.preferences.values import effective
from usercore.users.attributes import Json
from usercore.users.conditions import And, Comparison, Condition, Field, FieldType, Not, Operator, Or
from usercore.users.model import User
from usercore.users.values import fold_ascii


@define(slots=False)
class MemoryConditions:
    """Tells of users in one state of the database; make a new one for each question."""

    database: MemoryDatabase

    def hold(self, condition: Condition, user: User) -> bool:
        """Return whether a condition holds of a user."""
        match condition:
            case And(parts):
                return all(self.hold(part, user) for part in parts)
            case Or(parts):
                return any(self.hold(part, user) for part in parts)
            case Not(part):
                return not self.hold(part, user)
            case comparison:
                return _compares(comparison, self._value(comparison, user))

    def _value(self, comparison: Comparison, user: User) -> Any:  # noqa: ANN401 -- a field's value
        field, keys = comparison.field, comparison.keys
        plain = _OF_USER.get(field)
        if plain is not None:
            return plain(user)
        match field:
            case Field.ATTRIBUTE:
                return _attribute(user.profile.attributes, keys)
            case Field.EMAIL_PREFERENCE:
                return self._subscribed(user.id, keys[0])
            case Field.CONSENT:
                return self._given(user.id, keys[0])
            case Field.ORDERS_TOTAL:
                totals = self._tally(user.id).orders.totals
                return next((one.value for one in totals if one.currency == keys[0]), Decimal(0))
            case _:
                return _OF_TALLY[field](self._tally(user.id))

    def _subscribed(self, user_id: UserId, name: str) -> bool | None:
        topic = self.database.topics.get(name)
        if topic is None:
            return None
        return effective(topic, self.database.preferences.get(user_id, {}).get(name)).subscribed

    def _given(self, user_id: UserId, purpose: str) -> bool:
        said = (entry.consent for entry in self.database.consents.get(user_id, ()) if entry.consent.purpose == purpose)
        return [False, *(consent.given for consent in said)][-1]

    def _tally(self, user_id: UserId) -> Tally:
        return tally_of(self._facts.get(user_id, ()))

    @cached_property
    def _facts(self) -> Mapping[UserId, list[Fact]]:
        found: dict[UserId, list[Fact]] = {}
        for entry in self.database.facts.values():
            found.setdefault(entry.user_id, []).append(entry.fact)
        return found


def _part(name: str) -> Callable[[User], str | None]:
    return lambda user: getattr(user.profile.address, name) if user.profile.address else None


def _domain(user: User) -> str:
    return user.profile.email.canonical.rpartition("@")[2]


_OF_USER: Final[Mapping[Field, Callable[[User], Any]]] = {
    Field.STATUS: attrgetter("status.state"),
    Field.STATUS_SINCE: attrgetter("status.since"),
    Field.STATUS_REASON: attrgetter("status.reason"),
    Field.STATUS_UNTIL: attrgetter("status.until"),
    Field.EMAIL: attrgetter("profile.email.canonical"),
    Field.EMAIL_DOMAIN: _domain,
    Field.USERNAME: attrgetter("profile.canonical_username"),
    Field.FIRST_NAME: attrgetter("profile.first_name"),
    Field.LAST_NAME: attrgetter("profile.last_name"),
    Field.PHONE_NUMBER: attrgetter("profile.phone_number"),
    Field.STREET: _part("street"),
    Field.CITY: _part("city"),
    Field.STATE: _part("state"),
    Field.POSTAL_CODE: _part("postal_code"),
    Field.COUNTRY: _part("country"),
    Field.LOCALE: attrgetter("profile.locale"),
    Field.TIME_ZONE: attrgetter("profile.time_zone"),
    Field.BIRTH_DATE: attrgetter("profile.birth_date"),
    Field.EXTERNAL_ID: attrgetter("profile.external_id"),
    Field.EMAIL_VERIFIED: lambda user: user.verification.email is not None,
    Field.EMAIL_VERIFIED_AT: attrgetter("verification.email"),
    Field.PHONE_VERIFIED: lambda user: user.verification.phone is not None,
    Field.PHONE_VERIFIED_AT: attrgetter("verification.phone"),
    Field.IDENTITY_VERIFIED: lambda user: user.verification.identity is not None,
    Field.IDENTITY_VERIFIED_AT: attrgetter("verification.identity"),
    Field.RESTRICTED: attrgetter("restricted"),
    Field.VERSION: attrgetter("version"),
    Field.CREATED_AT: attrgetter("created_at"),
    Field.UPDATED_AT: attrgetter("updated_at"),
}
_OF_TALLY: Final[Mapping[Field, Callable[[Tally], Any]]] = {
    Field.ORDERS: attrgetter("orders.count"),
    Field.FIRST_ORDER_AT: attrgetter("orders.first_at"),
    Field.LAST_ORDER_AT: attrgetter("orders.last_at"),
    Field.PAYMENT_FAILURES: attrgetter("payments.failures"),
    Field.PAYMENT_STANDING: attrgetter("payments.standing"),
    Field.LAST_FAILURE_AT: attrgetter("payments.last_failure_at"),
    Field.LOYALTY_POINTS: attrgetter("points"),
}


def _attribute(attributes: Mapping[str, Json], keys: tuple[str, ...]) -> Json:
    found: Json = attributes
    for key in keys:
        found = found.get(key) if isinstance(found, Mapping) else None
    return found


def _compares(comparison: Comparison, found: Any) -> bool:  # noqa: ANN401 -- a field's value
    value: Any = comparison.value
    if comparison.operator is Operator.EXISTS:
        return found is not None
    if comparison.field.type is FieldType.JSON:
        return _json_compares(comparison.operator, found, value)
    if comparison.field.ignores_case:
        found, value = _folded(found), _folded(value)
    if found is None:
        return comparison.operator is Operator.NOT_EQUAL
    return _COMPARE[comparison.operator](found, value)


def _json_compares(operator: Operator, found: Json, value: Any) -> bool:  # noqa: ANN401 -- a literal
    kind = type(value[0] if isinstance(value, tuple) else value)
    if operator is Operator.CONTAINS and isinstance(found, list):
        return value in found
    if isinstance(found, int | float) and not isinstance(found, bool):
        found_number = Decimal(repr(found))
        return _COMPARE[operator](found_number, value) if kind is Decimal else operator is Operator.NOT_EQUAL
    if type(found) is not kind:
        return operator is Operator.NOT_EQUAL
    return _COMPARE[operator](found, value)


def _folded(text: Any) -> Any:  # noqa: ANN401 -- a text, several, or none
    if isinstance(text, tuple):
        return tuple(map(fold_ascii, text))
    return None if text is None else fold_ascii(text)


_COMPARE: Final[Mapping[Operator, Callable[[Any, Any], bool]]] = {
    Operator.EQUAL: lambda found, value: found == value,
    Operator.NOT_EQUAL: lambda found, value: found != value,
    Operator.LESS: lambda found, value: found < value,
    Operator.AT_MOST: lambda found, value: found <= value,
    Operator.GREATER: lambda found, value: found > value,
    Operator.AT_LEAST: lambda found, value: found >= value,
    Operator.IN: lambda found, value: found in value,
    Operator.CONTAINS: lambda found, value: value in found,
    Operator.STARTS_WITH: lambda found, value: found.startswith(value),
}
