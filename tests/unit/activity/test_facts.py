"""Facts and amounts: one that exists is valid, and equal ones are the same in every digit."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import NOW
from tests.facts import euros, failure, order, points, success
from usercore.activity.errors import FactInvalidError
from usercore.activity.facts import COUNT_MAX, FACT_ID_MAX_CHARS, Fact
from usercore.activity.values import DECIMALS, WHOLE_DIGITS, Awaited, Money, WaitsFor, total
from usercore.kernel.ids import UserId

USER = UserId("01932f6e-8d3c-7c4a-9d0e-2b5f1c7a6e3d")
LONG = "x" * (FACT_ID_MAX_CHARS + 1)


@pytest.mark.parametrize(
    ("raw", "digits"),
    [
        ("59.90", "59.9"),
        ("0", "0"),
        ("-0.00", "0"),
        ("0E+9", "0"),
        ("1E+3", "1000"),
        ("-12.50", "-12.5"),
        ("0.30000000000000004", "0.30000000000000004"),
        ("1E-7", "0.0000001"),
        ("9" * WHOLE_DIGITS, "9" * WHOLE_DIGITS),
        ("0." + "0" * (DECIMALS - 1) + "1" + "0" * 500, "0." + "0" * (DECIMALS - 1) + "1"),
    ],
)
def test_an_amount_has_one_form_in_plain_digits(raw: str, digits: str) -> None:
    assert euros(raw).digits == digits
    assert Decimal(digits) == Decimal(raw)


@pytest.mark.parametrize("raw", ["NaN", "sNaN", "Infinity", "-Infinity", f"1E+{WHOLE_DIGITS}", f"1E-{DECIMALS + 1}"])
def test_an_amount_that_cannot_be_kept_exactly_is_refused(raw: str) -> None:
    with pytest.raises(FactInvalidError) as caught:
        euros(raw)
    assert [violation.path for violation in caught.value.violations] == [("value",)]


@pytest.mark.parametrize("currency", ["", "eur", "EURO", "EU", "EUR\n", "É€$"])
def test_a_currency_is_three_capital_letters(currency: str) -> None:
    with pytest.raises(FactInvalidError):
        Money(Decimal(1), currency)


@given(st.lists(st.decimals(-(10**15), 10**15, allow_nan=False, places=20), max_size=50))
def test_a_sum_is_never_rounded(amounts: list[Decimal]) -> None:
    assert Fraction(total(amounts)) == sum(map(Fraction, amounts), Fraction(0))


BROKEN: dict[str, tuple[Callable[[], Fact], str]] = {
    "no order id": (lambda: order("", USER), "order_id"),
    "a long order id": (lambda: order(LONG, USER), "order_id"),
    "NUL in an order id": (lambda: order("a\x00", USER), "order_id"),
    "a lone surrogate in an order id": (lambda: failure("p", "\ud800"), "order_id"),
    "no user": (lambda: order("o", UserId("")), "user_id"),
    "a long user id": (lambda: points("t", UserId("x" * 65)), "user_id"),
    "fewer than no items": (lambda: order("o", USER, items=-1), "items"),
    "too many items": (lambda: order("o", USER, items=COUNT_MAX + 1), "items"),
    "a huge total": (lambda: order("o", USER, euros("1E+15")), "total"),
    "a time without offset": (lambda: order("o", USER, at=datetime(2026, 1, 1)), "at"),  # noqa: DTZ001
    "a time before all": (
        lambda: order("o", USER, at=datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=1)))),
        "at",
    ),
    "a long payment id": (lambda: failure(LONG, "o"), "payment_id"),
    "no error code": (lambda: failure("p", "o", code=""), "error_code"),
    "a huge amount": (lambda: failure("p", "o", amount=euros("-1E+15")), "amount"),
    "an empty order id": (lambda: success("p", ""), "order_id"),
    "no points": (lambda: points("t", USER, 0), "points"),
    "too many points": (lambda: points("t", USER, COUNT_MAX + 1), "points"),
    "a long reason": (lambda: points("t", USER, reason="x" * 501), "reason"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_fact_that_breaks_a_rule_cannot_be_made_and_the_rule_is_named(case: str) -> None:
    make, field = BROKEN[case]
    with pytest.raises(FactInvalidError) as caught:
        make()
    assert [violation.path for violation in caught.value.violations] == [(field,)]
    assert LONG not in str(caught.value)


def test_times_are_kept_in_utc() -> None:
    there = NOW.astimezone(timezone(timedelta(hours=-8)))

    kept: Any = order("o", USER, at=there)

    assert kept == order("o", USER, at=NOW)
    assert kept.at.tzinfo is UTC


@pytest.mark.parametrize(
    ("fact", "awaited"),
    [
        (order("o", USER), Awaited(WaitsFor.USER, USER)),
        (points("t", USER), Awaited(WaitsFor.USER, USER)),
        (failure("p", "o"), Awaited(WaitsFor.ORDER, "o")),
        (success("p", "o"), Awaited(WaitsFor.ORDER, "o")),
        (success("p"), Awaited(WaitsFor.PAYMENT, "p")),
    ],
)
def test_a_fact_says_what_it_tells_of(fact: Fact, awaited: Awaited) -> None:
    assert fact.tells_of == awaited
