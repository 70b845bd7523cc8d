"""Conditions as SQL. Every value and every key is a parameter; everything else is made of constants.

The text depends on a condition's shape alone: which fields, which operators, how they are joined, and of which types
the values are.

A comparison with what a user does not have is NULL, which counts as false: AND and OR of what counts as false count as
they should, and where it is turned round ``IS NOT TRUE`` makes it true. So no comparison is wrapped that an index can
help with.
"""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final, TypeAlias

from attrs import frozen

from usercore.users.conditions import And, Comparison, Condition, Field, FieldType, Not, Operator, Or
from usercore.users.values import fold_ascii

Given: TypeAlias = Callable[[object], str]
"""Takes a value, and returns what stands for it in the statement: ``$1``."""


def condition_sql(condition: Condition, given: Given) -> str:
    """Return a condition on a row of ``users AS u``.

    Args:
        condition: what must hold.
        given: takes each value, and tells what to write in its place.
    """
    match condition:
        case And(parts):
            return f"({' AND '.join(condition_sql(part, given) for part in parts)})"
        case Or(parts):
            return f"({' OR '.join(condition_sql(part, given) for part in parts)})"
        case Not(part):
            return f"({condition_sql(part, given)} IS NOT TRUE)"
        case comparison:
            return f"({_Writer(given).comparison(comparison)})"


_FACTS: Final = "FROM activity_facts AS f WHERE f.user_id = u.id AND f.kind ="
# What `usercore.activity.summary` says of a standing; a property test holds both equal.
_FAILING: Final = f"""EXISTS (
    SELECT {_FACTS} 'PAYMENT_FAILED' AND NOT EXISTS (
        SELECT FROM activity_facts AS s
        LEFT JOIN activity_facts AS o ON o.kind = 'PAYMENT_FAILED' AND o.fact_id = s.fact_id AND o.user_id = u.id
        WHERE s.user_id = u.id AND s.kind = 'PAYMENT_SUCCEEDED' AND s.occurred_at >= f.occurred_at
          AND (s.fact_id = f.fact_id OR COALESCE(s.order_id, o.order_id) = f.order_id)))"""  # noqa: S608 -- constants
_COLUMNS: Final[Mapping[Field, str]] = {
    Field.STATUS: "u.state",
    Field.STATUS_SINCE: "u.status_since",
    Field.STATUS_REASON: "u.status_reason",
    Field.STATUS_UNTIL: "u.status_until",
    Field.EMAIL: "u.email_canonical",
    Field.EMAIL_DOMAIN: "split_part(u.email_canonical, '@', 2)",
    Field.USERNAME: "u.username_canonical",
    Field.FIRST_NAME: "u.first_name",
    Field.LAST_NAME: "u.last_name",
    Field.PHONE_NUMBER: "u.phone_number",
    Field.STREET: "u.address_street",
    Field.CITY: "u.address_city",
    Field.STATE: "u.address_state",
    Field.POSTAL_CODE: "u.address_postal_code",
    Field.COUNTRY: "u.address_country",
    Field.LOCALE: "u.locale",
    Field.TIME_ZONE: "u.time_zone",
    Field.BIRTH_DATE: "u.birth_date",
    Field.EXTERNAL_ID: "u.external_id",
    Field.EMAIL_VERIFIED: "(u.email_verified_at IS NOT NULL)",
    Field.EMAIL_VERIFIED_AT: "u.email_verified_at",
    Field.PHONE_VERIFIED: "(u.phone_verified_at IS NOT NULL)",
    Field.PHONE_VERIFIED_AT: "u.phone_verified_at",
    Field.IDENTITY_VERIFIED: "(u.identity_verified_at IS NOT NULL)",
    Field.IDENTITY_VERIFIED_AT: "u.identity_verified_at",
    Field.RESTRICTED: "u.restricted",
    Field.VERSION: "u.version",
    Field.CREATED_AT: "u.created_at",
    Field.UPDATED_AT: "u.updated_at",
    Field.ORDERS: f"(SELECT count(*) {_FACTS} 'ORDER_PLACED')",
    Field.FIRST_ORDER_AT: f"(SELECT min(f.occurred_at) {_FACTS} 'ORDER_PLACED')",
    Field.LAST_ORDER_AT: f"(SELECT max(f.occurred_at) {_FACTS} 'ORDER_PLACED')",
    Field.PAYMENT_FAILURES: f"(SELECT count(*) {_FACTS} 'PAYMENT_FAILED')",
    Field.PAYMENT_STANDING: f"(CASE WHEN {_FAILING} THEN 'FAILING' ELSE 'GOOD' END)",
    Field.LAST_FAILURE_AT: f"(SELECT max(f.occurred_at) {_FACTS} 'PAYMENT_FAILED')",
    Field.LOYALTY_POINTS: f"(SELECT COALESCE(sum(f.points), 0) {_FACTS} 'POINTS_EARNED')",
}
"""Fields that are one SQL expression of a row of ``users AS u``."""
_FOLDED: Final = frozenset({Field.EMAIL, Field.EMAIL_DOMAIN, Field.USERNAME})
"""Fields whose column holds what :func:`fold_ascii` makes."""
_CASTS: Final[Mapping[type, str]] = {
    str: "text",
    Decimal: "numeric",
    bool: "boolean",
    date: "date",
    datetime: "timestamptz",
}
_ORDERED: Final = frozenset({Operator.LESS, Operator.AT_MOST, Operator.GREATER, Operator.AT_LEAST})


