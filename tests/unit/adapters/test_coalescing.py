"""Gathered ports do for each caller what the port alone would have done, in fewer calls."""

import asyncio
import random
from collections.abc import Mapping, Sequence

import pytest
from attrs import define, field

from tests.builders import NOW, creation, deactivation, update
from usercore.adapters.coalescing import (
    GatheredPreferencesReader,
    GatheredProfileReader,
    GatheredUserReader,
    GroupCommitUserWriter,
)
from usercore.adapters.memory.database import MemoryDatabase
from usercore.adapters.memory.registries import MemoryPreferencesReader
from usercore.adapters.memory.users import MemoryProfileReader, MemoryUserReader, MemoryUserWriter
from usercore.codec.profile import profile_document
from usercore.kernel.errors import ExhaustedError, UnavailableError, UserCoreError
from usercore.kernel.ids import UserId
from usercore.users.errors import EmailTakenError, StaleVersionError
from usercore.users.model import User
from usercore.users.ports import Change, Lookup, LookupKind, ProfileDocument

NOBODY = UserId("nobody")
MANY = 100


@define
class SlowPorts:
    """The memory's ports, which keep what they are asked and answer when the gate is open."""

    database: MemoryDatabase = field(factory=MemoryDatabase)
    gate: asyncio.Event = field(factory=asyncio.Event)
    calls: list[list[UserId]] = field(factory=list)
    at_work: set[UserId] = field(factory=set)
    error: UserCoreError | None = None

    async def documents(self, ids: Sequence[UserId]) -> Mapping[UserId, ProfileDocument]:
        await self._enter(ids)
        return await MemoryProfileReader(self.database).documents(ids)

    async def commit(self, changes: Sequence[Change]) -> Sequence[UserCoreError | None]:
        users = {change.user.id for change in changes}
        assert not users & self.at_work
        self.at_work |= users
        await self._enter([change.user.id for change in changes])
        self.at_work -= users
        return await MemoryUserWriter(self.database).commit(changes)

    async def _enter(self, ids: Sequence[UserId]) -> None:
        self.calls.append(list(ids))
        await self.gate.wait()
        if self.error is not None:
            raise self.error


def filled(number: int) -> tuple[MemoryDatabase, list[User]]:
    database = MemoryDatabase()
    changes = [creation() for _ in range(number)]
    assert [database.commit(change) for change in changes] == [None] * number
    return database, [change.user for change in changes]


async def turns() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_many_callers_for_one_profile_each_ask_the_database_once() -> None:
    database, users = filled(MANY)
    ports = SlowPorts(database)
    ports.gate.set()
    async with GatheredProfileReader(ports) as reader:
        ids = [*(user.id for user in users), NOBODY]
        found = await asyncio.gather(*(reader.documents([user_id]) for user_id in ids))
    assert found == [*({user.id: profile_document(user)} for user in users), {}]
    assert ports.calls == [ids]


async def test_a_call_for_several_goes_straight_on() -> None:
    database, users = filled(3)
    ports = SlowPorts(database)
    ports.gate.set()
    async with GatheredProfileReader(ports) as reader:
        ids = [user.id for user in users]
        assert await reader.documents(ids) == {user.id: profile_document(user) for user in users}
        assert await reader.documents([]) == {}
    assert ports.calls == [ids, []]


async def test_users_are_gathered_by_id_and_found_by_name_one_by_one() -> None:
    database, users = filled(2)
    database.commit(deactivation(users[1], until=NOW))
    async with GatheredUserReader(MemoryUserReader(database)) as reader:
        assert await reader.get_many([users[0].id]) == {users[0].id: users[0]}
        assert await reader.get_many([NOBODY]) == {}
        assert await reader.find(Lookup(LookupKind.EMAIL, users[0].profile.email.canonical)) == users[0]
        assert await reader.due_for_reactivation(NOW, 10) == [users[1].id]


async def test_preferences_are_given_for_the_unknown_too() -> None:
    async with GatheredPreferencesReader(MemoryPreferencesReader(MemoryDatabase())) as reader:
        both = asyncio.gather(reader.get_many([NOBODY]), reader.get_many([NOBODY]))
        assert list(await both) == [{NOBODY: {}}] * 2


async def test_too_many_waiting_readers_are_refused_and_the_others_served() -> None:
    database, users = filled(1)
    ports = SlowPorts(database)
    async with GatheredProfileReader(ports, most_waiting=3) as reader:
        tasks = [asyncio.create_task(reader.documents([user.id])) for user in users for _ in range(5)]
        await turns()
        ports.gate.set()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert [isinstance(one, ExhaustedError) for one in outcomes] == [False] * 3 + [True] * 2


