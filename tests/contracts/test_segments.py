"""What every SegmentCounter and SegmentStore promises."""

import asyncio

from attrs import evolve

from tests.builders import NOW, a_profile, creation, in_state
from tests.contracts.footprints import must_commit
from tests.facts import order, record
from usercore.segments.values import Count, Segment
from usercore.users.conditions import And, Comparison, Condition, Field, Not, Operator
from usercore.users.values import AccountState
from usercore.wiring.core import Ports

LONG_S = 60.0
ADA = Comparison(Field.FIRST_NAME, Operator.EQUAL, "Ada")
SEGMENT = Segment("german-gold", 'loyalty.tier = "GOLD"', "the spring letter", NOW, "OPERATOR:ada")


async def test_a_count_is_of_those_of_whom_the_condition_holds_and_who_are_still_themselves(ports: Ports) -> None:
    changes = [creation(a_profile(first_name=name)) for name in ("Ada", "Ada", "Grace")]
    gone = [in_state(creation(a_profile(first_name="Ada")), state) for state in AccountState]
    await must_commit(ports, *changes, *gone)
    await record(ports, order("o-1", changes[0].user.id))
    ordered = Comparison(Field.LAST_ORDER_AT, Operator.EXISTS)

    async def count(condition: Condition) -> Count:
        return await ports.segment_counter.count(condition, within_s=LONG_S)

    assert await count(ADA) == Count(4)
    assert await count(Not(ADA)) == Count(1)
    assert await count(And((ADA, ordered))) == Count(1)
    assert await count(And((Not(ADA), ordered))) == Count(0)


async def test_nothing_is_counted_where_there_is_nobody(ports: Ports) -> None:
    assert await ports.segment_counter.count(ADA, within_s=LONG_S) == Count(0)


async def test_a_plan_is_words_for_people(ports: Ports) -> None:
    assert all(await ports.segment_counter.plan(ADA))


async def test_segments_are_kept_by_name_until_they_are_removed(ports: Ports) -> None:
    other = evolve(SEGMENT, name="a-first", about="", text='address.city = "50%_off\\u0001 é𐐷"')
    assert [await ports.segments.add(one) for one in (SEGMENT, other)] == [True, True]

    assert list(await ports.segments.all()) == [other, SEGMENT]
    assert await ports.segments.get("german-gold") == SEGMENT
    assert await ports.segments.remove("german-gold") == SEGMENT
    assert await ports.segments.remove("german-gold") is None
    assert await ports.segments.get("german-gold") is None
    assert list(await ports.segments.all()) == [other]


async def test_a_name_that_is_taken_keeps_its_segment(ports: Ports) -> None:
    await ports.segments.add(SEGMENT)

    assert await ports.segments.add(evolve(SEGMENT, text="version = 1")) is False
    assert await ports.segments.get("german-gold") == SEGMENT


async def test_of_many_who_take_a_name_one_does(ports: Ports) -> None:
    rivals = [evolve(SEGMENT, about=str(number)) for number in range(10)]

    added = await asyncio.gather(*map(ports.segments.add, rivals))

    assert added.count(True) == 1
    assert await ports.segments.get("german-gold") == rivals[added.index(True)]


async def test_a_name_that_no_store_could_hold_is_nobodys(ports: Ports) -> None:
    for name in ("a\x00", "\ud800", "", "German-Gold"):
        assert await ports.segments.get(name) is None
        assert await ports.segments.remove(name) is None
