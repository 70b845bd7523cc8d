"""What facts amount to: the same in any order, and what a plain model says."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import NOW, SECOND, creation
from tests.contracts.footprints import must_commit
from tests.facts import (
    consistent_facts,
    failure,
    in_words_of_the_model,
    model,
    order,
    points,
    retold,
    success,
    until_recorded,
)
from usercore.activity.facts import Fact
from usercore.activity.summary import Loyalty, Standing, Tally, summarise, tally_of
from usercore.codec.activity import render_summary
from usercore.kernel.ids import UserId
from usercore.wiring.memory import memory_ports

TIERS = (("BRONZE", 0), ("SILVER", 1_000), ("GOLD", 5_000))


@pytest.mark.parametrize(
    ("earned", "expected"),
    [
        (0, Loyalty(0, 0, "BRONZE", "SILVER", 1000)),
        (999, Loyalty(999, 999, "BRONZE", "SILVER", 1)),
        (1000, Loyalty(1000, 1000, "SILVER", "GOLD", 4000)),
        (4999, Loyalty(4999, 4999, "SILVER", "GOLD", 1)),
        (5000, Loyalty(5000, 5000, "GOLD", None, None)),
        (10**18, Loyalty(10**18, 10**18, "GOLD", None, None)),
    ],
)
def test_a_tier_begins_at_its_threshold(earned: int, expected: Loyalty) -> None:
    assert summarise(Tally(points=earned), TIERS).loyalty == expected


def test_there_may_be_one_tier() -> None:
    assert summarise(Tally(points=7), (("ALL", 0),)).loyalty == Loyalty(7, 7, "ALL", None, None)


def test_a_failure_after_a_success_fails_again_until_another_success() -> None:
    told: list[Fact] = [failure("p1", "o1", at=NOW), success("p2", "o1", at=NOW + SECOND)]
    told.append(failure("p3", "o1", at=NOW + 2 * SECOND))
    assert tally_of(told).payments.standing is Standing.FAILING
    assert tally_of([*told, success("p4", "o1", at=NOW + 2 * SECOND)]).payments.standing is Standing.GOOD


def test_a_success_that_names_no_order_makes_good_every_failure_for_the_order_of_its_payment() -> None:
    told: list[Fact] = [failure("p1", "o1", at=NOW), failure("p2", "o1", at=NOW), failure("p3", "o2", at=NOW)]

    assert tally_of([*told, success("p2", at=NOW)]).payments.recovered == 2


USERS = (creation(), creation())
IDS_OF_USERS = [change.user.id for change in USERS]


async def heard_in(facts: Sequence[Fact]) -> dict[UserId, Tally]:
    """Tell facts, one by one, to a service that knows the two users, and give what they amount to."""
    ports = memory_ports()
    await must_commit(ports, *USERS)
    await until_recorded(ports, facts)
    return dict(await ports.activity_reader.tallies(IDS_OF_USERS))


@given(data=st.data())
async def test_any_order_and_repetition_gives_the_same_summary_byte_for_byte(data: st.DataObject) -> None:
    facts = data.draw(consistent_facts(IDS_OF_USERS))

    once, retelling = await heard_in(facts), await heard_in(data.draw(retold(facts)))

    for user_id in IDS_OF_USERS:
        shown = [render_summary(summarise(found[user_id], TIERS)) for found in (once, retelling)]
        assert shown[0] == shown[1]
        assert in_words_of_the_model(once[user_id]) == model(facts, user_id)


async def test_points_add_up_whichever_comes_first() -> None:
    user_id = IDS_OF_USERS[0]
    told = [points("a", user_id, 1), points("b", user_id, 2), order("o", user_id)]

    found = await heard_in([*told[::-1], *told])

    assert (found[user_id].points, found[user_id].orders.count) == (3, 1)
