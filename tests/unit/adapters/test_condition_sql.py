"""No SQL is made of what somebody typed."""

import re
from decimal import Decimal
from typing import Any, Final

from attrs import evolve
from hypothesis import given

from tests.conditions import comparisons, conditions, other, trees
from usercore.adapters.sql.conditions import condition_sql
from usercore.adapters.sql.export_source import Source
from usercore.bulk.exports.values import ExportFormat, Selection
from usercore.users.conditions import Comparison, Condition, mapped
from usercore.users.queries import UserQuery

MARK = "~'\"\\$¤"


def compiled(condition: Condition) -> tuple[str, list[object]]:
    """Give the SQL of a condition, and its parameters."""
    given: list[object] = []

    def take(value: object) -> str:
        given.append(value)
        return f"${len(given)}"

    return condition_sql(condition, take), given


@given(conditions())
def test_the_text_depends_on_the_shape_alone(condition: Condition) -> None:
    """The same fields, operators and types joined alike, with every value and key replaced: the same text."""
    text, parameters = compiled(condition)
    again, others = compiled(mapped(condition, other))

    assert again == text
    assert len(others) == len(parameters)


def marked(comparison: Comparison) -> Comparison:
    """Put into every value what is in no statement of ours."""

    values = comparison.value
    value = tuple(map(mark, values)) if isinstance(values, tuple) else mark(values)
    return evolve(comparison, value=value, keys=tuple(f"{MARK}{key}" for key in comparison.keys))


def mark(value: Any) -> Any:
    match value:
        case str():
            return f"{MARK}{value}"
        case bool() | None:
            return value
        case Decimal():
            return Decimal("77123321.5")
        case _:
            return value.replace(year=7712, day=1)


@given(trees(comparisons().map(marked)))
def test_the_text_holds_nothing_of_any_value(condition: Condition) -> None:
    text, _ = compiled(condition)

    assert MARK not in text
    assert "771" not in text


@given(comparisons())
def test_every_value_and_every_key_is_a_parameter(comparison: Comparison) -> None:
    text, parameters = compiled(comparison)

    assert len(parameters) >= len(comparison.keys) + (comparison.value is not None)
    assert all(f"${place}" in text for place in range(1, len(parameters) + 1))


# As PostgreSQL reads them: a quote ends a text unless it is doubled, or escaped in one that begins with E.
# Source: PostgreSQL, 4.1.2.1 and 4.1.2.2.
LITERALS: Final = re.compile(
    r"""\s*E'(?:''|\\.|[^'\\])*' | '(?:''|[^'])*' | \s*-?\b[0-9][0-9.]*(?:E[+-]?[0-9]+)?\b | \b(?:true|false)\b""",
    re.VERBOSE | re.DOTALL,
)


def around_literals(condition: Condition) -> str:
    """Give what an export's statement says outside of its literals."""
    selection = Selection(UserQuery(condition=condition), ("id",), ExportFormat.CSV)
    return LITERALS.sub("?", Source(selection, ()).plan.decode())


@given(conditions())
def test_an_export_has_values_in_literals_and_nowhere_else(condition: Condition) -> None:
    """A COPY takes no parameters, so the driver quotes them; what stands around them depends on the shape alone."""
    assert around_literals(mapped(condition, other)) == around_literals(condition)
