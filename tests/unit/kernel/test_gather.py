"""Callers gathered into batches are answered as if each had asked alone."""

import asyncio
import contextvars
import random
import traceback
from collections.abc import Sequence

import pytest
from attrs import define, field
from hypothesis import given, settings
from hypothesis import strategies as st

from usercore.kernel.errors import ExhaustedError, UnavailableError
from usercore.kernel.gather import Gatherer

DEADLINE_S = 10


@define
class Desk:
    """Answers ``-key``, when the gate is open, and keeps every batch it was given."""

    batches: list[list[int]] = field(factory=list)
    gate: asyncio.Event = field(factory=asyncio.Event)
    at_once: int = 0
    most_at_once: int = 0

    async def __call__(self, keys: Sequence[int]) -> Sequence[int]:
        self.batches.append(list(keys))
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await self.gate.wait()
        finally:
            self.at_once -= 1
        return [-key for key in keys]


def reads(desk: Desk, *, most_at_once: int = 100, most_waiting: int = 1000, in_flight: int = 2) -> Gatherer[int, int]:
    return Gatherer(desk, most_at_once=most_at_once, most_waiting=most_waiting, in_flight=in_flight)


async def turns(number: int = 5) -> None:
    """Let everything that is ready run."""
    for _ in range(number):
        await asyncio.sleep(0)


async def test_callers_of_one_turn_share_a_batch_and_equal_keys_a_place_in_it() -> None:
    desk = Desk()
    desk.gate.set()
    gatherer = reads(desk)
    answers = await asyncio.gather(*(gatherer(key) for key in (3, 1, 3, 2, 1)))
    assert answers == [-3, -1, -3, -2, -1]
    assert desk.batches == [[3, 1, 2]]


async def test_a_key_asked_for_after_its_batch_began_is_loaded_again() -> None:
    """An answer that was under way before the question may be older than the caller may see."""
    desk = Desk()
    gatherer = reads(desk)
    first = asyncio.create_task(gatherer(1))
    await turns()
    second = asyncio.create_task(gatherer(1))
    await turns()
    desk.gate.set()
    assert list(await asyncio.gather(first, second)) == [-1, -1]
    assert desk.batches == [[1], [1]]


async def test_while_two_batches_are_worked_on_the_others_wait_and_go_together_in_their_order() -> None:
    desk = Desk()
    gatherer = reads(desk, most_at_once=3)
    tasks = []
    for key in range(10):
        tasks.append(asyncio.create_task(gatherer(key)))
        await turns()
    assert desk.batches == [[0], [1]]
    desk.gate.set()
    assert await asyncio.gather(*tasks) == [-key for key in range(10)]
    assert desk.batches == [[0], [1], [2, 3, 4], [5, 6, 7], [8, 9]]
    assert desk.most_at_once == 2


async def test_a_cancelled_caller_is_not_loaded_and_harms_no_other() -> None:
    desk = Desk()
    gatherer = reads(desk, in_flight=1)
    running, waiting, shared, sharing = (asyncio.create_task(gatherer(key)) for key in (1, 2, 3, 3))
    late = asyncio.create_task(gatherer(4))
    waiting.cancel()
    shared.cancel()
    await turns()
    assert desk.batches == [[1, 3, 4]]
    running.cancel()
    after = asyncio.create_task(gatherer(5))
    await turns()
    desk.gate.set()
    assert list(await asyncio.gather(sharing, late, after)) == [-3, -4, -5]
    assert running.cancelled()
    assert waiting.cancelled()
    assert shared.cancelled()
    assert desk.batches == [[1, 3, 4], [5]]


async def test_an_error_reaches_every_caller_of_its_batch_once_and_no_one_else() -> None:
    original = UnavailableError("no answer", retry_after_s=7)
    failing = True

    async def load(keys: Sequence[int]) -> Sequence[int]:
        if failing:
            raise original
        return keys

    gatherer: Gatherer[int, int] = Gatherer(load, most_at_once=10, most_waiting=10)
    caught = await asyncio.gather(*(gatherer(key) for key in range(3)), return_exceptions=True)
    failing = False
    assert await gatherer(4) == 4
    assert [type(one) for one in caught] == [UnavailableError] * 3
    assert len({id(one) for one in caught} | {id(original)}) == 4
    for one in caught:
        assert isinstance(one, UnavailableError)
        assert (one.detail, one.retry_after_s, one.__cause__) == ("no answer", 7, original)
        assert len(traceback.extract_tb(one.__traceback__)) < 5


async def test_too_few_or_too_many_answers_are_an_error_and_never_shifted() -> None:
    async def load(keys: Sequence[int]) -> Sequence[int]:
        return [*keys, 0][: 1 if len(keys) > 1 else 2]

    gatherer: Gatherer[int, int] = Gatherer(load, most_at_once=10, most_waiting=10)
    for number in (1, 2):
        caught = await asyncio.gather(*(gatherer(key + 5) for key in range(number)), return_exceptions=True)
        assert isinstance(caught[-1], ValueError)


