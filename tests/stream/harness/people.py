"""Users and messages made for tests."""

import uuid
from collections.abc import Mapping
from typing import Any

from attrs import frozen

from tests.e2e.harness.waiting import until
from tests.stream.harness.wire import Headers
from usercore.kernel.context import Actor, ActorKind, CommandContext
from usercore.users.create_user import CreateUserCommand
from usercore.users.errors import UserNotFoundError
from usercore.users.intake import ProfilePatch
from usercore.users.model import User
from usercore.users.read_users import UserNamed
from usercore.wiring.core import Core

TEST_CALLER = CommandContext(Actor(ActorKind.OPERATOR, "tests"), correlation_id="tests")


def unique(word: str) -> str:
    """Return a word that no other test uses."""
    return f"{word}-{uuid.uuid4().hex[:12]}"


def new_user(**more: object) -> dict[str, Any]:
    """Return the payload of a CreateUser, with an address that no other has."""
    email = f"{unique('person')}@mail.example"
    return {"email": email, "firstName": "Grace", "lastName": "Hopper", "password": "correct horse battery"} | more


async def made(core: Core) -> User:
    """Return a user that was created past the stream."""
    profile = ProfilePatch(email=f"{unique('person')}@mail.example", first_name="Grace", last_name="Hopper")
    return await core.create_user(CreateUserCommand(profile), TEST_CALLER)


async def until_created(core: Core, email: str) -> User:
    """Wait until a user with an address exists."""

    async def found() -> User | None:
        try:
            return await core.get_user(UserNamed(email=email))
        except UserNotFoundError:
            return None

    return await until(found, "the user exists")


@frozen
class Told:
    """A message in one of the three ways to write it."""

    value: bytes | Mapping[str, Any]
    headers: Headers = ()


def binary(payload: Mapping[str, Any], message: str, *, ident: str | None = None, **more: str) -> Told:
    """Return a message as CloudEvents 1.0 in binary mode; `more` are further attributes."""
    attributes = {"specversion": "1.0", "id": ident or unique("m"), "source": "/tests", "type": message} | more
    headers = [(f"ce_{name}", value.encode()) for name, value in attributes.items()]
    return Told(payload, [*headers, ("content-type", b"application/json")])


def structured(payload: Mapping[str, Any], message: str, *, ident: str | None = None, **more: str) -> Told:
    """Return a message as CloudEvents 1.0 in structured mode; `more` are further attributes."""
    attributes = {"specversion": "1.0", "id": ident or unique("m"), "source": "/tests", "type": message} | more
    event = {**attributes, "datacontenttype": "application/json", "data": payload}
    return Told(event, [("content-type", b"application/cloudevents+json; charset=utf-8")])


def order(user_id: str, *, order_id: str | None = None, **more: object) -> dict[str, Any]:
    """Return the payload of an OrderPlaced."""
    return {
        "orderId": order_id or unique("order"),
        "customerId": user_id,
        "items": [{"productId": "tea-pot", "quantity": 3, "price": 19.99}],
        "totalAmount": 59.97,
        "currency": "EUR",
        "createdAt": "2026-03-01T12:00:00Z",
    } | more


def failure(order_id: str, *, payment_id: str | None = None, **more: object) -> dict[str, Any]:
    """Return the payload of a PaymentFailed."""
    return {
        "paymentId": payment_id or unique("pay"),
        "orderId": order_id,
        "errorCode": "card_declined",
        "errorMessage": "The card was declined.",
        "timestamp": "2026-03-01T12:05:00Z",
    } | more


def success(order_id: str | None, *, payment_id: str | None = None, **more: object) -> dict[str, Any]:
    """Return the payload of a PaymentSucceeded."""
    named = {} if order_id is None else {"orderId": order_id}
    return (
        {
            "paymentId": payment_id or unique("pay"),
            "amount": 59.97,
            "currency": "EUR",
            "status": "succeeded",
            "timestamp": "2026-03-01T12:10:00Z",
        }
        | named
        | more
    )


def points(user_id: str, amount: int = 60, **more: object) -> dict[str, Any]:
    """Return the payload of a LoyaltyPointsEarned."""
    return {"userId": user_id, "points": amount, "timestamp": "2026-03-01T12:10:01Z"} | more
