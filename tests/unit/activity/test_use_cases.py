"""Recording facts, and reading activity."""

from contextlib import suppress
from datetime import datetime

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import IDS, NOW, SECOND, SetClock, a_context
from tests.facts import failure, order, points
from tests.strategies import instants
from usercore import CreateUserCommand, ProfilePatch, QueryInvalidError, UserErasedError, UserNotFoundError
from usercore.activity.pages import FactPosition, read_cursor, write_cursor
from usercore.activity.values import Awaited, FactKind, FactOutcome, FactResult, WaitsFor
from usercore.kernel.ids import EventId, UserId
from usercore.users.values import AccountState
from usercore.wiring.core import Core

NOBODY = UserId("01932f6e-8d3c-7c4a-9d0e-2b5f1c7a6e3d")


async def a_user(core: Core) -> UserId:
    profile = ProfilePatch(email="grace@example.com", first_name="Grace", last_name="Hopper")
    return (await core.create_user(CreateUserCommand(profile), a_context())).id


async def test_each_fact_is_recorded_with_its_own_context_at_the_time_of_the_clock(core: Core, clock: SetClock) -> None:
    user_id = await a_user(core)
    clock.advance(hours=1)
    contexts = [a_context(), a_context()]

    outcomes = await core.record_facts.many([order("o", user_id), points("t", user_id)], contexts)

    assert outcomes == [FactOutcome(FactResult.RECORDED)] * 2
    items = (await core.read_activity(user_id)).page.items
    assert {item.recorded_at for item in items} == {clock.now()}
    assert len({item.event_id for item in items}) == 2


async def test_one_fact_may_be_recorded_alone(core: Core) -> None:
    early = await core.record_facts(failure("p", "o"), a_context())
    assert early == FactOutcome(FactResult.EARLY, Awaited(WaitsFor.ORDER, "o"))
    assert await core.record_facts(order("o", await a_user(core)), a_context()) == FactOutcome(FactResult.RECORDED)


async def test_no_facts_ask_nothing_of_anybody(core: Core) -> None:
    assert await core.record_facts.many([], []) == []


async def test_a_context_is_given_for_every_fact(core: Core) -> None:
    with pytest.raises(ValueError, match="shorter"):
        await core.record_facts.many([points("t", NOBODY), points("u", NOBODY)], [a_context()])


async def test_pages_end_where_the_next_begins(core: Core) -> None:
    user_id = await a_user(core)
    told = [order(f"o{n}", user_id, at=NOW + n * SECOND) for n in range(5)]
    await core.record_facts.many(told, [a_context()] * 5)

    first = await core.read_activity(user_id, limit=2)
    second = await core.read_activity(user_id, limit=2, cursor=first.page.next_cursor)
    last = await core.read_activity(user_id, limit=1, cursor=second.page.next_cursor)

    found = [item.fact for page in (first, second, last) for item in page.page.items]
    assert found == told[::-1]
    assert last.page.next_cursor is None
    assert first.summary == last.summary == await core.read_activity.summary(user_id)
    assert (await core.read_activity(user_id, kinds=frozenset({FactKind.POINTS_EARNED}))).page.items == ()


@pytest.mark.parametrize("limit", [0, 501, -1])
async def test_a_page_has_a_bounded_size(core: Core, limit: int) -> None:
    with pytest.raises(QueryInvalidError):
        await core.read_activity(await a_user(core), limit=limit)


async def test_nobody_has_an_activity(core: Core) -> None:
    with pytest.raises(UserNotFoundError):
        await core.read_activity(NOBODY)
    with pytest.raises(UserNotFoundError):
        await core.read_activity.summary(NOBODY)


async def test_an_erased_user_has_no_activity_any_more(core: Core) -> None:
    user_id = await a_user(core)
    await core.record_facts(order("o", user_id), a_context())
    erase(core, user_id)

    with pytest.raises(UserErasedError):
        await core.read_activity(user_id)
    with pytest.raises(UserErasedError):
        await core.read_activity.summary(user_id)


def erase(core: Core, user_id: UserId) -> None:
    users = core.ports.history.database.users  # type: ignore[attr-defined]
    users[user_id] = evolve(users[user_id], status=evolve(users[user_id].status, state=AccountState.ERASED))


@given(instants())
def test_a_cursor_brings_back_its_position(at: datetime) -> None:
    position = FactPosition(at, IDS.event_id())
    assert read_cursor(write_cursor(position)) == position


_OTHERS = st.binary(max_size=90).map(lambda raw: write_cursor(FactPosition(NOW, EventId(str(raw)))))


@given(st.text(max_size=210) | _OTHERS)
def test_whatever_a_cursor_holds_it_is_read_or_refused(cursor: str) -> None:
    with suppress(QueryInvalidError):
        assert write_cursor(read_cursor(cursor))
