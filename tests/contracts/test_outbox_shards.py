"""What every OutboxShards promises."""

import asyncio
import random
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta

import pytest
from attrs import define, field

from tests.builders import IDS, NOW, SECOND, creation, deactivation, in_state, update
from tests.contracts.footprints import must_commit, outbox
from usercore.delivery.ports import OutboxBatch, OutboxFilter, OutboxMessage, ProfileState
from usercore.delivery.sharding import SHARDS, shard_of
from usercore.kernel.errors import UnavailableError
from usercore.kernel.ids import EventId, UserId
from usercore.users.model import User
from usercore.users.ports import Change
from usercore.users.values import AccountState
from usercore.wiring.core import Ports

LATER = NOW + timedelta(hours=1)


@define
class Topic:
    """Takes what is published, in the order in which it arrives."""

    messages: list[OutboxMessage] = field(factory=list)
    profiles: list[ProfileState] = field(factory=list)
    batches: list[OutboxBatch] = field(factory=list)

    async def take(self, batch: OutboxBatch) -> datetime:
        self.batches.append(batch)
        self.messages += batch.messages
        self.profiles += batch.profiles
        return LATER

    @property
    def events(self) -> list[EventId]:
        return [message.event_id for message in self.messages]


async def drain(ports: Ports, topic: Topic, shards: int = SHARDS, limit: int = 1000) -> OutboxBatch | None:
    return await ports.shards.drain(topic.take, shards=shards, limit=limit, patience_s=5)


async def drain_all(ports: Ports, topic: Topic, shards: int = SHARDS, limit: int = 1000) -> None:
    while await drain(ports, topic, shards, limit):
        pass


async def history(ports: Ports, length: int) -> list[Change]:
    """Commit a user and some changes, and return them."""
    changes = [creation()]
    await must_commit(ports, changes[0])
    for number in range(1, length):
        changes.append(update(changes[-1].user, first_name=f"Grace {number}"))
        await must_commit(ports, changes[-1])
    return changes


def users_in_different_shards(count: int) -> list[UserId]:
    found: dict[int, UserId] = {}
    while len(found) < count:
        user_id = IDS.user_id()
        found.setdefault(shard_of(user_id), user_id)
    return list(found.values())


async def test_an_empty_outbox_gives_nothing_to_publish(ports: Ports) -> None:
    topic = Topic()
    assert await drain(ports, topic) is None
    assert topic.batches == []


async def test_what_is_published_is_what_was_written_and_is_marked(ports: Ports) -> None:
    changes = await history(ports, 3)
    written = await outbox(ports)
    topic = Topic()

    batch = await drain(ports, topic)

    assert batch is not None
    assert list(batch.messages) == written
    assert topic.events == [change.event_id for change in changes]
    assert await ports.outbox.pending() == 0
    assert await drain(ports, topic) is None
    standing = await ports.outbox.standing()
    assert (list(standing.waiting), standing.published, standing.last_published_at) == ([], 3, LATER)


async def test_each_user_comes_with_the_profile_as_it_is_now_once_a_batch(ports: Ports) -> None:
    [*_, last] = await history(ports, 3)
    topic = Topic()

    await drain(ports, topic)

    document = (await ports.profiles.documents([last.user.id]))[last.user.id]
    assert topic.profiles == [ProfileState(last.user.id, 3, document.body)]


async def test_an_erased_user_comes_with_a_tombstone(ports: Ports) -> None:
    change = in_state(creation(), AccountState.ERASED)
    await must_commit(ports, change)
    topic = Topic()

    await drain(ports, topic)

    assert topic.profiles == [ProfileState(change.user.id, 1, None)]


async def test_what_could_not_be_published_stays_and_comes_again(ports: Ports) -> None:
    changes = await history(ports, 2)

    async def fail(batch: OutboxBatch) -> datetime:
        raise UnavailableError("the brokers are away")

    with pytest.raises(UnavailableError, match="the brokers are away"):
        await ports.shards.drain(fail, shards=SHARDS, limit=10, patience_s=5)

    assert await ports.outbox.pending() == 2
    topic = Topic()
    await drain(ports, topic)
    assert topic.events == [change.event_id for change in changes]


