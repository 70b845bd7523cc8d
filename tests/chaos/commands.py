"""Commands and facts for many users, their deliveries, and a sequential model of what comes of them."""

import json
import random
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import count
from typing import Any, Final

from attrs import Factory, define, field, frozen

MOST_DELIVERIES: Final = 5
_CURRENCIES: Final = ("EUR", "USD", "JPY")
_FIRST: Final = "2026-03-01T09:00:00Z"


@frozen
class Sent:
    """One message, however often it is delivered.

    Args:
        topic: where it goes.
        key: messages of one key are in order.
        id: the CloudEvents id.
        body: its payload.
    """

    topic: str
    key: str
    id: str
    body: Mapping[str, Any]

    @property
    def value(self) -> bytes:
        """The payload as JSON."""
        return json.dumps(self.body).encode()

    @property
    def headers(self) -> list[tuple[str, bytes]]:
        """CloudEvents 1.0, binary mode."""
        return cloud_event(self.topic, self.id)


def cloud_event(topic: str, message_id: str) -> list[tuple[str, bytes]]:
    """Return the headers of a CloudEvent in binary mode; ``create-user`` is the topic of ``CreateUser``."""
    pairs = {
        "ce_specversion": "1.0",
        "ce_id": message_id,
        "ce_source": "/chaos",
        "ce_type": "".join(word.capitalize() for word in topic.split("-")),
        "content-type": "application/json",
    }
    return [(name, value.encode()) for name, value in pairs.items()]


@define
class Expected:
    """What one user comes to.

    Args:
        first_name: at the end.
        version: at the end.
        state: ACTIVE or DEACTIVATED.
        orders: how many.
        totals: by currency.
        failures: payments that failed.
        recovered: of those, how many were made good.
        points: earned in all.
    """

    first_name: str
    version: int = 1
    state: str = "ACTIVE"
    orders: int = 0
    totals: dict[str, Decimal] = Factory(lambda: defaultdict(Decimal))
    failures: int = 0
    recovered: int = 0
    points: int = 0


@define
class Plan:
    """Messages in an order that keeps each key's, and what they come to.

    Args:
        users: by id; those that exist before.
        newcomers: by email; those that commands create.
        rejected: ids of the commands that are refused.
        messages: each once, in order.
    """

    users: dict[str, Expected]
    newcomers: dict[str, Expected] = Factory(dict)
    rejected: set[str] = Factory(set)
    messages: list[Sent] = Factory(list)
    _numbers: Iterator[int] = field(factory=lambda: count(1), repr=False)

    def send(self, topic: str, key: str, body: Mapping[str, Any]) -> Sent:
        """Add a message."""
        message = Sent(topic, key, f"m{next(self._numbers)}", body)
        self.messages.append(message)
        return message


def plan_for(users: Sequence[str], size: int, rng: random.Random) -> Plan:
    """Return a plan of about `size` messages for users that exist.

    Of each ten users one is only deactivated: topics have no order between them, so a user who is changed as well
    would come to different ends.
    """
    plan = Plan({user: Expected("Before") for user in users})
    leaving = [user for number, user in enumerate(users) if number % 10 == 0]
    staying = [user for user in users if user not in set(leaving)]
    for user in leaving:
        _leave(plan, user)
    steps = (_rename, _rename, _rename, _order, _pay, _earn, _join, _refused)
    while len(plan.messages) < size:
        rng.choice(steps)(plan, rng.choice(staying), rng)
    return plan


def _leave(plan: Plan, user: str) -> None:
    plan.send("deactivate-user", user, {"userId": user, "reason": "moved away"})
    plan.send("deactivate-user", user, {"userId": user})  # changes nothing any more
    plan.users[user].state = "DEACTIVATED"
    plan.users[user].version += 1


def _rename(plan: Plan, user: str, rng: random.Random) -> None:
    name = f"Name {rng.randrange(1_000_000)}"
    plan.send("update-user", user, {"userId": user, "firstName": name})
    expected = plan.users[user]
    if expected.first_name != name:
        expected.first_name = name
        expected.version += 1


def _refused(plan: Plan, user: str, rng: random.Random) -> None:
    body = {"userId": user, "email": f"no address {rng.randrange(1_000)}"}
    plan.rejected.add(plan.send("update-user", user, body).id)


def _join(plan: Plan, _: str, rng: random.Random) -> None:
    email = f"newcomer{rng.randrange(len(plan.messages) + 10)}@mail.example"
    name = f"New {rng.randrange(1_000)}"
    body = {"email": email, "firstName": name, "lastName": "Comer", "password": "correct horse battery"}
    sent = plan.send("create-user", email, body)
    if email in plan.newcomers:
        plan.rejected.add(sent.id)
    else:
        plan.newcomers[email] = Expected(name)


def _order(plan: Plan, user: str, rng: random.Random) -> str:
    order, currency = f"order-{len(plan.messages)}", rng.choice(_CURRENCIES)
    total = Decimal(rng.randrange(100, 100_000)) / 100
    body = {
        "orderId": order,
        "customerId": user,
        "items": [{"productId": "p", "quantity": 1, "price": float(total)}],
        "totalAmount": float(total),
        "currency": currency,
        "createdAt": _FIRST,
    }
    plan.send("order-placed", user, body)
    plan.users[user].orders += 1
    plan.users[user].totals[currency] += total
    return order


def _pay(plan: Plan, user: str, rng: random.Random) -> None:
    """Let a payment fail, and maybe one make it good; topics have no order, so that they may come before the order."""
    order = _order(plan, user, rng)
    failed = {
        "paymentId": f"{order}-a",
        "orderId": order,
        "errorCode": "CARD_DECLINED",
        "errorMessage": "declined",
        "timestamp": "2026-03-01T10:00:00Z",
    }
    plan.send("payment-failed", order, failed)
    plan.users[user].failures += 1
    if rng.random() < 0.5:
        made_good = {
            "paymentId": f"{order}-b",
            "orderId": order,
            "amount": 10,
            "currency": "EUR",
            "status": "succeeded",
            "timestamp": "2026-03-01T11:00:00Z",
        }
        plan.send("payment-succeeded", order, made_good)
        plan.users[user].recovered += 1


def _earn(plan: Plan, user: str, rng: random.Random) -> None:
    points = rng.randrange(1, 500)
    transaction = f"t{len(plan.messages)}"
    body = {"userId": user, "points": points, "timestamp": _FIRST, "transactionId": transaction}
    plan.send("loyalty-points-earned", user, body)
    plan.users[user].points += points


def deliveries(messages: Sequence[Sent], rng: random.Random) -> list[Sent]:
    """Return the messages shuffled across keys, each one to five times; first deliveries of a key stay in order."""
    lines: defaultdict[tuple[str, str], list[Sent]] = defaultdict(list)
    for message in messages:
        lines[message.topic, message.key].append(message)
    turns = [line for line, waiting in lines.items() for _ in waiting]
    rng.shuffle(turns)
    heads = {line: iter(waiting) for line, waiting in lines.items()}
    first = [next(heads[line]) for line in turns]
    # A repetition gets a random place behind its first delivery.
    placed = [(float(place), message) for place, message in enumerate(first)]
    for place, message in enumerate(first):
        again = range(rng.randrange(MOST_DELIVERIES))
        placed.extend((place + rng.random() * (len(first) - place), message) for _ in again)
    return [message for _, message in sorted(placed, key=lambda each: each[0])]
