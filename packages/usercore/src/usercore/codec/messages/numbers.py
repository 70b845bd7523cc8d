"""Exact numbers in messages. JSON knows no decimals, but what it writes down can be read exactly."""

from decimal import Decimal
from typing import Any, Final

from usercore.activity.facts import AMOUNT_WHOLE_DIGITS
from usercore.activity.values import DECIMALS


class Number:
    """Any number. No attrs class: msgspec would take one for a JSON object."""

    __slots__ = ("value",)

    def __init__(self, value: Decimal) -> None:
        self.value: Final = value


class Amount(Number):
    """A number of money, within limits of ours: what a fact may tell of."""

    __slots__ = ()


class Price(Number):
    """A number that is not negative."""

    __slots__ = ()


def read_number(kind: type, raw: Any) -> Any:  # noqa: ANN401 -- the hook of msgspec for types of our own
    """Return a number made from JSON that was read exactly.

    Raises:
        ValueError: it is none, or breaks the rule of its type; the message says what was expected.
        NotImplementedError: the type is none of ours.
    """
    if not issubclass(kind, Number):
        raise NotImplementedError
    if isinstance(raw, bool) or not isinstance(raw, int | Decimal):
        raise ValueError("Expected `number`")  # noqa: TRY004 -- what msgspec expects of a hook
    number = Decimal(raw)
    if kind is Price and number < 0:
        raise ValueError("Expected `number` >= 0")
    if kind is Amount:
        _check_amount(number)
    return kind(number)


def _check_amount(number: Decimal) -> None:
    if not number.copy_abs() < 10**AMOUNT_WHOLE_DIGITS:
        raise ValueError(f"Expected `number` < 10^{AMOUNT_WHOLE_DIGITS}, and > -10^{AMOUNT_WHOLE_DIGITS}")
    exponent = number.as_tuple().exponent
    if not isinstance(exponent, int) or exponent < -DECIMALS:
        raise ValueError(f"Expected `number` with at most {DECIMALS} decimal places")


def number_schema(kind: type) -> dict[str, Any]:
    """Return the JSON Schema of a type of ours.

    Raises:
        NotImplementedError: the type is none of ours.
    """
    if not issubclass(kind, Number):
        raise NotImplementedError
    if kind is Price:
        return {"type": "number", "minimum": 0}
    if kind is Amount:
        limit = 10**AMOUNT_WHOLE_DIGITS
        return {
            "type": "number",
            "exclusiveMinimum": -limit,
            "exclusiveMaximum": limit,
            # `multipleOf` would say the same, but validators that count in floats get it wrong.
            "description": f"At most {DECIMALS} digits behind the point; more are refused, never rounded.",
        }
    return {"type": "number"}