async def test_a_full_queue_refuses_at_once_and_serves_those_in_it() -> None:
    desk = Desk()
    gatherer = reads(desk, most_waiting=3, in_flight=1)
    running = asyncio.create_task(gatherer(0))
    await turns()
    waiting = [asyncio.create_task(gatherer(key)) for key in (1, 2, 3)]
    await turns()
    with pytest.raises(ExhaustedError):
        await gatherer(4)
    waiting[0].cancel()
    await turns()
    waiting[0] = asyncio.create_task(gatherer(5))
    await turns()
    desk.gate.set()
    assert await asyncio.gather(running, *waiting) == [0, -5, -2, -3]
    assert desk.batches == [[0], [2, 3, 5]]


async def test_closing_answers_those_who_wait_and_refuses_new_ones() -> None:
    desk = Desk()
    gatherer = reads(desk, most_at_once=1)
    tasks = [asyncio.create_task(gatherer(key)) for key in range(5)]
    await asyncio.sleep(0)
    closing = asyncio.create_task(gatherer.aclose())
    await turns()
    with pytest.raises(UnavailableError):
        await gatherer(9)
    assert not closing.done()
    desk.gate.set()
    await closing
    assert all(task.done() for task in tasks)
    assert [task.result() for task in tasks] == [-key for key in range(5)]


async def test_a_batch_knows_nothing_of_the_caller_who_happened_to_be_first() -> None:
    who: contextvars.ContextVar[str] = contextvars.ContextVar("who", default="nobody")
    seen = []

    async def load(keys: Sequence[int]) -> Sequence[int]:
        seen.append(who.get())
        await asyncio.sleep(0)
        return keys

    gatherer: Gatherer[int, int] = Gatherer(load, most_at_once=1, most_waiting=10, in_flight=1)
    who.set("ada")
    await asyncio.gather(gatherer(1), gatherer(2))
    assert seen == ["nobody", "nobody"]


async def test_with_lanes_nothing_is_shared_and_keys_of_a_lane_never_run_beside_each_other() -> None:
    desk = Desk()
    gatherer: Gatherer[int, int] = Gatherer(desk, most_at_once=10, most_waiting=100, lane=lambda key: key % 10)
    first = [asyncio.create_task(gatherer(key)) for key in (11, 2, 11)]
    await turns()
    blocked = [asyncio.create_task(gatherer(key)) for key in (21, 31)]
    free = asyncio.create_task(gatherer(3))
    await turns()
    assert desk.batches == [[11, 2, 11], [3]]
    desk.gate.set()
    assert await asyncio.gather(*first, *blocked, free) == [-11, -2, -11, -21, -31, -3]
    assert desk.batches == [[11, 2, 11], [3], [21, 31]]


@given(
    calls=st.lists(st.tuples(st.integers(0, 30), st.booleans(), st.integers(0, 3)), max_size=80),
    most_at_once=st.integers(1, 7),
    in_flight=st.integers(1, 3),
    laned=st.booleans(),
    seed=st.integers(0, 10_000),
)
@settings(deadline=None, max_examples=150)
def test_whatever_is_cancelled_each_other_caller_gets_their_own_answer_in_turn(
    calls: list[tuple[int, bool, int]], most_at_once: int, in_flight: int, laned: bool, seed: int
) -> None:
    order: list[int] = []
    running: set[int] = set()

    async def load(keys: Sequence[int]) -> Sequence[int]:
        assert 0 < len(keys) <= most_at_once
        if laned:
            assert not running & set(keys)
        else:
            assert len(set(keys)) == len(keys)
        order.extend(keys)
        running.update(keys)
        for _ in range(random.Random(seed).randrange(4)):
            await asyncio.sleep(0)
        running.difference_update(keys)
        return [-key for key in keys]

    async def scenario() -> None:
        gatherer: Gatherer[int, int] = Gatherer(
            load,
            most_at_once=most_at_once,
            most_waiting=1000,
            in_flight=in_flight,
            lane=(lambda key: key) if laned else None,
        )
        tasks = []
        for key, cancelled, rest in calls:
            task = asyncio.create_task(gatherer(key))
            tasks.append((key, task))
            await turns(rest)
            if cancelled:
                task.cancel()
        await asyncio.wait_for(gatherer.aclose() if not tasks else _all(tasks, gatherer), DEADLINE_S)

    asyncio.run(scenario())
    if laned:
        assert len(order) <= len(calls)


async def _all(tasks: list[tuple[int, asyncio.Task[int]]], gatherer: Gatherer[int, int]) -> None:
    await asyncio.wait([task for _, task in tasks])
    assert all(task.cancelled() or task.result() == -key for key, task in tasks)
    await gatherer.aclose()


async def test_ten_thousand_random_cancellations_never_cross_answers() -> None:
    chance = random.Random(20)

    async def load(keys: Sequence[int]) -> Sequence[int]:
        for _ in range(chance.randrange(4)):
            await asyncio.sleep(0)
        return [-key for key in keys]

    gatherer: Gatherer[int, int] = Gatherer(load, most_at_once=64, most_waiting=100_000)
    cancelled = right = 0
    while cancelled < 10_000:
        tasks = [(key, asyncio.create_task(gatherer(key))) for key in chance.choices(range(500), k=400)]
        for _, task in chance.sample(tasks, 300):
            await turns(chance.randrange(2))
            task.cancel()
        await asyncio.wait_for(asyncio.wait([task for _, task in tasks]), DEADLINE_S)
        for key, task in tasks:
            if task.cancelled():
                cancelled += 1
            else:
                assert task.result() == -key
                right += 1
    assert right > 1000
