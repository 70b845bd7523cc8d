"""What a message asks for, or tells."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from tests.messages import read, record
from usercore.activity.facts import OrderPlaced, PaymentFailed, PaymentSucceeded, PointsEarned
from usercore.activity.values import Money
from usercore.codec.messages import KeyMismatchError, PayloadInvalidError, PreferencesOf, Request
from usercore.codec.messages.examples import RECEIVED
from usercore.kernel.ids import UserId
from usercore.kernel.secret import Secret
from usercore.kernel.unset import UNSET
from usercore.users.create_user import CreateUserCommand
from usercore.users.deactivate_user import DeactivateUserCommand
from usercore.users.intake import AddressPatch, ProfilePatch
from usercore.users.read_users import UserNamed
from usercore.users.update_user import UpdateUserCommand

USER = UserId("01932f6e-8d3c-7c4a-9d0e-2b5f1c7a6e3d")
OTHER = "01932f70-4e21-7b6d-8a3f-6c1d9e0b2a47"
AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
EUR = "EUR"


def request(topic: str, payload: Any, key: bytes | None = None) -> Request:
    return read(record(topic, payload, key=key)).read()


def broken(topic: str, payload: Any) -> set[tuple[str, str]]:
    with pytest.raises(PayloadInvalidError) as refused:
        request(topic, payload)
    return {("/".join(one.path), one.code) for one in refused.value.violations}


@pytest.mark.parametrize(
    ("topic", "payload", "expected"),
    [
        (
            "create-user",
            RECEIVED["CreateUser"],
            CreateUserCommand(
                ProfilePatch(
                    email="grace@example.com", first_name="Grace", last_name="Hopper", phone_number="+4930123456"
                ),
                Secret("correct horse battery staple"),
            ),
        ),
        ("update-user", {"userId": USER}, UpdateUserCommand(USER, ProfilePatch())),
        (
            "update-user",
            {"userId": USER, "lastName": "H", "email": "g@example.com", "address": {"city": "Berlin", "street": ""}},
            UpdateUserCommand(
                USER,
                ProfilePatch(last_name="H", email="g@example.com", address=AddressPatch(city="Berlin", street="")),
            ),
        ),
        ("deactivate-user", {"userId": USER}, DeactivateUserCommand(USER)),
        ("deactivate-user", {"userId": USER, "reason": "why"}, DeactivateUserCommand(USER, reason="why")),
        ("get-user", {"id": USER}, UserNamed(user_id=USER)),
        ("get-user", {"email": "G@example.com", "more": 1}, UserNamed(email="G@example.com")),
        ("get-user", {"username": "grace"}, UserNamed(username="grace")),
        ("get-user-email-preferences", {"userId": USER}, PreferencesOf(USER)),
        (
            "payment-failed",
            RECEIVED["PaymentFailed"],
            PaymentFailed(
                "pay-4711",
                "order-1001",
                "card_declined",
                Money(Decimal("59.97"), EUR),
                datetime(2026, 3, 1, 12, 5, tzinfo=UTC),
            ),
        ),
        (
            "payment-succeeded",
            {k: v for k, v in RECEIVED["PaymentSucceeded"].items() if k != "orderId"},
            PaymentSucceeded("pay-4712", None, Money(Decimal("59.97"), EUR), datetime(2026, 3, 1, 12, 10, tzinfo=UTC)),
        ),
        (
            "order-placed",
            RECEIVED["OrderPlaced"],
            OrderPlaced("order-1001", USER, Money(Decimal("59.97"), EUR), 3, AT),
        ),
        (
            "order-placed",
            {"orderId": "o", "userId": "u", "items": [], "totalAmount": 0, "placedAt": "2026-03-01T14:00:00+02:00"},
            OrderPlaced("o", UserId("u"), Money(Decimal(0), None), 0, AT),
        ),
        (
            "loyalty-points-earned",
            RECEIVED["LoyaltyPointsEarned"],
            PointsEarned("points-2001", USER, 60, "order-1001", "order", datetime(2026, 3, 1, 12, 10, 1, tzinfo=UTC)),
        ),
    ],
)
def test_a_message_becomes_what_it_asks_for(topic: str, payload: Any, expected: Request) -> None:
    assert request(topic, payload) == expected


def test_points_without_a_transaction_are_known_by_their_message() -> None:
    raw = record("loyalty-points-earned", {"customerId": USER, "points": 1.0, "earnedAt": "2026-03-01T12:00:00Z"})

    assert read(raw).read() == PointsEarned(f"loyalty-points-earned-1-{raw.offset}", USER, 1, None, None, AT)


def test_pieces_of_all_products_are_counted() -> None:
    items = [{"productId": "a", "quantity": 2, "price": 0}, {"productId": "a", "quantity": 3, "price": 1e-7}]
    order = request("order-placed", {**RECEIVED["OrderPlaced"], "items": items})

    assert isinstance(order, OrderPlaced)
    assert order.items == 5


@pytest.mark.parametrize(
    ("written", "value"),
    [
        (b"0.1", "0.1"),
        (b"100000000000000.01", "100000000000000.01"),
        (b"999999999999999.99999999999999999999", "999999999999999.99999999999999999999"),
        (b"-5", "-5"),
        (b"5.00", "5"),
        (b"1.5e3", "1500"),
        (b"1E-20", "0.00000000000000000001"),
        (b"0.30000000000000004", "0.30000000000000004"),
        (b"-0.0", "0"),
    ],
)
def test_money_is_what_is_written_to_the_last_digit(written: bytes, value: str) -> None:
    """Read as a float, some of these would be another amount."""
    assert amount(written) == Decimal(value)


def amount(written: bytes) -> Decimal:
    fact = request("payment-succeeded", payment(written))
    assert isinstance(fact, PaymentSucceeded)
    return fact.amount.value


def payment(written: bytes) -> bytes:
    rest = b'"paymentId":"p","currency":"EUR","timestamp":"2026-03-01T12:00:00Z","status":"succeeded"'
    return b'{"amount":' + written + b"," + rest + b"}"


@pytest.mark.parametrize(
    ("written", "code"),
    [
        (b"1e400", "out_of_range"),
        (b"1e15", "out_of_range"),
        (b"-1000000000000000", "out_of_range"),
        (b"12345678901234567890", "out_of_range"),
        (b"1e-400", "too_precise"),
        (b"0.000000000000000000001", "too_precise"),
        (b'"5"', "wrong_type"),
        (b"true", "wrong_type"),
        (b"null", "wrong_type"),
        (b"[5]", "wrong_type"),
    ],
)
def test_money_that_cannot_be_kept_is_refused_and_never_rounded(written: bytes, code: str) -> None:
    assert broken("payment-succeeded", payment(written)) == {("amount", code)}


def order(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in {**RECEIVED["OrderPlaced"], **fields}.items() if value is not None}


@pytest.mark.parametrize(
    ("topic", "payload", "expected"),
    [
        ("create-user", [], {("", "wrong_type")}),
        (
            "create-user",
            {"email": None, "firstName": "", "password": "short", "admin": True},
            {
                ("", "unknown_field"),
                ("email", "wrong_type"),
                ("firstName", "too_short"),
                ("lastName", "required"),
                ("password", "too_short"),
            },
        ),
        (
            "update-user",
            {"userId": "", "firstName": "x" * 51, "address": {"postalCode": "x" * 21, "planet": "Earth"}},
            {
                ("userId", "too_short"),
                ("firstName", "too_long"),
                ("address", "unknown_field"),
                ("address/postalCode", "too_long"),
            },
        ),
        ("update-user", {"userId": USER, "phoneNumber": None}, {("phoneNumber", "wrong_type")}),
        ("deactivate-user", {"userId": "x" * 65, "reason": ""}, {("userId", "too_long"), ("reason", "too_short")}),
        ("get-user", {}, {("", "exactly_one")}),
        ("get-user", {"id": USER, "email": "g@example.com"}, {("", "exactly_one")}),
        ("order-placed", order(customerId=None), {("customerId", "required")}),
        ("order-placed", order(createdAt=None, placedAt="then"), {("placedAt", "not_a_time")}),
        ("order-placed", order(customerId=None, userId=7), {("userId", "wrong_type")}),
        ("order-placed", order(createdAt="2026-03-01T12:00:00"), {("createdAt", "wrong_type")}),
        ("order-placed", order(createdAt="0001-01-01T00:00:00+01:00"), {("createdAt", "not_a_time")}),
        ("order-placed", order(currency="EUR\n"), {("currency", "too_long")}),
        ("order-placed", order(currency="eur"), {("currency", "pattern")}),
        ("order-placed", order(items=[7]), {("items/0", "wrong_type")}),
        (
            "order-placed",
            order(items=[{"productId": "a", "quantity": 0, "price": -1}]),
            {("items/0/quantity", "out_of_range"), ("items/0/price", "out_of_range")},
        ),
        (
            "order-placed",
            order(items=[{"productId": "a", "quantity": 2**53 - 1, "price": 1}] * 2),
            {("items", "out_of_range")},
        ),
        ("payment-succeeded", {**RECEIVED["PaymentSucceeded"], "status": "failed"}, {("status", "not_allowed")}),
        ("payment-failed", {**RECEIVED["PaymentFailed"], "amount": {"value": 1}}, {("amount/currency", "required")}),
        ("loyalty-points-earned", {**RECEIVED["LoyaltyPointsEarned"], "points": 1.5}, {("points", "wrong_type")}),
        ("loyalty-points-earned", {**RECEIVED["LoyaltyPointsEarned"], "points": True}, {("points", "wrong_type")}),
    ],
)
def test_everything_that_is_wrong_is_named(topic: str, payload: Any, expected: set[tuple[str, str]]) -> None:
    assert broken(topic, payload) == expected


@pytest.mark.parametrize("more", [{"userId": OTHER}, {"userId": None}, {"placedAt": "then"}, {"placedAt": []}])
def test_a_name_that_stands_in_means_nothing_beside_the_catalogues(more: dict[str, Any]) -> None:
    """An event may hold fields that nobody told us of, and one of them may be called like that."""
    message = read(record("order-placed", {**more, **order()}))

    assert (message.read(), message.user_id) == (request("order-placed", order()), USER)


def test_points_are_the_users_and_not_the_customers_where_both_are_named() -> None:
    message = read(record("loyalty-points-earned", {"customerId": OTHER, **RECEIVED["LoyaltyPointsEarned"]}))

    fact = message.read()
    assert isinstance(fact, PointsEarned)
    assert fact.user_id == message.user_id == USER


def test_no_more_mistakes_are_named_than_anybody_reads() -> None:
    payload = order(items=[{"productId": 1}] * 50_000)
    with pytest.raises(PayloadInvalidError) as refused:
        request("order-placed", payload)
    assert len(refused.value.violations) == 50


def test_nothing_of_a_message_is_told_in_what_is_wrong_with_it() -> None:
    canary = "canary-4711"
    payload = {canary: canary, "email": [canary], "firstName": {canary: 1}, "lastName": 5, "password": [canary]}
    message = read(record("create-user", payload))
    with pytest.raises(PayloadInvalidError) as refused:
        message.read()
    assert canary not in f"{refused.value!s} {refused.value!r} {message!r} {message.receipt!r}"


@pytest.mark.parametrize("topic", ["update-user", "deactivate-user"])
def test_a_command_under_another_users_key_is_refused(topic: str) -> None:
    with pytest.raises(KeyMismatchError) as refused:
        request(topic, {"userId": USER}, key=OTHER.encode())
    assert refused.value.code == "key_mismatch"


@pytest.mark.parametrize("key", [None, USER.encode(), USER.upper().encode(), b"", b"shard-7", b"\xff", b"null"])
def test_any_other_key_of_a_command_means_nothing(key: bytes | None) -> None:
    assert request("update-user", {"userId": USER}, key=key) == UpdateUserCommand(USER, ProfilePatch())


def test_the_key_of_what_is_no_command_about_a_user_means_nothing() -> None:
    for topic, payload in (
        ("order-placed", order()),
        ("create-user", RECEIVED["CreateUser"]),
        ("get-user", {"id": USER}),
    ):
        assert request(topic, payload, key=OTHER.encode()) == request(topic, payload)


@pytest.mark.parametrize(
    ("topic", "payload", "expected"),
    [
        ("create-user", RECEIVED["CreateUser"], None),
        ("update-user", {"userId": USER}, USER),
        ("update-user", {"userId": 7}, None),
        ("update-user", {"userId": "x" * 65}, None),
        ("update-user", [], None),
        ("get-user", {"id": USER}, USER),
        ("order-placed", {"userId": USER}, USER),
        ("payment-failed", {"userId": USER}, None),
        ("create-user", {"userId": USER}, None),
    ],
)
def test_whom_a_message_names_is_known_before_it_is_valid(topic: str, payload: Any, expected: str | None) -> None:
    assert read(record(topic, payload)).user_id == expected


def test_what_is_not_given_stays_unset() -> None:
    command = request("update-user", {"userId": USER, "firstName": "A"})
    assert isinstance(command, UpdateUserCommand)
    assert (command.patch.address, command.patch.email, command.patch.username) == (UNSET, UNSET, UNSET)