@frozen
class _Writer:
    """Writes one comparison."""

    given: Given

    def comparison(self, comparison: Comparison) -> str:
        if comparison.field.type is FieldType.JSON:
            return self._attribute(comparison)
        left, value = self._left(comparison), comparison.value
        if comparison.field.ignores_case:
            value = _folded(value)
            if comparison.field not in _FOLDED:
                # With this collation lower() folds the letters of ASCII and no others.
                left = f'lower({left} COLLATE "C")'
        return self._compared(left, comparison.operator, value)

    def _left(self, comparison: Comparison) -> str:
        match comparison.field:
            case Field.ORDERS_TOTAL:
                currency = self.given(comparison.keys[0])
                sums = f"{_FACTS} 'ORDER_PLACED' AND f.currency = {currency}::text"
                return f"(SELECT COALESCE(sum(f.amount), 0) {sums})"
            case Field.EMAIL_PREFERENCE:
                return _subscribed(self.given(comparison.keys[0]))
            case Field.CONSENT:
                purpose = self.given(comparison.keys[0])
                lines = f"FROM consents AS c WHERE c.user_id = u.id AND c.purpose = {purpose}::text"
                return f"COALESCE((SELECT c.given {lines} ORDER BY c.version DESC LIMIT 1), FALSE)"
            case field:
                return _COLUMNS[field]

    def _compared(self, left: str, operator: Operator, value: Any) -> str:  # noqa: ANN401 -- of the field's type
        match operator:
            case Operator.EXISTS:
                return f"{left} IS NOT NULL"
            case Operator.NOT_EQUAL:
                return f"({left} = {self._typed(value)}) IS NOT TRUE"
            case Operator.IN:
                return f"{left} = ANY({self.given(list(value))}::{_CASTS[type(value[0])]}[])"
            case Operator.CONTAINS:
                # Neither of the two knows wildcards, so that nothing has to be escaped.
                return f"strpos({left}, {self._typed(value)}) > 0"
            case Operator.STARTS_WITH:
                return f"starts_with({left}, {self._typed(value)})"
            case _:
                return f"{left} {operator.value} {self._typed(value)}"

    def _typed(self, value: object) -> str:
        return f"{self.given(value)}::{_CASTS[type(value)]}"

    def _attribute(self, comparison: Comparison) -> str:
        """Compare a value inside the attributes where it is of the literal's type; of another type it is NULL."""
        path = " -> ".join(f"{self.given(key)}::text" for key in comparison.keys)
        value, operator = comparison.value, comparison.operator
        found = f"(SELECT u.attributes -> {path} AS value) AS a"
        if operator is Operator.EXISTS:
            return f"(SELECT json_typeof(a.value) <> 'null' FROM {found})"  # noqa: S608 -- the same
        literal = type(value[0] if isinstance(value, tuple) else value)
        left, cases = _JSON_VALUES[literal], ""
        if operator in _ORDERED and literal is str:
            left += ' COLLATE "C"'
        if operator is Operator.CONTAINS:
            cases = f" WHEN 'array' THEN {self._listed(value)}"
        word, turned = _JSON_WORDS[literal], operator is Operator.NOT_EQUAL
        compared = self._compared(left, Operator.EQUAL if turned else operator, value)
        chosen = f"CASE json_typeof(a.value) WHEN '{word}' THEN {compared}{cases} END"
        return f"(SELECT {chosen} FROM {found}){' IS NOT TRUE' if turned else ''}"  # noqa: S608 -- the same

    def _listed(self, value: object) -> str:
        items = "json_array_elements(a.value) AS i WHERE json_typeof(i) = 'string'"
        return f"EXISTS (SELECT FROM {items} AND i #>> '{{}}' = {self._typed(value)})"


_JSON_WORDS: Final[Mapping[type, str]] = {str: "string", Decimal: "number", bool: "boolean"}
_JSON_VALUES: Final[Mapping[type, str]] = {
    str: "(a.value #>> '{}')",
    Decimal: "(a.value #>> '{}')::numeric",
    bool: "(a.value #>> '{}')::boolean",
}


def _subscribed(topic: str) -> str:
    """Return whether mail of a topic is sent to a user, given what stands for the topic; NULL where there is none."""
    # What is asked of the topic alone is asked once, and not for each user.
    mandatory, default = (
        f"(SELECT t.{column} FROM email_topics AS t WHERE t.name = {topic}::text)"  # noqa: S608 -- the same
        for column in ("mandatory", "subscribed_by_default")
    )
    said = f"SELECT p.subscribed FROM email_preferences AS p WHERE p.user_id = u.id AND p.topic = {topic}::text"  # noqa: S608
    return f"(CASE {mandatory} WHEN TRUE THEN TRUE WHEN FALSE THEN COALESCE(({said}), {default}) END)"


def _folded(value: Any) -> Any:  # noqa: ANN401 -- a text, several, or none
    if isinstance(value, tuple):
        return tuple(map(fold_ascii, value))
    return fold_ascii(value) if isinstance(value, str) else value
