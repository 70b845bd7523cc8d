"""The plans of the chaos runs are what they say."""

import random
from collections import Counter, defaultdict

from hypothesis import given
from hypothesis import strategies as st

from tests.chaos.commands import MOST_DELIVERIES, Sent, deliveries, plan_for

USERS = [f"00000000-0000-7000-8000-{number:012}" for number in range(20)]


@given(st.integers(0, 1_000))
def test_each_message_is_delivered_one_to_five_times_and_each_key_stays_in_order(seed: int) -> None:
    rng = random.Random(seed)
    plan = plan_for(USERS, 100, rng)

    delivered = deliveries(plan.messages, rng)

    assert set(delivered_ids(delivered).values()) <= set(range(1, MOST_DELIVERIES + 1))
    assert delivered_ids(delivered).keys() == {message.id for message in plan.messages}
    assert in_order(delivered) == in_order(plan.messages)


def delivered_ids(messages: list[Sent]) -> Counter[str]:
    return Counter(message.id for message in messages)


def in_order(messages: list[Sent]) -> dict[tuple[str, str], list[str]]:
    lines: defaultdict[tuple[str, str], dict[str, None]] = defaultdict(dict)
    for message in messages:
        lines[message.topic, message.key].setdefault(message.id)
    return {line: list(ids) for line, ids in lines.items()}


def test_a_plan_has_every_sort_of_message_and_some_that_are_refused() -> None:
    plan = plan_for(USERS, 400, random.Random(7))

    assert {message.topic for message in plan.messages} == {
        "create-user",
        "update-user",
        "deactivate-user",
        "order-placed",
        "payment-failed",
        "payment-succeeded",
        "loyalty-points-earned",
    }
    assert len(plan.rejected) > 10
    assert any(expected.recovered for expected in plan.users.values())
    assert any(expected.state == "DEACTIVATED" for expected in plan.users.values())