async def test_changes_of_many_callers_are_committed_together_and_answered_after_that() -> None:
    ports = SlowPorts()
    changes = [creation() for _ in range(MANY)]
    async with GroupCommitUserWriter(ports) as writer:
        tasks = [asyncio.create_task(writer.commit([change])) for change in changes]
        await turns()
        assert ports.calls == [[change.user.id for change in changes]]
        assert not any(task.done() for task in tasks)
        ports.gate.set()
        assert [list(one) for one in await asyncio.gather(*tasks)] == [[None]] * MANY
    assert len(ports.database.users) == MANY


async def test_a_refused_change_fails_alone() -> None:
    database, [taken] = filled(1)
    ports = SlowPorts(database)
    ports.gate.set()
    changes = [creation(), creation(taken.profile), creation()]
    async with GroupCommitUserWriter(ports) as writer:
        outcomes = await asyncio.gather(*(writer.commit([change]) for change in changes))
    assert [type(one) for [one] in outcomes] == [type(None), EmailTakenError, type(None)]
    assert len(ports.calls) == 1


async def test_a_batch_whose_outcome_is_not_known_says_so_to_each_of_its_callers() -> None:
    ports = SlowPorts(error=UnavailableError("connection lost"))
    ports.gate.set()
    async with GroupCommitUserWriter(ports) as writer:
        outcomes = await asyncio.gather(*(writer.commit([creation()]) for _ in range(3)), return_exceptions=True)
    assert [type(one) for one in outcomes] == [UnavailableError] * 3
    assert len({id(one) for one in outcomes}) == 3


async def test_changes_of_one_user_are_taken_in_the_order_of_the_calls() -> None:
    database, [user, other] = filled(2)
    ports = SlowPorts(database)
    steps = [update(user, first_name="First")]
    for name in ("Second", "Third"):
        steps.append(update(steps[-1].user, first_name=name))
    async with GroupCommitUserWriter(ports) as writer:
        tasks = []
        for step in (*steps, update(other, first_name="Beside")):
            tasks.append(asyncio.create_task(writer.commit([step])))
            await turns()
        assert ports.calls == [[user.id], [other.id]]
        ports.gate.set()
        assert [list(one) for one in await asyncio.gather(*tasks)] == [[None]] * 4
    assert database.users[user.id] == steps[-1].user


async def test_two_changes_of_one_user_to_the_same_version_have_one_winner() -> None:
    database, [user] = filled(1)
    ports = SlowPorts(database)
    ports.gate.set()
    async with GroupCommitUserWriter(ports) as writer:
        both = (update(user, first_name=name) for name in ("Ada", "Eve"))
        [[first], [second]] = await asyncio.gather(*(writer.commit([change]) for change in both))
    assert first is None
    assert isinstance(second, StaleVersionError)


async def test_the_change_of_a_cancelled_caller_is_committed_whole_or_never_begun() -> None:
    ports = SlowPorts()
    async with GroupCommitUserWriter(ports) as writer:
        begun = asyncio.create_task(writer.commit([creation(user_id=UserId("begun"))]))
        await turns()
        second = asyncio.create_task(writer.commit([creation(user_id=UserId("second"))]))
        await turns()
        waiting = asyncio.create_task(writer.commit([creation(user_id=UserId("waiting"))]))
        await turns()
        begun.cancel()
        waiting.cancel()
        ports.gate.set()
        assert list(await second) == [None]
    assert begun.cancelled()
    assert waiting.cancelled()
    assert set(ports.database.users) == {"begun", "second"}


@pytest.mark.parametrize("seed", range(5))
async def test_under_random_cancellations_history_has_no_gap_and_every_answer_is_true(seed: int) -> None:
    chance = random.Random(seed)
    database, users = filled(5)
    ports = SlowPorts(database)
    ports.gate.set()
    acknowledged: list[Change] = []

    async def live(writer: GroupCommitUserWriter, user_id: UserId) -> None:
        for number in range(20):
            change = update(database.users[user_id], first_name=f"{user_id} {number}")
            [outcome] = await writer.commit([change])
            if outcome is None:
                acknowledged.append(change)

    async with GroupCommitUserWriter(ports) as writer:
        tasks = [asyncio.create_task(live(writer, user.id)) for user in users for _ in range(6)]
        for task in chance.sample(tasks, 20):
            for _ in range(chance.randrange(6)):
                await asyncio.sleep(0)
            task.cancel()
        await asyncio.wait(tasks)
    for user in users:
        versions = [entry.version for entry in database.history[user.id]]
        assert versions == list(range(1, len(versions) + 1))
    events = {entry.event_id for user in users for entry in database.history[user.id]}
    assert {change.event_id for change in acknowledged} <= events
