"""What every DeadLetters promises."""

import asyncio
from typing import Any

import pytest
from attrs import evolve

from tests.builders import IDS, NOW, SECOND
from tests.letters import a_letter, a_message, letters
from usercore.messaging.values import DeadLetterFilter, DeadLetterLine, DeadLetterState, Settlement
from usercore.wiring.core import Ports

EVERY = DeadLetterFilter()
WAITING = DeadLetterFilter(DeadLetterState.WAITING)
SETTLED = Settlement(NOW + SECOND, "OPERATOR:ada", "its sender knows; it's 'fixed'")


async def found(ports: Ports, wanted: DeadLetterFilter = EVERY, limit: int = 2) -> list[DeadLetterLine]:
    """Read every page."""
    lines: list[DeadLetterLine] = []
    after = None
    while True:
        page = await ports.dead_letters.page(wanted, after=after, limit=limit)
        assert len(page.items) <= limit
        lines += page.items
        after = page.next_cursor
        if after is None:
            return lines


async def test_where_there_are_none_none_is_found(ports: Ports) -> None:
    assert await ports.dead_letters.add([]) == []
    assert await ports.dead_letters.get(IDS.event_id()) is None
    assert await ports.dead_letters.get("no id") is None
    assert await found(ports) == []
    assert await ports.dead_letters.count_waiting() == 0


async def test_a_letter_is_kept_as_it_is(ports: Ports) -> None:
    headers = (("ce_id", b"\xff\x00"), ("x", b""), ("ce_id", b"again"), ("na\x00me \ud800 𐐷", b"1"))
    letter = a_letter(
        a_message("töpic", offset=2**62, key=b"\x00\xff", value=b"\xfe" * 5_000, headers=headers),
        code="schema_violated",
        detail="line 1: 'x' 𐐷",
        attempts=9,
    )
    bare = a_letter(a_message(key=None, value=None))
    empty = a_letter(a_message(key=b"", value=b""))

    assert list(await ports.dead_letters.add([letter, bare, empty])) == [letter.id, bare.id, empty.id]

    for one in (letter, bare, empty):
        assert await ports.dead_letters.get(one.id) == one
    assert [line.size for line in await found(ports)] == [5_000, None, 0]


async def test_a_letter_about_the_same_message_leaves_the_first_as_it_is(ports: Ports) -> None:
    first, other = letters(2)
    await ports.dead_letters.add([first])
    again = evolve(first, id=IDS.event_id(), code="other", attempts=2, died_at=NOW + SECOND)

    assert list(await ports.dead_letters.add([other, again, evolve(again, id=IDS.event_id())])) == [
        other.id,
        first.id,
        first.id,
    ]

    assert await ports.dead_letters.get(first.id) == first
    assert await ports.dead_letters.get(again.id) is None
    assert await ports.dead_letters.count_waiting() == 2


@pytest.mark.parametrize("field", ["topic", "partition", "offset", "timestamp_ms"])
async def test_letters_from_different_places_are_different_ones(ports: Ports, field: str) -> None:
    message = a_message(offset=7)
    changed: Any = "other" if field == "topic" else 9
    other = evolve(message, **{field: changed})

    await ports.dead_letters.add([a_letter(message), a_letter(other)])

    assert await ports.dead_letters.count_waiting() == 2


async def test_lists_show_the_oldest_first_and_all_but_the_content(ports: Ports) -> None:
    kept = letters(5)
    await ports.dead_letters.add(list(reversed(kept)))

    assert await found(ports) == await found(ports, WAITING) == [letter.line for letter in kept]
    assert (await ports.dead_letters.page(EVERY, after=None, limit=5)).next_cursor is None


async def test_conditions_of_a_list_combine(ports: Ports) -> None:
    kept = [
        a_letter(a_message(topic), code=code)
        for topic in ("create-user", "order-placed")
        for code in ("not_json", "null_value")
        for _ in range(2)
    ]
    await ports.dead_letters.add(kept)
    for letter in kept[::2]:
        assert await ports.dead_letters.settle(letter.id, DeadLetterState.DISCARDED, SETTLED)

    async def ids(*conditions: object) -> list[str]:
        return [line.id for line in await found(ports, DeadLetterFilter(*conditions))]  # type: ignore[arg-type]

    assert await ids(None, "create-user") == [letter.id for letter in kept[:4]]
    assert await ids(None, None, "null_value") == [letter.id for letter in kept[2:4] + kept[6:]]
    assert await ids(DeadLetterState.WAITING) == [letter.id for letter in kept[1::2]]
    assert await ids(DeadLetterState.DISCARDED, "order-placed", "null_value") == [kept[6].id]
    assert await ids(DeadLetterState.REPLAYED) == await ids(None, "no\x00topic") == await ids(None, "'") == []


async def test_a_letter_is_settled_once(ports: Ports) -> None:
    letter, other = letters(2)
    await ports.dead_letters.add([letter, other])

    assert await ports.dead_letters.settle(letter.id, DeadLetterState.REPLAYED, SETTLED) is True
    late = evolve(SETTLED, by="OPERATOR:bob")
    assert await ports.dead_letters.settle(letter.id, DeadLetterState.DISCARDED, late) is False

    assert await ports.dead_letters.get(letter.id) == evolve(letter, state=DeadLetterState.REPLAYED, settlement=SETTLED)
    assert await ports.dead_letters.get(other.id) == other
    assert await ports.dead_letters.count_waiting() == 1


@pytest.mark.parametrize("letter_id", ["01970000-0000-7000-8000-00000000000a", "no id"])
async def test_what_is_not_there_is_not_settled(ports: Ports, letter_id: str) -> None:
    assert await ports.dead_letters.settle(letter_id, DeadLetterState.REPLAYED, SETTLED) is False


async def test_a_settled_letter_stays_settled_when_its_message_comes_again(ports: Ports) -> None:
    [letter] = letters(1)
    await ports.dead_letters.add([letter])
    await ports.dead_letters.settle(letter.id, DeadLetterState.DISCARDED, SETTLED)

    assert list(await ports.dead_letters.add([evolve(letter, id=IDS.event_id())])) == [letter.id]

    assert await ports.dead_letters.count_waiting() == 0


async def test_of_many_that_settle_a_letter_one_does(ports: Ports) -> None:
    [letter] = letters(1)
    await ports.dead_letters.add([letter])

    done = await asyncio.gather(
        *(
            ports.dead_letters.settle(letter.id, DeadLetterState.DISCARDED, evolve(SETTLED, by=f"OPERATOR:{n}"))
            for n in range(20)
        )
    )

    assert sum(done) == 1
    kept = await ports.dead_letters.get(letter.id)
    assert kept is not None
    assert kept.settlement is not None
    assert kept.settlement.by == f"OPERATOR:{done.index(True)}"


async def test_a_message_that_many_keep_at_once_is_kept_once_under_one_id(ports: Ports) -> None:
    messages = [a_message() for _ in range(2_000)]

    async def keep(turn: int) -> list[str]:
        ids: list[str] = []
        for start in range(0, 2_000, 500):  # the first time, connections are still being made
            some = messages[start : start + 500]
            kept = await ports.dead_letters.add([a_letter(one) for one in (some if turn % 2 else reversed(some))])
            ids += kept if turn % 2 else reversed(kept)
        return ids

    ids = await asyncio.wait_for(asyncio.gather(*map(keep, range(10))), timeout=30)

    assert [line.id for line in await found(ports, limit=500)] == sorted(ids[0])
    assert all(one == ids[0] for one in ids)