async def test_a_relay_that_is_cancelled_lets_go_of_its_shards_and_marks_nothing(ports: Ports) -> None:
    changes = await history(ports, 2)
    reached = asyncio.Event()

    async def hang(batch: OutboxBatch) -> datetime:
        reached.set()
        await asyncio.Event().wait()
        return LATER

    relay = asyncio.create_task(ports.shards.drain(hang, shards=SHARDS, limit=10, patience_s=30))
    await reached.wait()
    relay.cancel()
    await asyncio.wait([relay])

    topic = Topic()
    await drain_all(ports, topic)
    assert topic.events == [change.event_id for change in changes]


async def test_a_shard_is_published_by_one_at_a_time_and_others_find_other_shards(ports: Ports) -> None:
    ids = users_in_different_shards(2)
    for user_id in ids:
        await must_commit(ports, creation(user_id=user_id))
    first, second = Topic(), Topic()
    reached, go_on = asyncio.Event(), asyncio.Event()

    async def slow(batch: OutboxBatch) -> datetime:
        reached.set()
        await go_on.wait()
        return await first.take(batch)

    leader = asyncio.create_task(ports.shards.drain(slow, shards=1, limit=10, patience_s=30))
    await reached.wait()
    await drain_all(ports, second)
    go_on.set()
    await leader

    assert [message.user_id for message in first.messages + second.messages] == ids
    assert len(first.messages) == len(second.messages) == 1


async def test_events_that_waited_longest_go_first_whatever_their_shard(ports: Ports) -> None:
    ids = users_in_different_shards(5)
    for user_id in ids:
        await must_commit(ports, creation(user_id=user_id))
    topic = Topic()

    await drain_all(ports, topic, shards=1)

    assert [message.user_id for message in topic.messages] == ids


async def test_shards_that_are_to_be_avoided_are_left_alone(ports: Ports) -> None:
    ids = users_in_different_shards(2)
    for user_id in ids:
        await must_commit(ports, creation(user_id=user_id))
    topic = Topic()

    avoid = [shard_of(ids[0])]
    while await ports.shards.drain(topic.take, shards=SHARDS, limit=10, patience_s=5, avoid=avoid):
        pass

    assert [message.user_id for message in topic.messages] == ids[1:]
    assert await ports.outbox.pending() == 1


async def test_a_batch_is_about_as_large_as_asked_for_and_a_users_events_are_cut_in_order(ports: Ports) -> None:
    changes = await history(ports, 7)
    topic = Topic()

    await drain_all(ports, topic, limit=3)

    assert [len(batch.messages) for batch in topic.batches] == [3, 3, 1]
    assert topic.events == [change.event_id for change in changes]
    assert [state.version for state in topic.profiles] == [7, 7, 7]


@define
class FlakyTopic(Topic):
    """Lets others come between, and now and then fails after it took everything."""

    async def take(self, batch: OutboxBatch) -> datetime:
        for message in batch.messages:
            await asyncio.sleep(random.choice((0, 0, 0.001)))
            self.messages.append(message)
        if random.random() < 0.2:
            raise UnavailableError("acknowledgements were lost")
        return LATER

    def versions(self) -> dict[UserId, list[int]]:
        """Give each user's versions in the order of arrival, without repetitions."""
        arrived: dict[UserId, list[int]] = defaultdict(list)
        for message in self.messages:
            arrived[message.user_id].append(message.sequence)
        return {user_id: list(dict.fromkeys(numbers)) for user_id, numbers in arrived.items()}


async def relay_until(ports: Ports, topic: Topic, written: asyncio.Event) -> None:
    while not (written.is_set() and await ports.outbox.pending() == 0):
        with suppress(UnavailableError):
            await drain(ports, topic, shards=5, limit=7)
        await asyncio.sleep(0)


async def write(ports: Ports, user: User, changes: int) -> None:
    for number in range(changes):
        change = update(user, first_name=f"Grace {number}")
        await must_commit(ports, change)
        user = change.user


async def test_many_relays_at_once_that_fail_now_and_then_lose_nothing_and_keep_each_users_order(ports: Ports) -> None:
    created = [creation() for _ in range(12)]
    await must_commit(ports, *created)
    topic, written = FlakyTopic(), asyncio.Event()

    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        for _ in range(4):
            group.create_task(relay_until(ports, topic, written))
        await asyncio.gather(*(write(ports, change.user, 15) for change in created))
        written.set()

    assert topic.versions() == {change.user.id: list(range(1, 17)) for change in created}


