"""No SQL is made of what somebody typed."""

from decimal import Decimal
from typing import Any

from attrs import evolve
from hypothesis import given

from tests.conditions import comparisons, conditions, other, trees
from usercore.adapters.sql.conditions import condition_sql
from usercore.users.conditions import Comparison, Condition, mapped

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
