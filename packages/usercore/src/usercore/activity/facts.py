"""Facts: things that happened to a user elsewhere. Each is told once, however often it is heard.

A fact that exists is valid: making one that breaks a rule raises :class:`FactInvalidError`, which names the rule.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, ClassVar, Final, TypeAlias

from attrs import Attribute, field, frozen

from usercore.activity.errors import FactInvalidError
from usercore.activity.values import Awaited, FactKind, Money, WaitsFor
from usercore.kernel.errors import Violation
from usercore.kernel.ids import USER_ID_MAX_CHARS, UserId

FACT_ID_MAX_CHARS: Final = 255
ERROR_CODE_MAX_CHARS: Final = 255
POINTS_REASON_MAX_CHARS: Final = 500
AMOUNT_WHOLE_DIGITS: Final = 15
"""Before the point: as many as a float holds exactly, and more than anybody pays at once in any currency."""
COUNT_MAX: Final = 2**53 - 1
"""Of pieces or points. Source: RFC 8259, 6: larger whole numbers do not pass every JSON reader unchanged."""

_UNSTORABLE = re.compile(r"[\x00\ud800-\udfff]")


def _rejected(name: str, code: str, detail: str) -> FactInvalidError:
    return FactInvalidError(violations=(Violation((name,), code, detail),))


def _text(max_chars: int) -> Callable[[object, "Attribute[Any]", str | None], None]:
    def check(_: object, attribute: "Attribute[Any]", value: str | None) -> None:
        if value is None:
            return
        if not 1 <= len(value) <= max_chars:
            raise _rejected(attribute.name, "wrong_length", f"give 1 to {max_chars} characters")
        if _UNSTORABLE.search(value):
            raise _rejected(attribute.name, "text_not_storable", "leave out NUL and lone surrogates")

    return check


def _count(least: int) -> Callable[[object, "Attribute[Any]", int], None]:
    def check(_: object, attribute: "Attribute[Any]", value: int) -> None:
        if not least <= value <= COUNT_MAX:
            raise _rejected(attribute.name, "out_of_range", f"give a whole number from {least} to {COUNT_MAX}")

    return check


def _amount(_: object, attribute: "Attribute[Any]", value: Money | None) -> None:
    if value is not None and value.value.adjusted() >= AMOUNT_WHOLE_DIGITS:
        raise _rejected(attribute.name, "out_of_range", f"give at most {AMOUNT_WHOLE_DIGITS} whole digits")


def _moment(at: datetime) -> datetime:
    try:
        if at.utcoffset() is not None:
            return at.astimezone(UTC)
    except OverflowError:
        pass
    raise _rejected("at", "not_a_time", "give a time with its offset that exists in UTC")


_ID: Final = _text(FACT_ID_MAX_CHARS)


@frozen
class OrderPlaced:
    """A user placed an order.

    Args:
        order_id: identifies the fact; 1 to 255 characters.
        user_id: whose.
        total: what it comes to.
        items: pieces ordered, over all products.
        at: aware; kept in UTC.
    """

    kind: ClassVar[FactKind] = FactKind.ORDER_PLACED

    order_id: str = field(validator=_ID)
    user_id: UserId = field(validator=_text(USER_ID_MAX_CHARS))
    total: Money = field(validator=_amount)
    items: int = field(validator=_count(0))
    at: datetime = field(converter=_moment)

    @property
    def fact_id(self) -> str:
        """What tells the fact from all others of its kind."""
        return self.order_id

    @property
    def tells_of(self) -> Awaited:
        """What must be known before the fact can be recorded: the user."""
        return Awaited(WaitsFor.USER, self.user_id)


@frozen
class PaymentFailed:
    """A payment for an order failed. Its user is whoever placed the order.

    What the payment service says of the reason in words is not kept, nor passed on: the code is enough to act on, and
    the words may hold anything about the person who paid.

    Args:
        payment_id: identifies the fact, with its kind; 1 to 255 characters.
        order_id: what was to be paid.
        error_code: the payment service's word for the reason.
        amount: what was to be paid, where it is told.
        at: aware; kept in UTC.
    """

    kind: ClassVar[FactKind] = FactKind.PAYMENT_FAILED

    payment_id: str = field(validator=_ID)
    order_id: str = field(validator=_ID)
    error_code: str = field(validator=_text(ERROR_CODE_MAX_CHARS))
    amount: Money | None = field(validator=_amount)
    at: datetime = field(converter=_moment)

    @property
    def fact_id(self) -> str:
        """What tells the fact from all others of its kind."""
        return self.payment_id

    @property
    def tells_of(self) -> Awaited:
        """What must be known before the fact can be recorded: the order."""
        return Awaited(WaitsFor.ORDER, self.order_id)


@frozen
class PaymentSucceeded:
    """A payment went through.

    Args:
        payment_id: identifies the fact, with its kind; 1 to 255 characters.
        order_id: what was paid; without one, it is found by an earlier failure of the same payment.
        amount: what was paid.
        at: aware; kept in UTC.
    """

    kind: ClassVar[FactKind] = FactKind.PAYMENT_SUCCEEDED

    payment_id: str = field(validator=_ID)
    order_id: str | None = field(validator=_ID)
    amount: Money = field(validator=_amount)
    at: datetime = field(converter=_moment)

    @property
    def fact_id(self) -> str:
        """What tells the fact from all others of its kind."""
        return self.payment_id

    @property
    def tells_of(self) -> Awaited:
        """What must be known before the fact can be recorded: the order, or else a failure of the same payment."""
        if self.order_id is None:
            return Awaited(WaitsFor.PAYMENT, self.payment_id)
        return Awaited(WaitsFor.ORDER, self.order_id)


@frozen
class PointsEarned:
    """A user earned loyalty points.

    Args:
        fact_id: identifies the fact: the transaction's id, or that of the message; 1 to 255 characters.
        user_id: whose.
        points: above 0.
        order_id: for which order, where it is told.
        reason: for what, where it is told.
        at: aware; kept in UTC.
    """

    kind: ClassVar[FactKind] = FactKind.POINTS_EARNED

    fact_id: str = field(validator=_ID)
    user_id: UserId = field(validator=_text(USER_ID_MAX_CHARS))
    points: int = field(validator=_count(1))
    order_id: str | None = field(validator=_ID)
    reason: str | None = field(validator=_text(POINTS_REASON_MAX_CHARS))
    at: datetime = field(converter=_moment)

    @property
    def tells_of(self) -> Awaited:
        """What must be known before the fact can be recorded: the user."""
        return Awaited(WaitsFor.USER, self.user_id)


Fact: TypeAlias = OrderPlaced | PaymentFailed | PaymentSucceeded | PointsEarned