async def test_the_state_of_users_is_published_page_by_page_in_the_order_of_ids(ports: Ports) -> None:
    changes = sorted((creation() for _ in range(5)), key=lambda change: change.user.id)
    await must_commit(ports, *changes)
    pages: list[Sequence[ProfileState]] = []

    async def publish(states: Sequence[ProfileState]) -> None:
        pages.append(states)

    after: UserId | None = None
    while page := await ports.shards.republish(publish, after=after, limit=2, patience_s=5):
        after = page[-1].user_id

    assert [len(page) for page in pages] == [2, 2, 1]
    states = [state for page in pages for state in page]
    assert [state.user_id for state in states] == [change.user.id for change in changes]
    documents = await ports.profiles.documents([change.user.id for change in changes])
    assert [state.body for state in states] == [documents[state.user_id].body for state in states]
    assert await ports.outbox.pending() == 5


async def test_while_states_are_published_nobody_publishes_events(ports: Ports) -> None:
    await must_commit(ports, creation())
    topic, reached, go_on = Topic(), asyncio.Event(), asyncio.Event()

    async def slow(states: Sequence[ProfileState]) -> None:
        reached.set()
        await go_on.wait()

    page = asyncio.create_task(ports.shards.republish(slow, after=None, limit=10, patience_s=30))
    await reached.wait()
    assert await drain(ports, topic) is None
    go_on.set()
    await page

    await drain(ports, topic)
    assert len(topic.messages) == 1


async def test_published_events_of_a_user_a_name_or_a_time_can_be_published_again(ports: Ports) -> None:
    one = await history(ports, 3)
    other = creation()
    ended = deactivation(other.user, now=NOW + 60 * SECOND)
    await must_commit(ports, other)
    await must_commit(ports, ended)
    await drain_all(ports, Topic())

    async def again(chosen: OutboxFilter) -> tuple[int, list[EventId]]:
        count = await ports.shards.reopen(chosen)
        topic = Topic()
        await drain_all(ports, topic)
        return count, topic.events

    assert await again(OutboxFilter(user_id=one[0].user.id)) == (3, [change.event_id for change in one])
    assert await again(OutboxFilter(message="UserDeactivated")) == (1, [ended.event_id])
    assert await again(OutboxFilter(since=NOW + 60 * SECOND)) == (1, [ended.event_id])
    assert await again(OutboxFilter(until=NOW)) == (0, [])
    assert await again(OutboxFilter(user_id=UserId("nobody"))) == (0, [])
    everything = await again(OutboxFilter())
    assert everything[0] == 5
    assert sorted(everything[1]) == sorted(change.event_id for change in (*one, other, ended))


async def test_what_has_not_been_published_is_not_published_twice_by_opening_it_again(ports: Ports) -> None:
    await history(ports, 2)
    assert await ports.shards.reopen(OutboxFilter()) == 0
    assert await ports.outbox.pending() == 2


async def test_old_published_events_are_forgotten_and_no_others(ports: Ports) -> None:
    change = creation()
    await must_commit(ports, change)
    await drain_all(ports, Topic())
    waiting = update(change.user, first_name="Ada")
    await must_commit(ports, waiting)

    assert await ports.shards.purge(LATER) == 0
    assert await ports.shards.purge(LATER + SECOND) == 1

    assert [message.event_id for message in await outbox(ports)] == [waiting.event_id]
    assert (await ports.outbox.standing()).published == 0
    renamed = update(waiting.user, first_name="Lin")
    await must_commit(ports, renamed)
    topic = Topic()
    await drain_all(ports, topic)
    assert topic.events == [waiting.event_id, renamed.event_id]


async def test_the_standing_counts_what_waits_by_shard_and_name(ports: Ports) -> None:
    changes = await history(ports, 3)
    [created, updated] = (await ports.outbox.standing()).waiting
    assert list(await ports.outbox.waiting()) == [created, updated]

    assert created.shard == updated.shard == shard_of(changes[0].user.id)
    assert (created.message, created.pending, created.oldest) == ("UserCreated", 1, changes[0].user.updated_at)
    assert (updated.message, updated.pending, updated.oldest) == ("UserUpdated", 2, changes[1].user.updated_at)
